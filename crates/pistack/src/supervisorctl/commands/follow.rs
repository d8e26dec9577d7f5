//! `-f`: a log as it grows.

use std::io::{self, Write as _};

use http_body_util::BodyExt as _;

use crate::supervisorctl::controller::Controller;
use crate::supervisorctl::server::Server;
use crate::supervisorctl::trouble::Trouble;

/// Copies a log to standard output until the server ends it. Failures are told on standard error, and are the end.
pub(super) async fn copy(server: &Server, path: &str) -> io::Result<()> {
    let mut response = match server.stream(path).await {
        Ok(response) if response.status() == http::StatusCode::OK => response,
        Ok(response) => {
            let status = response.status().as_u16();
            eprintln!("{}{path} Cannot read, status code {status}", server.url);
            return Ok(());
        }
        Err(trouble) => {
            eprintln!("{}{path} Cannot connect, error: {}", server.url, trouble.text());
            return Ok(());
        }
    };
    while let Some(Ok(frame)) = response.body_mut().frame().await {
        if let Some(data) = frame.data_ref() {
            let mut output = io::stdout().lock();
            output.write_all(data)?;
            output.flush()?;
        }
    }
    Ok(())
}

/// Shows a log until Ctrl-C.
pub(super) async fn until_stopped(controller: &mut Controller, path: &str) -> Result<(), Trouble> {
    println!("==> Press Ctrl-C to exit <==");
    tokio::select! {
        done = copy(&controller.server, path) => done?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            println!();
        }
    }
    Ok(())
}

//! The gateway's own socket, `run/gateway.sock`: for this board's own processes, 0600.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use pistack_kit::listen::{ListenError, UnixSocket, unix};
use pistack_kit::paths::StatePaths;
use tokio::net::UnixStream;

use crate::body::ResponseBody;
use crate::failure::{Failure, Wish};
use crate::reload::Reloader;
use crate::view;

/// How long a caller may take to ask.
const HEAD: Duration = Duration::from_secs(10);

/// Its path.
pub(crate) fn path(paths: &StatePaths) -> PathBuf {
    paths.run().join("gateway.sock")
}

/// Opens it.
pub(crate) fn bind(paths: &StatePaths) -> Result<UnixSocket, ListenError> {
    unix(&path(paths), 0o600)
}

/// Answers until the gateway stops.
pub(crate) async fn serve(socket: UnixSocket, reloader: Arc<Reloader>) {
    let gateway = reloader.gateway.clone();
    loop {
        let accepted = tokio::select! {
            accepted = socket.listener.accept() => accepted,
            () = gateway.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let tasks = gateway.tasks.clone();
                tasks.spawn(connection(stream, reloader.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: UnixStream, reloader: Arc<Reloader>) {
    let stop = reloader.gateway.stop.clone();
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| answer(reloader.clone(), request)),
        );
    tokio::select! {
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%error, "connection broke off");
        },
        () = stop.cancelled() => {}
    }
}

async fn answer(
    reloader: Arc<Reloader>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let wish = Wish::of(request.method(), request.headers());
    let call = request.uri().path().strip_prefix("/internal").unwrap_or_default();
    let query = request.uri().query().unwrap_or_default();
    let answer = if call == "/reload" && *request.method() == Method::POST {
        reload(&reloader).await
    } else if call == "/tls" && *request.method() == Method::GET {
        tls(&reloader).await
    } else {
        view::answer(&reloader.gateway, request.method(), call, query)
    };
    Ok(answer.unwrap_or_else(|failure| failure.answer(&wish, None)))
}

/// The certificates; reads their files.
async fn tls(reloader: &Reloader) -> Result<Response<ResponseBody>, Failure> {
    let certificates = reloader.certificates.clone();
    let told = tokio::task::spawn_blocking(move || certificates.json().to_string()).await;
    let text = told.map_err(|_| {
        Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the certificates could not be read",
        )
    })?;
    let mut response = Response::new(ResponseBody::full(text.into()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Reads the configuration again. 204, or 409 with everything that is wrong; then the old one goes on.
async fn reload(reloader: &Reloader) -> Result<Response<ResponseBody>, Failure> {
    match reloader.reload().await {
        Ok(()) => {
            let mut response = Response::new(ResponseBody::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        Err(reason) => Err(Failure::new(StatusCode::CONFLICT, "bad_configuration", reason)
            .detail("The configuration that was in force goes on.")),
    }
}

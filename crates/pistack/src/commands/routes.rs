//! `pistack routes`: which address leads where, what went over it, and the newest requests. Asks the running gateway
//! on its own socket.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use comfy_table::{Table, presets};
use http::{Request, StatusCode};
use pistack_kit::client::{Client, ClientError};
use pistack_kit::paths::StatePaths;
use serde_json::Value;

use crate::cli::Place;
use crate::commands::peer::block_on;
use crate::exit::{Code, Failure};
use crate::{output, state};

/// A reload binds ports and may make a certificate.
const DEADLINE: Duration = Duration::from_secs(30);

/// `pistack routes`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RoutesOptions {
    /// One JSON document.
    #[arg(long)]
    json: bool,
    /// The newest requests (the access log), in place of the routes.
    #[arg(long, conflicts_with_all = ["metrics", "reload"])]
    log: bool,
    /// How many of them.
    #[arg(
        short = 'n',
        long,
        default_value_t = 100,
        value_name = "LINES",
        requires = "log"
    )]
    lines: usize,
    /// What the gateway counted, as Prometheus reads it.
    #[arg(long, conflicts_with = "reload")]
    metrics: bool,
    /// Read the configuration again and put its routes into force; no connection is dropped. What is wrong with it
    /// is told, and the old routes stay.
    #[arg(long)]
    reload: bool,
}

/// Prints what was asked for.
pub(crate) fn routes(place: &Place, options: &RoutesOptions) -> Result<Code, Failure> {
    let paths = state::paths(place)?;
    block_on(async {
        if options.reload {
            ask(&paths, "POST", "/internal/reload").await?;
        }
        if options.metrics {
            let text = ask(&paths, "GET", "/internal/metrics").await?;
            return print(&text);
        }
        if options.log {
            let form = if options.json { "&form=json" } else { "" };
            let path = format!("/internal/log?lines={}{form}", options.lines);
            let text = ask(&paths, "GET", &path).await?;
            return print(&text);
        }
        let text = ask(&paths, "GET", "/internal/routes").await?;
        let document: Value =
            serde_json::from_slice(&text).map_err(|error| Failure::new(error.to_string()))?;
        if options.json {
            output::json(&document);
        } else {
            table(&document);
        }
        Ok(Code::Ok)
    })
}

fn print(text: &[u8]) -> Result<Code, Failure> {
    std::io::stdout().write_all(text)?;
    Ok(Code::Ok)
}

async fn ask(paths: &StatePaths, method: &str, path: &str) -> Result<Bytes, Failure> {
    let socket = paths.run().join("gateway.sock");
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Bytes::new())
        .map_err(|error| Failure::new(error.to_string()))?;
    let response = match Client::unix(&socket).send(request, DEADLINE).await {
        Ok(response) => response,
        Err(ClientError::Unreachable { .. }) => {
            let text = format!(
                "no gateway answers at {}. Start the stack with `pistack up`, or name its directory with --state-dir",
                socket.display()
            );
            return Err(Failure::Message(Code::Unreachable, text));
        }
        Err(error) => return Err(Failure::new(error.to_string())),
    };
    let status = response.status();
    let body = response.into_body();
    if status.is_success() {
        return Ok(body);
    }
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = problem["message"].as_str().unwrap_or("the gateway refused");
    let code = if status == StatusCode::CONFLICT {
        Code::Config
    } else {
        Code::Failed
    };
    Err(Failure::Message(
        code,
        format!("{message}. The routes stay as they are"),
    ))
}

fn table(document: &Value) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if std::io::stdout().is_terminal() {
        table.set_header([
            "NAME", "ADDRESS", "LEADS TO", "WHO", "REQUESTS", "ERRORS", "STATE",
        ]);
    } else {
        table.force_no_tty();
    }
    for route in document["routes"].as_array().into_iter().flatten() {
        let text = |key: &str| route[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| route[key].as_u64().unwrap_or_default().to_string();
        let who = route["auth"].as_str().unwrap_or("-").to_owned();
        let state = if route["down_since"].is_null() {
            "ok"
        } else {
            "down"
        };
        table.add_row([
            text("name"),
            address(route),
            text("to"),
            who,
            number("requests"),
            number("errors"),
            state.to_owned(),
        ]);
    }
    println!("{table}");
}

/// `cam.home.arpa:8444/path`, as far as it is said.
fn address(route: &Value) -> String {
    let hosts: Vec<&str> = route["hosts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let port = route["port"].as_u64().map(|port| format!(":{port}"));
    let path = route["path"].as_str().unwrap_or_default();
    format!("{}{}{path}", hosts.join(","), port.unwrap_or_default())
}

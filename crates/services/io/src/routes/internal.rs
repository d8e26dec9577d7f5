//! `/internal/gpio/...`: for the stack's own processes, on the unix socket; and `/internal/metrics`.
//!
//! Edges come from the kernel, for inputs of any kind; a line that this service drives tells when it is switched. A
//! line that somebody else has is tried again every few seconds.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use pistack_kit::extract;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::gpio::{level_of, line_of};
use super::plan::ActionRequest;
use crate::board::Watch;
use crate::error::Error;
use crate::event::Kind;
use crate::ring::Said;
use crate::state::Gpio;

/// Silence after which an empty line shows that the connection lives.
const SIGN: Duration = Duration::from_secs(15);
/// How often a line is tried again that somebody else has.
const AGAIN: Duration = Duration::from_secs(5);
/// Lines that one stream may watch.
const MOST_LINES: usize = 64;
/// Who writes that needs no token: somebody who may open the socket.
const CONSOLE: &str = "console";
/// Events that are read at once.
const AT_ONCE: usize = 256;

/// What to drive.
#[derive(Debug, Deserialize)]
pub(super) struct Set {
    pin: Value,
    value: Value,
    /// For so many milliseconds; then the opposite.
    for_ms: Option<u64>,
}

/// Which line, and its PWM.
#[derive(Debug, Deserialize)]
pub(super) struct Pwm {
    pin: Value,
    duty: f64,
    freq_hz: Option<f64>,
}

/// Which line, and what it is to do by itself.
#[derive(Debug, Deserialize)]
pub(super) struct Act {
    pin: Value,
    action: ActionRequest,
}

/// Which line.
#[derive(Debug, Deserialize)]
pub(super) struct Read {
    pin: Value,
}

/// What to pull, and which way.
#[derive(Debug, Deserialize)]
pub(super) struct Pull {
    pin: Value,
    pull: Way,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    Up,
    Down,
}

/// Which lines.
#[derive(Debug, Deserialize)]
pub(super) struct Lines {
    lines: Vec<String>,
}

/// One edge.
#[derive(Debug, Serialize)]
struct Edge<'a> {
    /// As the watcher called it.
    line: &'a str,
    bcm: u32,
    level: u8,
}

pub(super) async fn set(
    State(gpio): State<Gpio>,
    extract::Json(request): extract::Json<Set>,
) -> Result<Json<Value>, Problem> {
    let line = line_of(&request.pin)?;
    let level = level_of(&request.value)?;
    gpio.board()
        .set(&line, level, request.for_ms.map(Duration::from_millis), "rules")
        .map_err(Error::into_bad_line)?;
    Ok(Json(json!({ "ok": true })))
}

/// The opposite level; answers with the new one.
pub(super) async fn toggle(
    State(gpio): State<Gpio>,
    extract::Json(request): extract::Json<Read>,
) -> Result<Json<Value>, Problem> {
    let line = line_of(&request.pin)?;
    let mut board = gpio.board();
    let place = board.toggle(&line, CONSOLE)?;
    Ok(Json(
        json!({ "value": u8::from(board.view(place).value == Some(true)) }),
    ))
}

pub(super) async fn pwm(
    State(gpio): State<Gpio>,
    extract::Json(request): extract::Json<Pwm>,
) -> Result<Json<Value>, Problem> {
    let line = line_of(&request.pin)?;
    let mut board = gpio.board();
    let place = board.set_pwm(&line, request.duty, request.freq_hz, CONSOLE)?;
    Ok(Json(json!({ "pwm": board.view(place).pwm })))
}

pub(super) async fn act(
    State(gpio): State<Gpio>,
    extract::Json(request): extract::Json<Act>,
) -> Result<Json<Value>, Problem> {
    let line = line_of(&request.pin)?;
    let mut board = gpio.board();
    let plan = request.action.plan(&mut board, &line)?;
    let place = board.act(&line, plan, CONSOLE)?;
    Ok(Json(json!({ "action": board.view(place).action })))
}

/// The board and all lines in use, for the command line.
pub(super) async fn board(State(gpio): State<Gpio>) -> Json<Value> {
    let board = gpio.board();
    let header = gpio.board_answer(&board, |_| true);
    Json(json!({ "board": header, "lines": board.views(), "warning": gpio.warning() }))
}

pub(super) async fn read(
    State(gpio): State<Gpio>,
    extract::Json(request): extract::Json<Read>,
) -> Result<Json<Value>, Problem> {
    let line = line_of(&request.pin)?;
    let level = gpio.board().read(&line).map_err(Error::into_bad_line)?;
    Ok(Json(json!({ "value": u8::from(level) })))
}

/// Pulls an input of the simulated backend; a real one is pulled by a wire.
pub(super) async fn pull(
    State(gpio): State<Gpio>,
    extract::Json(request): extract::Json<Pull>,
) -> Result<Json<Value>, Problem> {
    let line = line_of(&request.pin)?;
    let (place, backend) = {
        let board = gpio.board();
        (board.find(&line).map_err(Error::into_bad_line)?, board.backend())
    };
    if !backend.pull(place, request.pull == Way::Up) {
        return Err(Problem::not_found("only simulated lines can be pulled"));
    }
    Ok(Json(json!({ "ok": true })))
}

/// The lines in Prometheus text (format 0.0.4).
pub(super) async fn metrics(State(gpio): State<Gpio>) -> Response {
    let text = gpio.board().metrics();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// What a stream watches.
#[derive(Debug)]
struct Watcher {
    gpio: Gpio,
    /// As the watcher called them, each with its BCM number and the watch, if the line could be had.
    lines: Vec<(String, u32, Option<Watch>)>,
    seen: u64,
    news: watch::Receiver<u64>,
}

impl Watcher {
    fn new(gpio: Gpio, names: Vec<String>) -> Result<Self, Error> {
        let (seen, news) = {
            let board = gpio.board();
            for name in &names {
                board.find(name).map_err(Error::into_bad_line)?;
            }
            (board.ring().last(), board.news())
        };
        let mut watcher = Self {
            gpio,
            lines: Vec::new(),
            seen,
            news,
        };
        for name in names {
            let number = watcher.gpio.board().find(&name)?.offset;
            watcher.lines.push((name, number, None));
        }
        watcher.take();
        Ok(watcher)
    }

    /// Takes what it does not have yet; true if something is missing.
    fn take(&mut self) -> bool {
        let mut board = self.gpio.board();
        for (name, _, watch) in &mut self.lines {
            if watch.is_none() {
                *watch = board.watch(name).ok();
            }
        }
        self.lines.iter().any(|(_, _, watch)| watch.is_none())
    }

    /// The next edges as JSON Lines; an empty line after a while of silence.
    async fn next(&mut self) -> String {
        let missing = self.lines.iter().any(|(_, _, watch)| watch.is_none());
        loop {
            self.news.mark_unchanged();
            let text = self.read();
            if !text.is_empty() {
                return text;
            }
            let patience = if missing { AGAIN } else { SIGN };
            if tokio::time::timeout(patience, self.news.changed()).await.is_err() {
                self.take();
                return "\n".to_owned();
            }
        }
    }

    fn read(&mut self) -> String {
        let mut text = String::new();
        loop {
            let read = self.gpio.board().ring().read(self.seen, AT_ONCE);
            if read.entries.is_empty() {
                self.seen = read.next;
                return text;
            }
            self.seen = read.next;
            for entry in &read.entries {
                let Said::Level(level) = entry.value else { continue };
                if !matches!(entry.kind, Kind::Rising | Kind::Falling | Kind::Value) {
                    continue;
                }
                let watched = self
                    .lines
                    .iter()
                    .filter(|(_, _, watch)| watch.is_some_and(|watch| Some(watch.index) == entry.line));
                for (line, bcm, _) in watched {
                    let edge = Edge {
                        line,
                        bcm: *bcm,
                        level: level.into(),
                    };
                    text.push_str(&serde_json::to_string(&edge).unwrap_or_default());
                    text.push('\n');
                }
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut board = self.gpio.board();
        for watch in self.lines.drain(..).filter_map(|(_, _, watch)| watch) {
            board.unwatch(watch);
        }
    }
}

/// JSON Lines, one an edge, until the watcher goes. A line that is none is refused; one that somebody else holds is
/// watched from when it is free.
pub(super) async fn edges(
    State(gpio): State<Gpio>,
    extract::Json(request): extract::Json<Lines>,
) -> Result<Response, Problem> {
    if request.lines.is_empty() || request.lines.len() > MOST_LINES {
        return Err(Error::BadLine(format!("1 to {MOST_LINES} lines can be watched at once")).into());
    }
    let lifecycle = gpio.lifecycle().clone();
    let watcher = Watcher::new(gpio, request.lines)?;
    // A first empty line: the head of the answer goes out at once.
    let first = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"\n")) });
    let rest = stream::unfold((watcher, lifecycle), |(mut watcher, lifecycle)| async move {
        let text = tokio::select! {
            text = watcher.next() => text,
            () = lifecycle.stopped() => return None,
        };
        Some((Ok(Bytes::from(text)), (watcher, lifecycle)))
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let head = [(CONTENT_TYPE, "application/jsonl")];
    Ok((StatusCode::OK, head, body).into_response())
}

#[cfg(test)]
mod tests;

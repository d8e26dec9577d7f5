//! `/internal/gpio/...`: for the stack's own processes, on the unix socket.
//!
//! Edges are found by looking at the watched lines every ten milliseconds, on every backend and for outputs as well as
//! inputs. What is shorter than that is not seen. Nothing is looked at while nobody watches.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use pistack_kit::extract;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::gpio::{level_of, line_of};
use crate::error::Error;
use crate::state::Gpio;

/// How often watched lines are looked at.
const EVERY: Duration = Duration::from_millis(10);
/// So many looks without an edge, and an empty line shows that the connection lives.
const LOOKS_UNTIL_SIGN: u32 = 1500;
/// Lines that one stream may watch.
const MOST_LINES: usize = 64;

/// What to drive.
#[derive(Debug, Deserialize)]
pub(super) struct Set {
    pin: Value,
    value: Value,
}

/// Which line.
#[derive(Debug, Deserialize)]
pub(super) struct Read {
    pin: Value,
}

/// Which lines.
#[derive(Debug, Deserialize)]
pub(super) struct Watch {
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
    gpio.board().set(&line, level)?;
    Ok(Json(json!({ "ok": true })))
}

pub(super) async fn read(
    State(gpio): State<Gpio>,
    extract::Json(request): extract::Json<Read>,
) -> Result<Json<Value>, Problem> {
    let level = gpio.board().read(&line_of(&request.pin)?)?;
    Ok(Json(json!({ "value": u8::from(level) })))
}

/// A watched line.
#[derive(Debug)]
struct Watched {
    name: String,
    bcm: u32,
    /// `None` while it cannot be read.
    level: Option<bool>,
}

/// JSON Lines, one an edge, until the watcher goes. A line that is none is refused; one that somebody else holds is
/// watched from when it is free.
pub(super) async fn edges(
    State(gpio): State<Gpio>,
    extract::Json(request): extract::Json<Watch>,
) -> Result<Response, Problem> {
    if request.lines.is_empty() || request.lines.len() > MOST_LINES {
        return Err(Error::BadLine(format!("1 to {MOST_LINES} lines can be watched at once")).into());
    }
    let mut watched = Vec::new();
    for name in request.lines {
        let bcm = gpio.board().number(&name)?;
        let level = gpio.board().read(&name).ok();
        watched.push(Watched { name, bcm, level });
    }
    // A first empty line: the head of the answer goes out at once.
    let first = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"\n")) });
    let rest = stream::unfold((gpio, watched), |(gpio, mut watched)| async move {
        for _ in 0..LOOKS_UNTIL_SIGN {
            tokio::time::sleep(EVERY).await;
            let text = look(&gpio, &mut watched);
            if !text.is_empty() {
                return Some((Ok(Bytes::from(text)), (gpio, watched)));
            }
        }
        Some((Ok(Bytes::from_static(b"\n")), (gpio, watched)))
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let mut answer = Response::new(body);
    answer.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/jsonl"),
    );
    Ok(answer)
}

/// The edges since the last look.
fn look(gpio: &Gpio, watched: &mut [Watched]) -> String {
    let mut text = String::new();
    let mut board = gpio.board();
    for line in watched {
        let Ok(level) = board.read(&line.name) else {
            line.level = None;
            continue;
        };
        if line.level.replace(level).is_some_and(|before| before != level) {
            let edge = Edge {
                line: &line.name,
                bcm: line.bcm,
                level: level.into(),
            };
            text.push_str(&serde_json::to_string(&edge).unwrap_or_default());
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use http::{Request, StatusCode};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::config::{BackendChoice, Config, Lines};

    fn gpio() -> Gpio {
        let config = Config {
            backend: BackendChoice::Simulated,
            ..Config::default()
        };
        Gpio::open(&config, &Lines::default()).unwrap()
    }

    async fn post(gpio: &Gpio, path: &str, body: &Value) -> Response {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        crate::routes::private(gpio.clone())
            .oneshot(request)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn watchers_see_edges_and_others_set_and_read() {
        let gpio = gpio();
        let answer = post(
            &gpio,
            "/internal/gpio/edges",
            &json!({ "lines": ["17", "pin:13"] }),
        )
        .await;
        assert_eq!(answer.status(), StatusCode::OK);
        let mut body = answer.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "\n");
        for (pin, value, wanted) in [
            (json!(17), 1, "{\"line\":\"17\",\"bcm\":17,\"level\":1}\n"),
            (json!(27), 1, "{\"line\":\"pin:13\",\"bcm\":27,\"level\":1}\n"),
            (json!(17), 0, "{\"line\":\"17\",\"bcm\":17,\"level\":0}\n"),
        ] {
            let answer = post(
                &gpio,
                "/internal/gpio/set",
                &json!({ "pin": pin, "value": value }),
            )
            .await;
            assert_eq!(answer.status(), StatusCode::OK);
            let frame = tokio::time::timeout(Duration::from_secs(10), body.frame())
                .await
                .unwrap();
            assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), wanted);
        }
        let answer = post(&gpio, "/internal/gpio/read", &json!({ "pin": "27" })).await;
        assert_eq!(to_bytes(answer.into_body(), 100).await.unwrap(), "{\"value\":1}");
    }

    #[tokio::test]
    async fn what_is_no_line_is_refused() {
        let gpio = gpio();
        for lines in [json!([]), json!(["camera"]), json!(["99"]), json!(vec!["17"; 65])] {
            let answer = post(&gpio, "/internal/gpio/edges", &json!({ "lines": lines })).await;
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{lines}");
        }
    }
}

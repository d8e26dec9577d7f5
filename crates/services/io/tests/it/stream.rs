//! A client of the event stream.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::bench::Bench;

/// One open stream.
pub(crate) struct Stream {
    body: Body,
    text: String,
}

/// An event with its id.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) id: String,
    pub(crate) event: Value,
}

impl Stream {
    pub(crate) async fn open(bench: &Bench, path: &str, token: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path).header("authorization", format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = bench.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut stream = Self {
            body: answer.into_body(),
            text: String::new(),
        };
        // The first comment: the stream is open, and what happens from now on will come.
        stream.more().await.expect("a first comment");
        stream.text.clear();
        stream
    }

    async fn more(&mut self) -> Option<()> {
        let frame = tokio::time::timeout(Duration::from_secs(10), self.body.frame())
            .await
            .expect("an event within ten seconds")?;
        let bytes = frame.unwrap().into_data().unwrap();
        self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        Some(())
    }

    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    message
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(str::to_owned)
                };
                let heard = field("data: ").map(|data| Heard {
                    id: field("id: ").unwrap_or_default(),
                    event: serde_json::from_str(&data).unwrap(),
                });
                let rest = rest.to_owned();
                self.text = rest;
                match heard {
                    Some(heard) => return Some(heard),
                    None => continue,
                }
            }
            self.more().await?;
        }
    }

    pub(crate) async fn expect(&mut self) -> Heard {
        self.next().await.expect("an event, not the end")
    }
}

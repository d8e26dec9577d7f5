//! A server that stands for the outside and misbehaves on request.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Uri};

/// How the outside answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// With a status and a text.
    Text(u16, &'static str),
    /// With a text that is good for half an hour.
    Dated(&'static str),
    /// That nothing is new.
    NotModified,
    /// With more than anyone wants.
    Large,
    /// Not at all.
    Never,
    /// By hanging up in the middle.
    Drop,
}

/// How it answers, and path and headers of every request so far.
type Shared = (Answer, Vec<String>, Vec<HeaderMap>);

#[derive(Clone)]
pub(crate) struct Outside {
    address: String,
    shared: Arc<Mutex<Shared>>,
}

impl Outside {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let outside = Self {
            address: listener.local_addr().unwrap().to_string(),
            shared: Arc::new(Mutex::new((answer, Vec::new(), Vec::new()))),
        };
        let router = Router::new().fallback(respond).with_state(outside.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        outside
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn answers(&self, answer: Answer) {
        self.shared.lock().unwrap().0 = answer;
    }

    /// Path and query of every request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.lock().unwrap().1.clone()
    }

    /// Headers of every request so far.
    pub(crate) fn headers(&self) -> Vec<HeaderMap> {
        self.shared.lock().unwrap().2.clone()
    }
}

/// `Last-Modified` of a dated answer.
pub(crate) const MODIFIED: &str = "Mon, 23 Nov 2026 09:55:00 GMT";

async fn respond(State(outside): State<Outside>, uri: Uri, headers: HeaderMap) -> Response {
    let answer = {
        let mut shared = outside.shared.lock().unwrap();
        shared.1.push(uri.to_string());
        shared.2.push(headers);
        shared.0
    };
    match answer {
        Answer::Text(status, text) => (StatusCode::from_u16(status).unwrap(), text).into_response(),
        Answer::Dated(text) => {
            let headers = [
                ("date", "Mon, 23 Nov 2026 10:00:00 GMT"),
                ("expires", "Mon, 23 Nov 2026 10:30:00 GMT"),
                ("last-modified", MODIFIED),
            ];
            (headers, text).into_response()
        }
        Answer::NotModified => {
            let headers = [
                ("date", "Mon, 23 Nov 2026 10:30:00 GMT"),
                ("expires", "Mon, 23 Nov 2026 11:00:00 GMT"),
            ];
            (StatusCode::NOT_MODIFIED, headers).into_response()
        }
        Answer::Large => "x".repeat(1024 * 1024).into_response(),
        Answer::Never => std::future::pending().await,
        Answer::Drop => {
            let broken = futures_util::stream::iter([Ok("{"), Err(std::io::Error::other("gone"))]);
            Body::from_stream(broken).into_response()
        }
    }
}

/// An address at which nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

//! One conversion from our errors to RFC 9457 answers.

use std::error::Error;
use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use pistack_api::problem::{MEDIA_TYPE, ProblemBody};
use serde_json::Value;

/// An error on its way out. `message` and `detail` are public; causes are logged, never sent.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    headers: Vec<(http::HeaderName, HeaderValue)>,
    body: Box<ProblemBody>,
}

impl Problem {
    /// A problem with a stable `code` (for programs) and the original's `message` (for old clients).
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let body = ProblemBody {
            kind: format!("urn:pistack:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: None,
            code: code.to_owned(),
            message: message.into(),
            extra: serde_json::Map::new(),
        };
        Self {
            status,
            headers: Vec::new(),
            body: Box::new(body),
        }
    }

    /// 400 with code `bad_request`.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }
    /// 404 with code `not_found`.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }
    /// 503: something this service needs cannot be reached.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }
    /// 500; logs the cause with all its sources and tells the client nothing about it.
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %Chain(cause), "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error")
    }

    /// Adds the sentence that says what happened and what cures it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.body.detail = Some(detail.into());
        self
    }
    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body.extra.insert(key.to_owned(), value.into());
        self
    }
    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
    /// The body.
    pub fn body(&self) -> &ProblemBody {
        &self.body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // The body is made of texts and JSON values alone, so that this cannot fail; were it to, the status
        // still says what is the matter.
        let body = serde_json::to_vec(&self.body).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// Shows an error with its sources: `cannot read users: disk I/O error`. A source that its parent's text
/// already repeats is left out.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        f.write_str(&shown)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            let text = source.to_string();
            if !shown.contains(&text) {
                write!(f, ": {text}")?;
                shown = text;
            }
            next = source.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the list")]
    struct Outer(#[source] std::io::Error);

    #[tokio::test]
    async fn carries_the_standard_members_and_the_originals_message() {
        let problem = Problem::new(StatusCode::CONFLICT, "user_exists", "user exists")
            .detail("Choose another name.")
            .with("holder", "root")
            .header(http::header::RETRY_AFTER, HeaderValue::from_static("3"));
        let response = problem.into_response();
        assert_eq!(response.status(), 409);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "3");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:pistack:problem:user_exists", "title": "Conflict", "status": 409,
                "detail": "Choose another name.", "code": "user_exists", "message": "user exists",
                "holder": "root",
            })
        );
    }

    #[tokio::test]
    async fn an_internal_error_tells_the_client_nothing_of_its_cause() {
        let cause = Outer(std::io::Error::other("/secret/path"));
        let body = Problem::internal(&cause)
            .into_response()
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
        assert_eq!(Chain(&cause).to_string(), "cannot read the list: /secret/path");
    }
}

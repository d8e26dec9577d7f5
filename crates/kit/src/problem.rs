//! One conversion from our errors to RFC 9457 answers.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use pistack_api::problem::ProblemBody;
use serde_json::Value;

/// An error on its way out. `message` and `detail` are public; causes are logged, never sent.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    headers: Vec<(http::HeaderName, http::HeaderValue)>,
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
        Self { status, headers: Vec::new(), body: Box::new(body) }
    }

    /// 400 with code `invalid_payload`.
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
    /// 500; logs the cause and tells the client nothing about it.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = &cause, "request failed");
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
    pub fn header(mut self, name: http::HeaderName, value: http::HeaderValue) -> Self {
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
        todo!()
    }
}

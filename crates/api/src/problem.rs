//! The body of every error answer: RFC 9457 `application/problem+json`, plus the original's `message`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The media type of a problem body (RFC 9457 section 6.1).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error answer. `message` repeats what the original wrote, for clients that only know that key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProblemBody {
    /// A stable reference: `about:blank` or `urn:pistack:problem:CODE`.
    #[serde(rename = "type")]
    #[schema(example = "urn:pistack:problem:invalid_credentials")]
    pub kind: String,
    /// The HTTP status in words.
    #[schema(example = "Unauthorized")]
    pub title: String,
    /// The HTTP status code.
    #[schema(example = 401)]
    pub status: u16,
    /// What happened here and what cures it, in plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// A stable word for programs.
    #[schema(example = "invalid_credentials")]
    pub code: String,
    /// The original's error text.
    #[schema(example = "invalid credentials")]
    pub message: String,
    /// Members of this one problem, such as `retry_after` or `holder`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub extra: Map<String, Value>,
}

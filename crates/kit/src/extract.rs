//! axum's extractors with problem answers in place of axum's plain-text rejections.

use axum::extract::{FromRequest, FromRequestParts, Request};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// A JSON body. Anything else is 400 `invalid payload`, with the place in `detail`. The content type is
/// not looked at, as in the original (`get_json(silent=True)` on a JSON content type aside).
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(_request: Request, _state: &S) -> Result<Self, Problem> {
        todo!()
    }
}

/// The query string. What does not fit is 400 `invalid query`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(_parts: &mut http::request::Parts, _state: &S) -> Result<Self, Problem> {
        todo!()
    }
}

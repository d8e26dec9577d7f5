//! axum's extractors with problem answers in place of axum's plain-text rejections.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// A JSON body. Anything else is 400 `invalid payload`, with the place in `detail`. The content type is
/// not looked at, as in the original (`get_json(silent=True)` on a JSON content type aside).
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable(&rejection))?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_payload", "invalid payload")
                .detail(error.to_string())
        })
    }
}

/// The query string. What does not fit is 400 `invalid query`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, _state: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|rejection| {
                Problem::new(StatusCode::BAD_REQUEST, "invalid_query", "invalid query")
                    .detail(rejection.body_text())
            })
    }
}

/// A body that could not be read: too large, or cut off by the client.
fn unreadable(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        status => Problem::new(status, "unreadable_body", "unreadable body").detail(rejection.body_text()),
    }
}

/// 413: the body is larger than this route takes.
pub(crate) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload_too_large",
        "payload too large",
    )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::DefaultBodyLimit;
    use axum::routing::{get, post};
    use axum::{RequestExt as _, Router};
    use serde::Deserialize;
    use tower::ServiceExt as _;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Login {
        name: String,
    }

    async fn read(body: &str) -> Result<Json<Login>, Problem> {
        Request::new(Body::from(body.to_owned())).extract().await
    }

    #[tokio::test]
    async fn reads_json_whatever_the_content_type() {
        assert_eq!(
            read(r#"{"name":"anna","extra":1}"#).await.unwrap().0,
            Login { name: "anna".into() }
        );
    }

    #[tokio::test]
    async fn a_bad_body_is_the_contracts_message_with_the_place_in_the_detail() {
        for body in ["", "{", "[]", r#"{"name":1}"#, "{}", "\u{0}"] {
            let problem = read(body).await.unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), problem.body().message.as_str()),
                (400, "invalid payload")
            );
            assert!(
                problem
                    .body()
                    .detail
                    .as_deref()
                    .is_some_and(|detail| detail.contains("line 1")),
                "{body}"
            );
        }
    }

    #[tokio::test]
    async fn a_body_above_the_limit_is_413() {
        let app = Router::new()
            .route("/", post(|_: Json<Login>| async {}))
            .layer(DefaultBodyLimit::max(8));
        let request = Request::post("/").body(Body::from(r#"{"name":"anna"}"#)).unwrap();
        assert_eq!(app.oneshot(request).await.unwrap().status(), 413);
    }

    #[tokio::test]
    async fn a_bad_query_names_what_is_wrong() {
        #[derive(Deserialize)]
        struct Pin {
            pin: u8,
        }
        let app = Router::new().route(
            "/",
            get(|Query(pin): Query<Pin>| async move { pin.pin.to_string() }),
        );
        let ask = |uri: &str| {
            app.clone()
                .oneshot(Request::get(uri).body(Body::empty()).unwrap())
        };
        assert_eq!(ask("/?pin=17").await.unwrap().status(), 200);
        assert_eq!(ask("/?pin=x").await.unwrap().status(), 400);
        assert_eq!(ask("/").await.unwrap().status(), 400);
    }
}

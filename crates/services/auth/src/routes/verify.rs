//! `GET /api/auth/verify`: for proxies in front of applications that know no login of their own.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode};
use pistack_api::problem::ProblemBody;
use pistack_api::token::{Level, Via};
use pistack_kit::extract::Query;
use pistack_kit::guard::write_identity;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::state::Auth;
use crate::verify::{Demand, identify, login_address};

/// What the application asks of its users.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct VerifyQuery {
    /// `User`, `Admin` or `Root`: this level or more.
    #[param(example = "Admin")]
    level: Option<String>,
    /// A right to one thing, by level, grant or scope.
    #[param(example = "app:grafana:use")]
    right: Option<String>,
    /// With `1`, a browser that is not logged in is answered 302 to the login page in place of 401: for proxies that
    /// pass the answer on (Caddy, Traefik).
    redirect: Option<u8>,
}

/// Who sent the request. The headers `X-Auth-User`, `X-Auth-Id`, `X-Auth-Level` and `X-Auth-Method` say the same.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerifiedAnswer {
    /// Login name.
    name: String,
    /// UUID.
    id: String,
    /// Level.
    level: Level,
    /// `session` or `token`.
    method: Via,
}

/// Says who sent the request that a proxy holds, and whether that one may.
///
/// Reads `Authorization: Bearer` (access token or `pst_...`), else the dashboard's cookie. A 401 for a browser carries
/// the login page in `Location`; the way back is taken from `X-Original-URI` or `X-Forwarded-Uri`.
#[utoipa::path(
    get,
    path = "/api/auth/verify",
    tag = "forward authentication",
    security((), ("BearerAuth" = [])),
    params(VerifyQuery),
    responses(
        (status = 200, description = "Who it is.", body = VerifiedAnswer),
        (status = 302, description = "A browser that is to log in, with `redirect=1`."),
        (status = 401, description = "Nobody who is logged in.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Somebody who may not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn verify_request(
    State(auth): State<Arc<Auth>>,
    Query(query): Query<VerifyQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let demand = Demand::parse(query.level.as_deref(), query.right.as_deref())?;
    let claims = match identify(&auth, &headers).await.map_err(Problem::from) {
        Ok(claims) => claims,
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            return Ok(log_in_first(problem, &headers, query.redirect == Some(1)));
        }
        Err(problem) => return Err(problem),
    };
    demand.judge(&claims)?;
    let mut response = Answer(VerifiedAnswer {
        name: claims.nam.clone(),
        id: claims.sub.clone(),
        level: claims.lvl,
        method: claims.via,
    })
    .into_response();
    write_identity(response.headers_mut(), &claims);
    Ok(response)
}

/// 401; for a browser with the address of the login page, or 302 to it.
fn log_in_first(problem: Problem, headers: &HeaderMap, redirect: bool) -> Response {
    let is_browser = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let location = HeaderValue::try_from(login_address(headers));
    let Ok(location) = location
        .map_err(drop)
        .and_then(|it| if is_browser { Ok(it) } else { Err(()) })
    else {
        return problem.into_response();
    };
    if redirect {
        return (StatusCode::FOUND, [(LOCATION, location)]).into_response();
    }
    problem.header(LOCATION, location).into_response()
}

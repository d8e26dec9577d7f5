//! `/api/email/bounces`: what came back, as a provider's webhook or a script beside the mail server reports it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, StatusCode};
use pistack_api::right::ManageMail;
use pistack_kit::guard::May;
use pistack_kit::problem::Problem;
use ring::hmac;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::caller::Reader;
use super::messages::Removed;
use crate::error::Error;
use crate::outbox::{Bounce, BounceReport};

const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");
const TOKEN: HeaderName = HeaderName::from_static("x-bounce-token");
/// Most bounces of one report.
const MOST: usize = 100;

/// One bounce, or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Report {
    /// Several.
    Many(Vec<BounceReport>),
    /// One.
    One(BounceReport),
}

/// Bounces were taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Taken {
    /// Their numbers.
    ids: Vec<i64>,
}

/// Report bounces.
///
/// Needs no login but the secret of `bounce_secret_file`: either `X-Bounce-Token: SECRET`, or `X-Signature:
/// sha256=HEX`, the HMAC-SHA256 of the body with the secret as key. 404 while no secret is set up.
#[utoipa::path(
    post, path = "/api/email/bounces", operation_id = "create_bounces", tag = "bounces",
    params(
        ("X-Bounce-Token" = Option<String>, Header, description = "The secret."),
        ("X-Signature" = Option<String>, Header, description = "`sha256=` and the HMAC-SHA256 of the body."),
    ),
    request_body = Report, security(()),
    responses(
        (status = 202, description = "Taken", body = Taken),
        (status = 401, description = "Secret or signature wrong"),
        (status = 404, description = "Bounces are not set up"),
    )
)]
pub(crate) async fn create_bounces(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Taken>), Problem> {
    let Some(path) = &shared.email.config().bounce_secret_file else {
        return Err(Error::NotFound.into());
    };
    let secret = std::fs::read(path).map_err(|error| {
        tracing::error!(path = %path.display(), %error, "the secret for bounces cannot be read");
        Problem::unavailable("bounces are not available")
    })?;
    let secret = secret.trim_ascii();
    if secret.is_empty() || !is_known(secret, &headers, &body) {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "bad_signature",
            "wrong secret or signature",
        ));
    }
    let report: Report = serde_json::from_slice(&body).map_err(|error| Error::Invalid(error.to_string()))?;
    let reports = match report {
        Report::One(one) => vec![one],
        Report::Many(many) => many,
    };
    if reports.len() > MOST {
        return Err(Error::Invalid("more than 100 bounces at once".to_owned()).into());
    }
    let mut ids = Vec::with_capacity(reports.len());
    for one in &reports {
        ids.push(shared.email.outbox().bounce(one).await?);
    }
    Ok((StatusCode::ACCEPTED, Json(Taken { ids })))
}

/// Compared in constant time.
fn is_known(secret: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    if let Some(given) = headers.get(&SIGNATURE) {
        let given = given.to_str().unwrap_or_default();
        let given = given.strip_prefix("sha256=").unwrap_or(given);
        let bytes = hex(given).or_else(|| STANDARD.decode(given).ok());
        return bytes.is_some_and(|bytes| hmac::verify(&key, body, &bytes).is_ok());
    }
    let Some(given) = headers.get(&TOKEN) else {
        return false;
    };
    let expected = hmac::sign(&key, secret);
    hmac::verify(&key, given.as_bytes(), expected.as_ref()).is_ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|one| one.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    (digits.len() == 64).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// List bounces, the newest first: 500 at most.
#[utoipa::path(
    get, path = "/api/email/bounces", operation_id = "list_bounces", tag = "bounces",
    responses((status = 200, description = "Bounces", body = Vec<Bounce>))
)]
pub(crate) async fn list_bounces(
    Reader(owner): Reader,
    State(shared): State<Shared>,
) -> Result<Json<Vec<Bounce>>, Problem> {
    Ok(Json(shared.email.outbox().bounces(&owner).await?))
}

/// Forget a bounce.
#[utoipa::path(
    delete, path = "/api/email/bounces/{id}", operation_id = "delete_bounce", tag = "bounces",
    params(("id" = i64, Path, description = "The bounce's number.")),
    responses((status = 200, description = "It is gone", body = Removed), (status = 404, description = "No such bounce"))
)]
pub(crate) async fn delete_bounce(
    _caller: May<ManageMail>,
    State(shared): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Json<Removed>, Problem> {
    shared.email.outbox().remove_bounce(id).await?;
    Ok(Removed::yes())
}

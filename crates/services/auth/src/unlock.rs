//! For the console, with the services down or up: forgets failed logins, takes a second factor away.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use pistack_api::service::Service;
use pistack_kit::client::{Client, ClientError};
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use serde::{Deserialize, Serialize};

use crate::audit::{self, Event};
use crate::directory::User;
use crate::error::Error;
use crate::store::Tx;
use crate::store::second_factors;

/// How long a running service may take.
const WITHIN: Duration = Duration::from_secs(2);

/// `POST /internal/unlock`: forgets the failed logins of an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UnlockRequest {
    /// Login name.
    pub name: String,
}

/// Tells a running service to forget an account's failed logins. One that is down has forgotten them: failures are
/// kept in memory only.
pub(crate) async fn unlock(paths: &StatePaths, name: &str) -> Result<(), Error> {
    let body = serde_json::json!({ "name": name }).to_string();
    let request = Request::post("/internal/unlock")
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body))
        .expect("a constant request is well-formed");
    match Client::unix(paths.service_socket(Service::Auth))
        .send(request, WITHIN)
        .await
    {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Err(ClientError::Unreachable { .. }) => Ok(()),
        Ok(answer) => Err(Error::Internal(format!(
            "the auth service answered {}",
            answer.status()
        ))),
        Err(error) => Err(Error::Internal(format!(
            "the auth service did not answer: {error}"
        ))),
    }
}

/// Takes a person's second factor and recovery codes away, in the caller's transaction. False if there was none.
pub(crate) async fn reset_second_factor(tx: &mut Tx, clock: &Clock, user: &User) -> Result<bool, Error> {
    let removed = second_factors::remove(tx, &user.id).await?;
    if removed {
        audit::write_in(tx, clock, Event::new("second_factor.off").about(&user.id)).await?;
    }
    Ok(removed)
}

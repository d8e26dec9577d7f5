//! Tells the rules of their mails that were given up, so that the channel's fallback gets the message. What could not
//! be told is kept on disk and told later.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use pistack_api::service::Service;
use pistack_kit::client::Client;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use serde_json::json;

use crate::error::Error;
use crate::outbox::{GivenUp, Outbox};

/// How long the rules may take to answer.
const WITHIN: Duration = Duration::from_secs(5);
/// Waits between two attempts; the last one goes on.
const WAITS: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(15),
    Duration::from_mins(5),
];

/// Tells of every mail that is given up, until the process stops. Sleeps while there is none.
pub(crate) async fn run(outbox: Outbox, paths: StatePaths, lifecycle: Lifecycle) {
    let rules = Client::unix(paths.service_socket(Service::Rules));
    let mut failures = 0;
    while !lifecycle.is_stopping() {
        let all_told = match tell(&outbox, &rules).await {
            Ok(all_told) => all_told,
            Err(error) => {
                tracing::error!(%error, "mails that were given up cannot be read");
                false
            }
        };
        failures = if all_told { 0 } else { failures + 1 };
        let pause = async {
            match failures {
                0 => std::future::pending().await,
                many => tokio::time::sleep(WAITS[(many - 1).min(WAITS.len() - 1)]).await,
            }
        };
        tokio::select! {
            () = pause => {}
            () = outbox.has_given_up() => {}
            () = lifecycle.stopped() => return,
        }
    }
}

/// True if nothing is left to tell.
async fn tell(outbox: &Outbox, rules: &Client) -> Result<bool, Error> {
    for given_up in outbox.given_up().await? {
        if !take(&given_up, rules).await {
            return Ok(false);
        }
        outbox.forget_given_up(given_up.seq).await?;
    }
    Ok(true)
}

/// Whether the rules know of it now.
async fn take(given_up: &GivenUp, rules: &Client) -> bool {
    let body = json!({ "key": given_up.key, "reason": given_up.reason });
    let request = Request::post("/internal/notify/given-up")
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()));
    let Ok(request) = request else { return true };
    match rules.send(request, WITHIN).await {
        // A message that the rules do not know (any more) is nobody's.
        Ok(answer) => !answer.status().is_server_error(),
        Err(error) => {
            tracing::debug!(%error, "the rules could not be told of a mail that was given up");
            false
        }
    }
}

//! Tells the rules of the stack what happened here. Best effort: nobody waits for it, and where no rules run nothing
//! is wrong.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use pistack_api::service::Service;
use pistack_kit::client::{Client, ClientError};
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Events on their way at once; what comes meanwhile is dropped.
const AT_ONCE: usize = 8;
/// How long the rules may take to listen.
const WITHIN: Duration = Duration::from_secs(2);

/// The way to the rules.
#[derive(Debug)]
pub(crate) struct StackEvents {
    client: Client,
    room: Arc<Semaphore>,
    lifecycle: Lifecycle,
}

impl StackEvents {
    /// Over the socket in the state directory.
    pub(crate) fn new(paths: &StatePaths, lifecycle: Lifecycle) -> Self {
        Self {
            client: Client::unix(paths.service_socket(Service::Rules)),
            room: Arc::new(Semaphore::new(AT_ONCE)),
            lifecycle,
        }
    }

    /// Tells of an event: `kind` for rules to match, a sentence for people, particulars.
    pub(crate) fn tell(&self, kind: &'static str, summary: &str, fields: &Value) {
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::debug!(kind, "too many events at once; one was not told");
            return;
        };
        let body = json!({ "kind": kind, "summary": summary, "fields": fields });
        let request = Request::post("/internal/event")
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))
            .expect("a constant request is well-formed");
        let client = self.client.clone();
        self.lifecycle.spawn(async move {
            match client.send(request, WITHIN).await {
                Ok(answer) if answer.status().is_success() => {}
                Ok(answer) => {
                    tracing::debug!(kind, status = %answer.status(), "the rules did not take an event");
                }
                Err(ClientError::Unreachable { .. }) => {}
                Err(error) => tracing::debug!(kind, %error, "the rules did not take an event"),
            }
            drop(permit);
        });
    }
}

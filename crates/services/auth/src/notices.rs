//! What a person is told of by mail, and the rules of the stack as an event. Best effort: nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use pistack_api::service::Service;
use pistack_kit::client::{Client, ClientError};
use serde_json::json;

use crate::audit::Event;
use crate::directory::User;
use crate::error::Error;
use crate::state::Auth;
use crate::store::users;

/// How long the mail service may take to accept a mail into its outbox.
const WITHIN: Duration = Duration::from_secs(5);

/// A used refresh token came back: somebody else may hold it. The session is over already.
pub(crate) fn refresh_reuse(auth: &Arc<Auth>, user: &User, sid: &str) {
    auth.audit
        .record(Event::new("refresh_reuse").refused().about(&user.id).detail(sid));
    let summary = format!(
        "A used refresh token of {} came back; the session was ended",
        user.name
    );
    let fields = json!({ "user": user.name, "user_id": user.id, "sid": sid });
    auth.stack_events.tell("refresh_reuse", &summary, &fields);
    let text = format!(
        "Hello {},\n\nsomebody presented a sign-in token of yours that had been used before. That happens when a \
         token was copied, so the session it belongs to was ended. Other sessions go on.\n\nIf you did not just \
         restore an old backup or copy a device, set a new password: it ends every session.\n",
        user.name
    );
    mail(
        auth,
        &user.id,
        "A session of yours was ended",
        text,
        format!("refresh-reuse-{sid}"),
    );
}

/// Writes to a person who has told an address; `key` keeps the same news from being sent twice.
pub(crate) fn mail(auth: &Arc<Auth>, user: &str, subject: &'static str, text: String, key: String) {
    let (auth, user) = (Arc::clone(auth), user.to_owned());
    auth.lifecycle.clone().spawn(async move {
        if let Err(error) = send(&auth, &user, subject, &text, &key).await {
            tracing::warn!(%error, subject, "a mail to a user was not sent");
        }
    });
}

async fn send(auth: &Auth, user: &str, subject: &str, text: &str, key: &str) -> Result<(), Error> {
    let Some(address) = users::email(&mut *auth.store.read().await?, user).await? else {
        return Ok(());
    };
    let body = json!({ "to": [address], "subject": subject, "text": text, "idempotency_key": key });
    let request = Request::post("/internal/send")
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("a constant request is well-formed");
    let client = Client::unix(auth.paths.service_socket(Service::Email));
    match client.send(request, WITHIN).await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(Error::Internal(format!(
            "the mail service answered {}",
            answer.status()
        ))),
        // A stack without mail is a stack without mail.
        Err(ClientError::Unreachable { .. }) => Ok(()),
        Err(error) => Err(Error::Internal(format!("the mail service: {error}"))),
    }
}

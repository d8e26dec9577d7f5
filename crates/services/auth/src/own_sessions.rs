//! A person's sessions: shown, and signed out.

use std::sync::Arc;

use pistack_api::token::Revocation;

use crate::audit::Event;
use crate::directory::User;
use crate::error::Error;
use crate::sessions::Origin;
use crate::state::Auth;
use crate::store::revocations;
use crate::store::session_list::{self as statements, SessionRow};

/// The live ones, the one used last first.
pub(crate) async fn list(auth: &Auth, user: &User) -> Result<Vec<SessionRow>, Error> {
    let mut connection = auth.store.read().await?;
    statements::of_user(&mut connection, &user.id, user.epoch, auth.clock.unix()).await
}

/// Ends one.
pub(crate) async fn end(auth: &Arc<Auth>, user: &User, origin: &Origin, sid: &str) -> Result<(), Error> {
    if end_all(auth, user, &[sid.to_owned()]).await? == 0 {
        return Err(Error::NotFound);
    }
    auth.audit
        .record(Event::new("session.end").by(user).about(&user.id).from(origin));
    Ok(())
}

/// Ends all but `kept`. Gives their number.
pub(crate) async fn end_others(
    auth: &Arc<Auth>,
    user: &User,
    origin: &Origin,
    kept: &str,
) -> Result<usize, Error> {
    let others: Vec<_> = list(auth, user)
        .await?
        .into_iter()
        .map(|row| row.sid)
        .filter(|sid| sid != kept)
        .collect();
    let ended = end_all(auth, user, &others).await?;
    let detail = format!("{ended} others");
    auth.audit.record(
        Event::new("session.end")
            .by(user)
            .about(&user.id)
            .from(origin)
            .detail(&detail),
    );
    Ok(ended)
}

/// Ends these of a person's sessions and tells everybody. Gives the number of those that were live.
pub(crate) async fn end_all(auth: &Arc<Auth>, user: &User, sids: &[String]) -> Result<usize, Error> {
    let moment = auth.moment();
    let mut ended = Vec::new();
    let mut tx = auth.store.begin().await?;
    for sid in sids {
        if statements::end(&mut tx, &user.id, sid, moment.now).await? {
            let revocation = Revocation::Session {
                sid: sid.clone(),
                until: moment.until,
            };
            revocations::insert(&mut tx, &revocation).await?;
            ended.push(revocation);
        }
    }
    let count = ended.len();
    auth.finish_sessions(tx, ended).await?;
    auth.cookies.clear();
    Ok(count)
}

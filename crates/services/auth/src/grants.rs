//! What people are granted beyond their level, and who may grant it.

use std::sync::Arc;

use http::StatusCode;
use pistack_api::right::{Grant, LEVEL_ONLY};
use pistack_api::token::{Level, Revocation};
use pistack_kit::problem::Problem;

use crate::accounts::Asker;
use crate::api_tokens::checked_list;
use crate::audit::Event;
use crate::directory::User;
use crate::error::{Error, requires};
use crate::privileges::UserRights;
use crate::sessions::Origin;
use crate::state::Auth;
use crate::store::{self, revocations, rights, session_list, users};

/// Grants `target` exactly `grants`. Its sessions live on, its access tokens do not: the next ones carry the new
/// rights.
pub(crate) async fn set(
    auth: &Arc<Auth>,
    by: &User,
    target: &User,
    origin: &Origin,
    grants: &[String],
    limited: bool,
) -> Result<UserRights, Error> {
    let wanted = UserRights {
        grants: checked_list(grants)?,
        limited,
    };
    for grant in wanted
        .grants
        .split(' ')
        .filter_map(|text| Grant::parse(text).ok())
    {
        may_hand_out(by, grant)?;
    }
    if limited && target.level == Level::Root {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "root_is_not_limited",
            "a Root cannot be limited",
        )
        .into());
    }
    if by.id == target.id && by.level < Level::Root {
        // Somebody who is limited could take the limit off.
        return Err(requires(Level::Root));
    }
    let moment = auth.moment();
    let mut change = auth.begin_change().await?;
    Asker::User(by).still_holds(&mut change.tx).await?;
    let mut user = users::by_id(&mut change.tx, &target.id)
        .await?
        .ok_or(Error::NotFound)?;
    Asker::User(by).may_change(&user, None)?;
    let before = user.epoch;
    user.epoch += 1;
    users::update(&mut change.tx, &user).await?;
    session_list::carry_over(&mut change.tx, &user.id, before, user.epoch).await?;
    rights::set(&mut change.tx, &user.id, &wanted).await?;
    let revocation = Revocation::User {
        sub: user.id.clone(),
        epoch: user.epoch,
        until: moment.until,
    };
    revocations::insert(&mut change.tx, &revocation).await?;
    store::raise_generation(&mut change.tx).await?;
    auth.finish_change(change, Some(revocation)).await?;
    auth.cookies.clear();
    let detail = if limited { "limited to: " } else { "granted: " }.to_owned() + &wanted.grants;
    auth.audit.record(
        Event::new("user.grants")
            .by(by)
            .about(&user.id)
            .from(origin)
            .detail(&detail),
    );
    Ok(wanted)
}

/// Nobody hands out what is above the own level, and power over accounts not at all.
fn may_hand_out(by: &User, grant: Grant<'_>) -> Result<(), Error> {
    if LEVEL_ONLY.contains(&grant.area()) {
        return Err(
            Problem::new(StatusCode::BAD_REQUEST, "invalid_scope", "invalid scope")
                .detail("Power over accounts comes with the level alone and cannot be granted.")
                .into(),
        );
    }
    if grant.level() > by.level {
        return Err(requires(grant.level()));
    }
    Ok(())
}

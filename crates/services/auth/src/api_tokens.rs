//! API tokens: `pst_`, 256 random bits, and a checksum by which a typing error, and a scanner for leaked secrets,
//! need no database. Each is limited to some rights and ends at the latest after a year.

mod form;

use std::sync::Arc;

use http::StatusCode;
use pistack_api::auth::ExchangedToken;
use pistack_api::right::{BadGrant, GrantText};
use pistack_api::token::Revocation;
use pistack_kit::problem::Problem;
use pistack_kit::random;

use crate::audit::Event;
use crate::cookies::TOKEN_SECONDS;
use crate::directory::User;
use crate::error::Error;
use crate::opaque;
use crate::privileges::Privileges;
use crate::sessions::Origin;
use crate::state::Auth;
use crate::store::api_tokens::{self as statements, ApiTokenRow};
use crate::store::revocations;

pub(crate) use form::is_well_formed;

/// The last use is written down at most so often.
const WRITE_EVERY_SECONDS: i64 = 300;
/// Tokens a person may have.
const PER_USER: usize = 50;
/// Longest name, in characters.
const NAME_LENGTH: usize = 64;
/// Grants that one list may hold.
const GRANTS: usize = 64;
const DAY_SECONDS: i64 = 24 * 3600;
/// Days that a token may live.
const MAX_DAYS: i64 = 366;

/// Why a token is not made or taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Not a token, not one of ours, ended, expired, or its owner is gone.
    #[error("invalid or expired token")]
    Token,
    /// A grant that is none.
    #[error("invalid scope")]
    Grant(#[from] BadGrant),
    /// A list that is empty or too long.
    #[error("invalid scope")]
    Count,
    /// A name that is none.
    #[error("invalid payload")]
    Name,
    /// A life that is none.
    #[error("invalid payload")]
    Days,
    /// Enough.
    #[error("too many tokens")]
    TooMany,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let new = |status, code| Problem::new(status, code, refused.to_string());
        Self::from(match &refused {
            Refused::Token => new(StatusCode::UNAUTHORIZED, "invalid_token"),
            Refused::Grant(bad) => new(StatusCode::BAD_REQUEST, "invalid_scope").detail(bad.to_string()),
            Refused::Count => new(StatusCode::BAD_REQUEST, "invalid_scope")
                .detail(format!("Give at least one right, and {GRANTS} at most.")),
            Refused::Name => new(StatusCode::BAD_REQUEST, "invalid_payload").detail(format!(
                "A name has 1 to {NAME_LENGTH} characters and no control characters."
            )),
            Refused::Days => new(StatusCode::BAD_REQUEST, "invalid_payload")
                .detail(format!("`expires_in_days` is a number from 1 to {MAX_DAYS}.")),
            Refused::TooMany => new(StatusCode::CONFLICT, "too_many_tokens").detail(format!(
                "{PER_USER} tokens are enough; revoke one that is not needed any more."
            )),
        })
    }
}

/// Reads a list of grants into its stored form: long spellings, sorted, once each.
pub(crate) fn checked_list(grants: &[String]) -> Result<String, Refused> {
    if grants.len() > GRANTS {
        return Err(Refused::Count);
    }
    let mut list = grants
        .iter()
        .map(|grant| grant.parse::<GrantText>())
        .collect::<Result<Vec<_>, _>>()?;
    list.sort_unstable();
    list.dedup();
    let texts: Vec<_> = list.into_iter().map(|grant| grant.0).collect();
    Ok(texts.join(" "))
}

/// A token to make.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// What the owner calls it.
    pub name: String,
    /// What it may.
    pub scope: Vec<String>,
    /// How long it lives.
    pub days: i64,
}

/// Makes a token for `owner`. The text is shown this once.
pub(crate) async fn create(
    auth: &Arc<Auth>,
    owner: &User,
    origin: &Origin,
    wanted: Wanted,
) -> Result<(ApiTokenRow, String), Error> {
    let length = wanted.name.chars().count();
    if length == 0 || length > NAME_LENGTH || wanted.name.chars().any(char::is_control) {
        return Err(Refused::Name.into());
    }
    if !(1..=MAX_DAYS).contains(&wanted.days) {
        return Err(Refused::Days.into());
    }
    let scope = checked_list(&wanted.scope)?;
    if scope.is_empty() {
        return Err(Refused::Count.into());
    }
    let (text, now) = (form::fresh(), auth.clock.unix());
    let row = ApiTokenRow {
        id: random::uuid().to_string(),
        user_id: owner.id.clone(),
        name: wanted.name,
        scope,
        created_at: now,
        expires_at: now + wanted.days * DAY_SECONDS,
        last_used_at: None,
    };
    let mut tx = auth.store.begin().await?;
    let others = statements::of_user(&mut tx, &owner.id).await?;
    // What expired makes room.
    for dead in others.iter().filter(|other| other.expires_at <= now) {
        statements::delete(&mut tx, &dead.id).await?;
    }
    if others.iter().filter(|other| other.expires_at > now).count() >= PER_USER {
        return Err(Refused::TooMany.into());
    }
    statements::insert(&mut tx, &opaque::hash(&text), &row).await?;
    tx.commit().await?;
    let detail = format!("{}: {}", row.name, row.scope);
    auth.audit.record(
        Event::new("token.add")
            .by(owner)
            .about(&owner.id)
            .from(origin)
            .detail(&detail),
    );
    Ok((row, text))
}

/// A person's tokens, newest first.
pub(crate) async fn list(auth: &Auth, user: &str) -> Result<Vec<ApiTokenRow>, Error> {
    statements::of_user(&mut *auth.store.read().await?, user).await
}

/// Ends a token and tells everybody. False if there is none that `by` may end.
pub(crate) async fn revoke(
    auth: &Arc<Auth>,
    by: &User,
    origin: &Origin,
    id: &str,
    may_end: impl FnOnce(&ApiTokenRow) -> bool,
) -> Result<bool, Error> {
    let mut tx = auth.store.begin().await?;
    let Some(row) = statements::by_id(&mut tx, id).await?.filter(may_end) else {
        return Ok(false);
    };
    let revocation = Revocation::Session {
        sid: row.id.clone(),
        until: auth.moment().until,
    };
    statements::delete(&mut tx, &row.id).await?;
    revocations::insert(&mut tx, &revocation).await?;
    auth.finish_session(tx, revocation).await?;
    auth.audit.record(
        Event::new("token.revoke")
            .by(by)
            .about(&row.user_id)
            .from(origin)
            .detail(&row.name),
    );
    Ok(true)
}

/// Exchanges a token for a short access token with its owner's present rights, within the token's scope.
pub(crate) async fn exchange(auth: &Arc<Auth>, text: &str) -> Result<ExchangedToken, Error> {
    if !is_well_formed(text) {
        return Err(Refused::Token.into());
    }
    let row = statements::find(&mut *auth.store.read().await?, &opaque::hash(text)).await?;
    let now = auth.clock.unix();
    let row = row.filter(|row| now < row.expires_at).ok_or(Refused::Token)?;
    let owner = auth.directory.get(&row.user_id).ok_or(Refused::Token)?;
    let rights = auth.rights.get(&owner.id);
    let privileges = Privileges::of_api_token(&rights, &row.scope).ok_or(Refused::Token)?;
    let stale = row
        .last_used_at
        .is_none_or(|last| (now - last).abs() >= WRITE_EVERY_SECONDS);
    if stale && auth.token_uses.is_due(&row.id) {
        note_use(auth, row.id.clone(), now);
    }
    let expires_in = TOKEN_SECONDS.min(row.expires_at - now);
    Ok(ExchangedToken {
        access_token: auth.issuer.access(&owner, &row.id, expires_in, privileges),
        expires_in,
        sid: row.id,
        user: owner.public(),
    })
}

/// Writes the last use down without keeping the caller waiting.
fn note_use(auth: &Arc<Auth>, id: String, now: i64) {
    let auth = Arc::clone(auth);
    auth.lifecycle.clone().spawn(async move {
        let written = async {
            let mut tx = auth.store.begin().await?;
            statements::used(&mut tx, &id, now).await?;
            Ok::<_, Error>(tx.commit().await?)
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "cannot note the last use of an API token");
        }
        auth.token_uses.written(&id);
    });
}

/// Tokens whose last use is being written at this moment, so that a burst of uses writes once.
#[derive(Debug, Default)]
pub(crate) struct Uses(std::sync::Mutex<std::collections::HashSet<String>>);

impl Uses {
    fn is_due(&self, id: &str) -> bool {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(id.to_owned())
    }

    fn written(&self, id: &str) {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .remove(id);
    }
}

//! The second factor: a TOTP secret that counts once its first code was right, and recovery codes, each for one use.
//!
//! A code is taken once, and of three wrong ones within half a minute the next has to wait. While the board's clock
//! cannot be trusted no code can be judged: that is said plainly, and recovery codes go on working.

mod tries;

use std::sync::Arc;

use http::StatusCode;
use pistack_kit::problem::Problem;

use crate::audit::Event;
use crate::directory::User;
use crate::error::Error;
use crate::opaque;
use crate::sessions::Origin;
use crate::setup;
use crate::state::Auth;
use crate::store::Tx;
use crate::store::second_factors as statements;
use crate::totp;

pub(crate) use tries::Tries;

/// Recovery codes given out at once.
const RECOVERY_CODES: usize = 10;

/// Why a second factor is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The account has one and none was given: the login is to be sent again with it.
    #[error("second factor required")]
    Required,
    /// Wrong, or used before. Carries the board's time, which the person can compare.
    #[error("invalid second factor")]
    Wrong(i64),
    /// One-time codes cannot be judged.
    #[error("the board's clock is not set")]
    Clock,
    /// There is one already.
    #[error("a second factor is on already")]
    On,
    /// There is none.
    #[error("no second factor")]
    Off,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let new = |status, code| Problem::new(status, code, refused.to_string());
        Self::from(match refused {
            Refused::Required => new(StatusCode::UNAUTHORIZED, "second-factor-required").detail(
                "Send the login again with `otp`: the six digits of the authenticator, or a recovery code.",
            ),
            Refused::Wrong(time) => new(StatusCode::UNAUTHORIZED, "invalid-second-factor")
                .detail("The code is wrong or was used before. Compare the board's time with that of the authenticator.")
                .with("server_time", time),
            Refused::Clock => new(StatusCode::UNAUTHORIZED, "clock-untrusted").detail(
                "The board does not know what time it is, so that one-time codes cannot be checked. Use a recovery \
                 code, or wait until the clock is set (network time).",
            ),
            Refused::On => new(StatusCode::CONFLICT, "second-factor-on").detail("Turn it off first."),
            Refused::Off => new(StatusCode::CONFLICT, "second-factor-off"),
        })
    }
}

/// What an authenticator program needs.
#[derive(Debug)]
pub(crate) struct Enrolment {
    /// The secret as people type it.
    pub secret: String,
    /// The same as an address.
    pub uri: String,
    /// The same as a picture.
    pub qr_svg: String,
}

/// Begins to turn it on: nothing changes until [`confirm`].
pub(crate) async fn begin(auth: &Arc<Auth>, user: &User) -> Result<Enrolment, Error> {
    let secret = totp::fresh_secret();
    let sealed = auth.seal.seal(&user.id, &secret)?;
    let mut tx = auth.store.begin().await?;
    if is_on_in(&mut tx, &user.id).await? {
        return Err(Refused::On.into());
    }
    statements::begin(&mut tx, &user.id, &sealed, auth.clock.unix()).await?;
    tx.commit().await?;
    let uri = totp::uri(&secret, &user.name, &auth.place);
    let qr_svg =
        totp::qr_svg(&uri).ok_or_else(|| Error::Internal("an address too long for a QR code".into()))?;
    Ok(Enrolment {
        secret: totp::base32(&secret),
        uri,
        qr_svg,
    })
}

/// Turns it on, against the first code. Gives the recovery codes, which are shown this once.
pub(crate) async fn confirm(
    auth: &Arc<Auth>,
    user: &User,
    origin: &Origin,
    given: &str,
) -> Result<Vec<String>, Error> {
    auth.tries.check(&user.id)?;
    let mut tx = auth.store.begin().await?;
    let factor = statements::find(&mut tx, &user.id).await?.ok_or(Refused::Off)?;
    if factor.confirmed_at.is_some() {
        return Err(Refused::On.into());
    }
    if !auth.clock.trust().is_trusted() {
        return Err(Refused::Clock.into());
    }
    take_totp(auth, &mut tx, user, &factor, given).await?;
    statements::confirm(&mut tx, &user.id, auth.clock.unix()).await?;
    let codes = renew_codes_in(&mut tx, &user.id).await?;
    tx.commit().await?;
    auth.tries.forget(&user.id);
    auth.audit.record(
        Event::new("second_factor.on")
            .by(user)
            .about(&user.id)
            .from(origin),
    );
    Ok(codes)
}

/// New recovery codes in place of the old ones.
pub(crate) async fn renew_codes(
    auth: &Arc<Auth>,
    user: &User,
    origin: &Origin,
) -> Result<Vec<String>, Error> {
    let mut tx = auth.store.begin().await?;
    if !is_on_in(&mut tx, &user.id).await? {
        return Err(Refused::Off.into());
    }
    let codes = renew_codes_in(&mut tx, &user.id).await?;
    tx.commit().await?;
    auth.audit.record(
        Event::new("second_factor.codes")
            .by(user)
            .about(&user.id)
            .from(origin),
    );
    Ok(codes)
}

async fn renew_codes_in(tx: &mut Tx, user: &str) -> Result<Vec<String>, Error> {
    let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| setup::fresh_code()).collect();
    let hashes: Vec<_> = codes.iter().map(|code| hash(user, code)).collect();
    statements::set_codes(tx, user, &hashes).await?;
    Ok(codes)
}

/// Turns a person's off.
pub(crate) async fn turn_off(auth: &Arc<Auth>, by: &User, whose: &str, origin: &Origin) -> Result<(), Error> {
    let mut tx = auth.store.begin().await?;
    if !statements::remove(&mut tx, whose).await? {
        return Err(Refused::Off.into());
    }
    tx.commit().await?;
    auth.audit
        .record(Event::new("second_factor.off").by(by).about(whose).from(origin));
    Ok(())
}

/// Whether it is on, and how many recovery codes are left.
pub(crate) async fn state(auth: &Auth, user: &str) -> Result<(bool, i64), Error> {
    let mut connection = auth.store.read().await?;
    let factor = statements::find(&mut connection, user).await?;
    let on = factor.is_some_and(|factor| factor.confirmed_at.is_some());
    Ok((on, statements::count_codes(&mut connection, user).await?))
}

async fn is_on_in(tx: &mut Tx, user: &str) -> Result<bool, Error> {
    let factor = statements::find(tx, user).await?;
    Ok(factor.is_some_and(|factor| factor.confirmed_at.is_some()))
}

/// Asks for it, where it is on, of somebody whose password was right.
pub(crate) async fn pass(
    auth: &Arc<Auth>,
    user: &User,
    origin: &Origin,
    given: Option<&str>,
) -> Result<(), Error> {
    if !state(auth, &user.id).await?.0 {
        return Ok(());
    }
    let given = given
        .map(str::trim)
        .filter(|given| !given.is_empty())
        .ok_or(Refused::Required)?;
    auth.tries.check(&user.id)?;
    let mut tx = auth.store.begin().await?;
    let Some(factor) = statements::find(&mut tx, &user.id).await? else {
        return Ok(());
    };
    let plain: String = given
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .take(40)
        .collect();
    let looks_like_totp = plain.len() == 6 && plain.bytes().all(|byte| byte.is_ascii_digit());
    let (outcome, kind) = if looks_like_totp && auth.clock.trust().is_trusted() {
        (take_totp(auth, &mut tx, user, &factor, &plain).await, "totp")
    } else if looks_like_totp {
        return Err(Refused::Clock.into());
    } else {
        (take_recovery(auth, &mut tx, user, &plain).await, "recovery code")
    };
    if let Err(error) = outcome {
        drop(tx);
        auth.audit.record(
            Event::new("login.second_factor")
                .about(&user.id)
                .from(origin)
                .refused()
                .detail(kind),
        );
        return Err(error);
    }
    tx.commit().await?;
    auth.tries.forget(&user.id);
    if kind != "totp" {
        auth.audit.record(
            Event::new("second_factor.recovery")
                .by(user)
                .about(&user.id)
                .from(origin),
        );
    }
    Ok(())
}

async fn take_totp(
    auth: &Auth,
    tx: &mut Tx,
    user: &User,
    factor: &statements::FactorRow,
    given: &str,
) -> Result<(), Error> {
    let now = auth.clock.unix();
    let secret = auth.seal.open(&user.id, &factor.sealed).ok_or_else(|| {
        Error::Stored(format!(
            "a second factor of {} that the key in secrets/seal.key does not open",
            user.id
        ))
    })?;
    let step = totp::matching_step(&secret, given.trim(), now);
    let taken = match step.filter(|step| *step > factor.last_step) {
        Some(step) => statements::take_step(tx, &user.id, step).await?,
        None => false,
    };
    if taken {
        return Ok(());
    }
    auth.tries.failed(&user.id);
    Err(Refused::Wrong(now).into())
}

async fn take_recovery(auth: &Auth, tx: &mut Tx, user: &User, given: &str) -> Result<(), Error> {
    if statements::take_code(tx, &user.id, &hash(&user.id, given)).await? {
        return Ok(());
    }
    auth.tries.failed(&user.id);
    Err(Refused::Wrong(auth.clock.unix()).into())
}

/// What is stored of a recovery code. No slow hash: 78 random bits cannot be guessed.
fn hash(user: &str, code: &str) -> String {
    let plain: String = code
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    opaque::hash(&format!("{user}:{plain}"))
}

//! A login as a whole: known device, password, second factor, and what is noted of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use serde_json::json;

use crate::audit::Event;
use crate::directory::User;
use crate::error::Error;
use crate::opaque;
use crate::own_password;
use crate::password::Password;
use crate::second_factor;
use crate::sessions::{self, Origin};
use crate::state::Auth;
use crate::store::known;
use crate::store::users::fold;
use crate::throttle::Key;

/// A device is remembered for so long.
const DEVICE_SECONDS: i64 = 365 * 24 * 3600;

/// What somebody shows to be let in.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    /// Login name.
    pub name: &'a str,
    /// Password.
    pub password: Password,
    /// A code of the authenticator, or a recovery code.
    pub otp: Option<&'a str>,
    /// What an earlier login gave to this device, if it did.
    pub device_token: Option<&'a str>,
    /// A new password, for somebody who has to choose one.
    pub new_password: Option<Password>,
    /// From where.
    pub origin: &'a Origin,
}

/// Lets somebody in or not. What is refused is in the audit record, what succeeds once [`welcome`] is called.
pub(crate) async fn authenticate(auth: &Arc<Auth>, attempt: Attempt<'_>) -> Result<User, Error> {
    let Attempt {
        name,
        password,
        otp,
        device_token,
        new_password,
        origin,
    } = attempt;
    let keys = match known_device(auth, name, device_token).await? {
        Some(device) => vec![Key::Device(device)],
        None => Key::login(name, origin.address),
    };
    match sessions::check_password(auth, name, password, origin, &keys).await {
        Ok(user) => {
            second_factor::pass(auth, &user, origin, otp).await?;
            own_password::renew(auth, user, new_password).await
        }
        Err(error) => {
            if matches!(error, Error::InvalidCredentials) {
                let mut event = Event::new("login")
                    .refused()
                    .from(origin)
                    .detail("wrong name or password");
                if let Some(id) = auth.directory.id_of(name) {
                    event = event.about(&id);
                }
                auth.audit.record(event);
            }
            Err(error)
        }
    }
}

/// The hash of a device token, if it was given out to whoever goes by `name`.
async fn known_device(auth: &Auth, name: &str, token: Option<&str>) -> Result<Option<String>, Error> {
    let Some(token) = token.filter(|token| opaque::is_well_formed(token)) else {
        return Ok(None);
    };
    let hash = opaque::hash(token);
    let owner = known::device_owner(&mut *auth.store.read().await?, &hash, auth.clock.unix()).await?;
    let owner = owner.and_then(|id| auth.directory.get(&id));
    Ok(owner
        .filter(|owner| fold(&owner.name) == fold(name))
        .map(|_| hash))
}

/// Remembers the device of somebody who was let in; the token is for the device to show next time.
pub(crate) async fn remember_device(auth: &Arc<Auth>, user: &User) -> Result<String, Error> {
    let (token, now) = (opaque::fresh(), auth.clock.unix());
    let mut tx = auth.store.begin().await?;
    known::add_device(
        &mut tx,
        &opaque::hash(&token),
        &user.id,
        now,
        now + DEVICE_SECONDS,
    )
    .await?;
    tx.commit().await?;
    Ok(token)
}

/// Notes that somebody was let in, and tells of it if it was from a place not seen before. Nobody waits for it.
pub(crate) fn welcome(auth: &Arc<Auth>, user: &User, origin: &Origin) {
    auth.audit
        .record(Event::new("login").by(user).about(&user.id).from(origin));
    let (auth, user, origin) = (Arc::clone(auth), user.clone(), origin.clone());
    auth.lifecycle.clone().spawn(async move {
        if let Err(error) = note_place(&auth, &user, &origin).await {
            tracing::warn!(%error, "cannot note from where a login came");
        }
    });
}

async fn note_place(auth: &Auth, user: &User, origin: &Origin) -> Result<(), Error> {
    let place = origin.address.map_or_else(|| "local".to_owned(), place_of);
    let mut tx = auth.store.begin().await?;
    let (known, seen) = known::visit(&mut tx, &user.id, &place, auth.clock.unix()).await?;
    tx.commit().await?;
    // The first login of all is from a new place and no news.
    if seen || known == 0 {
        return Ok(());
    }
    auth.audit.record(
        Event::new("login.new_place")
            .by(user)
            .about(&user.id)
            .from(origin),
    );
    let address = origin.address_text();
    let summary = format!(
        "{} logged in from a new place: {address}, {}",
        user.name, origin.device
    );
    let fields =
        json!({ "user": user.name, "user_id": user.id, "address": address, "device": origin.device });
    auth.stack_events.tell("login.new_place", &summary, &fields);
    Ok(())
}

/// The network around an address: what one provider gives to one household changes within it.
fn place_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{}/24", Ipv4Addr::from_bits(v4.to_bits() & 0xffff_ff00)),
        IpAddr::V6(v6) => format!("{}/48", Ipv6Addr::from_bits(v6.to_bits() >> 80 << 80)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_network() {
        for (address, place) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2::9", "2001:db8:1::/48"),
            ("127.0.0.1", "127.0.0.0/24"),
        ] {
            assert_eq!(place_of(address.parse().unwrap()), place);
        }
    }
}

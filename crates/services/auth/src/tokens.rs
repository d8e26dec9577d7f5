//! Makes access tokens.

use std::sync::{PoisonError, RwLock};

use pistack_api::service::Service;
use pistack_api::token::{AccessClaims, Jwks};
use pistack_kit::clock::Clock;
use pistack_kit::random;

use crate::directory::User;
use crate::key_ring::KeyRing;
use crate::privileges::Privileges;

/// Signs in the name of this installation.
#[derive(Debug)]
pub(crate) struct Issuer {
    ring: RwLock<KeyRing>,
    /// The installation's id, the `iss` of every token.
    name: String,
    clock: Clock,
}

impl Issuer {
    /// The installation `name` with its keys.
    pub(crate) fn new(ring: KeyRing, name: String, clock: Clock) -> Self {
        Self {
            ring: RwLock::new(ring),
            name,
            clock,
        }
    }

    /// Signs with other keys from now on.
    pub(crate) fn replace(&self, ring: KeyRing) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// When the key that signs was made.
    pub(crate) fn made_at(&self) -> i64 {
        self.ring().made_at()
    }

    fn ring(&self) -> std::sync::RwLockReadGuard<'_, KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// An access token for all services, good for `seconds`.
    pub(crate) fn access(&self, user: &User, sid: &str, seconds: i64, privileges: Privileges) -> String {
        let now = self.clock.unix();
        self.ring().sign(&AccessClaims {
            typ: "access".to_owned(),
            jti: random::uuid().to_string(),
            sub: user.id.clone(),
            nam: user.name.clone(),
            lvl: user.level,
            sid: sid.to_owned(),
            ep: user.epoch,
            iss: self.name.clone(),
            aud: Service::ALL
                .iter()
                .map(|service| service.name().to_owned())
                .collect(),
            iat: now,
            exp: now + seconds,
            auth_time: privileges.auth_time,
            via: privileges.via,
            grants: privileges.grants,
            scope: privileges.scope,
        })
    }

    /// The public keys whose tokens may be good now, the signing one first.
    pub(crate) fn keys(&self) -> Jwks {
        Jwks {
            issuer: self.name.clone(),
            keys: self.ring().public(self.clock.unix()),
        }
    }
}

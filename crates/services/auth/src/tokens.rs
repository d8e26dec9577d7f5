//! Makes access tokens.

use pistack_api::service::Service;
use pistack_api::token::{AccessClaims, Jwks};
use pistack_kit::clock::Clock;
use pistack_kit::random;
use pistack_kit::token::SigningKey;

use crate::directory::User;
use crate::privileges::Privileges;

/// Signs in the name of this installation.
#[derive(Debug)]
pub(crate) struct Issuer {
    key: SigningKey,
    /// The installation's id, the `iss` of every token.
    name: String,
    clock: Clock,
}

impl Issuer {
    /// The installation `name` with its key.
    pub(crate) fn new(key: SigningKey, name: String, clock: Clock) -> Self {
        Self { key, name, clock }
    }

    /// An access token for all services, good for `seconds`.
    pub(crate) fn access(&self, user: &User, sid: &str, seconds: i64, privileges: Privileges) -> String {
        let now = self.clock.unix();
        self.key.sign(&AccessClaims {
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

    /// The public keys.
    pub(crate) fn keys(&self) -> Jwks {
        Jwks {
            issuer: self.name.clone(),
            keys: vec![self.key.jwk()],
        }
    }
}

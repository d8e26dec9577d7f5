//! What an access token says beyond who it is: grants, scope, by what credential, how fresh the login is.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use pistack_api::token::Via;

/// What a person may beyond the level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserRights {
    /// Grants, separated by spaces.
    pub grants: String,
    /// True for somebody who may nothing but these.
    pub limited: bool,
}

/// Everyone's, in memory; replaced as a whole after every change.
#[derive(Debug, Default)]
pub(crate) struct RightsByUser {
    current: RwLock<Arc<HashMap<String, UserRights>>>,
}

impl RightsByUser {
    /// One person's; nothing extra where nothing was granted.
    pub(crate) fn get(&self, user: &str) -> UserRights {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.get(user).cloned().unwrap_or_default()
    }

    /// Shows another state.
    pub(crate) fn replace(&self, all: HashMap<String, UserRights>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
    }
}

/// The claims of a token that do not name the person.
#[derive(Debug, Clone, Default)]
pub(crate) struct Privileges {
    /// When the person last proved who it is, if that was recently.
    pub auth_time: Option<i64>,
    /// By what kind of credential.
    pub via: Via,
    /// Rights beyond the level.
    pub grants: Option<String>,
    /// The only rights that the token carries.
    pub scope: Option<String>,
}

impl Privileges {
    /// Those of a login.
    pub(crate) fn of_login(rights: &UserRights, auth_time: Option<i64>) -> Self {
        Self {
            auth_time,
            via: Via::Session,
            grants: Some(rights.grants.clone()).filter(|grants| !grants.is_empty()),
            scope: rights.limited.then(|| rights.grants.clone()),
        }
    }

    /// Those of an API token: its scope, and never more than its owner has. `None` when nothing is left.
    pub(crate) fn of_api_token(owner: &UserRights, scope: &str) -> Option<Self> {
        let scope = if owner.limited {
            meet(&owner.grants, scope)
        } else {
            scope.to_owned()
        };
        (!scope.is_empty()).then(|| Self {
            auth_time: None,
            via: Via::Token,
            grants: Some(owner.grants.clone()).filter(|grants| !grants.is_empty()),
            scope: Some(scope),
        })
    }
}

/// The rights that are in both lists.
fn meet(one: &str, two: &str) -> String {
    use pistack_api::right::grants_of;
    let mut both: Vec<String> = grants_of(one)
        .flat_map(|one| grants_of(two).filter_map(move |two| one.meet(&two)))
        .collect();
    both.sort_unstable();
    both.dedup();
    both.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_token_of_a_limited_person_is_limited_twice() {
        let owner = UserRights {
            grants: "gpio:relay1:* info:*:*".to_owned(),
            limited: true,
        };
        let scope = |text| Privileges::of_api_token(&owner, text).and_then(|it| it.scope);
        assert_eq!(scope("*").as_deref(), Some("gpio:relay1:* info:*:*"));
        assert_eq!(scope("*:*:read").as_deref(), Some("gpio:relay1:read info:*:read"));
        assert_eq!(scope("gpio:relay*:write").as_deref(), Some("gpio:relay1:write"));
        assert_eq!(scope("gpio:relay2:write process:*"), None);
    }

    #[test]
    fn a_login_carries_what_was_granted() {
        let mut rights = UserRights::default();
        let plain = Privileges::of_login(&rights, Some(5));
        assert_eq!(
            (plain.grants, plain.scope, plain.auth_time),
            (None, None, Some(5))
        );
        rights.grants = "process:a:restart".to_owned();
        let granted = Privileges::of_login(&rights, None);
        assert_eq!(
            (granted.grants.as_deref(), granted.scope),
            (Some("process:a:restart"), None)
        );
        rights.limited = true;
        assert_eq!(
            Privileges::of_login(&rights, None).scope.as_deref(),
            Some("process:a:restart")
        );
    }
}

//! All users in memory, so that reading one asks no database. Replaced as a whole after every change.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use pistack_api::auth::PublicUser;
use pistack_api::token::Level;

use crate::store::users::fold;

/// A user without the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// UUID in lower case with hyphens.
    pub id: String,
    /// Login name.
    pub name: String,
    /// Level.
    pub level: Level,
    /// Raised by every change that ends sessions.
    pub epoch: i64,
    /// True for an account that is closed until it is opened again.
    pub disabled: bool,
    /// True until the person has chosen a password: the present one is known to the world.
    pub must_change: bool,
}

impl User {
    /// What others may see.
    pub(crate) fn public(&self) -> PublicUser {
        PublicUser {
            id: self.id.clone(),
            name: self.name.clone(),
            level: self.level,
        }
    }
}

/// The users as of some generation of the database.
#[derive(Debug, Default)]
struct Snapshot {
    generation: i64,
    by_id: HashMap<String, Arc<User>>,
}

/// The users as this process knows them.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    current: RwLock<Arc<Snapshot>>,
}

impl Directory {
    /// One user who may use the account; whoever is disabled is not there.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<User>> {
        self.find(id).filter(|user| !user.disabled)
    }

    /// One user, disabled or not.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<User>> {
        self.snapshot().by_id.get(id).cloned()
    }

    /// The id of whoever goes by `name`, in any case.
    pub(crate) fn id_of(&self, name: &str) -> Option<String> {
        let folded = fold(name);
        let snapshot = self.snapshot();
        let mut users = snapshot.by_id.values();
        users
            .find(|user| fold(&user.name) == folded)
            .map(|user| user.id.clone())
    }

    /// Users whose name contains `part` in any case, by name.
    pub(crate) fn search(&self, part: &str) -> Vec<PublicUser> {
        let part = part.to_lowercase();
        let snapshot = self.snapshot();
        let mut found: Vec<_> = snapshot
            .by_id
            .values()
            .map(|user| (user.name.to_lowercase(), user))
            .filter(|(folded, _)| folded.contains(&part))
            .collect();
        found.sort_by(|one, two| one.0.cmp(&two.0));
        found.into_iter().map(|(_, user)| user.public()).collect()
    }

    /// True while there is no account at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.snapshot().by_id.is_empty()
    }

    /// The database's generation that this shows.
    pub(crate) fn generation(&self) -> i64 {
        self.snapshot().generation
    }

    /// Shows another state.
    pub(crate) fn replace(&self, generation: i64, users: Vec<User>) {
        let by_id = users
            .into_iter()
            .map(|user| (user.id.clone(), Arc::new(user)))
            .collect();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Snapshot { generation, by_id });
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, name: &str) -> User {
        User {
            id: id.to_owned(),
            name: name.to_owned(),
            level: Level::User,
            epoch: 1,
            disabled: false,
            must_change: false,
        }
    }

    #[test]
    fn it_shows_the_last_state_only() {
        let directory = Directory::default();
        assert!(directory.is_empty());
        directory.replace(1, vec![user("1", "Żaneta"), user("2", "adam")]);
        assert_eq!(
            (directory.generation(), directory.get("2").unwrap().name.as_str()),
            (1, "adam")
        );
        directory.replace(2, vec![user("1", "Zofia")]);
        assert!(directory.get("2").is_none());
        assert_eq!(directory.get("1").unwrap().name, "Zofia");
    }

    #[test]
    fn whoever_is_disabled_is_found_only_by_those_who_manage() {
        let directory = Directory::default();
        let closed = User {
            disabled: true,
            ..user("1", "Anna")
        };
        directory.replace(1, vec![closed, user("2", "adam")]);
        assert!(directory.get("1").is_none() && directory.find("1").is_some());
        assert_eq!(directory.search("").len(), 2);
        assert_eq!(directory.id_of("ADAM").as_deref(), Some("2"));
        assert_eq!(directory.id_of("eve"), None);
    }

    #[test]
    fn search_ignores_case_and_sorts() {
        let directory = Directory::default();
        directory.replace(1, vec![user("1", "Żaneta"), user("2", "adam"), user("3", "Anna")]);
        let names = |part| {
            directory
                .search(part)
                .into_iter()
                .map(|user| user.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["adam", "Anna", "Żaneta"]);
        assert_eq!(names("AN"), ["Anna", "Żaneta"]);
        assert_eq!(names("ŻAN"), ["Żaneta"]);
        assert!(names("%").is_empty());
    }
}

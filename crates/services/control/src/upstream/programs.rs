//! All programs with what they take and how they fared, as the home page shows them.

use std::sync::Arc;

use pistack_api::process::ProcessInfo;

use super::supervisor;
use super::together::Together;
use super::usage::{Usage, usage};
use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;

/// What one look brought.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) list: Vec<ProcessInfo>,
    pub(crate) usage: Usage,
}

/// Looks that are under way, by [`Person::session`].
pub(crate) type Looks = Together<Result<Arc<Programs>, Failure>>;

/// Looks, in a person's name; pages of the same person that look at the same time share what it brings.
pub(crate) async fn programs(dashboard: &Dashboard, person: &Person) -> Result<Arc<Programs>, Failure> {
    let look = || async {
        let (list, usage) = tokio::join!(
            supervisor::list(dashboard, &person.token),
            usage(dashboard, person)
        );
        Ok(Arc::new(Programs { list: list?, usage }))
    };
    dashboard.looks.ask(&person.session(), look).await
}

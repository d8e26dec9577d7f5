//! When one open page has to look again: after news from the supervisor service, and when it comes or goes.

use pistack_api::token::AccessClaims;
use tokio::sync::watch;

use super::news::{Latest, Link};
use crate::identity::Person;
use crate::state::Dashboard;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// Look again.
    Look,
    /// News cannot be had for now.
    Lost,
    /// The person may not look any more.
    Over,
}

/// The beat of one open page. [`Pulse::next`] may be dropped and called again without losing anything.
#[derive(Debug)]
pub(super) struct Pulse {
    dashboard: Dashboard,
    claims: AccessClaims,
    news: watch::Receiver<Latest>,
    /// What the page was told of.
    told: Latest,
}

impl Pulse {
    pub(super) fn new(dashboard: &Dashboard, person: &Person) -> Self {
        Self {
            dashboard: dashboard.clone(),
            claims: person.claims.clone(),
            news: dashboard.newsroom.join(dashboard, person),
            told: Latest::default(),
        }
    }

    pub(super) async fn next(&mut self) -> Beat {
        loop {
            let latest = *self.news.borrow_and_update();
            let told = std::mem::replace(&mut self.told, latest);
            match latest.link {
                Link::Refused => return Beat::Over,
                Link::Lost if told.link != Link::Lost => return Beat::Lost,
                Link::Up if told != latest => return Beat::Look,
                _ => {}
            }
            tokio::select! {
                () = self.dashboard.context.guard.over(&self.claims) => return Beat::Over,
                // Whoever tells is gone: the page asks again.
                told = self.news.changed() => if told.is_err() {
                    return Beat::Over;
                },
            }
        }
    }
}

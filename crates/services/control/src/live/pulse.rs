//! When to look again: after news from the supervisor service, and when the connection to it comes or goes.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;
use crate::upstream::events::{self, Events, News};

/// News rarely comes alone: what follows within this time is looked at together.
const SETTLE: Duration = Duration::from_millis(60);
/// How often the person's right to look is checked; a session ended elsewhere closes the page this soon.
const CHECK: Duration = Duration::from_millis(500);
/// Between two attempts to reach the supervisor service.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(4);

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
    token: String,
    check: Interval,
    events: Option<Events>,
    /// Set by news; when it is over, look.
    settled: Option<Instant>,
    retry_at: Instant,
    retry: Duration,
    told_lost: bool,
}

impl Pulse {
    pub(super) fn new(dashboard: &Dashboard, person: &Person) -> Self {
        let mut check = interval(CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            dashboard: dashboard.clone(),
            token: person.token.clone(),
            check,
            events: None,
            settled: None,
            retry_at: Instant::now(),
            retry: FIRST_RETRY,
            told_lost: false,
        }
    }

    pub(super) async fn next(&mut self) -> Beat {
        loop {
            let settled = self.settled;
            let step = tokio::select! {
                _ = self.check.tick() => Step::Check,
                () = sleep_until(settled.unwrap_or_else(Instant::now)), if settled.is_some() => Step::Settled,
                step = advance(&mut self.events, &self.dashboard, &self.token, self.retry_at) => step,
            };
            match step {
                Step::Check if self.dashboard.context.guard.verify(&self.token).is_err() => {
                    return Beat::Over;
                }
                Step::Check => {}
                Step::Settled => {
                    self.settled = None;
                    return Beat::Look;
                }
                Step::News(News::Programs) => {
                    self.settled.get_or_insert_with(|| Instant::now() + SETTLE);
                }
                Step::News(News::Supervisor { connected: true }) | Step::Connected => {
                    (self.retry, self.told_lost) = (FIRST_RETRY, false);
                    return Beat::Look;
                }
                Step::News(News::Supervisor { connected: false }) => {
                    self.told_lost = true;
                    return Beat::Lost;
                }
                Step::Refused => return Beat::Over,
                Step::Down => {
                    self.retry_at = Instant::now() + self.retry;
                    self.retry = (self.retry * 2).min(LONGEST_RETRY);
                    if !std::mem::replace(&mut self.told_lost, true) {
                        return Beat::Lost;
                    }
                }
            }
        }
    }
}

enum Step {
    Check,
    Settled,
    Connected,
    News(News),
    Down,
    Refused,
}

/// Connects where there is no connection, else waits for news.
async fn advance(events: &mut Option<Events>, dashboard: &Dashboard, token: &str, retry_at: Instant) -> Step {
    if let Some(open) = events {
        return if let Some(news) = open.next().await {
            Step::News(news)
        } else {
            *events = None;
            Step::Down
        };
    }
    sleep_until(retry_at).await;
    match events::open(dashboard, token).await {
        Ok(open) => {
            *events = Some(open);
            Step::Connected
        }
        Err(Failure::SignIn | Failure::Forbidden) => Step::Refused,
        Err(_) => Step::Down,
    }
}

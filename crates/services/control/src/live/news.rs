//! What the supervisor service tells, for all open pages of one session over one connection.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;
use crate::upstream::events::{self, Events, News};

/// News rarely comes alone: what follows within this time is looked at together.
const SETTLE: Duration = Duration::from_millis(60);
/// Between two attempts to reach the supervisor service.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(4);

/// Whether news can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Link {
    /// Not known yet.
    #[default]
    Opening,
    Up,
    /// The service, or the supervisor behind it, does not answer.
    Lost,
    /// The token lets nobody look.
    Refused,
}

/// What there is to know at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Latest {
    pub(super) link: Link,
    /// How often something happened that may have changed programs.
    pub(super) changes: u64,
}

/// The connections, by [`Person::session`].
#[derive(Debug, Default)]
pub(crate) struct Newsroom(Mutex<HashMap<Box<str>, watch::Sender<Latest>>>);

impl Newsroom {
    /// Joins the connection of a session, or opens it.
    pub(super) fn join(&self, dashboard: &Dashboard, person: &Person) -> watch::Receiver<Latest> {
        let session = person.session().into_boxed_str();
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = rooms.get(&session) {
            return room.subscribe();
        }
        let (room, seat) = watch::channel(Latest::default());
        rooms.insert(session.clone(), room.clone());
        let reader = Reader {
            dashboard: dashboard.clone(),
            session,
            token: person.token.as_str().into(),
            room,
        };
        tokio::spawn(reader.run());
        seat
    }

    /// Takes a room away that nobody is in, or whose token is refused.
    fn leave(&self, session: &str, room: &watch::Sender<Latest>) -> bool {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = room.receiver_count() == 0 || room.borrow().link == Link::Refused;
        if over {
            rooms.remove(session);
        }
        over
    }
}

struct Reader {
    dashboard: Dashboard,
    session: Box<str>,
    token: Box<str>,
    room: watch::Sender<Latest>,
}

impl Reader {
    /// Until nobody listens any more.
    async fn run(self) {
        loop {
            tokio::select! {
                () = self.read() => {}
                () = self.room.closed() => {}
            }
            if self.dashboard.newsroom.leave(&self.session, &self.room) {
                return;
            }
        }
    }

    /// Until the token is refused.
    async fn read(&self) {
        let mut retry = FIRST_RETRY;
        self.tell(Link::Opening);
        loop {
            match events::open(&self.dashboard, &self.token).await {
                Ok(events) => {
                    retry = FIRST_RETRY;
                    // What happened before it was open is for the pages to look at.
                    self.room.send_modify(|latest| {
                        latest.link = Link::Up;
                        latest.changes += 1;
                    });
                    self.follow(events).await;
                }
                Err(Failure::SignIn | Failure::Forbidden) => return self.tell(Link::Refused),
                Err(_) => {}
            }
            self.tell(Link::Lost);
            sleep(retry).await;
            retry = (retry * 2).min(LONGEST_RETRY);
        }
    }

    /// Until the connection ends.
    async fn follow(&self, mut events: Events) {
        let mut settled = None;
        loop {
            let news = tokio::select! {
                news = events.next() => news,
                () = sleep_until(settled.unwrap_or_else(Instant::now)), if settled.is_some() => {
                    settled = None;
                    self.room.send_modify(|latest| latest.changes += 1);
                    continue;
                }
            };
            match news {
                Some(News::Programs) => {
                    settled.get_or_insert_with(|| Instant::now() + SETTLE);
                }
                Some(News::Supervisor { connected }) => {
                    self.tell(if connected { Link::Up } else { Link::Lost });
                }
                None => return,
            }
        }
    }

    fn tell(&self, link: Link) {
        self.room
            .send_if_modified(|latest| std::mem::replace(&mut latest.link, link) != link);
    }
}

impl Drop for Reader {
    /// However it ends, the next page finds no room that nobody reads for.
    fn drop(&mut self) {
        let mut rooms = self
            .dashboard
            .newsroom
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let ours = |room: &watch::Sender<Latest>| room.same_channel(&self.room);
        if rooms.get(&self.session).is_some_and(ours) {
            rooms.remove(&self.session);
        }
    }
}

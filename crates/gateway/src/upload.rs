//! How far a client's upload has come, and who is to blame when it does not go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How long each side of an upload may let the other wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For the client: without a single byte.
    pub(crate) idle: Duration,
    /// For the client: bytes a second, 0 = any.
    pub(crate) rate: u32,
    /// For the client: how long it may be slower.
    pub(crate) grace: Duration,
    /// For the service: without taking anything, and for its answer once it has everything.
    pub(crate) service: Duration,
}

/// Who lets the other wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The body does not come, or too slowly.
    Client,
    /// The service takes nothing, or does not answer.
    Service,
}

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadState {
    /// More is to come.
    Open,
    /// All of it has been passed on.
    Complete,
    /// The client broke off or broke the framing.
    Failed,
    /// It is longer than the route takes.
    TooLarge,
}

/// How far an upload has come; shared with the one who waits for the answer. Times are milliseconds from `start`.
#[derive(Debug)]
pub(crate) struct Upload {
    start: Instant,
    /// The last frame.
    moved_at: AtomicU64,
    /// When the client was first asked for what has not come yet, plus one; 0 = it is not being asked.
    asked_at: AtomicU64,
    /// What earlier waits for the client came to.
    waited: AtomicU64,
    /// Bytes so far.
    bytes: AtomicU64,
    /// The most that is taken; `u64::MAX` = any.
    most: u64,
    state: AtomicU8,
}

impl Upload {
    /// `most`: bytes that are taken; `None` = any.
    pub(crate) fn new(most: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            most: most.unwrap_or(u64::MAX),
            start: Instant::now(),
            moved_at: AtomicU64::new(0),
            asked_at: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            state: AtomicU8::new(0),
        })
    }

    /// The service wants more and the client has sent none.
    pub(crate) fn asked(&self) {
        let now = self.now() + 1;
        let _ = self
            .asked_at
            .compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// `bytes` more have come, and where that leaves the upload.
    pub(crate) fn note(&self, state: UploadState, bytes: usize) {
        let now = self.now();
        let asked_at = self.asked_at.swap(0, Ordering::Relaxed);
        if asked_at > 0 {
            self.waited
                .fetch_add(now.saturating_sub(asked_at - 1), Ordering::Relaxed);
        }
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.moved_at.store(now, Ordering::Relaxed);
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Whether more has come than is taken. The upload is over then.
    pub(crate) fn is_too_large(&self) -> bool {
        let over = self.bytes.load(Ordering::Relaxed) > self.most;
        if over {
            self.state.store(UploadState::TooLarge as u8, Ordering::Relaxed);
        }
        over
    }

    /// Gives up: the rest is not worth reading.
    pub(crate) fn abandon(&self) {
        self.note(UploadState::Failed, 0);
    }

    pub(crate) fn state(&self) -> UploadState {
        match self.state.load(Ordering::Relaxed) {
            0 => UploadState::Open,
            1 => UploadState::Complete,
            2 => UploadState::Failed,
            _ => UploadState::TooLarge,
        }
    }

    /// When patience ends as things stand, and with whom.
    pub(crate) fn deadline(&self, patience: &Patience) -> (Instant, Blame) {
        let asked_at = self.asked_at.load(Ordering::Relaxed);
        if self.state() != UploadState::Open || asked_at == 0 {
            let moved_at = Duration::from_millis(self.moved_at.load(Ordering::Relaxed));
            return (self.start + moved_at + patience.service, Blame::Service);
        }
        let asked_at = self.start + Duration::from_millis(asked_at - 1);
        let waited = Duration::from_millis(self.waited.load(Ordering::Relaxed));
        let earned = match self
            .bytes
            .load(Ordering::Relaxed)
            .checked_div(u64::from(patience.rate))
        {
            Some(seconds) => patience.grace + Duration::from_secs(seconds),
            None => Duration::MAX,
        };
        let wait = patience.idle.min(earned.saturating_sub(waited));
        (asked_at + wait, Blame::Client)
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        idle: Duration::from_secs(30),
        rate: 256,
        grace: Duration::from_secs(10),
        service: Duration::from_mins(1),
    };

    fn left(upload: &Upload) -> (u64, Blame) {
        let (deadline, blame) = upload.deadline(&PATIENCE);
        let left = deadline.saturating_duration_since(upload.start);
        (left.as_secs(), blame)
    }

    #[test]
    fn who_is_waited_for_gets_the_blame() {
        let upload = Upload::new(None);
        assert_eq!(
            left(&upload),
            (60, Blame::Service),
            "the service has not begun to read"
        );
        upload.asked();
        assert_eq!(left(&upload), (10, Blame::Client));
        upload.note(UploadState::Open, 2560);
        assert_eq!(
            left(&upload),
            (60, Blame::Service),
            "the service has not asked for more"
        );
        upload.asked();
        assert_eq!(left(&upload), (20, Blame::Client), "ten seconds earned");
        upload.note(UploadState::Open, 1 << 30);
        upload.asked();
        assert_eq!(left(&upload), (30, Blame::Client), "a fast upload may pause");
        upload.note(UploadState::Complete, 1);
        assert_eq!(left(&upload), (60, Blame::Service));
        upload.abandon();
        assert_eq!(upload.state(), UploadState::Failed);
    }

    #[test]
    fn waits_add_up_and_the_services_own_do_not_count() {
        let upload = Upload::new(None);
        upload.asked();
        upload.waited.store(9_000, Ordering::Relaxed);
        let (seconds, blame) = left(&upload);
        assert_eq!((seconds, blame), (1, Blame::Client));
        upload.waited.store(12_000, Ordering::Relaxed);
        assert_eq!(left(&upload), (0, Blame::Client));
    }
}

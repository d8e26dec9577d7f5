//! Time as a parameter: the only place that reads the system's clocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A source of time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Milliseconds since 1970, moved by the test.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clocks.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it; for tests.
    pub fn manual(unix_seconds: i64) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(unix_seconds * 1000))))
    }

    /// Moves a manual clock on. The system's clock ignores it.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(millis) = &self.0 {
            millis.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
        }
    }

    /// Wall time, seconds since 1970.
    pub fn unix(&self) -> i64 {
        self.wall().as_secs() as i64
    }

    /// Wall time since 1970.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    pub fn wall(&self) -> Duration {
        match &self.0 {
            Source::System => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default(),
            Source::Manual(millis) => Duration::from_millis(millis.load(Ordering::SeqCst) as u64),
        }
    }

    /// Monotonic time since an arbitrary start; never steps back.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the monotonic clock"
    )]
    pub fn monotonic(&self) -> Duration {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        match &self.0 {
            Source::System => START.get_or_init(std::time::Instant::now).elapsed(),
            Source::Manual(_) => self.wall(),
        }
    }
}

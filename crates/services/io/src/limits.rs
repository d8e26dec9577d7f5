//! When an output may go on, and when it must go off: `min_off`, `interlock`, `interlock_wait` and `max_on`. Nothing
//! here knows a clock or a chip; times are monotonic.

use std::time::Duration;

/// The rules of one output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Longest time on.
    pub(crate) max_on: Option<Duration>,
    /// Shortest time off.
    pub(crate) min_off: Option<Duration>,
    /// Group of which only one may be on.
    pub(crate) interlock: Option<String>,
    /// Time between one of the group going off and another going on.
    pub(crate) wait: Duration,
}

/// Since when an output is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// On.
    On(Duration),
    /// Off. An output that was never on counts as switched off at the start of the service: what it did before is
    /// not known, and a compressor does not forgive.
    Off(Duration),
}

/// Another output of the same interlock group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its name, for the answer.
    pub(crate) name: String,
    /// Whether it is on.
    pub(crate) since: Since,
    /// Whether it was ever on; one that never was needs no wait.
    pub(crate) was_on: bool,
    /// When it will go off by itself, if that is known.
    pub(crate) off_at: Option<Duration>,
}

/// Why an output may not go on now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// It was not off for long enough.
    MinOff { retry: Duration },
    /// Another one of its group is on, or was a moment ago. `retry` is known if the other goes off by itself.
    Interlock {
        blocked_by: String,
        retry: Option<Duration>,
    },
}

/// Whether an output may go on at `now`. One that is on already may.
pub(crate) fn may_go_on(
    limits: &Limits,
    since: Since,
    peers: impl IntoIterator<Item = Peer>,
    now: Duration,
) -> Result<(), Blocked> {
    let Since::Off(off) = since else { return Ok(()) };
    for peer in peers {
        let free_at = match peer.since {
            Since::On(_) => peer.off_at.map(|at| at + limits.wait),
            Since::Off(at) if peer.was_on && at + limits.wait > now => Some(at + limits.wait),
            Since::Off(_) => continue,
        };
        return Err(Blocked::Interlock {
            blocked_by: peer.name,
            retry: free_at.map(|at| at.saturating_sub(now)),
        });
    }
    match limits.min_off {
        Some(least) if off + least > now => Err(Blocked::MinOff {
            retry: (off + least).saturating_sub(now),
        }),
        _ => Ok(()),
    }
}

/// When an output must go off.
pub(crate) fn must_go_off_at(limits: &Limits, since: Since) -> Option<Duration> {
    match since {
        Since::On(at) => limits.max_on.map(|longest| at + longest),
        Since::Off(_) => None,
    }
}

#[cfg(test)]
mod tests;

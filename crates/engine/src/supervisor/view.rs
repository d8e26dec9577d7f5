//! What a client may ask about a process.

use std::time::Duration;

use crate::config::model::ProcessSpec;
use crate::io::{Now, ProcessId};
use crate::state::ProcessState;

/// What a client may ask about one process. Fields as in supervisord's process info.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessView<'a> {
    /// Its id.
    pub id: ProcessId,
    /// Its specification.
    pub spec: &'a ProcessSpec,
    /// State.
    pub state: ProcessState,
    /// Pid; 0 if none.
    pub pid: i32,
    /// Last start, seconds since 1970; 0 = never.
    pub start: i64,
    /// Last stop, seconds since 1970; 0 = never.
    pub stop: i64,
    /// Monotonic time of the last start.
    pub started_mono: Option<Duration>,
    /// Why the last start failed, or empty.
    pub spawnerr: &'a str,
    /// Exit status; -1 after a signal; `None` if none.
    pub exitstatus: Option<i32>,
}

impl ProcessView<'_> {
    /// supervisord's one line for people. `local_time` formats seconds since 1970 in local time as
    /// `%b %d %I:%M %p` (`Oct 21 03:07 PM`). The uptime is monotonic: a step of the wall clock does not change it.
    pub fn description(&self, now: Now, local_time: &dyn Fn(i64) -> String) -> String {
        match self.state {
            ProcessState::Running => {
                let started = self.started_mono.unwrap_or(now.mono);
                format!(
                    "pid {}, uptime {}",
                    self.pid,
                    uptime(now.mono.saturating_sub(started))
                )
            }
            ProcessState::Fatal | ProcessState::Backoff if self.spawnerr.is_empty() => {
                format!("unknown error (try \"tail {}\")", self.spec.name)
            }
            ProcessState::Fatal | ProcessState::Backoff => self.spawnerr.to_owned(),
            ProcessState::Stopped | ProcessState::Exited if self.start == 0 => "Not started".to_owned(),
            ProcessState::Stopped | ProcessState::Exited => local_time(self.stop),
            ProcessState::Starting | ProcessState::Stopping | ProcessState::Unknown => String::new(),
        }
    }
}

/// `0:01:02`, `1 day, 0:00:05`, `2 days, 13:00:00`: whole seconds as Python prints a `timedelta`.
fn uptime(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let clock = format!("{hours}:{minutes:02}:{:02}", seconds % 60);
    match days {
        0 => clock,
        1 => format!("1 day, {clock}"),
        _ => format!("{days} days, {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_looks_as_python_prints_it() {
        for (seconds, expected) in [
            (0, "0:00:00"),
            (62, "0:01:02"),
            (45_296, "12:34:56"),
            (86_405, "1 day, 0:00:05"),
            (219_600, "2 days, 13:00:00"),
        ] {
            assert_eq!(uptime(Duration::from_millis(seconds * 1000 + 999)), expected);
        }
    }

    #[test]
    fn each_state_has_its_description() {
        let spec = ProcessSpec::new("camera", "cat");
        let now = Now {
            mono: Duration::from_secs(100),
            wall: Duration::from_secs(1_000_000),
        };
        let local = |seconds: i64| format!("local {seconds}");
        let describe = |state, start, stop, spawnerr: &'static str| {
            let started_mono = Some(Duration::from_secs(38));
            let view = ProcessView {
                id: ProcessId(0),
                spec: &spec,
                state,
                pid: 7,
                start,
                stop,
                started_mono,
                spawnerr,
                exitstatus: None,
            };
            view.description(now, &local)
        };
        assert_eq!(describe(ProcessState::Running, 5, 0, ""), "pid 7, uptime 0:01:02");
        assert_eq!(
            describe(ProcessState::Fatal, 5, 0, "Bad exit code 3"),
            "Bad exit code 3"
        );
        assert_eq!(
            describe(ProcessState::Backoff, 5, 0, ""),
            "unknown error (try \"tail camera\")"
        );
        assert_eq!(describe(ProcessState::Stopped, 0, 0, ""), "Not started");
        assert_eq!(describe(ProcessState::Exited, 5, 9, "Bad exit code 3"), "local 9");
        assert_eq!(describe(ProcessState::Stopping, 5, 9, ""), "");
        assert_eq!(describe(ProcessState::Starting, 5, 9, ""), "");
        assert_eq!(describe(ProcessState::Unknown, 5, 9, ""), "");
    }
}

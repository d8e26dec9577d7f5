//! When which process has something to do by time alone.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::io::ProcessId;

/// The deadlines of all processes, the next one first: what is asked at every input does not grow with their number.
#[derive(Debug, Default)]
pub(super) struct Alarms(BTreeSet<(Duration, ProcessId)>);

impl Alarms {
    /// Moves the alarm of a process from `before` to `after`; `None` is no alarm.
    pub(super) fn shift(&mut self, process: ProcessId, before: Option<Duration>, after: Option<Duration>) {
        if let Some(before) = before {
            self.0.remove(&(before, process));
        }
        if let Some(after) = after {
            self.0.insert((after, process));
        }
    }

    /// The earliest of all.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Whose time has come, in the order of the processes.
    pub(super) fn due(&self, now: Duration) -> Vec<ProcessId> {
        let mut due: Vec<ProcessId> = self
            .0
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, process)| *process)
            .collect();
        due.sort_unstable();
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_next_and_what_is_due_comes_in_order() {
        let at = Duration::from_secs;
        let mut alarms = Alarms::default();
        alarms.shift(ProcessId(2), None, Some(at(5)));
        alarms.shift(ProcessId(1), None, Some(at(6)));
        alarms.shift(ProcessId(3), None, Some(at(9)));
        assert_eq!(alarms.next(), Some(at(5)));
        assert_eq!(alarms.due(at(6)), [ProcessId(1), ProcessId(2)]);
        alarms.shift(ProcessId(2), Some(at(5)), Some(at(7)));
        alarms.shift(ProcessId(1), Some(at(6)), None);
        assert_eq!(alarms.next(), Some(at(7)));
        assert!(alarms.due(at(6)).is_empty());
    }
}

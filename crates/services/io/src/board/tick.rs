//! What time brings: steps of actions, the end of `max_on`, levels to be remembered.

use std::sync::Arc;
use std::time::Duration;

use super::Board;
use crate::limits::must_go_off_at;

impl Board {
    /// When [`Board::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let lines = self.lines.iter().flat_map(|line| {
            let action = line.action.as_ref().and_then(|action| action.next);
            [must_go_off_at(&line.limits, line.since), action]
        });
        lines.chain([self.restore.deadline()]).flatten().min()
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self) {
        let now = self.now();
        for index in 0..self.lines.len() {
            let line = &self.lines[index];
            if must_go_off_at(&line.limits, line.since).is_some_and(|at| at <= now) {
                self.force_off(index, &"max_on".into());
            }
            let due = |next: Option<Duration>| next.is_some_and(|next| next <= now);
            if due(self.lines[index].action.as_ref().and_then(|action| action.next)) {
                self.step(index);
            }
        }
        self.restore.tick(now);
    }

    /// Off, whatever the line does.
    fn force_off(&mut self, index: usize, by: &Arc<str>) {
        self.cancel(index, by);
        self.end_pwm(index);
        let name = self.lines[index].name.clone().unwrap_or_default();
        if let Err(error) = self.put(index, false, by) {
            tracing::error!(line = name, %error, "it cannot be switched off");
            // Tried again with the next tick of the same length rather than at once and for ever.
            if let Some(longest) = self.lines[index].limits.max_on {
                let now = self.now();
                self.lines[index].since =
                    crate::limits::Since::On(now.saturating_sub(longest) + Duration::from_secs(1));
            }
        } else {
            tracing::warn!(line = name, "on for too long: switched off");
        }
    }
}

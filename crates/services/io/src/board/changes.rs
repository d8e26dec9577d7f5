//! What follows from a change: the event, the times that limits count from, what is remembered, who follows.

use std::sync::Arc;

use super::Board;
use crate::backend::BackendError;
use crate::config::{Direction, Initial};
use crate::error::Error;
use crate::event::Kind;
use crate::limits::Since;
use crate::ring::{Entry, Said};

impl Board {
    /// Adds an event about a line (or none) as of now, and wakes the readers.
    pub(super) fn tell(&mut self, index: Option<usize>, kind: Kind, value: Said, by: &Arc<str>) -> u64 {
        let entry = Entry {
            seq: 0,
            line: index.map(|index| index as u16),
            kind,
            value,
            wall_us: self.wall_us(),
            mono_ns: self.mono_ns(),
            line_seqno: 0,
            lost: 0,
            by: Arc::clone(by),
        };
        self.publish(entry)
    }

    /// Adds an event and wakes the readers.
    pub(super) fn publish(&mut self, entry: Entry) -> u64 {
        let seq = self.ring.push(entry);
        self.news.send_replace(seq);
        seq
    }

    /// A sensor has news.
    pub(crate) fn sensor(&mut self, reading: crate::sensors::Reading) {
        self.tell(None, Kind::Sensor, Said::Sensor(reading.into()), &"sensor".into());
    }

    /// The line was changed by somebody.
    pub(super) fn mark(&mut self, index: usize, seq: u64, by: &Arc<str>) {
        let wall = self.wall_us();
        let line = &mut self.lines[index];
        line.seq = seq;
        line.changed_us = Some(wall);
        line.changed_by = Arc::clone(by);
    }

    /// An output has a level now. Tells it if it is another one than before.
    pub(super) fn note_level(&mut self, index: usize, level: bool, by: &Arc<str>) {
        let now = self.now();
        let line = &mut self.lines[index];
        let changed = line.level != level;
        line.level = level;
        let was_on = matches!(line.since, Since::On(_));
        if level && !was_on {
            line.since = Since::On(now);
            line.was_on = true;
        } else if !level && was_on {
            line.since = Since::Off(now);
        }
        if line.config.initial == Initial::Restore
            && let Some(name) = &line.name
        {
            self.restore.remember(name, level, now);
        }
        if changed {
            let seq = self.tell(Some(index), Kind::Value, Said::Level(level), by);
            self.mark(index, seq, by);
            self.passed_on(index, level);
        }
    }

    /// Writes one level without asking any limit.
    pub(super) fn put(&mut self, index: usize, level: bool, by: &Arc<str>) -> Result<(), Error> {
        let place = self.lines[index].place;
        let outcome = match &self.lines[index].hardware {
            Some(channel) => channel
                .set(if level { 1.0 } else { 0.0 }, None)
                .map_err(BackendError::Gone),
            None => self.backend.write(&[(place, level)]),
        };
        outcome.map_err(|source| self.failed(index, source))?;
        self.note_level(index, level, by);
        Ok(())
    }

    /// The error of a line; a chip that is gone is told in the health answer, and its lines are taken anew once it is
    /// back.
    pub(super) fn failed(&mut self, index: usize, source: BackendError) -> Error {
        let place = self.lines[index].place;
        let line = self.lines[index]
            .name
            .clone()
            .unwrap_or_else(|| self.spelled(place));
        match &source {
            BackendError::Gone(_) if self.lines[index].hardware.is_none() => {
                self.lines[index].taken = false;
            }
            BackendError::Busy { holder } => {
                let by = "kernel".into();
                self.tell(Some(index), Kind::Busy, Said::Text(holder.as_str().into()), &by);
            }
            _ => {}
        }
        self.last_error = Some(format!("{line}: {source}"));
        Error::Backend { line, source }
    }

    /// Ends what the line does by itself; its level stays.
    pub(super) fn cancel(&mut self, index: usize, by: &Arc<str>) {
        if let Some(action) = self.lines[index].action.take() {
            let text = format!("{} {} ended", action.plan.name(), action.id);
            self.tell(Some(index), Kind::Action, Said::Text(text.into()), by);
            self.unfollow(&action);
            self.timer.notify_one();
        }
    }

    /// Ends PWM; the level is written afterwards.
    pub(super) fn end_pwm(&mut self, index: usize) {
        if self.lines[index].pwm.take().is_some() {
            self.soft.stop(self.lines[index].place);
        }
    }

    /// True for outputs.
    pub(super) fn is_output(&self, index: usize) -> bool {
        self.lines[index].direction == Direction::Output
    }
}

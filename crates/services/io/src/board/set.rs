//! Writing and reading levels.

use std::sync::Arc;
use std::time::Duration;

use super::{Board, Line};
use crate::action::Plan;
use crate::backend::Place;
use crate::config::Direction;
use crate::error::Error;

/// Longest time of a write for a time.
const LONGEST: Duration = Duration::from_hours(24 * 7);

impl Board {
    /// Drives a line, for a time if one is given: then it takes the opposite level. Ends what it did by itself. Gives
    /// the line's index.
    pub(crate) fn set(
        &mut self,
        line: &str,
        level: bool,
        time: Option<Duration>,
        by: &str,
    ) -> Result<Place, Error> {
        let by: Arc<str> = by.into();
        if time.is_some_and(|time| time.is_zero() || time > LONGEST) {
            return Err(Error::BadValue("`for_ms` is 1 to 604800000 (a week)"));
        }
        let index = self.output(line, level)?;
        if level {
            self.may_go_on(index, &[])?;
        }
        self.cancel(index, &by);
        self.end_pwm(index);
        self.put(index, level, &by)?;
        if let Some(time) = time {
            self.begin(index, Plan::Timed { level, time }, &by)?;
        }
        self.timer.notify_one();
        Ok(self.lines[index].place)
    }

    /// The opposite of what the line is.
    pub(crate) fn toggle(&mut self, line: &str, by: &str) -> Result<Place, Error> {
        let level = match self.index(line)? {
            Ok(index) if self.is_output(index) => !self.lines[index].level,
            Ok(index) => return Err(self.wrong_direction(index)),
            Err(place) => {
                let peek = self.backend.peek(place);
                !peek
                    .map_err(|source| Error::Backend {
                        line: self.spelled(place),
                        source,
                    })?
                    .level
            }
        };
        self.set(line, level, None, by)
    }

    /// Drives many lines: none unless all may, and those that were taken together in one step.
    pub(crate) fn set_many(&mut self, wanted: &[(String, bool)], by: &str) -> Result<Vec<Place>, Error> {
        let by: Arc<str> = by.into();
        let mut lines: Vec<(usize, bool)> = Vec::with_capacity(wanted.len());
        // Names first: a call that is refused must not even take a line.
        for (line, _) in wanted {
            if let Ok(index) = self.index(line)?
                && !self.is_output(index)
            {
                return Err(self.wrong_direction(index));
            }
        }
        self.refuse_if_safe()?;
        for (line, level) in wanted {
            let index = self.output(line, *level)?;
            if lines.iter().any(|(known, _)| *known == index) {
                return Err(Error::BadLine(format!(
                    "{} is there twice",
                    self.spelled(self.lines[index].place)
                )));
            }
            lines.push((index, *level));
        }
        for (index, _) in lines.iter().filter(|(_, level)| *level) {
            self.may_go_on(*index, &lines)?;
        }
        for (index, _) in &lines {
            self.cancel(*index, &by);
            self.end_pwm(*index);
        }
        let (hardware, gpio): (Vec<_>, Vec<_>) = lines
            .iter()
            .copied()
            .partition(|(index, _)| self.lines[*index].hardware.is_some());
        let levels: Vec<(Place, bool)> = gpio
            .iter()
            .map(|(index, level)| (self.lines[*index].place, *level))
            .collect();
        if !levels.is_empty()
            && let Err(source) = self.backend.write(&levels)
        {
            return Err(self.failed(gpio[0].0, source));
        }
        for (index, level) in gpio {
            self.note_level(index, level, &by);
        }
        for (index, level) in hardware {
            self.put(index, level, &by)?;
        }
        self.timer.notify_one();
        Ok(lines.iter().map(|(index, _)| self.lines[*index].place).collect())
    }

    /// A level, changing nothing.
    pub(crate) fn read(&mut self, line: &str) -> Result<bool, Error> {
        let index =
            match self.index(line)? {
                Ok(index) => index,
                Err(place) => {
                    return self.backend.peek(place).map(|peek| peek.level).map_err(|source| {
                        Error::Backend {
                            line: self.spelled(place),
                            source,
                        }
                    });
                }
            };
        self.take(index).map_err(|source| self.failed(index, source))?;
        if self.lines[index].pwm.is_some() || self.lines[index].hardware.is_some() {
            return Ok(self.lines[index].level);
        }
        let place = self.lines[index].place;
        self.backend
            .read(place)
            .map_err(|source| self.failed(index, source))
    }

    /// An output that may be written now: ours, and neither in emergency stop nor held. An open line is taken with
    /// `level` as its first.
    pub(super) fn output(&mut self, line: &str, level: bool) -> Result<usize, Error> {
        let found = self.index(line)?;
        if let Ok(index) = found
            && self.lines[index].name.is_some()
            && !self.is_output(index)
        {
            return Err(self.wrong_direction(index));
        }
        self.refuse_if_safe()?;
        let now = self.now();
        // The level that an open line had until now: taking it drives it, and that change is to be told.
        let before = match found {
            Ok(index) if self.lines[index].name.is_none() && !self.is_output(index) => {
                Some(self.lines[index].level)
            }
            Ok(_) => None,
            Err(place) => Some(self.backend.peek(place).is_ok_and(|peek| peek.level)),
        };
        let index = match found {
            Ok(index) => index,
            Err(place) => self.add(Line::open(place, Direction::Output, level, now)),
        };
        if self.lines[index].held {
            return Err(self.held_error(index));
        }
        if !self.is_output(index) {
            self.drive_open(index, level);
        }
        if let Err(source) = self.take(index) {
            return Err(self.failed(index, source));
        }
        if let Some(before) = before {
            self.lines[index].level = before;
        }
        Ok(index)
    }

    /// An open line that was watched as an input is driven from now on.
    fn drive_open(&mut self, index: usize, level: bool) {
        let now = self.now();
        let old = &self.lines[index];
        let mut new = Line::open(old.place, Direction::Output, level, now);
        (new.watchers, new.seq, new.edges) = (old.watchers, old.seq, old.edges);
        if self.lines[index].taken && self.backend.reconfigure(new.place, &new.settings).is_ok() {
            new.taken = true;
            new.level = level;
        } else {
            self.backend.release(new.place);
        }
        self.lines[index] = new;
        self.keep_plan();
    }

    pub(super) fn wrong_direction(&self, index: usize) -> Error {
        let line = &self.lines[index];
        let name = line.name.clone().unwrap_or_default();
        Error::WrongDirection(format!("{name} ({})", self.spelled(line.place)))
    }
}

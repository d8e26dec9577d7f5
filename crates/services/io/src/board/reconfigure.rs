//! `PATCH /lines/{line}`: another use of a line, without letting go of it in between.

use std::sync::Arc;
use std::time::Duration;

use super::Board;
use crate::backend::{Mode, Place, Settings};
use crate::config::{Bias, Direction, Drive, EdgeChoice};
use crate::error::Error;
use crate::event::Kind;
use crate::ring::Said;

/// What is to be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Patch {
    pub(crate) direction: Option<Direction>,
    pub(crate) bias: Option<Bias>,
    pub(crate) debounce: Option<Duration>,
    pub(crate) edge: Option<EdgeChoice>,
    pub(crate) active_low: Option<bool>,
    pub(crate) drive: Option<Drive>,
}

impl Board {
    /// Changes how a line is used; only lines with `reconfigurable = true`. A line that becomes an output keeps its
    /// level. The configuration's file is not touched: the next start begins with it.
    pub(crate) fn reconfigure(&mut self, line: &str, patch: &Patch, by: &str) -> Result<Place, Error> {
        let by: Arc<str> = by.into();
        let index = match self.index(line)? {
            Ok(index) if self.lines[index].config.reconfigurable => index,
            Ok(index) => return Err(Error::NotReconfigurable(self.spelled(self.lines[index].place))),
            Err(place) => return Err(Error::NotReconfigurable(self.spelled(place))),
        };
        self.refuse_if_safe()?;
        if self.lines[index].held {
            return Err(self.held_error(index));
        }
        if self.lines[index].hardware.is_some() {
            return Err(Error::NotSupported("the line belongs to the PWM driver".into()));
        }
        self.take(index).map_err(|source| self.failed(index, source))?;
        let settings = self.wanted(index, patch)?;
        self.cancel(index, &by);
        self.end_pwm(index);
        let place = self.lines[index].place;
        self.backend
            .reconfigure(place, &settings)
            .map_err(|source| self.failed(index, source))?;
        let level = self
            .backend
            .read(place)
            .map_err(|source| self.failed(index, source))?;
        let line = &mut self.lines[index];
        line.direction = direction_of(settings.mode);
        line.config.edge = patch.edge.unwrap_or(line.config.edge);
        line.settings = settings;
        let seq = self.tell(Some(index), Kind::Config, Said::Text("reconfigured".into()), &by);
        self.mark(index, seq, &by);
        self.note_level(index, level, &by);
        self.keep_plan();
        self.timer.notify_one();
        Ok(place)
    }

    fn wanted(&self, index: usize, patch: &Patch) -> Result<Settings, Error> {
        let old = &self.lines[index].settings;
        let direction = patch.direction.unwrap_or(self.lines[index].direction);
        let input = direction == Direction::Input;
        if !input
            && (patch.edge.is_some_and(|edge| edge != EdgeChoice::None)
                || patch.debounce.is_some_and(|time| !time.is_zero()))
        {
            return Err(Error::NotSupported(
                "an output has no edges and no debounce".into(),
            ));
        }
        if input && patch.drive.is_some_and(|drive| drive != Drive::PushPull) {
            return Err(Error::NotSupported("an input is not driven".into()));
        }
        Ok(Settings {
            consumer: old.consumer.clone(),
            mode: if input { Mode::Input } else { Mode::OutputKeep },
            active_low: patch.active_low.unwrap_or(old.active_low),
            bias: patch.bias.unwrap_or(old.bias),
            drive: patch
                .drive
                .unwrap_or(if input { Drive::PushPull } else { old.drive }),
            edge: if input {
                patch.edge.unwrap_or(old.edge)
            } else {
                EdgeChoice::None
            },
            debounce: if input {
                patch.debounce.unwrap_or(old.debounce)
            } else {
                Duration::ZERO
            },
            alone: true,
        })
    }
}

fn direction_of(mode: Mode) -> Direction {
    match mode {
        Mode::Input => Direction::Input,
        Mode::Output(_) | Mode::OutputKeep => Direction::Output,
    }
}

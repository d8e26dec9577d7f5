//! Safe levels: the emergency stop, the loss of the link, the stop of the service.

use std::sync::Arc;

use super::{Board, Line};
use crate::backend::{Mode, Settings};
use crate::config::{Direction, EdgeChoice, LinkLoss, SafeLevel};
use crate::error::Error;
use crate::event::{Kind, moment};
use crate::ring::Said;

/// The emergency stop is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SafeMode {
    /// Why, in words.
    pub(crate) reason: String,
    /// Since when, RFC 3339.
    pub(crate) since: String,
}

impl Board {
    /// Emergency stop: every output goes to its safe level (`on_crash`; off for one that is in no configuration), and
    /// nothing is written until [`Board::release`]. Gives the lines that could not be put there, each with its reason;
    /// what a first call could not do, a second one tries again.
    pub(crate) fn all_safe(&mut self, reason: &str) -> Vec<(String, String)> {
        if self.safe.is_none() {
            self.safe = Some(SafeMode {
                reason: reason.to_owned(),
                since: moment(self.wall_us()),
            });
            let text = format!("emergency stop: {reason}");
            self.tell(None, Kind::Config, Said::Text(text.into()), &"stop".into());
        }
        self.each_output("stop", |line| {
            if line.name.is_some() {
                line.config.on_crash
            } else {
                SafeLevel::Off
            }
        })
    }

    /// Ends the emergency stop. Levels stay as they are; lines that were let go are driven again, off. True if it was
    /// on.
    pub(crate) fn release(&mut self) -> bool {
        if self.safe.take().is_none() {
            return false;
        }
        let by: Arc<str> = "release".into();
        for index in 0..self.lines.len() {
            if !self.lines[index].held {
                self.drive_again(index, &by);
            }
        }
        self.tell(None, Kind::Config, Said::Text("released".into()), &by);
        true
    }

    /// The emergency stop, while it is on.
    pub(crate) fn safe_mode(&self) -> Option<&SafeMode> {
        self.safe.as_ref()
    }

    /// Lines for which the configuration says what becomes of them when the link is down.
    pub(crate) fn link_losses(&self) -> Vec<(String, LinkLoss)> {
        self.lines
            .iter()
            .filter_map(|line| Some((line.name.clone()?, line.config.on_link_loss?)))
            .collect()
    }

    /// The link is down for as long as this line bears: it goes to its level, and writes to it are refused until
    /// [`Board::link_back`].
    pub(crate) fn link_lost(&mut self, name: &str) -> Result<(), Error> {
        let Some(index) = self.by_name.get(name).copied() else {
            return Err(Error::Unknown(name.to_owned()));
        };
        let Some(loss) = self.lines[index].config.on_link_loss else {
            return Ok(());
        };
        self.lines[index].held = true;
        if !self.is_output(index) {
            return Ok(());
        }
        self.make_safe(index, loss.to, &"link_loss".into())
    }

    /// The link is back: all lines that it held may be written again, at the levels that they have.
    pub(crate) fn link_back(&mut self) {
        for index in 0..self.lines.len() {
            if std::mem::take(&mut self.lines[index].held) && self.safe.is_none() {
                self.drive_again(index, &"link".into());
            }
        }
    }

    /// The service ends in order: every output goes to its `on_stop`, levels to be restored are written.
    pub(crate) fn end(&mut self) {
        // What the lines are now is what is restored, not what they are put to.
        self.restore.write_now();
        self.restore.close();
        let stopped = self.safe.is_some();
        for (line, reason) in self.each_output("on_stop", |line| {
            if line.name.is_none() || line.held || stopped {
                SafeLevel::Hold
            } else {
                line.config.on_stop
            }
        }) {
            tracing::error!(line, reason, "it cannot be put to its on_stop");
        }
        self.keep_no_plan();
        // Requests that are still open must not switch anything on again.
        self.safe.get_or_insert_with(|| SafeMode {
            reason: "the service ends".to_owned(),
            since: moment(i64::try_from(self.clock.wall().as_micros()).unwrap_or(i64::MAX)),
        });
    }

    fn each_output(&mut self, by: &str, level: impl Fn(&Line) -> SafeLevel) -> Vec<(String, String)> {
        let by: Arc<str> = by.into();
        let mut failed = Vec::new();
        for index in 0..self.lines.len() {
            if !self.is_output(index) {
                continue;
            }
            let level = level(&self.lines[index]);
            if let Err(error) = self.make_safe(index, level, &by) {
                let place = self.lines[index].place;
                let name = self.lines[index]
                    .name
                    .clone()
                    .unwrap_or_else(|| self.spelled(place));
                failed.push((name, error.to_string()));
            }
        }
        failed
    }

    fn make_safe(&mut self, index: usize, level: SafeLevel, by: &Arc<str>) -> Result<(), Error> {
        self.cancel(index, by);
        let pulsing = self.lines[index].pwm.is_some();
        self.end_pwm(index);
        let level = match level {
            // A line that pulses has no level to hold.
            SafeLevel::Hold if pulsing => SafeLevel::Off,
            level => level,
        };
        if level == SafeLevel::Hold {
            return Ok(());
        }
        self.take(index).map_err(|source| self.failed(index, source))?;
        if level == SafeLevel::Input && self.lines[index].hardware.is_none() {
            return self.let_go(index, by);
        }
        self.put(index, level == SafeLevel::On, by)
    }

    /// The line is an input for the time being; its configuration still says output.
    fn let_go(&mut self, index: usize, by: &Arc<str>) -> Result<(), Error> {
        let settings = Settings {
            mode: Mode::Input,
            edge: EdgeChoice::None,
            ..self.lines[index].settings.clone()
        };
        let place = self.lines[index].place;
        self.backend
            .reconfigure(place, &settings)
            .map_err(|source| self.failed(index, source))?;
        self.lines[index].settings.mode = Mode::Input;
        self.note_level(index, false, by);
        Ok(())
    }

    /// An output that was let go is driven again, off.
    fn drive_again(&mut self, index: usize, by: &Arc<str>) {
        let line = &self.lines[index];
        if line.direction != Direction::Output || line.settings.mode != Mode::Input || !line.taken {
            return;
        }
        let settings = Settings {
            mode: Mode::Output(false),
            ..line.settings.clone()
        };
        match self.backend.reconfigure(line.place, &settings) {
            Ok(()) => {
                self.lines[index].settings.mode = Mode::Output(false);
                self.note_level(index, false, by);
            }
            Err(source) => {
                let error = self.failed(index, source);
                tracing::error!(%error, "it cannot be driven again");
            }
        }
    }

    pub(super) fn refuse_if_safe(&self) -> Result<(), Error> {
        match &self.safe {
            Some(mode) => Err(Error::SafeMode(mode.reason.clone())),
            None => Ok(()),
        }
    }

    pub(super) fn held_error(&self, index: usize) -> Error {
        let name = self.lines[index].name.clone().unwrap_or_default();
        Error::SafeMode(format!("{name} is held, since the link is down"))
    }
}

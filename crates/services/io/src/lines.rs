//! The lines of the board: which are reserved, which are driven, and by what name they go.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::backend::{Backend, BackendError, Kind, Mode, Settings};
use crate::check;
use crate::config::{Bias, Config, Direction, Initial, LineConfig, Lines};
use crate::error::{Error, StartError};
use crate::header::{bcm_of_pin, pin_of_bcm, why_no_line};

/// All lines behind one backend.
#[derive(Debug)]
pub(crate) struct Board {
    backend: Box<dyn Backend>,
    named: IndexMap<String, Named>,
    /// Outputs without a name that were driven.
    driven: BTreeSet<u32>,
    open_lines: bool,
}

/// A line of the configuration.
#[derive(Debug)]
struct Named {
    bcm: u32,
    config: LineConfig,
    /// Ours; else it was busy when it was last tried.
    taken: bool,
}

/// A line as `GET /api/io/lines` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct LineView {
    /// Its name in the configuration.
    #[schema(example = "relay1")]
    pub(crate) name: Option<String>,
    /// BCM number.
    #[schema(example = 17)]
    pub(crate) bcm: u32,
    /// Pin of the 40-pin header.
    #[schema(example = 11)]
    pub(crate) pin: Option<u8>,
    /// Direction; unknown while somebody else has it.
    pub(crate) direction: Option<Direction>,
    /// Level, 0 or 1; unknown while somebody else has it.
    pub(crate) value: Option<u8>,
    /// Low voltage means 1.
    pub(crate) active_low: bool,
    /// Pull resistor.
    pub(crate) bias: Bias,
    /// What hangs on it.
    pub(crate) label: Option<String>,
    /// Reserved in the configuration.
    pub(crate) reserved: bool,
    /// Who else has it.
    pub(crate) holder: Option<String>,
    /// Why it cannot be used.
    pub(crate) error: Option<String>,
    /// How it is reached.
    pub(crate) backend: Kind,
}

impl Board {
    /// Takes the configured lines. A busy one is left for later; one that does not exist is an error.
    pub(crate) fn new(backend: Box<dyn Backend>, config: &Config, lines: &Lines) -> Result<Self, StartError> {
        if let Some((path, message, help)) = check(config, lines).into_iter().next() {
            return Err(StartError::Line {
                path: path.join("."),
                message,
                help,
            });
        }
        let mut board = Self {
            backend,
            named: IndexMap::new(),
            driven: BTreeSet::new(),
            open_lines: config.open_lines,
        };
        for (name, line) in lines {
            let lines = board.backend.lines();
            let bcm = line
                .offset()
                .filter(|bcm| *bcm < lines)
                .ok_or_else(|| StartError::Line {
                    path: format!("line.{name}"),
                    message: format!(
                        "the chip has no such line; it has 0 to {}",
                        lines.saturating_sub(1)
                    ),
                    help: None,
                })?;
            board.named.insert(
                name.clone(),
                Named {
                    bcm,
                    config: line.clone(),
                    taken: false,
                },
            );
            if let Err(error) = board.take_named(name) {
                tracing::warn!(line = %name, bcm, %error, "the line cannot be taken; it is tried again when used");
            }
        }
        Ok(board)
    }

    /// Which backend answers.
    pub(crate) fn kind(&self) -> Kind {
        self.backend.kind()
    }

    /// Label of the chip.
    pub(crate) fn chip(&self) -> Option<&str> {
        self.backend.chip()
    }

    /// Makes the line an output and drives it.
    pub(crate) fn set(&mut self, line: &str, level: bool) -> Result<(), Error> {
        let bcm = self.find(line)?;
        let outcome = match self.name_of(bcm) {
            Some(name) if self.named[&name].config.direction == Direction::Input => {
                return Err(Error::WrongDirection(format!("{name} (BCM {bcm})")));
            }
            Some(name) => self.take_named(&name).and_then(|()| self.backend.set(bcm, level)),
            None if !self.open_lines => return Err(Error::NotReserved(bcm)),
            None if self.driven.contains(&bcm) => self.backend.set(bcm, level),
            None => self.backend.take(bcm, &open_output(level)).inspect(|()| {
                self.driven.insert(bcm);
            }),
        };
        outcome.map_err(|source| Error::Backend {
            line: format!("BCM {bcm}"),
            source,
        })
    }

    /// The line's level. Changes nothing.
    pub(crate) fn read(&mut self, line: &str) -> Result<bool, Error> {
        let bcm = self.find(line)?;
        let outcome = match self.name_of(bcm) {
            Some(name) => self.take_named(&name).and_then(|()| self.backend.get(bcm)),
            None if self.driven.contains(&bcm) => self.backend.get(bcm),
            None if !self.open_lines => return Err(Error::NotReserved(bcm)),
            None => self.backend.peek(bcm).map(|peek| peek.level),
        };
        outcome.map_err(|source| Error::Backend {
            line: format!("BCM {bcm}"),
            source,
        })
    }

    /// Reserved lines first, then those driven, then those that others hold.
    pub(crate) fn views(&self) -> Vec<LineView> {
        let mut views: Vec<_> = self
            .named
            .iter()
            .map(|(name, line)| self.named_view(name, line))
            .collect();
        views.extend(self.driven.iter().map(|bcm| {
            let level = self.backend.get(*bcm);
            LineView {
                direction: Some(Direction::Output),
                ..self.view(*bcm, level)
            }
        }));
        let known: BTreeSet<_> = views.iter().map(|view| view.bcm).collect();
        let others = (0..self.backend.open_lines()).filter(|bcm| !known.contains(bcm));
        views.extend(others.filter_map(|bcm| {
            let holder = self.backend.holder(bcm)?;
            Some(self.view(bcm, Err(BackendError::Busy { holder })))
        }));
        views
    }

    fn named_view(&self, name: &str, line: &Named) -> LineView {
        let level = if line.taken {
            self.backend.get(line.bcm)
        } else {
            let holder = self.backend.holder(line.bcm);
            Err(holder.map_or_else(
                || BackendError::Refused("not taken yet".into()),
                |holder| BackendError::Busy { holder },
            ))
        };
        LineView {
            name: Some(name.to_owned()),
            direction: Some(line.config.direction),
            active_low: line.config.active_low,
            bias: line.config.bias,
            label: line.config.label.clone(),
            reserved: true,
            ..self.view(line.bcm, level)
        }
    }

    fn view(&self, bcm: u32, level: Result<bool, BackendError>) -> LineView {
        let (value, error) = match level {
            Ok(level) => (Some(u8::from(level)), None),
            Err(error) => (None, Some(error)),
        };
        LineView {
            name: None,
            bcm,
            pin: pin_of_bcm(bcm),
            direction: None,
            value,
            active_low: false,
            bias: Bias::AsIs,
            label: None,
            reserved: false,
            error: error.as_ref().map(ToString::to_string),
            holder: match error {
                Some(BackendError::Busy { holder }) => Some(holder),
                _ => None,
            },
            backend: self.kind(),
        }
    }

    fn name_of(&self, bcm: u32) -> Option<String> {
        self.named
            .iter()
            .find(|(_, line)| line.bcm == bcm)
            .map(|(name, _)| name.clone())
    }

    /// Takes a line of the configuration if it is not ours yet.
    fn take_named(&mut self, name: &str) -> Result<(), BackendError> {
        let Some(line) = self.named.get_mut(name).filter(|line| !line.taken) else {
            return Ok(());
        };
        let mode = match (line.config.direction, line.config.initial) {
            (Direction::Input, _) => Mode::Input,
            (Direction::Output, Initial::Keep) => Mode::OutputKeep,
            (Direction::Output, initial) => Mode::Output(initial == Initial::On),
        };
        let consumer = format!("pistack:{name}");
        let settings = Settings {
            consumer,
            mode,
            active_low: line.config.active_low,
            bias: line.config.bias,
        };
        self.backend.take(line.bcm, &settings)?;
        line.taken = true;
        Ok(())
    }

    /// By what the line goes that is meant by `line`: its name in the configuration and its BCM number. Empty when it
    /// means none.
    pub(crate) fn names(&self, line: &str) -> Vec<String> {
        let Ok(bcm) = self.find(line) else {
            return Vec::new();
        };
        self.name_of(bcm).into_iter().chain([bcm.to_string()]).collect()
    }

    /// The BCM number of the line that is meant.
    pub(crate) fn number(&self, line: &str) -> Result<u32, Error> {
        self.find(line)
    }

    /// The BCM number behind `17`, `bcm:17`, `pin:11` or a name.
    fn find(&self, line: &str) -> Result<u32, Error> {
        let line = line.trim();
        if let Some(named) = self.named.get(line) {
            return Ok(named.bcm);
        }
        if let Some(pin) = line.strip_prefix("pin:") {
            let pin: u8 = pin
                .parse()
                .map_err(|_| Error::BadLine(format!("`{line}` is no pin of the header")))?;
            let bcm = bcm_of_pin(pin)
                .ok_or_else(|| Error::BadLine(format!("header pin {pin} {}", why_no_line(pin))))?;
            return self.known(bcm);
        }
        let number = line.strip_prefix("bcm:").unwrap_or(line);
        // A sign would pass the parser.
        let bcm = number
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| number.parse().ok())
            .flatten();
        bcm.ok_or_else(|| Error::BadLine(format!("`{}` names no line", shortened(line))))
            .and_then(|bcm| self.known(bcm))
    }

    fn known(&self, bcm: u32) -> Result<u32, Error> {
        let lines = self.backend.open_lines();
        if bcm < lines || self.name_of(bcm).is_some() {
            return Ok(bcm);
        }
        Err(Error::BadLine(format!(
            "there is no BCM {bcm} here (0 to {})",
            lines.saturating_sub(1)
        )))
    }
}

fn open_output(level: bool) -> Settings {
    Settings {
        consumer: "pistack".into(),
        mode: Mode::Output(level),
        active_low: false,
        bias: Bias::AsIs,
    }
}

/// What a client wrote goes into our answer: not more than a line of it.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;

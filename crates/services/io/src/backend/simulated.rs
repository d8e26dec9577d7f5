//! Lines in memory, for boards and PCs without a GPIO chip.

use std::collections::HashMap;

use crate::backend::{Backend, BackendError, Kind, Mode, Peek, Settings};
use crate::config::{Bias, Direction};
use crate::header::{LAST_BCM, MOST_LINES};

/// Lines that keep what is written to them. Inputs read what their pull resistor gives.
#[derive(Debug, Default)]
pub(crate) struct Simulated {
    taken: HashMap<u32, Line>,
    /// Lines that somebody else has; only tests put any in.
    holders: HashMap<u32, String>,
}

#[derive(Debug)]
struct Line {
    direction: Direction,
    level: bool,
}

impl Simulated {
    /// All lines free and low.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A line that somebody else has.
    #[cfg(test)]
    pub(crate) fn held_by(mut self, offset: u32, holder: &str) -> Self {
        self.holders.insert(offset, holder.to_owned());
        self
    }
}

impl Backend for Simulated {
    fn kind(&self) -> Kind {
        Kind::Simulated
    }
    fn chip(&self) -> Option<&str> {
        None
    }
    fn lines(&self) -> u32 {
        MOST_LINES
    }
    fn open_lines(&self) -> u32 {
        LAST_BCM + 1
    }

    fn take(&mut self, offset: u32, settings: &Settings) -> Result<(), BackendError> {
        if let Some(holder) = self.holders.get(&offset) {
            return Err(BackendError::Busy {
                holder: holder.clone(),
            });
        }
        let high = settings.bias == Bias::PullUp;
        let line = match settings.mode {
            Mode::Input => Line {
                direction: Direction::Input,
                level: high != settings.active_low,
            },
            Mode::Output(level) => Line {
                direction: Direction::Output,
                level,
            },
            Mode::OutputKeep => {
                let level = self
                    .taken
                    .get(&offset)
                    .map_or(settings.active_low, |line| line.level);
                Line {
                    direction: Direction::Output,
                    level,
                }
            }
        };
        self.taken.insert(offset, line);
        Ok(())
    }

    fn set(&mut self, offset: u32, level: bool) -> Result<(), BackendError> {
        match self.taken.get_mut(&offset) {
            Some(line) if line.direction == Direction::Output => {
                line.level = level;
                Ok(())
            }
            _ => Err(BackendError::Refused("the line is no output".into())),
        }
    }

    fn get(&self, offset: u32) -> Result<bool, BackendError> {
        self.peek(offset).map(|peek| peek.level)
    }

    fn peek(&self, offset: u32) -> Result<Peek, BackendError> {
        if let Some(holder) = self.holders.get(&offset) {
            return Err(BackendError::Busy {
                holder: holder.clone(),
            });
        }
        Ok(self.taken.get(&offset).map_or(
            Peek {
                level: false,
                direction: Direction::Input,
            },
            |line| Peek {
                level: line.level,
                direction: line.direction,
            },
        ))
    }

    fn holder(&self, offset: u32) -> Option<String> {
        self.holders.get(&offset).cloned()
    }
}

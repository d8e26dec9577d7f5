//! Lines in memory, for boards and PCs without a GPIO chip: levels, pull resistors, edges with their numbers, debounce.
//! Nothing outside changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pistack_kit::clock::Clock;

use super::{
    Backend, BackendError, ChipInfo, EdgeSender, Kind, LineInfo, Mode, Peek, Place, RawEdge, Settings,
};
use crate::config::{Bias, Direction, EdgeChoice};
use crate::header::{LAST_BCM, MOST_LINES};

/// Lines that keep what is written to them. Inputs read what pulls at them from outside, else their pull resistor.
#[derive(Debug, Clone)]
pub(crate) struct Simulated {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    chips: Vec<ChipInfo>,
    lines: Mutex<HashMap<Place, Line>>,
    /// Lines that somebody else has; only tests put any in.
    holders: Mutex<HashMap<Place, String>>,
    edges: Option<EdgeSender>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Line {
    taken: Option<Settings>,
    /// What pulls from outside, as a voltage.
    outside: Option<bool>,
    /// Voltage that we drive, or drove last.
    driven: bool,
    /// Voltage of an input once it has lasted.
    steady: bool,
    /// Counts changes, so that a late debounce knows that it is late.
    changes: u64,
    /// Edges told.
    seqno: u32,
}

impl Line {
    fn is_output(&self) -> bool {
        self.taken
            .as_ref()
            .is_some_and(|settings| settings.mode != Mode::Input)
    }

    fn voltage(&self) -> bool {
        match &self.taken {
            Some(settings) if settings.mode == Mode::Input => self.outside.unwrap_or(match settings.bias {
                Bias::PullUp => true,
                Bias::PullDown | Bias::None | Bias::AsIs => false,
            }),
            Some(_) => self.driven,
            None => self.outside.unwrap_or(self.driven),
        }
    }

    fn level(&self) -> bool {
        let active_low = self.taken.as_ref().is_some_and(|settings| settings.active_low);
        let voltage = if self.is_output() || self.taken.is_none() {
            self.voltage()
        } else {
            self.steady
        };
        voltage != active_low
    }

    /// Takes or changes it. The numbers of edges begin anew when it is taken.
    fn set_up(&mut self, settings: &Settings, anew: bool) {
        let before = self.voltage();
        match settings.mode {
            Mode::Input => {}
            Mode::Output(level) => self.driven = level != settings.active_low,
            Mode::OutputKeep => self.driven = before,
        }
        self.taken = Some(settings.clone());
        self.steady = self.voltage();
        self.changes += 1;
        if anew {
            self.seqno = 0;
        }
    }
}

impl Simulated {
    /// All lines free and low; `others` are labels of further chips.
    pub(crate) fn new(others: &[&str], edges: Option<EdgeSender>, clock: Clock) -> Self {
        let chip = |label: &str| ChipInfo {
            path: String::new(),
            label: label.to_owned(),
            lines: MOST_LINES,
        };
        let chips = std::iter::once("simulated")
            .chain(others.iter().copied())
            .map(chip)
            .collect();
        Self {
            shared: Arc::new(Shared {
                chips,
                lines: Mutex::default(),
                holders: Mutex::default(),
                edges,
                clock,
            }),
        }
    }

    /// A line that somebody else has.
    #[cfg(test)]
    pub(crate) fn held_by(self, offset: u32, holder: &str) -> Self {
        let place = Place { chip: 0, offset };
        self.holders().insert(place, holder.to_owned());
        self
    }

    /// What is driven, as a voltage, seen from outside.
    #[cfg(test)]
    pub(crate) fn voltage(&self, offset: u32) -> bool {
        let place = Place { chip: 0, offset };
        self.lines().get(&place).is_some_and(Line::voltage)
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Place, Line>> {
        self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holders(&self) -> MutexGuard<'_, HashMap<Place, String>> {
        self.shared.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn free(&self, place: Place) -> Result<(), BackendError> {
        match self.holders().get(&place) {
            Some(holder) => Err(BackendError::Busy {
                holder: holder.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The level lasted: it counts, and is told if it is to be.
    fn settle(&self, place: Place, changes: Option<u64>) {
        let mut lines = self.lines();
        let Some(line) = lines.get_mut(&place) else { return };
        let voltage = line.voltage();
        if changes.is_some_and(|changes| changes != line.changes) || voltage == line.steady {
            return;
        }
        line.steady = voltage;
        let Some(settings) = &line.taken else { return };
        let rising = voltage != settings.active_low;
        let told = match settings.edge {
            EdgeChoice::None => false,
            EdgeChoice::Both => true,
            EdgeChoice::Rising => rising,
            EdgeChoice::Falling => !rising,
        };
        if !told || settings.mode != Mode::Input {
            return;
        }
        line.seqno += 1;
        let edge = RawEdge {
            place,
            rising,
            mono_ns: u64::try_from(self.shared.clock.kernel_monotonic().as_nanos()).unwrap_or(u64::MAX),
            line_seqno: line.seqno,
        };
        if let Some(sender) = &self.shared.edges {
            // A full queue drops it, as the kernel does: the numbers tell.
            let _ = sender.try_send(edge);
        }
    }
}

impl Backend for Simulated {
    fn kind(&self) -> Kind {
        Kind::Simulated
    }

    fn chips(&self) -> Vec<ChipInfo> {
        self.shared.chips.clone()
    }

    fn open_lines(&self) -> u32 {
        LAST_BCM + 1
    }

    fn take(&self, wanted: &[(Place, Settings)]) -> Vec<Result<(), BackendError>> {
        wanted
            .iter()
            .map(|(place, settings)| {
                self.free(*place)?;
                self.lines().entry(*place).or_default().set_up(settings, true);
                Ok(())
            })
            .collect()
    }

    fn reconfigure(&self, place: Place, settings: &Settings) -> Result<(), BackendError> {
        match self.lines().get_mut(&place) {
            Some(line) if line.taken.is_some() => {
                line.set_up(settings, false);
                Ok(())
            }
            _ => Err(not_taken()),
        }
    }

    fn release(&self, place: Place) {
        if let Some(line) = self.lines().get_mut(&place) {
            line.driven = line.voltage();
            line.taken = None;
        }
    }

    fn write(&self, levels: &[(Place, bool)]) -> Result<(), BackendError> {
        let mut lines = self.lines();
        if !levels
            .iter()
            .all(|(place, _)| lines.get(place).is_some_and(Line::is_output))
        {
            return Err(not_taken());
        }
        for (place, level) in levels {
            if let Some(line) = lines.get_mut(place) {
                let active_low = line.taken.as_ref().is_some_and(|settings| settings.active_low);
                line.driven = *level != active_low;
            }
        }
        Ok(())
    }

    fn read(&self, place: Place) -> Result<bool, BackendError> {
        self.lines()
            .get(&place)
            .filter(|line| line.taken.is_some())
            .map(Line::level)
            .ok_or_else(not_taken)
    }

    fn peek(&self, place: Place) -> Result<Peek, BackendError> {
        self.free(place)?;
        let lines = self.lines();
        let line = lines.get(&place);
        Ok(Peek {
            level: line.is_some_and(Line::level),
            direction: if line.is_some_and(Line::is_output) {
                Direction::Output
            } else {
                Direction::Input
            },
        })
    }

    fn info(&self, place: Place) -> Result<LineInfo, BackendError> {
        Ok(LineInfo {
            name: String::new(),
            holder: self.holders().get(&place).cloned(),
        })
    }

    fn pull(&self, place: Place, high: bool) -> bool {
        let (changes, debounce) = {
            let mut lines = self.lines();
            let line = lines.entry(place).or_default();
            line.outside = Some(high);
            line.changes += 1;
            let debounce = line.taken.as_ref().map(|settings| settings.debounce);
            (line.changes, debounce.unwrap_or_default())
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !debounce.is_zero() => {
                let this = self.clone();
                runtime.spawn(async move {
                    tokio::time::sleep(debounce).await;
                    this.settle(place, Some(changes));
                });
            }
            _ => self.settle(place, None),
        }
        true
    }
}

fn not_taken() -> BackendError {
    BackendError::Refused("the line was not taken".into())
}

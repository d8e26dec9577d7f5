//! The kernel's GPIO character device (uAPI v2) through `gpiocdev`. Chips are found by their labels, never by
//! their numbers: the Pi 5's moved from gpiochip4 to gpiochip0.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gpiocdev::line::{self, Value, Values};
use gpiocdev::{Chip, Request};
use tokio::task::AbortHandle;

use super::request::{change, request};
use super::{
    Backend, BackendError, ChipInfo, EdgeSender, HEADER_LABELS, Kind, LineInfo, Mode, Peek, Place, Settings,
    edges,
};
use crate::config::{Direction, EdgeChoice};
use crate::error::StartError;
use crate::header::LAST_BCM;

/// Lines that one request can have (`GPIO_V2_LINES_MAX`).
const LINES_OF_A_REQUEST: usize = 64;
/// Different settings that one request can have (`GPIO_V2_LINE_NUM_ATTRS_MAX` is 10; one goes to the levels).
const SETTINGS_OF_A_REQUEST: usize = 8;

/// The chips and the lines taken from them.
#[derive(Debug)]
pub(crate) struct Chardev {
    slots: Mutex<Vec<Slot>>,
    edges: Option<EdgeSender>,
}

/// A chip that is there, or was.
#[derive(Debug)]
struct Slot {
    label: String,
    chip: Option<Opened>,
    taken: BTreeMap<u32, Arc<Request>>,
    /// Tasks that read edges, by the first offset of their request.
    readers: HashMap<u32, AbortHandle>,
}

#[derive(Debug)]
struct Opened {
    chip: Chip,
    path: PathBuf,
    lines: u32,
}

/// A line and how it is wanted.
type Wish<'w> = &'w (u32, &'w Settings);
/// The chips that can be opened, and the first that cannot.
type Found = (Vec<(Opened, String)>, Option<(PathBuf, gpiocdev::Error)>);

fn find() -> Found {
    let (mut found, mut closed) = (Vec::new(), None);
    // No /dev entry at all is the same as no chip.
    for path in gpiocdev::chip::chips().unwrap_or_default() {
        match Chip::from_path(&path).and_then(|chip| chip.info().map(|info| (chip, info))) {
            Ok((chip, info)) => {
                let lines = info.num_lines;
                found.push((Opened { chip, path, lines }, info.label));
            }
            Err(error) => closed = closed.or(Some((path, error))),
        }
    }
    (found, closed)
}

impl Chardev {
    /// Opens the chip labelled `label`; `auto` = the header of a Raspberry Pi. Then all others; those of `wanted` that
    /// are not there are looked for again when they are used.
    pub(crate) fn open(label: &str, wanted: &[&str], edges: Option<EdgeSender>) -> Result<Self, StartError> {
        let (mut found, closed) = find();
        let Some(main) = found.iter().position(|(_, is)| matches(label, is)) else {
            if let Some((path, error)) = closed {
                return Err(StartError::Forbidden {
                    path: path.display().to_string(),
                    reason: error.to_string(),
                });
            }
            return Err(no_chip(label, &found));
        };
        let main = found.remove(main);
        tracing::info!(chip = %main.0.path.display(), label = %main.1, lines = main.0.lines, "GPIO chip opened");
        let mut slots = vec![Slot::new(main.1, Some(main.0))];
        for (chip, label) in found {
            if slots.iter().any(|slot| slot.label == label) {
                tracing::warn!(chip = %chip.path.display(), %label, "a second chip of this label is left alone");
            } else {
                slots.push(Slot::new(label, Some(chip)));
            }
        }
        for label in wanted {
            if !slots.iter().any(|slot| slot.label == **label) {
                tracing::warn!(label, "a chip of the configuration is not there");
                slots.push(Slot::new((*label).to_owned(), None));
            }
        }
        Ok(Self {
            slots: Mutex::new(slots),
            edges,
        })
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request that has a line. The lock is not kept while the kernel is asked.
    fn holding(&self, place: Place) -> Result<Arc<Request>, BackendError> {
        let slots = self.slots();
        slots
            .get(usize::from(place.chip))
            .and_then(|slot| slot.taken.get(&place.offset))
            .cloned()
            .ok_or_else(|| BackendError::Refused("the line was not taken".into()))
    }

    /// Takes lines of one chip, together or alone.
    fn take_of_chip(&self, chip: u8, lines: &[(u32, &Settings)], answers: &mut HashMap<u32, BackendError>) {
        let mut slots = self.slots();
        let Some(slot) = slots.get_mut(usize::from(chip)) else {
            return;
        };
        slot.look_again();
        let (alone, together): (Vec<Wish>, Vec<Wish>) = lines
            .iter()
            .filter(|(offset, _)| match slot.busy(*offset) {
                Some(error) => {
                    answers.insert(*offset, error);
                    false
                }
                None => true,
            })
            .partition(|(_, settings)| settings.alone || settings.mode == Mode::Input);
        for line in alone {
            if let Err(error) = slot.take(chip, &[*line], self.edges.as_ref()) {
                answers.insert(line.0, error);
            }
        }
        for group in groups(&together) {
            if slot.take(chip, &group, self.edges.as_ref()).is_ok() {
                continue;
            }
            // One of them spoils it for all: each for itself.
            for line in group {
                if let Err(error) = slot.take(chip, &[line], self.edges.as_ref()) {
                    answers.insert(line.0, error);
                }
            }
        }
    }
}

/// Splits outputs so that the kernel takes each part in one request.
fn groups<'s>(lines: &[&(u32, &'s Settings)]) -> Vec<Vec<(u32, &'s Settings)>> {
    let mut groups: Vec<Vec<(u32, &Settings)>> = Vec::new();
    for line in lines {
        let fits = groups.last().is_some_and(|group| {
            let mut kinds: Vec<_> = group.iter().map(|line| kind_of(line.1)).collect();
            kinds.push(kind_of(line.1));
            kinds.sort_unstable();
            kinds.dedup();
            group.len() < LINES_OF_A_REQUEST && kinds.len() <= SETTINGS_OF_A_REQUEST
        });
        match groups.last_mut() {
            Some(group) if fits => group.push(**line),
            _ => groups.push(vec![**line]),
        }
    }
    groups
}

/// What makes a difference to the kernel.
fn kind_of(settings: &Settings) -> (bool, u8, u8, bool) {
    (
        settings.active_low,
        settings.bias as u8,
        settings.drive as u8,
        settings.mode == Mode::OutputKeep,
    )
}

impl Slot {
    fn new(label: String, chip: Option<Opened>) -> Self {
        Self {
            label,
            chip,
            taken: BTreeMap::new(),
            readers: HashMap::new(),
        }
    }

    /// The chip, if it still answers.
    fn alive(&self) -> Option<&Opened> {
        self.chip.as_ref().filter(|opened| opened.chip.info().is_ok())
    }

    fn info(&self) -> ChipInfo {
        let chip = self.alive();
        ChipInfo {
            path: chip
                .map(|opened| opened.path.display().to_string())
                .unwrap_or_default(),
            label: self.label.clone(),
            lines: chip.map_or(0, |opened| opened.lines),
        }
    }

    /// A chip that went away may be back, by the same label.
    fn look_again(&mut self) {
        if self.alive().is_some() {
            return;
        }
        for (_, reader) in self.readers.drain() {
            reader.abort();
        }
        self.taken.clear();
        self.chip = find()
            .0
            .into_iter()
            .find(|(_, label)| *label == self.label)
            .map(|(chip, _)| chip);
    }

    fn line_info(&self, offset: u32) -> Result<line::Info, BackendError> {
        let gone = || BackendError::Gone(format!("no chip {}", self.label));
        let opened = self.chip.as_ref().ok_or_else(gone)?;
        opened
            .chip
            .line_info(offset)
            .map_err(|error| BackendError::Gone(error.to_string()))
    }

    /// Who keeps us from taking a line.
    fn busy(&self, offset: u32) -> Option<BackendError> {
        match self.line_info(offset) {
            Ok(info) if info.used && !self.taken.contains_key(&offset) => Some(BackendError::Busy {
                holder: holder_name(&info),
            }),
            Ok(_) => None,
            Err(error) => Some(error),
        }
    }

    fn take(
        &mut self,
        chip: u8,
        lines: &[(u32, &Settings)],
        edges: Option<&EdgeSender>,
    ) -> Result<(), BackendError> {
        let Some(opened) = &self.chip else {
            return Err(BackendError::Gone(format!("no chip {}", self.label)));
        };
        let Some((offset, settings)) = lines.first().copied() else {
            return Ok(());
        };
        let taken = request(&opened.path, lines).map_err(|error| self.explain(offset, &error))?;
        let taken = Arc::new(taken);
        for (offset, _) in lines {
            self.taken.insert(*offset, Arc::clone(&taken));
        }
        self.read_edges(chip, offset, settings, edges);
        Ok(())
    }

    /// Starts to read edges if the line is to tell any and nobody reads them yet.
    fn read_edges(&mut self, chip: u8, offset: u32, settings: &Settings, edges: Option<&EdgeSender>) {
        if settings.edge == EdgeChoice::None || self.readers.contains_key(&offset) {
            return;
        }
        let (Some(sender), Some(request)) = (edges, self.taken.get(&offset)) else {
            return;
        };
        if let Some(reader) = edges::follow(chip, Arc::clone(request), sender.clone()) {
            self.readers.insert(offset, reader);
        }
    }

    /// Why a request failed: the kernel says only EBUSY, the line's info says who.
    fn explain(&self, offset: u32, error: &gpiocdev::Error) -> BackendError {
        match self.line_info(offset) {
            Ok(info) if info.used && !self.taken.contains_key(&offset) => BackendError::Busy {
                holder: holder_name(&info),
            },
            Ok(_) => BackendError::Refused(error.to_string()),
            Err(gone) => gone,
        }
    }
}

impl Backend for Chardev {
    fn kind(&self) -> Kind {
        Kind::Chardev
    }

    fn chips(&self) -> Vec<ChipInfo> {
        self.slots().iter().map(Slot::info).collect()
    }

    /// Beyond the header, a Pi's chip has the lines of its card, radio and power supply.
    fn open_lines(&self) -> u32 {
        let slots = self.slots();
        let Some(main) = slots.first() else { return 0 };
        let lines = main.chip.as_ref().map_or(0, |opened| opened.lines);
        if HEADER_LABELS.contains(&&*main.label) {
            lines.min(LAST_BCM + 1)
        } else {
            lines
        }
    }

    fn take(&self, wanted: &[(Place, Settings)]) -> Vec<Result<(), BackendError>> {
        let mut chips: Vec<u8> = wanted.iter().map(|(place, _)| place.chip).collect();
        chips.sort_unstable();
        chips.dedup();
        let mut failed: HashMap<Place, BackendError> = HashMap::new();
        for chip in chips {
            let lines: Vec<_> = wanted
                .iter()
                .filter(|(place, _)| place.chip == chip)
                .map(|(place, settings)| (place.offset, settings))
                .collect();
            let mut answers = HashMap::new();
            self.take_of_chip(chip, &lines, &mut answers);
            failed.extend(
                answers
                    .into_iter()
                    .map(|(offset, error)| (Place { chip, offset }, error)),
            );
        }
        wanted
            .iter()
            .map(|(place, _)| failed.get(place).cloned().map_or(Ok(()), Err))
            .collect()
    }

    fn reconfigure(&self, place: Place, settings: &Settings) -> Result<(), BackendError> {
        let request = self.holding(place)?;
        let level = match settings.mode {
            Mode::OutputKeep => request.value(place.offset).map_err(|error| gone(&error))?.into(),
            _ => false,
        };
        request
            .reconfigure(&change(place.offset, settings, level))
            .map_err(|error| BackendError::Refused(error.to_string()))?;
        if let Some(slot) = self.slots().get_mut(usize::from(place.chip)) {
            slot.read_edges(place.chip, place.offset, settings, self.edges.as_ref());
        }
        Ok(())
    }

    fn release(&self, place: Place) {
        if let Some(slot) = self.slots().get_mut(usize::from(place.chip)) {
            if let Some(reader) = slot.readers.remove(&place.offset) {
                reader.abort();
            }
            slot.taken.remove(&place.offset);
        }
    }

    fn write(&self, levels: &[(Place, bool)]) -> Result<(), BackendError> {
        if let [(place, level)] = levels {
            return self
                .holding(*place)?
                .set_value(place.offset, Value::from(*level))
                .map_err(|error| gone(&error));
        }
        let mut calls: Vec<(Arc<Request>, Values)> = Vec::new();
        for (place, level) in levels {
            let request = self.holding(*place)?;
            let known = calls.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &request));
            let values = if let Some((_, values)) = known {
                values
            } else {
                calls.push((request, Values::default()));
                &mut calls.last_mut().expect("one was pushed").1
            };
            values.set(place.offset, Value::from(*level));
        }
        for (request, values) in calls {
            request.set_values(&values).map_err(|error| gone(&error))?;
        }
        Ok(())
    }

    fn read(&self, place: Place) -> Result<bool, BackendError> {
        self.holding(place)?
            .value(place.offset)
            .map(bool::from)
            .map_err(|error| gone(&error))
    }

    fn peek(&self, place: Place) -> Result<Peek, BackendError> {
        let slots = self.slots();
        let Some(slot) = slots.get(usize::from(place.chip)) else {
            return Err(BackendError::Gone("no such chip".into()));
        };
        let info = slot.line_info(place.offset)?;
        let Some(opened) = &slot.chip else {
            return Err(BackendError::Gone(format!("no chip {}", slot.label)));
        };
        let level = Request::builder()
            .on_chip(&opened.path)
            .with_consumer("pistack")
            .with_line(place.offset)
            .as_is()
            .request()
            .and_then(|request| request.value(place.offset))
            .map_err(|error| slot.explain(place.offset, &error))?;
        Ok(Peek {
            level: level.into(),
            direction: match info.direction {
                line::Direction::Input => Direction::Input,
                line::Direction::Output => Direction::Output,
            },
        })
    }

    fn info(&self, place: Place) -> Result<LineInfo, BackendError> {
        let slots = self.slots();
        let slot = slots
            .get(usize::from(place.chip))
            .ok_or_else(|| BackendError::Gone("no such chip".into()))?;
        let info = slot.line_info(place.offset)?;
        let holder = info.used.then(|| holder_name(&info));
        Ok(LineInfo {
            name: info.name,
            holder,
        })
    }
}

fn gone(error: &gpiocdev::Error) -> BackendError {
    BackendError::Gone(error.to_string())
}

fn no_chip(label: &str, found: &[(Opened, String)]) -> StartError {
    let wanted = if label == "auto" {
        HEADER_LABELS.join(" or ")
    } else {
        label.to_owned()
    };
    let found: Vec<&str> = found.iter().map(|(_, label)| label.as_str()).collect();
    let found = if found.is_empty() {
        "none".to_owned()
    } else {
        found.join(", ")
    };
    StartError::NoChip { wanted, found }
}

fn matches(wanted: &str, label: &str) -> bool {
    if wanted == "auto" {
        HEADER_LABELS.contains(&label)
    } else {
        wanted == label
    }
}

fn holder_name(info: &line::Info) -> String {
    if info.consumer.is_empty() {
        "the kernel".to_owned()
    } else {
        info.consumer.clone()
    }
}

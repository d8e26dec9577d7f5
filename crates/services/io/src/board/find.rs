//! From what a client wrote to a line.

use super::Board;
use crate::address::{self, Address, shortened};
use crate::backend::Place;
use crate::config::LineConfig;
use crate::error::Error;
use crate::event::Named;
use crate::header::pin_of_bcm;

impl Board {
    /// The place of a line by any of its names. Whether it may be used is asked elsewhere.
    pub(crate) fn find(&self, line: &str) -> Result<Place, Error> {
        if let Some(index) = self.by_name.get(line.trim()) {
            return Ok(self.lines[*index].place);
        }
        match address::parse(line).map_err(Error::BadLine)? {
            Address::Name("") => Err(Error::BadLine("an empty line name".into())),
            Address::Name(name) => Err(Error::Unknown(shortened(name))),
            Address::Number(offset) => self.known(Place { chip: 0, offset }),
            Address::OnChip(label, offset) => {
                let chip = self
                    .chips
                    .iter()
                    .position(|known| known == label)
                    .ok_or_else(|| Error::BadLine(format!("there is no chip {}", shortened(label))))?;
                self.known(Place {
                    chip: chip as u8,
                    offset,
                })
            }
        }
    }

    fn known(&self, place: Place) -> Result<Place, Error> {
        let lines = if place.chip == 0 {
            self.backend.open_lines()
        } else {
            let chips = self.backend.chips();
            chips.get(usize::from(place.chip)).map_or(0, |chip| chip.lines)
        };
        if place.offset < lines || self.by_place.contains_key(&place) {
            return Ok(place);
        }
        let what = if place.chip == 0 { "BCM" } else { "line" };
        Err(Error::BadLine(format!(
            "there is no {what} {} here (0 to {})",
            place.offset,
            lines.saturating_sub(1)
        )))
    }

    /// The line that is meant, if it may be used: reserved, or open.
    pub(super) fn index(&self, line: &str) -> Result<Result<usize, Place>, Error> {
        let place = self.find(line)?;
        match self.by_place.get(&place) {
            Some(index) if self.lines[*index].name.is_some() || self.is_open(place) => Ok(Ok(*index)),
            None if self.is_open(place) => Ok(Err(place)),
            _ => Err(Error::NotReserved(self.spelled(place))),
        }
    }

    /// Lines of the first chip alone may be open: the others carry what the board itself needs.
    fn is_open(&self, place: Place) -> bool {
        self.open_lines && place.chip == 0
    }

    /// How a place is written to people.
    pub(super) fn spelled(&self, place: Place) -> String {
        if place.chip == 0 {
            return format!("BCM {}", place.offset);
        }
        let label = self.chips.get(usize::from(place.chip)).map_or("", |label| label);
        format!("chip:{label}/{}", place.offset)
    }

    /// By what the line goes that is meant by `line`: its name in the configuration, its BCM number, its chip and
    /// offset. Empty when it means none.
    pub(crate) fn names(&self, line: &str) -> Vec<String> {
        self.find(line)
            .map(|place| self.names_of(place))
            .unwrap_or_default()
    }

    /// The same of a place.
    pub(crate) fn names_of(&self, place: Place) -> Vec<String> {
        let name = self
            .by_place
            .get(&place)
            .and_then(|index| self.lines[*index].name.clone());
        let number = if place.chip == 0 {
            place.offset.to_string()
        } else {
            self.spelled(place)
        };
        name.into_iter().chain([number]).collect()
    }

    /// Configuration of a line, if it has one.
    pub(crate) fn config_of(&self, place: Place) -> Option<&LineConfig> {
        let line = &self.lines[*self.by_place.get(&place)?];
        line.name.is_some().then_some(&line.config)
    }

    /// Name and number for an event.
    pub(crate) fn named(&self, index: u16) -> Option<Named> {
        let line = self.lines.get(usize::from(index))?;
        let bcm = (line.place.chip == 0).then_some(line.place.offset);
        let name = line.name.clone().unwrap_or_else(|| match bcm {
            Some(bcm) => format!("bcm:{bcm}"),
            None => self.spelled(line.place),
        });
        Some(Named { name, bcm })
    }

    /// The place of a line by its number in events.
    pub(crate) fn place_of(&self, index: u16) -> Option<Place> {
        self.lines.get(usize::from(index)).map(|line| line.place)
    }

    /// The header's pin of a line.
    pub(super) fn pin_of(place: Place) -> Option<u8> {
        if place.chip == 0 {
            pin_of_bcm(place.offset)
        } else {
            None
        }
    }
}

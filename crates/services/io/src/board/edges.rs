//! Edges: from the kernel into the ring, and who wants them.

use super::{Board, Line};
use crate::backend::{Mode, Place, RawEdge, Settings};
use crate::config::{Direction, EdgeChoice};
use crate::error::Error;
use crate::event::Kind;
use crate::ring::{Entry, Said};

/// A line that somebody watches until they give it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watch {
    /// Its number in events.
    pub(crate) index: u16,
    /// Where it is.
    pub(crate) place: Place,
}

impl Board {
    /// An edge came.
    pub(crate) fn edge(&mut self, edge: RawEdge) {
        let Some(index) = self.by_place.get(&edge.place).copied() else {
            return;
        };
        let age = self.mono_ns().saturating_sub(edge.mono_ns);
        let wall_us = self.wall_us() - i64::try_from(age / 1000).unwrap_or(0);
        let line = &mut self.lines[index];
        if line.direction != Direction::Input {
            return;
        }
        let lost = edge.line_seqno.saturating_sub(line.last_seqno.saturating_add(1));
        line.last_seqno = edge.line_seqno;
        line.edges += 1;
        line.lost += u64::from(lost);
        line.level = edge.rising;
        let by: std::sync::Arc<str> = "edge".into();
        let seq = self.publish(Entry {
            seq: 0,
            line: Some(index as u16),
            kind: if edge.rising { Kind::Rising } else { Kind::Falling },
            value: Said::Level(edge.rising),
            wall_us,
            mono_ns: edge.mono_ns,
            line_seqno: edge.line_seqno,
            lost,
            by: by.clone(),
        });
        let line = &mut self.lines[index];
        line.seq = seq;
        line.changed_us = Some(wall_us);
        line.changed_by = by;
        self.passed_on(index, edge.rising);
    }

    /// Somebody wants a line's changes: an input tells its edges from now on, whatever the configuration says. A line
    /// that somebody else has is wanted again later.
    pub(crate) fn watch(&mut self, line: &str) -> Result<Watch, Error> {
        let index = match self.index(line)? {
            Ok(index) => index,
            Err(place) => {
                let now = self.now();
                self.add(Line::open(place, Direction::Input, false, now))
            }
        };
        self.watch_index(index)?;
        Ok(Watch {
            index: index as u16,
            place: self.lines[index].place,
        })
    }

    /// They are not wanted any more.
    pub(crate) fn unwatch(&mut self, watch: Watch) {
        self.unwatch_index(usize::from(watch.index));
    }

    pub(super) fn watch_index(&mut self, index: usize) -> Result<(), Error> {
        self.lines[index].watchers += 1;
        if self.is_output(index) || self.lines[index].settings.edge == EdgeChoice::Both {
            return self.take(index).map_err(|source| self.unwanted(index, source));
        }
        let settings = Settings {
            edge: EdgeChoice::Both,
            ..self.lines[index].settings.clone()
        };
        let place = self.lines[index].place;
        if !self.lines[index].taken {
            self.lines[index].settings = settings;
            return self.take(index).map_err(|source| self.unwanted(index, source));
        }
        self.backend
            .reconfigure(place, &settings)
            .map_err(|source| self.unwanted(index, source))?;
        self.lines[index].settings = settings;
        Ok(())
    }

    fn unwanted(&mut self, index: usize, source: crate::backend::BackendError) -> Error {
        self.unwatch_index(index);
        self.failed(index, source)
    }

    pub(super) fn unwatch_index(&mut self, index: usize) {
        let line = &mut self.lines[index];
        line.watchers = line.watchers.saturating_sub(1);
        if line.watchers > 0 || line.direction != Direction::Input || line.settings.mode != Mode::Input {
            return;
        }
        if line.settings.edge == line.config.edge {
            return;
        }
        line.settings.edge = line.config.edge;
        if line.name.is_none() {
            // Nobody reserved it: it is free for other programs again.
            if line.taken {
                self.backend.release(line.place);
                line.taken = false;
            }
        } else if line.taken {
            let _ = self.backend.reconfigure(line.place, &line.settings);
        }
    }
}

//! The lines as the API shows them.

use std::collections::BTreeSet;

use super::{Board, Line};
use crate::backend::{BackendError, ChipInfo, Place};
use crate::config::Direction;
use crate::event::moment;
use crate::header::HEADER;
use crate::limits::Since;
use crate::view::{self, Mode};

/// What `GET /health` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Health {
    /// A chip of the configuration is away.
    pub(crate) gone: Vec<String>,
    pub(crate) chips: usize,
    pub(crate) lines: usize,
    /// Reserved lines that somebody else has.
    pub(crate) busy: Vec<String>,
    pub(crate) dropped: u64,
    pub(crate) last_error: Option<String>,
}

impl Board {
    /// Reserved lines first, then those in use without a name, then those that others hold.
    pub(crate) fn views(&self) -> Vec<view::Line> {
        let (named, open): (Vec<_>, Vec<_>) = self
            .lines
            .iter()
            .filter(|line| line.name.is_some() || line.taken)
            .partition(|line| line.name.is_some());
        let mut views: Vec<_> = named
            .into_iter()
            .chain(open)
            .map(|line| self.view_of(line))
            .collect();
        let known: BTreeSet<_> = self
            .lines
            .iter()
            .filter(|line| line.name.is_some() || line.taken)
            .map(|line| line.place)
            .collect();
        let others = (0..self.backend.open_lines()).map(|offset| Place { chip: 0, offset });
        views.extend(others.filter(|place| !known.contains(place)).filter_map(|place| {
            let holder = self.backend.info(place).ok()?.holder?;
            Some(self.foreign(place, Some(holder)))
        }));
        views
    }

    /// One line.
    pub(crate) fn view(&self, place: Place) -> view::Line {
        match self.by_place.get(&place).map(|index| &self.lines[*index]) {
            Some(line) if line.name.is_some() || line.taken => self.view_of(line),
            _ => {
                let holder = self.backend.info(place).ok().and_then(|info| info.holder);
                let peek = match holder {
                    None => self.backend.peek(place).ok(),
                    Some(_) => None,
                };
                let mut view = self.foreign(place, holder);
                if let Some(peek) = peek {
                    view.value = Some(peek.level);
                    view.direction = Some(peek.direction);
                }
                view
            }
        }
    }

    fn view_of(&self, line: &Line) -> view::Line {
        let level = if !line.taken {
            let holder = self.backend.info(line.place).map(|info| info.holder);
            Err(match holder {
                Ok(Some(holder)) => BackendError::Busy { holder },
                Ok(None) => BackendError::Refused("not taken yet".into()),
                Err(error) => error,
            })
        } else if line.direction == Direction::Input {
            self.backend.read(line.place)
        } else {
            Ok(line.level)
        };
        let (value, error) = match level {
            Ok(level) => (Some(level), None),
            Err(error) => (None, Some(error)),
        };
        let holder = match &error {
            Some(BackendError::Busy { holder }) => Some(holder.clone()),
            _ => None,
        };
        view::Line {
            name: line.name.clone(),
            direction: Some(line.direction),
            value,
            active_low: line.settings.active_low,
            bias: line.settings.bias,
            drive: line.settings.drive,
            debounce_us: u64::try_from(line.settings.debounce.as_micros()).unwrap_or(u64::MAX),
            edge: line.settings.edge,
            mode: if line.pwm.is_some() { Mode::Pwm } else { Mode::Gpio },
            pwm: line.pwm,
            action: line.action.as_ref().map(|action| view::Action {
                id: action.id,
                kind: action.plan.name(),
                until: action.until_us.map(moment),
            }),
            seq: line.seq,
            changed_at: line.changed_us.map(moment),
            changed_by: line.changed_us.map(|_| line.changed_by.to_string()),
            safe: (line.direction == Direction::Output && line.name.is_some())
                .then_some(line.config.on_crash),
            label: line.config.label.clone(),
            tags: line.config.tags.clone(),
            reserved: line.name.is_some(),
            reconfigurable: line.config.reconfigurable,
            error: error.map(|error| error.to_string()),
            held: line.held || (self.safe.is_some() && line.direction == Direction::Output),
            edges: line.edges,
            lost: line.lost,
            ..self.foreign(line.place, holder)
        }
    }

    /// A line that is not ours.
    fn foreign(&self, place: Place, holder: Option<String>) -> view::Line {
        let busy = holder.clone().map(|holder| BackendError::Busy { holder });
        view::Line {
            name: None,
            bcm: (place.chip == 0).then_some(place.offset),
            pin: Self::pin_of(place),
            chip: self
                .chips
                .get(usize::from(place.chip))
                .cloned()
                .unwrap_or_default(),
            offset: place.offset,
            direction: None,
            value: None,
            active_low: false,
            bias: crate::config::Bias::AsIs,
            drive: crate::config::Drive::PushPull,
            debounce_us: 0,
            edge: crate::config::EdgeChoice::None,
            mode: Mode::Gpio,
            pwm: None,
            action: None,
            seq: 0,
            changed_at: None,
            changed_by: None,
            safe: None,
            allowed: Vec::new(),
            label: None,
            tags: Vec::new(),
            reserved: false,
            reconfigurable: false,
            error: busy.map(|error| error.to_string()),
            holder,
            held: false,
            edges: 0,
            lost: 0,
            backend: self.kind(),
        }
    }

    /// The place of a line by its view.
    pub(crate) fn place_of_view(&self, view: &view::Line) -> Place {
        let chip = self
            .chips
            .iter()
            .position(|label| *label == view.chip)
            .unwrap_or(0);
        Place {
            chip: chip as u8,
            offset: view.offset,
        }
    }

    /// The chips.
    pub(crate) fn chips(&self) -> Vec<ChipInfo> {
        self.backend.chips()
    }

    /// Who uses each pin of the header: one of our names, or another program's.
    pub(crate) fn used_by(&self) -> Vec<Option<String>> {
        HEADER
            .iter()
            .map(|pin| {
                let place = pin.bcm.map(|offset| Place { chip: 0, offset });
                place.and_then(|place| match self.by_place.get(&place) {
                    Some(index) if self.lines[*index].name.is_some() => self.lines[*index].name.clone(),
                    Some(index) if self.lines[*index].taken => Some("pistack".to_owned()),
                    _ => self.backend.info(place).ok().and_then(|info| info.holder),
                })
            })
            .collect()
    }

    /// How it goes.
    pub(crate) fn health(&self) -> Health {
        let chips = self.backend.chips();
        let used = |chip: u8| {
            self.lines
                .iter()
                .any(|line| line.place.chip == chip && line.name.is_some())
        };
        let gone = chips
            .iter()
            .enumerate()
            .filter(|(index, chip)| chip.lines == 0 && (*index == 0 || used(*index as u8)))
            .map(|(_, chip)| chip.label.clone())
            .collect();
        let busy = self
            .lines
            .iter()
            .filter(|line| line.name.is_some() && !line.taken)
            .filter_map(|line| line.name.clone())
            .collect();
        Health {
            gone,
            chips: chips.iter().filter(|chip| chip.lines > 0).count(),
            lines: self.lines.iter().filter(|line| line.name.is_some()).count(),
            busy,
            dropped: self.lines.iter().map(|line| line.lost).sum(),
            last_error: self.last_error.clone(),
        }
    }

    /// Number of the event that last changed a line, for `If-Match`.
    pub(crate) fn seq_of(&self, place: Place) -> u64 {
        self.by_place
            .get(&place)
            .map_or(0, |index| self.lines[*index].seq)
    }

    /// The lines in Prometheus text: level, edges, lost edges, switched since.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        let rows: Vec<_> = self
            .lines
            .iter()
            .filter(|line| line.taken)
            .map(|line| {
                let index = self.by_place[&line.place] as u16;
                let name = self.named(index).map(|named| named.name).unwrap_or_default();
                (name, line)
            })
            .collect();
        let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Line) -> Option<f64>| {
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
            for (label, line) in &rows {
                if let Some(value) = value(line) {
                    text.push_str(&format!("{name}{{line=\"{}\"}} {value}\n", escaped(label)));
                }
            }
        };
        family("pistack_gpio_level", "gauge", "Level of the line.", &|line| {
            let level = match line.direction {
                Direction::Input => self.backend.read(line.place).ok()?,
                Direction::Output => line.level,
            };
            Some(f64::from(u8::from(level)))
        });
        family(
            "pistack_gpio_duty",
            "gauge",
            "PWM duty of the line, 0 to 1.",
            &|line| line.pwm.map(|pwm| pwm.duty),
        );
        family("pistack_gpio_edges_total", "counter", "Edges seen.", &|line| {
            (line.direction == Direction::Input).then_some(line.edges as f64)
        });
        family(
            "pistack_gpio_edges_lost_total",
            "counter",
            "Edges that the kernel dropped.",
            &|line| (line.direction == Direction::Input).then_some(line.lost as f64),
        );
        family(
            "pistack_gpio_on_seconds",
            "gauge",
            "How long the output is on.",
            &|line| {
                let on = match line.since {
                    Since::On(at) => self.now().saturating_sub(at),
                    Since::Off(_) => std::time::Duration::ZERO,
                };
                (line.direction == Direction::Output).then_some(on.as_secs_f64())
            },
        );
        text.push_str(&format!(
            "# HELP pistack_gpio_events_total Events since the start.\n# TYPE pistack_gpio_events_total counter\n\
             pistack_gpio_events_total {}\n\
             # HELP pistack_gpio_safe_mode Whether the emergency stop is on.\n# TYPE pistack_gpio_safe_mode gauge\n\
             pistack_gpio_safe_mode {}\n",
            self.ring.last(),
            u8::from(self.safe.is_some())
        ));
        text
    }
}

/// A label's value by the text format's rules.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

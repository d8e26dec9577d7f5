//! The start: every line of the configuration found and taken, outputs at their first level in the same step.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use tokio::sync::{Notify, watch};

use super::{Board, Line};
use crate::backend::{Backend, BackendError, Mode, Place, Settings};
use crate::check::check;
use crate::config::{Bias, Config, Direction, Drive, EdgeChoice, Initial, LineConfig, Lines};
use crate::error::StartError;
use crate::hardpwm;
use crate::limits::{Limits, Since};
use crate::restore::Restore;
use crate::ring::{self, Ring};
use crate::safe::Keeper;
use crate::softpwm::SoftPwm;

/// What the board needs from outside.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// Time.
    pub(crate) clock: Clock,
    /// Where levels are remembered; `None`: nowhere.
    pub(crate) paths: Option<StatePaths>,
    /// Name of this run of the service.
    pub(crate) boot: String,
}

impl Board {
    /// Takes the configured lines. A busy one is left for later, and so is one whose chip is away; one that does not
    /// exist is an error.
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        config: &Config,
        lines: &Lines,
        around: Surroundings,
    ) -> Result<Self, StartError> {
        if let Some((path, message, help)) = check(config, lines).into_iter().next() {
            return Err(StartError::Line {
                path: path.join("."),
                message,
                help,
            });
        }
        let chips = backend.chips().into_iter().map(|chip| chip.label).collect();
        let mut board = Self {
            soft: SoftPwm::new(Arc::clone(&backend), around.clock.clone()),
            backend,
            clock: around.clock,
            lines: Vec::new(),
            by_name: HashMap::new(),
            by_place: HashMap::new(),
            chips,
            open_lines: config.open_lines,
            ring: Ring::new(ring::CAPACITY),
            boot: around.boot.into(),
            news: watch::channel(0).0,
            timer: Arc::new(Notify::new()),
            safe: None,
            restore: Restore::open(around.paths.as_ref()),
            plan: Keeper::new(around.paths.as_ref()),
            last_error: None,
            next_action: 1,
        };
        for (name, line) in lines {
            board.reserve(name, line)?;
        }
        board.claim_hardware(config);
        // Before the first line is driven: there is no moment without a plan.
        board.keep_plan();
        board.take_all();
        Ok(board)
    }

    fn reserve(&mut self, name: &str, line: &LineConfig) -> Result<(), StartError> {
        let no_line = |message: String| StartError::Line {
            path: format!("line.{name}"),
            message,
            help: None,
        };
        let chip = match &line.chip {
            None => 0,
            Some(label) => self
                .chips
                .iter()
                .position(|known| known == label)
                .ok_or_else(|| no_line(format!("there is no chip {label}")))?,
        };
        let lines = self.backend.chips().get(chip).map_or(0, |chip| chip.lines);
        // A chip that is away tells no number; its lines are tried when it is back.
        let place = line
            .offset()
            .filter(|offset| *offset < lines || (lines == 0 && chip > 0))
            .map(|offset| Place {
                chip: chip as u8,
                offset,
            })
            .ok_or_else(|| {
                no_line(format!(
                    "the chip has no such line; it has 0 to {}",
                    lines.saturating_sub(1)
                ))
            })?;
        let level = match line.initial {
            Initial::On => true,
            Initial::Restore => self.restore.level(name),
            Initial::Off | Initial::Keep => false,
        };
        let new = Line::new(place, Some(name.to_owned()), line.clone(), level, self.now());
        self.by_name.insert(name.to_owned(), self.lines.len());
        self.add(new);
        Ok(())
    }

    /// Adds a line of no name, not taken yet.
    pub(super) fn add(&mut self, line: Line) -> usize {
        let index = self.lines.len();
        self.by_place.insert(line.place, index);
        self.lines.push(line);
        index
    }

    /// Lines that the kernel's PWM driver drives are not taken as GPIO.
    fn claim_hardware(&mut self, config: &Config) {
        for line in &mut self.lines {
            if line.direction != Direction::Output || line.place.chip != 0 {
                continue;
            }
            match hardpwm::find(&config.sysroot, line.place.offset, line.config.pwm) {
                Ok(Some(channel)) => {
                    tracing::info!(bcm = line.place.offset, channel = %channel.path().display(), "hardware PWM");
                    line.hardware = Some(channel);
                    line.taken = true;
                }
                Ok(None) => {}
                Err(reason) => {
                    let line = line.name.as_deref().unwrap_or_default();
                    tracing::warn!(line, reason, "no hardware PWM: software does it");
                }
            }
        }
    }

    /// Takes all lines of the configuration, those of a chip in one request where that goes.
    fn take_all(&mut self) {
        let wanted: Vec<(usize, (Place, Settings))> = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| !line.taken)
            .map(|(index, line)| (index, (line.place, line.settings.clone())))
            .collect();
        let requests: Vec<_> = wanted.iter().map(|(_, request)| request.clone()).collect();
        for ((index, _), outcome) in wanted.iter().zip(self.backend.take(&requests)) {
            if let Err(error) = outcome.and_then(|()| self.taken(*index)) {
                let line = &self.lines[*index];
                let name = line.name.as_deref().unwrap_or_default();
                tracing::warn!(line = name, %error, "the line cannot be taken; it is tried again when used");
                self.last_error = Some(format!("{name}: {error}"));
            }
        }
    }

    /// A line is ours: what level does it have?
    pub(super) fn taken(&mut self, index: usize) -> Result<(), BackendError> {
        let now = self.now();
        let line = &mut self.lines[index];
        line.level = self.backend.read(line.place)?;
        line.taken = true;
        line.last_seqno = 0;
        if line.direction == Direction::Output {
            line.was_on |= line.level;
            line.since = if line.level {
                Since::On(now)
            } else {
                Since::Off(now)
            };
        }
        Ok(())
    }

    /// Takes a line if it is not ours yet.
    pub(super) fn take(&mut self, index: usize) -> Result<(), BackendError> {
        if self.lines[index].taken {
            return Ok(());
        }
        let line = &self.lines[index];
        let request = [(line.place, line.settings.clone())];
        self.backend
            .take(&request)
            .pop()
            .unwrap_or_else(|| Err(BackendError::Refused("no answer".into())))?;
        self.taken(index)?;
        self.keep_plan();
        self.timer.notify_one();
        Ok(())
    }
}

impl Line {
    /// Not taken yet.
    pub(super) fn new(
        place: Place,
        name: Option<String>,
        config: LineConfig,
        level: bool,
        now: Duration,
    ) -> Self {
        let mode = match (config.direction, config.initial) {
            (Direction::Input, _) => Mode::Input,
            (Direction::Output, Initial::Keep) => Mode::OutputKeep,
            (Direction::Output, _) => Mode::Output(level),
        };
        let consumer = name
            .as_deref()
            .map_or_else(|| "pistack".to_owned(), |name| format!("pistack:{name}"));
        let settings = Settings {
            consumer,
            mode,
            active_low: config.active_low,
            bias: config.bias,
            drive: config.drive,
            edge: config.edge,
            debounce: config.debounce.map(|span| span.0).unwrap_or_default(),
            alone: name.is_none() || config.may_become_input(),
        };
        let limits = Limits {
            max_on: config.max_on.map(|span| span.0),
            min_off: config.min_off.map(|span| span.0),
            interlock: config.interlock.clone(),
            wait: config.interlock_wait.map(|span| span.0).unwrap_or_default(),
        };
        Self {
            place,
            name,
            direction: config.direction,
            config,
            settings,
            taken: false,
            level: false,
            pwm: None,
            hardware: None,
            action: None,
            limits,
            since: Since::Off(now),
            was_on: false,
            held: false,
            seq: 0,
            changed_us: None,
            changed_by: "start".into(),
            edges: 0,
            lost: 0,
            last_seqno: 0,
            watchers: 0,
        }
    }

    /// A line that is in no configuration.
    pub(super) fn open(place: Place, direction: Direction, level: bool, now: Duration) -> Self {
        let config = LineConfig {
            direction,
            bias: Bias::AsIs,
            drive: Drive::PushPull,
            edge: EdgeChoice::None,
            initial: if level { Initial::On } else { Initial::Off },
            ..LineConfig::default()
        };
        Self::new(place, None, config, level, now)
    }
}

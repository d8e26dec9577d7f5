//! The kernel's GPIO character device (uAPI v2) through `gpiocdev`. The chip is found by its label, never by
//! its number: the Pi 5's moved from gpiochip4 to gpiochip0.

use std::collections::HashMap;
use std::path::PathBuf;

use gpiocdev::line::{self, Value};
use gpiocdev::{Chip, Request, request};

use crate::backend::{Backend, BackendError, HEADER_LABELS, Kind, Mode, Peek, Settings};
use crate::config::{Bias, Direction};
use crate::error::StartError;
use crate::header::LAST_BCM;

/// One chip and the lines taken from it.
#[derive(Debug)]
pub(crate) struct Chardev {
    chip: Chip,
    path: PathBuf,
    label: String,
    lines: u32,
    taken: HashMap<u32, Request>,
}

impl Chardev {
    /// Opens the chip labelled `label`; `auto` = the header of a Raspberry Pi.
    pub(crate) fn open(label: &str) -> Result<Self, StartError> {
        let mut found = Vec::new();
        let mut closed = None;
        // No /dev entry at all is the same as no chip.
        for path in gpiocdev::chip::chips().unwrap_or_default() {
            let opened = Chip::from_path(&path).and_then(|chip| chip.info().map(|info| (chip, info)));
            match opened {
                Ok((chip, info)) if matches(label, &info.label) => {
                    let lines = info.num_lines;
                    tracing::info!(chip = %path.display(), label = %info.label, lines, "GPIO chip opened");
                    return Ok(Self {
                        chip,
                        path,
                        label: info.label,
                        lines,
                        taken: HashMap::new(),
                    });
                }
                Ok((_, info)) => found.push(info.label),
                Err(error) => closed = Some((path, error)),
            }
        }
        if let Some((path, error)) = closed {
            return Err(StartError::Forbidden {
                path: path.display().to_string(),
                reason: error.to_string(),
            });
        }
        let wanted = if label == "auto" {
            HEADER_LABELS.join(" or ")
        } else {
            label.to_owned()
        };
        let found = if found.is_empty() {
            "none".to_owned()
        } else {
            found.join(", ")
        };
        Err(StartError::NoChip { wanted, found })
    }

    fn builder(&self, offset: u32, consumer: &str) -> request::Builder {
        let mut builder = Request::builder();
        builder
            .on_chip(&self.path)
            .with_consumer(consumer)
            .with_line(offset);
        builder
    }

    /// Why a request failed: the kernel says only EBUSY, the line's info says who.
    fn explain(&self, offset: u32, error: &gpiocdev::Error) -> BackendError {
        match self.chip.line_info(offset) {
            Ok(info) if info.used => BackendError::Busy {
                holder: holder_name(&info),
            },
            Ok(_) => BackendError::Refused(error.to_string()),
            Err(gone) => BackendError::Gone(gone.to_string()),
        }
    }

    fn request(&self, offset: u32, settings: &Settings) -> gpiocdev::Result<Request> {
        let mut builder = self.builder(offset, &settings.consumer);
        match settings.mode {
            Mode::Input => builder.as_input(),
            Mode::Output(level) => builder.as_output(Value::from(level)),
            Mode::OutputKeep => builder.as_is(),
        };
        if settings.active_low {
            builder.as_active_low();
        }
        let bias = bias_of(settings.bias);
        if settings.mode != Mode::OutputKeep && bias.is_some() {
            builder.with_bias(bias);
        }
        let request = builder.request()?;
        if settings.mode == Mode::OutputKeep {
            // Read first, then driven with the same level in one step: the line never glitches.
            let mut driven = request::Config::default();
            driven.with_line(offset).as_output(request.value(offset)?);
            if settings.active_low {
                driven.as_active_low();
            }
            if bias.is_some() {
                driven.with_bias(bias);
            }
            request.reconfigure(&driven)?;
        }
        Ok(request)
    }
}

impl Backend for Chardev {
    fn kind(&self) -> Kind {
        Kind::Chardev
    }
    fn chip(&self) -> Option<&str> {
        Some(&self.label)
    }
    fn lines(&self) -> u32 {
        self.lines
    }

    /// Beyond the header, a Pi's chip has the lines of its card, radio and power supply.
    fn open_lines(&self) -> u32 {
        if HEADER_LABELS.contains(&&*self.label) {
            self.lines.min(LAST_BCM + 1)
        } else {
            self.lines
        }
    }

    fn take(&mut self, offset: u32, settings: &Settings) -> Result<(), BackendError> {
        let request = self
            .request(offset, settings)
            .map_err(|error| self.explain(offset, &error))?;
        self.taken.insert(offset, request);
        Ok(())
    }

    fn set(&mut self, offset: u32, level: bool) -> Result<(), BackendError> {
        let request = self.taken.get(&offset).ok_or_else(not_taken)?;
        request
            .set_value(offset, Value::from(level))
            .map_err(|error| BackendError::Gone(error.to_string()))
    }

    fn get(&self, offset: u32) -> Result<bool, BackendError> {
        let request = self.taken.get(&offset).ok_or_else(not_taken)?;
        request
            .value(offset)
            .map(bool::from)
            .map_err(|error| BackendError::Gone(error.to_string()))
    }

    fn peek(&self, offset: u32) -> Result<Peek, BackendError> {
        let info = self
            .chip
            .line_info(offset)
            .map_err(|error| BackendError::Gone(error.to_string()))?;
        let request = self
            .builder(offset, "pistack")
            .as_is()
            .request()
            .map_err(|error| self.explain(offset, &error))?;
        let level = request
            .value(offset)
            .map_err(|error| BackendError::Gone(error.to_string()))?;
        let direction = match info.direction {
            line::Direction::Input => Direction::Input,
            line::Direction::Output => Direction::Output,
        };
        Ok(Peek {
            level: level.into(),
            direction,
        })
    }

    fn holder(&self, offset: u32) -> Option<String> {
        let info = self.chip.line_info(offset).ok()?;
        info.used.then(|| holder_name(&info))
    }
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

fn bias_of(bias: Bias) -> Option<line::Bias> {
    match bias {
        Bias::AsIs => None,
        Bias::None => Some(line::Bias::Disabled),
        Bias::PullUp => Some(line::Bias::PullUp),
        Bias::PullDown => Some(line::Bias::PullDown),
    }
}

fn not_taken() -> BackendError {
    BackendError::Refused("the line was not taken".into())
}

//! From our settings to requests of the kernel.

use std::path::Path;

use gpiocdev::line::{self, Value};
use gpiocdev::{Request, request};

use super::{Mode, Settings};
use crate::config::{Bias, Drive, EdgeChoice};

/// Edges of one line that the kernel keeps until we read them.
const KERNEL_BUFFER: u32 = 256;

/// Requests lines in one step. Those that keep their level are read as they are first, and driven in a second step:
/// the line never glitches.
pub(super) fn request(chip: &Path, lines: &[(u32, &Settings)]) -> gpiocdev::Result<Request> {
    let mut builder = Request::builder();
    if let [(_, settings), rest @ ..] = lines {
        let consumer = if rest.is_empty() {
            settings.consumer.as_str()
        } else {
            "pistack"
        };
        builder.with_consumer(consumer);
        if settings.edge != EdgeChoice::None {
            builder.with_kernel_event_buffer_size(KERNEL_BUFFER);
        }
    }
    let mut first = request::Config::default();
    first.on_chip(chip);
    let mut keeping = Vec::new();
    for (offset, settings) in lines {
        let mode = match settings.mode {
            Mode::OutputKeep => {
                keeping.push((*offset, *settings));
                None
            }
            mode => Some(mode),
        };
        configure(&mut first, *offset, settings, mode);
    }
    let request = builder.with_config(first).request()?;
    if keeping.is_empty() {
        return Ok(request);
    }
    let mut driven = request::Config::default();
    for (offset, settings) in lines {
        let mode = match settings.mode {
            Mode::OutputKeep => Mode::Output(request.value(*offset)?.into()),
            mode => mode,
        };
        configure(&mut driven, *offset, settings, Some(mode));
    }
    request.reconfigure(&driven)?;
    Ok(request)
}

/// The new settings of one line, for a request that has it already.
pub(super) fn change(offset: u32, settings: &Settings, level: bool) -> request::Config {
    let mode = match settings.mode {
        Mode::OutputKeep => Mode::Output(level),
        mode => mode,
    };
    let mut config = request::Config::default();
    configure(&mut config, offset, settings, Some(mode));
    config
}

/// Without a mode the line stays as it is.
fn configure(config: &mut request::Config, offset: u32, settings: &Settings, mode: Option<Mode>) {
    let mut wanted = line::Config {
        active_low: settings.active_low,
        ..line::Config::default()
    };
    match mode {
        None | Some(Mode::OutputKeep) => {}
        Some(Mode::Input) => {
            wanted.direction = Some(line::Direction::Input);
            wanted.edge_detection = edge_of(settings.edge);
            wanted.debounce_period = (!settings.debounce.is_zero()).then_some(settings.debounce);
        }
        Some(Mode::Output(level)) => {
            wanted.direction = Some(line::Direction::Output);
            wanted.value = Some(Value::from(level));
            wanted.drive = drive_of(settings.drive);
        }
    }
    if mode.is_some() {
        wanted.bias = bias_of(settings.bias);
    }
    config.with_line(offset).from_line_config(&wanted);
}

fn bias_of(bias: Bias) -> Option<line::Bias> {
    match bias {
        Bias::AsIs => None,
        Bias::None => Some(line::Bias::Disabled),
        Bias::PullUp => Some(line::Bias::PullUp),
        Bias::PullDown => Some(line::Bias::PullDown),
    }
}

fn drive_of(drive: Drive) -> Option<line::Drive> {
    match drive {
        Drive::PushPull => None,
        Drive::OpenDrain => Some(line::Drive::OpenDrain),
        Drive::OpenSource => Some(line::Drive::OpenSource),
    }
}

fn edge_of(edge: EdgeChoice) -> Option<line::EdgeDetection> {
    match edge {
        EdgeChoice::None => None,
        EdgeChoice::Rising => Some(line::EdgeDetection::RisingEdge),
        EdgeChoice::Falling => Some(line::EdgeDetection::FallingEdge),
        EdgeChoice::Both => Some(line::EdgeDetection::BothEdges),
    }
}

//! `pistack io safe`: brings outputs to their safe levels and holds them until the service is back.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use gpiocdev::line::{self, Value};
use gpiocdev::{Chip, Request, request};
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;

use super::plan::{Output, Plan};
use super::socket_path;
use crate::config::{Drive, SafeLevel};
use crate::hardpwm::Channel;

/// How long lines may stay busy: the kernel closes what a killed process held a moment after its end.
const BUSY: Duration = Duration::from_millis(200);
/// How often a busy line is tried again.
const AGAIN: Duration = Duration::from_millis(1);
/// By this name the lines are known meanwhile.
const CONSUMER: &str = "pistack:safe";
/// What `auto` means.
const HEADER: &str = "auto";

/// The lines are not held.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The socket at which the service knocks cannot be made.
    #[error("{}: {source}", path.display())]
    Socket {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What was done to the lines.
#[derive(Debug)]
pub struct Held {
    /// Outputs that are at their safe levels now, by name.
    pub safe: Vec<String>,
    /// Outputs that are not, and why.
    pub failed: Vec<(String, String)>,
    /// How long it took.
    pub took: Duration,
    requests: Vec<Request>,
    listener: UnixListener,
    socket: PathBuf,
}

/// Why holding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The service is back and takes over.
    TakenOver,
    /// Who started this process is gone, or wants it to end: standard input ended.
    Alone,
}

/// Brings every output of the plan to its safe level. Nothing stops at one that fails.
///
/// # Errors
/// When the service could not knock later.
pub fn hold(plan: &Plan, paths: &StatePaths, clock: &Clock) -> Result<Held, HoldError> {
    let began = clock.monotonic();
    let mut chips = Chips::default();
    let mut requests = Vec::new();
    let mut safe = Vec::new();
    let mut failed = Vec::new();
    let (pulsing, mut waiting): (Vec<&Output>, Vec<&Output>) =
        plan.outputs.iter().partition(|output| output.pwm.is_some());
    loop {
        let mut busy = Vec::new();
        for output in waiting {
            match chips.request(output) {
                Ok(request) => {
                    requests.push(request);
                    safe.push(output.name.clone());
                }
                Err(Refused::Busy(holder)) => busy.push((output, holder)),
                Err(Refused::Other(reason)) => failed.push((output.name.clone(), reason)),
            }
        }
        if busy.is_empty() || clock.monotonic().saturating_sub(began) > BUSY {
            let held = busy
                .into_iter()
                .map(|(output, holder)| (output.name.clone(), format!("held by {holder}")));
            failed.extend(held);
            break;
        }
        waiting = busy.into_iter().map(|(output, _)| output).collect();
        std::thread::sleep(AGAIN);
    }
    for output in pulsing {
        match end_pwm(output) {
            Ok(()) => safe.push(output.name.clone()),
            Err(reason) => failed.push((output.name.clone(), reason)),
        }
    }
    let took = clock.monotonic().saturating_sub(began);
    let socket = socket_path(paths);
    // Levels first: whoever knocks now gets no answer until the lines are safe.
    let listener = listen(&socket).map_err(|source| HoldError::Socket {
        path: socket.clone(),
        source,
    })?;
    Ok(Held {
        safe,
        failed,
        took,
        requests,
        listener,
        socket,
    })
}

/// The directory is its owner's alone; so the service may knock whoever it has become.
fn listen(socket: &Path) -> std::io::Result<UnixListener> {
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

impl Held {
    /// Holds the lines until the service knocks, or `until` (standard input) ends. Then they are free.
    pub fn wait(self, mut until: impl Read + Send + 'static) -> Ended {
        let (knocked, first) = mpsc::sync_channel::<Option<UnixStream>>(2);
        let ended = knocked.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while until.read(&mut buffer).is_ok_and(|count| count > 0) {}
            let _ = ended.send(None);
        });
        let listener = self.listener;
        std::thread::spawn(move || {
            if let Ok((stream, _)) = listener.accept() {
                let _ = knocked.send(Some(stream));
            }
        });
        let stream = first.recv().ok().flatten();
        let _ = std::fs::remove_file(&self.socket);
        drop(self.requests);
        // The end of the connection says that the lines are free.
        match stream {
            Some(stream) => {
                drop(stream);
                Ended::TakenOver
            }
            None => Ended::Alone,
        }
    }
}

/// The kernel's PWM goes on by itself when its process ends. It has no level to hold.
fn end_pwm(output: &Output) -> Result<(), String> {
    let Some(path) = &output.pwm else { return Ok(()) };
    let duty = if output.to == SafeLevel::On { 1.0 } else { 0.0 };
    Channel::at(path.clone()).set(duty, None)
}

enum Refused {
    Busy(String),
    Other(String),
}

/// Chips by their labels, opened once.
#[derive(Default)]
struct Chips {
    open: BTreeMap<String, (PathBuf, Chip)>,
}

impl Chips {
    fn request(&mut self, output: &Output) -> Result<Request, Refused> {
        let (path, chip) = self.of(output)?;
        request_line(path, output).map_err(|error| match chip.line_info(output.offset) {
            Ok(info) if info.used => Refused::Busy(if info.consumer.is_empty() {
                "the kernel".to_owned()
            } else {
                info.consumer
            }),
            _ => Refused::Other(error.to_string()),
        })
    }

    fn of(&mut self, output: &Output) -> Result<&(PathBuf, Chip), Refused> {
        if !self.open.contains_key(&output.chip) {
            let found = find(output)
                .ok_or_else(|| Refused::Other(format!("there is no GPIO chip labelled {}", output.chip)))?;
            self.open.insert(output.chip.clone(), found);
        }
        self.open
            .get(&output.chip)
            .ok_or_else(|| Refused::Other("the chip is gone".to_owned()))
    }
}

/// The chip: where the plan says, if it is still the one, else by its label.
fn find(output: &Output) -> Option<(PathBuf, Chip)> {
    // The plan was written by a process with fewer rights than this one may have: nothing but GPIO chips is opened.
    let named = output
        .device
        .iter()
        .filter(|path| path.to_string_lossy().starts_with("/dev/gpiochip"))
        .cloned();
    named
        .chain(gpiocdev::chip::chips().unwrap_or_default())
        .find_map(|path| {
            let chip = Chip::from_path(&path).ok()?;
            let label = chip.info().ok()?.label;
            let fits = if output.chip == HEADER {
                crate::backend::is_header_label(&label)
            } else {
                label == output.chip
            };
            fits.then_some((path, chip))
        })
}

fn request_line(path: &Path, output: &Output) -> gpiocdev::Result<Request> {
    let mut builder = Request::builder();
    builder
        .on_chip(path)
        .with_consumer(CONSUMER)
        .with_line(output.offset);
    match output.to {
        SafeLevel::Off => builder.as_output(Value::Inactive),
        SafeLevel::On => builder.as_output(Value::Active),
        SafeLevel::Input => builder.as_input(),
        SafeLevel::Hold => builder.as_is(),
    };
    if output.active_low {
        builder.as_active_low();
    }
    if matches!(output.to, SafeLevel::Off | SafeLevel::On) {
        builder.with_drive(drive_of(output.drive));
    }
    let taken = builder.request()?;
    if output.to == SafeLevel::Hold {
        // Read first, then driven with the same level in one step: no glitch.
        let mut driven = request::Config::default();
        driven
            .with_line(output.offset)
            .as_output(taken.value(output.offset)?)
            .with_drive(drive_of(output.drive));
        if output.active_low {
            driven.as_active_low();
        }
        taken.reconfigure(&driven)?;
    }
    Ok(taken)
}

fn drive_of(drive: Drive) -> line::Drive {
    match drive {
        Drive::PushPull => line::Drive::PushPull,
        Drive::OpenDrain => line::Drive::OpenDrain,
        Drive::OpenSource => line::Drive::OpenSource,
    }
}

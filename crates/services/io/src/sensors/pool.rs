//! Reads sensors on threads of their own, now and then and on demand, and keeps what they gave.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use serde::Serialize;
use tokio::sync::{Notify, watch};

use super::config::{SensorConfig, Sensors as Configs};
use super::discover::{Channel, Device, discover};
use super::read::{ReadError, read};
use super::store::{Moment, PATIENCE, Quality, Sensor, View};

/// How often new sensors are looked for where none is to be read.
const LOOK: Duration = Duration::from_mins(1);
/// A list is made anew at most so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A reading that is news, as events show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Reading {
    /// The sensor.
    #[serde(rename = "sensor")]
    pub(crate) id: String,
    /// Its value, if it ever had one.
    pub(crate) value: Option<f64>,
    /// Its unit.
    pub(crate) unit: String,
    /// How far it is to be believed.
    pub(crate) quality: Quality,
}

/// Why a fresh value was not had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// There is no such sensor.
    Unknown,
    /// It did not answer in time.
    Timeout,
}

/// Hears of news.
type Tell = Arc<dyn Fn(Reading) + Send + Sync>;

/// All sensors. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    sysroot: PathBuf,
    configs: Configs,
    clock: Clock,
    tell: Tell,
    state: Mutex<State>,
    /// Told when a device was found that is to be read now and then.
    found: Notify,
}

#[derive(Default)]
struct State {
    devices: Vec<Slot>,
    /// By their own ids.
    sensors: BTreeMap<String, Sensor>,
    looked: Option<Duration>,
}

/// A device and the read of it that is under way.
struct Slot {
    device: Device,
    /// Since when.
    reading: Option<Duration>,
    /// When it was last begun.
    begun: Option<Duration>,
    /// Counts reads that ended.
    rounds: watch::Sender<u64>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    /// Finds the sensors below `sysroot`. Nothing is read yet.
    pub(crate) fn new(sysroot: PathBuf, configs: Configs, clock: Clock, tell: Tell) -> Self {
        let pool = Self {
            shared: Arc::new(Shared {
                sysroot,
                configs,
                clock,
                tell,
                state: Mutex::default(),
                found: Notify::new(),
            }),
        };
        pool.look();
        pool
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        let wall = self.shared.clock.wall();
        Moment {
            mono: self.shared.clock.monotonic(),
            wall_us: i64::try_from(wall.as_micros()).unwrap_or(i64::MAX),
        }
    }

    /// Looks which sensors there are. What is known of one that stays, stays.
    fn look(&self) {
        let now = self.now().mono;
        if self
            .state()
            .looked
            .is_some_and(|at| now.saturating_sub(at) < LOOK_AGAIN)
        {
            return;
        }
        let found = discover(&self.shared.sysroot);
        let mut state = self.state();
        state.looked = Some(now);
        let mut sensors = BTreeMap::new();
        for channel in found.iter().flat_map(|device| &device.channels) {
            let mut sensor = state.sensors.remove(&channel.id).unwrap_or_else(|| {
                let (id, config) = self.named(&channel.id);
                Sensor::new(id, Some(channel.clone()), config)
            });
            sensor.channel = Some(channel.clone());
            sensors.insert(channel.id.clone(), sensor);
        }
        for (name, config) in &self.shared.configs {
            if !sensors.contains_key(&config.source) {
                let mut gone = state
                    .sensors
                    .remove(&config.source)
                    .unwrap_or_else(|| Sensor::new(name.clone(), None, config.clone()));
                gone.channel = None;
                sensors.insert(config.source.clone(), gone);
            }
        }
        state.sensors = sensors;
        let mut old = std::mem::take(&mut state.devices);
        for device in found {
            let known = old.iter().position(|slot| slot.device.path == device.path);
            let slot = if let Some(index) = known {
                Slot {
                    device,
                    ..old.swap_remove(index)
                }
            } else {
                self.shared.found.notify_one();
                Slot {
                    device,
                    reading: None,
                    begun: None,
                    rounds: watch::Sender::new(0),
                }
            };
            state.devices.push(slot);
        }
    }

    /// Name and table of a sensor by its own id.
    fn named(&self, source: &str) -> (String, SensorConfig) {
        let table = self
            .shared
            .configs
            .iter()
            .find(|(_, config)| config.source == source);
        table.map_or_else(
            || (source.to_owned(), SensorConfig::default()),
            |(name, config)| (name.clone(), config.clone()),
        )
    }

    /// All sensors.
    pub(crate) fn list(&self) -> Vec<View> {
        self.look();
        let now = self.now().mono;
        let state = self.state();
        let mut views: Vec<View> = state
            .sensors
            .values()
            .map(|sensor| sensor.view(now, state.hanging(sensor, now)))
            .collect();
        views.sort_by(|one, other| one.id.cmp(&other.id));
        views
    }

    /// One sensor, by its name or its own id.
    pub(crate) fn get(&self, id: &str) -> Option<View> {
        let now = self.now().mono;
        let find = || {
            let state = self.state();
            let sensor = state.find(id)?;
            Some(sensor.view(now, state.hanging(sensor, now)))
        };
        find().or_else(|| {
            self.look();
            find()
        })
    }

    /// One sensor, read now. A read that is under way counts.
    pub(crate) async fn fresh(&self, id: &str) -> Result<View, Unread> {
        let seen = self.get(id).ok_or(Unread::Unknown)?;
        let rounds = {
            let state = self.state();
            let slot = state.devices.iter().position(|slot| {
                slot.device
                    .channels
                    .iter()
                    .any(|channel| channel.id == seen.source)
            });
            slot.map(|index| (index, state.devices[index].rounds.subscribe()))
        };
        let Some((index, mut rounds)) = rounds else {
            return Ok(seen);
        };
        self.begin(index);
        match tokio::time::timeout(PATIENCE, rounds.changed()).await {
            Ok(_) => self.get(id).ok_or(Unread::Unknown),
            Err(_) => Err(Unread::Timeout),
        }
    }

    /// Begins to read a device, unless it is being read.
    fn begin(&self, index: usize) {
        let now = self.now().mono;
        let (device, befores) = {
            let mut state = self.state();
            let State { devices, sensors, .. } = &mut *state;
            let Some(slot) = devices.get_mut(index).filter(|slot| slot.reading.is_none()) else {
                return;
            };
            slot.reading = Some(now);
            slot.begun = Some(now);
            let befores: Vec<Option<f64>> = slot
                .device
                .channels
                .iter()
                .map(|channel| sensors.get(&channel.id).and_then(Sensor::before))
                .collect();
            (slot.device.clone(), befores)
        };
        let pool = self.clone();
        tokio::spawn(async move {
            let path = device.path.clone();
            let work = tokio::task::spawn_blocking(move || read_all(&device, &befores));
            // A panic of the reader would be a failed read.
            let outcomes = work.await.unwrap_or_default();
            pool.finished(&path, outcomes);
        });
    }

    fn finished(&self, path: &std::path::Path, outcomes: Vec<(Channel, Result<f64, ReadError>)>) {
        let now = self.now();
        let mut news = Vec::new();
        let mut state = self.state();
        for (channel, outcome) in outcomes {
            let Some(sensor) = state.sensors.get_mut(&channel.id) else {
                continue;
            };
            sensor.take(outcome, now);
            if let Some((value, quality)) = sensor.news(now.mono) {
                news.push(Reading {
                    id: sensor.id.clone(),
                    value,
                    unit: sensor.view(now.mono, None).unit,
                    quality,
                });
            }
        }
        if let Some(slot) = state.devices.iter_mut().find(|slot| slot.device.path == path) {
            slot.reading = None;
            slot.rounds.send_modify(|rounds| *rounds += 1);
        }
        drop(state);
        for reading in news {
            (self.shared.tell)(reading);
        }
    }

    /// Reads every sensor as often as it is to be read, until the service stops. Without sensors it wakes once a
    /// minute, to look for some.
    pub(crate) async fn run(self, lifecycle: Lifecycle) {
        loop {
            let now = self.now().mono;
            let wait = self.begin_due(now).max(Duration::from_millis(100));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.shared.found.notified() => {}
                () = lifecycle.stopped() => return,
            }
            self.look();
        }
    }

    /// Begins what is due, and says when the next is.
    fn begin_due(&self, now: Duration) -> Duration {
        let state = self.state();
        let mut next = LOOK;
        let mut due = Vec::new();
        for (index, slot) in state.devices.iter().enumerate() {
            let every = slot
                .device
                .channels
                .iter()
                .filter_map(|channel| Some(state.sensors.get(&channel.id)?.config.every.0))
                .min()
                .unwrap_or(LOOK);
            let left = slot
                .begun
                .map_or(Duration::ZERO, |begun| (begun + every).saturating_sub(now));
            if left.is_zero() {
                due.push(index);
                next = next.min(every);
            } else {
                next = next.min(left);
            }
        }
        drop(state);
        for index in due {
            self.begin(index);
        }
        next
    }
}

impl State {
    fn find(&self, id: &str) -> Option<&Sensor> {
        self.sensors
            .values()
            .find(|sensor| sensor.id == id)
            .or_else(|| self.sensors.get(id))
    }

    /// How long the device of a sensor has not answered, if it should have.
    fn hanging(&self, sensor: &Sensor, now: Duration) -> Option<Duration> {
        let id = &sensor.channel.as_ref()?.id;
        let slot = self
            .devices
            .iter()
            .find(|slot| slot.device.channels.iter().any(|channel| channel.id == *id))?;
        let time = now.saturating_sub(slot.reading?);
        (time > PATIENCE).then_some(time)
    }
}

/// All channels of a device, one after the other. Blocks.
fn read_all(device: &Device, befores: &[Option<f64>]) -> Vec<(Channel, Result<f64, ReadError>)> {
    device
        .channels
        .iter()
        .zip(befores)
        .map(|(channel, before)| (channel.clone(), read(device, channel, *before)))
        .collect()
}

#[cfg(test)]
mod tests;

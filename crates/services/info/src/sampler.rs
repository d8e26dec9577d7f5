//! One sampler for all readers: every two seconds it reads the board's files, which it keeps open, into one buffer.
//! Pages, rules, history and `/metrics` all take what it read last.

mod rates;
mod ring;
mod rollup;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;

pub(crate) use ring::Ring;
pub(crate) use rollup::{Minute, Minutes, Taken};

use crate::now::{Now, Psi};
use crate::read::counters::{self, DiskWork, Traffic};
use crate::read::cpu::{self, Ticks};
use crate::read::files::{Kept, Tree};
use crate::read::memory;
use crate::read::sensors::Sensors;

/// Between two samples.
pub(crate) const EVERY: Duration = Duration::from_secs(2);
/// A sample that is older is not shown any more: a new one is taken.
const STALE: Duration = Duration::from_secs(5);
/// How often it is looked for new sensors.
const FIND_EVERY: Duration = Duration::from_mins(1);

/// What is kept over time, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    /// CPU in use, per cent.
    Cpu,
    /// Main memory in use, per cent.
    Memory,
    /// CPU temperature, °C.
    Temperature,
    /// Load average of one minute.
    Load,
    /// The state directory's file system in use, per cent.
    Disk,
    /// Bytes a second received on all physical interfaces.
    NetRx,
    /// Bytes a second sent.
    NetTx,
}

impl Metric {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Cpu,
        Self::Memory,
        Self::Temperature,
        Self::Load,
        Self::Disk,
        Self::NetRx,
        Self::NetTx,
    ];

    /// Its name on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Temperature => "temperature",
            Self::Load => "load",
            Self::Disk => "disk",
            Self::NetRx => "net_rx",
            Self::NetTx => "net_tx",
        }
    }
}

/// One value of each metric; `NaN` where there is none.
pub(crate) type Values = [f32; Metric::ALL.len()];

/// What was read at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// When, on the monotonic clock.
    pub(crate) at: Duration,
    /// Since the start of the kernel.
    pub(crate) uptime: Option<Duration>,
    /// As it is shown.
    pub(crate) now: Now,
    /// CPU temperature, °C.
    pub(crate) cpu_celsius: Option<f64>,
    /// Time of all processors.
    pub(crate) ticks: Option<Ticks>,
    /// Time of each processor.
    pub(crate) cores: Vec<Ticks>,
    /// Counters of the interfaces.
    pub(crate) net: BTreeMap<String, Traffic>,
    /// Counters of the physical disks.
    pub(crate) disks: BTreeMap<String, DiskWork>,
    /// The state directory's file system.
    pub(crate) room: Option<Room>,
}

/// Room on a file system, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Its size.
    pub(crate) total: u64,
    /// What may still be written without being root.
    pub(crate) available: u64,
    /// May not be written.
    pub(crate) read_only: bool,
}

impl Room {
    /// Of the file system that holds `path`.
    pub(crate) fn of(path: &std::path::Path) -> Option<Self> {
        let stat = rustix::fs::statvfs(path).ok()?;
        Some(Self {
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            available: stat.f_bavail.saturating_mul(stat.f_frsize),
            read_only: stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
        })
    }

    /// In use, per cent of what may be written without being root.
    pub(crate) fn used_percent(&self) -> Option<f64> {
        memory::share(self.total.saturating_sub(self.available), self.total)
    }
}

impl Sample {
    /// The values that are kept over time.
    pub(crate) fn values(&self) -> Values {
        let value = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        let (rx, tx) = self.now.totals();
        [
            value(self.now.cpu_percent),
            value(self.now.memory.and_then(|memory| memory.used_percent())),
            value(self.cpu_celsius),
            value(self.now.load.map(|[minute, ..]| minute)),
            value(self.room.and_then(|room| room.used_percent())),
            value(rx),
            value(tx),
        ]
    }
}

/// The shared sampler.
#[derive(Debug)]
pub(crate) struct Sampler {
    clock: Clock,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    reader: Reader,
    latest: Arc<Sample>,
    ring: Ring,
    minutes: Minutes,
}

impl Sampler {
    /// Reads below `tree`, and the room on the file system of `state_dir`. Takes a first sample, so that there are rates
    /// from the second one on.
    pub(crate) fn new(tree: &Tree, state_dir: PathBuf, clock: &Clock) -> Self {
        let mut reader = Reader::new(tree, state_dir);
        let latest = Arc::new(reader.take(clock, None));
        Self {
            clock: clock.clone(),
            inner: Mutex::new(Inner {
                reader,
                latest,
                ring: Ring::new(EVERY, Duration::from_hours(1)),
                minutes: Minutes::default(),
            }),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a sample; true when a minute was completed by it.
    pub(crate) fn sample(&self) -> bool {
        let mut inner = self.inner();
        inner.take(&self.clock)
    }

    /// The last sample; a new one if that is too old, as after a long sleep of the board.
    pub(crate) fn latest(&self) -> Arc<Sample> {
        let mut inner = self.inner();
        if self.clock.monotonic().saturating_sub(inner.latest.at) > STALE {
            inner.take(&self.clock);
        }
        Arc::clone(&inner.latest)
    }

    /// The last hour of a metric: when the first value was, on the monotonic clock, and the values.
    pub(crate) fn hour(&self, metric: Metric) -> (Duration, Vec<Option<f32>>) {
        self.inner().ring.series(metric)
    }

    /// The minutes that nobody took yet.
    pub(crate) fn take_minutes(&self) -> Taken {
        self.inner().minutes.take()
    }

    /// Gives minutes back that could not be stored.
    pub(crate) fn give_back(&self, taken: Taken) {
        self.inner().minutes.give_back(taken);
    }

    /// Completes the minute that is under way, at the end of the process.
    pub(crate) fn finish_minute(&self) {
        self.inner().minutes.finish();
    }

    /// The minutes that are not stored yet, without taking them.
    pub(crate) fn pending_minutes(&self) -> Vec<Minute> {
        self.inner().minutes.pending()
    }
}

impl Inner {
    fn take(&mut self, clock: &Clock) -> bool {
        let sample = self.reader.take(clock, Some(&self.latest));
        let values = sample.values();
        self.ring.push(sample.at, values);
        let written = rates::written(&sample, &self.latest);
        // Without a kernel's uptime (a copy for tests, a strange container) the process's own clock has to do.
        let complete = self
            .minutes
            .add(sample.uptime.unwrap_or(sample.at), &values, written);
        self.latest = Arc::new(sample);
        complete
    }
}

/// Open files and what was found out about them.
#[derive(Debug)]
struct Reader {
    tree: Tree,
    state_dir: PathBuf,
    buffer: Vec<u8>,
    stat: Kept,
    load: Kept,
    memory: Kept,
    uptime: Kept,
    pressure: [Kept; 3],
    net: Kept,
    disks: Kept,
    sensors: Sensors,
    found_at: Option<Duration>,
    /// Whether an interface or a disk is a physical one.
    physical: BTreeMap<String, bool>,
}

impl Reader {
    fn new(tree: &Tree, state_dir: PathBuf) -> Self {
        let kept = |path: &str| Kept::new(tree.path(path));
        Self {
            state_dir,
            buffer: Vec::new(),
            stat: kept("proc/stat"),
            load: kept("proc/loadavg"),
            memory: kept("proc/meminfo"),
            uptime: kept("proc/uptime"),
            pressure: ["cpu", "memory", "io"].map(|name| kept(&format!("proc/pressure/{name}"))),
            net: kept("proc/net/dev"),
            disks: kept("proc/diskstats"),
            sensors: Sensors::find(tree),
            found_at: None,
            physical: BTreeMap::new(),
            tree: tree.clone(),
        }
    }

    /// Reads everything. Rates are those since `before`.
    fn take(&mut self, clock: &Clock, before: Option<&Sample>) -> Sample {
        let at = clock.monotonic();
        self.find(at);
        let mut sample = Sample {
            at,
            room: Room::of(&self.state_dir),
            ..Sample::default()
        };
        let buffer = &mut self.buffer;
        sample.now.at = clock.unix();
        sample.uptime = self
            .uptime
            .number::<f64>(buffer)
            .filter(|seconds| (0.0..1e12).contains(seconds))
            .map(Duration::from_secs_f64);
        sample.now.uptime_s = sample.uptime.map(|uptime| uptime.as_secs());
        sample.ticks = self
            .stat
            .read(buffer)
            .and_then(|text| cpu::stat(text, &mut sample.cores));
        sample.now.load = self.load.read(buffer).and_then(cpu::load);
        sample.now.memory = self.memory.read(buffer).and_then(memory::meminfo);
        let [cpu, memory, io] = self
            .pressure
            .each_mut()
            .map(|file| file.read(buffer).and_then(memory::pressure));
        sample.now.psi = Psi { cpu, memory, io };
        sample.cpu_celsius = self.sensors.temperatures(buffer, &mut sample.now.temperatures);
        sample.now.cpu_temperature = sample.cpu_celsius;
        sample.now.fans = self.sensors.fans(buffer);
        sample.now.throttling = self.sensors.throttling(buffer);
        self.count(&mut sample);
        rates::fill(&mut sample, before, &self.physical);
        sample
    }

    /// The counters of interfaces and disks.
    fn count(&mut self, sample: &mut Sample) {
        if let Some(text) = self.net.read(&mut self.buffer) {
            for (name, traffic) in counters::net_dev(text) {
                if !self.physical.contains_key(name) {
                    let is = self.tree.has(&format!("sys/class/net/{name}/device"));
                    self.physical.insert(name.to_owned(), is);
                }
                sample.net.insert(name.to_owned(), traffic);
            }
        }
        if let Some(text) = self.disks.read(&mut self.buffer) {
            for (name, work) in counters::diskstats(text) {
                let is = if let Some(is) = self.physical.get(name) {
                    *is
                } else {
                    let is = crate::read::wear::is_physical(&self.tree, name);
                    self.physical.insert(name.to_owned(), is);
                    is
                };
                if is {
                    sample.disks.insert(name.to_owned(), work);
                }
            }
        }
    }

    /// Looks for sensors again once in a while: modules are loaded, sticks are plugged in.
    fn find(&mut self, now: Duration) {
        match self.found_at {
            None => self.found_at = Some(now),
            Some(at) if now.saturating_sub(at) >= FIND_EVERY => {
                self.found_at = Some(now);
                self.sensors = Sensors::find(&self.tree);
                self.physical.clear();
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;

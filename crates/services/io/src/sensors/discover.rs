//! Which sensors there are: a walk over `/sys/bus/w1`, `/sys/bus/iio` and `/sys/class/hwmon`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A device with its channels: read together, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Device {
    /// Its directory.
    pub(crate) path: PathBuf,
    /// How it is read.
    pub(crate) bus: Bus,
    /// What it measures.
    pub(crate) channels: Vec<Channel>,
}

/// A driver family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bus {
    /// 1-wire.
    W1,
    /// Industrial I/O.
    Iio,
    /// Hardware monitoring.
    Hwmon,
}

/// One measured quantity.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Channel {
    /// Unique on this board, and the same after a restart: `28-0316a2795cff`, `bme280-temp`, `lm75-temp1`.
    pub(crate) id: String,
    /// The chip: `ds18b20`, `bme280`, `lm75`.
    pub(crate) kind: String,
    /// What is measured: `temperature`, `humidity`, ...
    pub(crate) quantity: &'static str,
    /// Unit after `factor`.
    pub(crate) unit: &'static str,
    /// From the driver's unit to ours.
    pub(crate) factor: f64,
    /// The file to read, or the stem of `_raw`, `_scale` and `_offset`.
    pub(crate) source: Source,
    /// What the driver calls it.
    pub(crate) label: Option<String>,
}

/// Where the number comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file with the finished value.
    Finished(PathBuf),
    /// (`raw` + `offset`) * `scale`; files that are not there count as 0 and 1.
    Raw {
        raw: PathBuf,
        scale: Vec<PathBuf>,
        offset: Vec<PathBuf>,
    },
}

/// 1-wire families that measure temperature (the kernel's `w1_therm`).
const THERMOMETERS: [(&str, &str); 5] = [
    ("10", "ds18s20"),
    ("22", "ds1822"),
    ("28", "ds18b20"),
    ("3b", "ds1825"),
    ("42", "ds28ea00"),
];

/// IIO channel types (the kernel's `sysfs-bus-iio`): prefix, quantity, our unit, factor.
const IIO: [(&str, &str, &str, f64); 13] = [
    ("temp", "temperature", "°C", 0.001),
    ("humidityrelative", "humidity", "%", 0.001),
    ("pressure", "pressure", "hPa", 10.0),
    ("illuminance", "illuminance", "lx", 1.0),
    ("voltage", "voltage", "V", 0.001),
    ("current", "current", "A", 0.001),
    ("power", "power", "W", 0.001),
    ("resistance", "resistance", "Ω", 1.0),
    ("concentration", "concentration", "%", 1.0),
    ("distance", "distance", "m", 1.0),
    ("proximity", "proximity", "", 1.0),
    ("accel", "acceleration", "m/s²", 1.0),
    ("anglvel", "angular_velocity", "rad/s", 1.0),
];

/// hwmon channel types (the kernel's `hwmon/sysfs-interface`).
const HWMON: [(&str, &str, &str, f64); 7] = [
    ("temp", "temperature", "°C", 0.001),
    ("in", "voltage", "V", 0.001),
    ("curr", "current", "A", 0.001),
    ("power", "power", "W", 0.000_001),
    ("humidity", "humidity", "%", 0.001),
    ("fan", "speed", "rpm", 1.0),
    ("energy", "energy", "J", 0.000_001),
];

impl Bus {
    /// Time between two tries of one read.
    pub(crate) fn pause(self) -> Duration {
        match self {
            // A DHT must not be asked more often than every two seconds; the driver answers from memory until then.
            Self::Iio => Duration::from_millis(700),
            Self::W1 => Duration::ZERO,
            Self::Hwmon => Duration::from_millis(50),
        }
    }
}

/// All sensors below `sysroot`.
pub(crate) fn discover(sysroot: &Path) -> Vec<Device> {
    let mut devices: Vec<Device> = entries(&sysroot.join("sys/bus/w1/devices"))
        .into_iter()
        .filter_map(|path| w1(&path))
        .collect();
    devices.extend(
        entries(&sysroot.join("sys/bus/iio/devices"))
            .into_iter()
            .filter_map(|path| iio(&path)),
    );
    devices.extend(
        entries(&sysroot.join("sys/class/hwmon"))
            .into_iter()
            .filter_map(|path| hwmon(&path)),
    );
    devices.retain(|device| !device.channels.is_empty());
    number_twins(&mut devices);
    devices
}

/// Two chips of a kind: the second one's ids end in `-2`. The order is that of the devices' numbers.
fn number_twins(devices: &mut [Device]) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for channel in devices.iter_mut().flat_map(|device| &mut device.channels) {
        let count = seen.entry(channel.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            channel.id = format!("{}-{count}", channel.id);
        }
    }
}

fn w1(path: &Path) -> Option<Device> {
    let id = path.file_name()?.to_str()?.to_owned();
    let (family, _) = id.split_once('-')?;
    let (_, kind) = THERMOMETERS.iter().find(|(code, _)| *code == family)?;
    let file = path.join("temperature");
    file.exists().then(|| Device {
        path: path.to_owned(),
        bus: Bus::W1,
        channels: vec![Channel {
            id,
            kind: (*kind).to_owned(),
            quantity: "temperature",
            unit: "°C",
            factor: 0.001,
            source: Source::Finished(file),
            label: None,
        }],
    })
}

fn iio(path: &Path) -> Option<Device> {
    // Triggers and buffers stand beside the devices.
    path.file_name()?.to_str()?.strip_prefix("iio:device")?;
    let kind = name_of(path)?;
    let files: Vec<String> = entries(path)
        .iter()
        .filter_map(|file| Some(file.file_name()?.to_str()?.to_owned()))
        .collect();
    let stems: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| {
            let stem = file.strip_prefix("in_")?;
            stem.strip_suffix("_input").or_else(|| stem.strip_suffix("_raw"))
        })
        .collect();
    let channels = stems
        .into_iter()
        .filter_map(|stem| iio_channel(path, &kind, stem, &files))
        .collect();
    Some(Device {
        path: path.to_owned(),
        bus: Bus::Iio,
        channels,
    })
}

/// `stem`: `temp`, `voltage0`, `accel_x`, `concentration_co2`.
fn iio_channel(path: &Path, kind: &str, stem: &str, files: &[String]) -> Option<Channel> {
    let bare = stem.split('_').next().unwrap_or(stem);
    let kind_of_channel = bare.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let (prefix, quantity, unit, factor) = IIO.into_iter().find(|(prefix, ..)| *prefix == kind_of_channel)?;
    let finished = format!("in_{stem}_input");
    let source = if files.contains(&finished) {
        Source::Finished(path.join(finished))
    } else {
        // The scale of the channel itself goes before the one that its type shares.
        let of = |what: &str| {
            [stem, prefix]
                .iter()
                .map(|stem| path.join(format!("in_{stem}_{what}")))
                .collect()
        };
        Source::Raw {
            raw: path.join(format!("in_{stem}_raw")),
            scale: of("scale"),
            offset: of("offset"),
        }
    };
    Some(Channel {
        id: format!("{}-{stem}", plain(kind)),
        kind: kind.to_owned(),
        quantity,
        unit,
        factor,
        source,
        label: text(&path.join(format!("in_{stem}_label"))),
    })
}

fn hwmon(path: &Path) -> Option<Device> {
    let kind = name_of(path)?;
    let channels = entries(path)
        .iter()
        .filter_map(|file| {
            let stem = file.file_name()?.to_str()?.strip_suffix("_input")?.to_owned();
            let letters = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let (_, quantity, unit, factor) = HWMON.into_iter().find(|(prefix, ..)| *prefix == letters)?;
            Some(Channel {
                id: format!("{}-{stem}", plain(&kind)),
                kind: kind.clone(),
                quantity,
                unit,
                factor,
                source: Source::Finished(file.clone()),
                label: text(&path.join(format!("{stem}_label"))),
            })
        })
        .collect();
    Some(Device {
        path: path.to_owned(),
        bus: Bus::Hwmon,
        channels,
    })
}

/// The driver's name; a device-tree node (`dht11@0`) is named without its address.
fn name_of(path: &Path) -> Option<String> {
    let name = text(&path.join("name"))?;
    Some(name.split('@').next().unwrap_or(&name).to_owned())
}

/// What may stand in an address.
fn plain(name: &str) -> String {
    name.chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || "_.".contains(letter) {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

fn text(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(60).collect())
}

/// The entries of a directory, ordered by number where names end in one.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    all.sort_by_key(|path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let letters = name
            .trim_end_matches(|letter: char| letter.is_ascii_digit())
            .len();
        let number: u64 = name
            .get(letters..)
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0);
        (name.get(..letters).unwrap_or_default().to_owned(), number)
    });
    all
}

#[cfg(test)]
mod tests;

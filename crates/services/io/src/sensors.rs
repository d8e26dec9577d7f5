//! Sensors, read through the kernel's drivers: 1-wire thermometers, IIO (DHT, BME280, ADS1x15, ...), hwmon (LM75,
//! INA2xx, the board's own). No bus is spoken to from here; a device-tree overlay makes the driver, the driver makes
//! files below `/sys`, and those are read.
//!
//! # Rules
//! - A read may block (750 ms for a DS18B20, for ever on a broken bus), so it is done on a thread of its own. A device
//!   has at most one read under way; one that hangs holds up nobody else.
//! - Every value has an age and a quality: `ok` as long as reading succeeds, `stale` while the last good value is all
//!   there is, `bad` when there is none, or it is older than ten minutes.
//! - 85000 m°C is what a DS18B20 says before its first measurement. It is believed only near the value before.
//! - A failed read (EIO: a wrong checksum; ETIMEDOUT: a lost bit) is repeated twice.

mod config;
mod discover;
mod pool;
mod read;
mod store;

pub use config::{SensorConfig, Sensors as SensorConfigs, check as check_sensors};
pub(crate) use pool::{Pool, Reading, Unread};
pub(crate) use store::View;

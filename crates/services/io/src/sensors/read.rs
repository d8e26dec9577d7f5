//! Reading one channel: a file or three, and what a DS18B20 says before it has measured.

use std::io;
use std::path::{Path, PathBuf};

use super::discover::{Bus, Channel, Device, Source};

/// Tries of one read.
const TRIES: u32 = 3;
/// What a DS18B20 says before its first measurement, in m°C (its data sheet, "power-on reset value").
const POWER_ON: f64 = 85_000.0;
/// It is believed if the value before was so near, in °C.
const NEAR: f64 = 10.0;

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    /// The driver refused: EIO is a wrong checksum on 1-wire, ETIMEDOUT a lost bit of a DHT.
    #[error("{0}")]
    Driver(String),
    /// The text is no number.
    #[error("the driver says {0:?}, which is no number")]
    Text(String),
    /// The value before the first measurement.
    #[error("85 °C, which a DS18B20 says before its first measurement")]
    PowerOn,
    /// The sensor was unplugged.
    #[error("it is not there any more")]
    Gone,
}

/// Reads a channel; `before` is its last good value. Blocks, for seconds if the driver does.
pub(crate) fn read(device: &Device, channel: &Channel, before: Option<f64>) -> Result<f64, ReadError> {
    let mut failure = ReadError::Gone;
    for round in 0..TRIES {
        if round > 0 {
            std::thread::sleep(device.bus.pause());
        }
        match try_read(device, channel, before) {
            Ok(value) => return Ok(value),
            // It will not come back within a moment.
            Err(ReadError::Gone) => return Err(ReadError::Gone),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn try_read(device: &Device, channel: &Channel, before: Option<f64>) -> Result<f64, ReadError> {
    let number = match &channel.source {
        Source::Finished(path) => number(path)?,
        Source::Raw { raw, scale, offset } => {
            let first = |paths: &[PathBuf], absent: f64| {
                paths
                    .iter()
                    .find(|path| path.exists())
                    .map_or(Ok(absent), |path| number(path))
            };
            (number(raw)? + first(offset, 0.0)?) * first(scale, 1.0)?
        }
    };
    let value = number * channel.factor;
    let power_on = device.bus == Bus::W1 && number == POWER_ON;
    if power_on && before.is_none_or(|before| (before - value).abs() > NEAR) {
        return Err(ReadError::PowerOn);
    }
    // Thousandths are more than any of these sensors has; what is beyond them is the multiplication's.
    Ok((value * 1_000_000.0).round() / 1_000_000.0)
}

fn number(path: &Path) -> Result<f64, ReadError> {
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::Gone,
        // ENODEV: the driver is being taken away.
        _ if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => ReadError::Gone,
        _ => ReadError::Driver(error.to_string()),
    })?;
    let text = text.trim();
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .ok_or_else(|| ReadError::Text(text.chars().take(40).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensors::discover::discover;

    fn one(root: &Path, directory: &str, files: &[(&str, &str)]) -> Device {
        for (name, text) in files {
            std::fs::create_dir_all(root.join(directory)).unwrap();
            std::fs::write(root.join(directory).join(name), text).unwrap();
        }
        discover(root).remove(0)
    }

    #[test]
    fn the_power_on_value_is_believed_only_near_the_one_before() {
        let root = tempfile::tempdir().unwrap();
        let device = one(
            root.path(),
            "sys/bus/w1/devices/28-1",
            &[("temperature", "85000\n")],
        );
        let read = |before| read(&device, &device.channels[0], before);
        assert_eq!(read(None), Err(ReadError::PowerOn));
        assert_eq!(read(Some(21.4)), Err(ReadError::PowerOn));
        assert_eq!(read(Some(83.2)), Ok(85.0));
        std::fs::write(root.path().join("sys/bus/w1/devices/28-1/temperature"), "21437\n").unwrap();
        assert_eq!(read(None), Ok(21.437));
        std::fs::write(root.path().join("sys/bus/w1/devices/28-1/temperature"), "").unwrap();
        assert_eq!(read(None), Err(ReadError::Text(String::new())));
        std::fs::remove_file(root.path().join("sys/bus/w1/devices/28-1/temperature")).unwrap();
        assert_eq!(read(None), Err(ReadError::Gone));
    }

    #[test]
    fn raw_values_are_shifted_and_then_scaled() {
        let root = tempfile::tempdir().unwrap();
        let files = [
            ("name", "ads1015"),
            ("in_voltage0_raw", "800"),
            ("in_voltage_scale", "2.5"),
            ("in_voltage0_offset", "-100"),
        ];
        let device = one(root.path(), "sys/bus/iio/devices/iio:device0", &files);
        // (800 - 100) * 2.5 mV
        assert_eq!(read(&device, &device.channels[0], None), Ok(1.75));
    }

    #[test]
    fn another_sensor_may_have_eighty_five_degrees() {
        let root = tempfile::tempdir().unwrap();
        let files = [("name", "lm75"), ("temp1_input", "85000")];
        let device = one(root.path(), "sys/class/hwmon/hwmon0", &files);
        assert_eq!(read(&device, &device.channels[0], None), Ok(85.0));
    }

    #[test]
    fn what_the_driver_refuses_is_told_after_three_tries() {
        let root = tempfile::tempdir().unwrap();
        let device = one(
            root.path(),
            "sys/class/hwmon/hwmon0",
            &[("name", "lm75"), ("temp1_input", "1")],
        );
        let file = root.path().join("sys/class/hwmon/hwmon0/temp1_input");
        std::fs::remove_file(&file).unwrap();
        // A directory in its place: the read fails, the file is there.
        std::fs::create_dir(&file).unwrap();
        assert!(matches!(
            read(&device, &device.channels[0], None),
            Err(ReadError::Driver(_))
        ));
    }
}

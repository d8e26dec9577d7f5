//! Temperatures, fans and the supply's voltage alarm: thermal zones and `hwmon` chips (the kernel's
//! sysfs-thermal and hwmon/sysfs-interface documents). Found once, then their files stay open.

use serde::Serialize;
use utoipa::ToSchema;

use super::files::{Kept, Tree};
use super::throttling::{self, Throttling};

/// A temperature.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Temperature {
    /// The zone's or chip's name.
    #[schema(example = "cpu-thermal")]
    pub(crate) name: String,
    /// °C.
    #[schema(example = 48.3)]
    pub(crate) celsius: Option<f64>,
}

/// A fan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Fan {
    /// The chip's name, with the fan's number or label.
    #[schema(example = "pwmfan fan1")]
    pub(crate) name: String,
    /// Turns a minute.
    #[schema(example = 3100)]
    pub(crate) rpm: Option<u32>,
}

/// Where Raspberry Pi firmware drivers show their bits: up to the Pi 4, and on the Pi 5.
const FIRMWARE: [&str; 3] = [
    "sys/devices/platform/soc/soc:firmware/get_throttled",
    "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled",
    "sys/devices/platform/soc:firmware/get_throttled",
];

#[derive(Debug)]
struct Probe {
    name: String,
    file: Kept,
    is_cpu: bool,
}

/// All sensors of the board.
#[derive(Debug)]
pub(crate) struct Sensors {
    temperatures: Vec<Probe>,
    fans: Vec<Probe>,
    firmware: Option<Kept>,
    voltage: Option<Kept>,
}

impl Sensors {
    /// Looks for them.
    pub(crate) fn find(tree: &Tree) -> Self {
        let mut found = Self {
            temperatures: zones(tree),
            fans: Vec::new(),
            firmware: FIRMWARE
                .into_iter()
                .find(|path| tree.has(path))
                .map(|path| Kept::new(tree.path(path))),
            voltage: None,
        };
        for chip in tree.names("sys/class/hwmon") {
            found.add_chip(tree, &format!("sys/class/hwmon/{chip}"));
        }
        found
    }

    fn add_chip(&mut self, tree: &Tree, folder: &str) {
        let Some(chip) = tree.line(&format!("{folder}/name")) else {
            return;
        };
        // The kernel shows a thermal zone as a chip too, its name spelt with other dashes.
        let is_zone = self
            .temperatures
            .iter()
            .any(|probe| probe.name.replace('-', "_") == chip.replace('-', "_"));
        let is_cpu = matches!(&*chip, "cpu_thermal" | "coretemp" | "k10temp" | "zenpower");
        for file in tree.names(folder) {
            let Some(stem) = file.strip_suffix("_input") else {
                if chip == "rpi_volt" && file == "in0_lcrit_alarm" {
                    self.voltage = Some(Kept::new(tree.path(&format!("{folder}/{file}"))));
                }
                continue;
            };
            let kept = Kept::new(tree.path(&format!("{folder}/{file}")));
            let label = tree.line(&format!("{folder}/{stem}_label"));
            let name = format!("{chip} {}", label.as_deref().unwrap_or(stem));
            if stem.starts_with("temp") && !is_zone {
                let first = stem == "temp1";
                self.temperatures.push(Probe {
                    name,
                    file: kept,
                    is_cpu: is_cpu && first,
                });
            } else if stem.starts_with("fan") {
                self.fans.push(Probe {
                    name,
                    file: kept,
                    is_cpu: false,
                });
            }
        }
    }

    /// Reads all temperatures into `into`; the CPU's.
    pub(crate) fn temperatures(&mut self, buffer: &mut Vec<u8>, into: &mut Vec<Temperature>) -> Option<f64> {
        let mut cpu = None;
        for probe in &mut self.temperatures {
            // Both kinds of files give thousandths of a degree.
            let celsius = probe
                .file
                .number::<i32>(buffer)
                .map(|thousandths| f64::from(thousandths) / 1000.0);
            if probe.is_cpu && cpu.is_none() {
                cpu = celsius;
            }
            into.push(Temperature {
                name: probe.name.clone(),
                celsius,
            });
        }
        cpu
    }

    /// Reads all fans.
    pub(crate) fn fans(&mut self, buffer: &mut Vec<u8>) -> Vec<Fan> {
        let read = |probe: &mut Probe| Fan {
            name: probe.name.clone(),
            rpm: probe.file.number(buffer),
        };
        self.fans.iter_mut().map(read).collect()
    }

    /// What the firmware says; `None` where nothing tells.
    pub(crate) fn throttling(&mut self, buffer: &mut Vec<u8>) -> Option<Throttling> {
        if let Some(bits) = self
            .firmware
            .as_mut()
            .and_then(|file| throttling::bits(file.read(buffer)?))
        {
            return Some(Throttling::of(bits));
        }
        let alarm: u32 = self.voltage.as_mut()?.number(buffer)?;
        Some(Throttling::of_alarm(alarm != 0))
    }
}

/// Thermal zones. Of several, those of the CPU tell its temperature.
fn zones(tree: &Tree) -> Vec<Probe> {
    let folder = "sys/class/thermal";
    let zone = |entry: &String| {
        let name = tree.line(&format!("{folder}/{entry}/type"))?;
        let is_cpu = name.contains("cpu") || name.contains("soc") || name == "x86_pkg_temp";
        Some(Probe {
            file: Kept::new(tree.path(&format!("{folder}/{entry}/temp"))),
            name,
            is_cpu,
        })
    };
    tree.names(folder)
        .iter()
        .filter(|entry| entry.starts_with("thermal_zone"))
        .filter_map(zone)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        for (path, text) in files {
            let path = tree.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        (root, tree)
    }

    #[test]
    fn a_raspberry_pi_5_has_one_cpu_temperature_and_a_fan() {
        let (_root, tree) = tree(&[
            ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
            ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
            ("sys/class/hwmon/hwmon0/name", "cpu_thermal\n"),
            ("sys/class/hwmon/hwmon0/temp1_input", "48312\n"),
            ("sys/class/hwmon/hwmon1/name", "rp1_adc\n"),
            ("sys/class/hwmon/hwmon1/temp1_input", "51000\n"),
            ("sys/class/hwmon/hwmon2/name", "pwmfan\n"),
            ("sys/class/hwmon/hwmon2/fan1_input", "3100\n"),
            ("sys/class/hwmon/hwmon3/name", "rpi_volt\n"),
            ("sys/class/hwmon/hwmon3/in0_lcrit_alarm", "1\n"),
        ]);
        let (mut sensors, mut buffer, mut all) = (Sensors::find(&tree), Vec::new(), Vec::new());
        assert_eq!(sensors.temperatures(&mut buffer, &mut all), Some(48.312));
        let names: Vec<_> = all.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["cpu-thermal", "rp1_adc temp1"]);
        assert_eq!(sensors.fans(&mut buffer)[0].rpm, Some(3100));
        let alarm = sensors.throttling(&mut buffer).unwrap();
        assert!(alarm.under_voltage && alarm.bits.is_none());
    }

    #[test]
    fn the_firmwares_bits_come_before_the_alarm_and_a_pc_has_neither() {
        let (_root, pi) = tree(&[(FIRMWARE[0], "50005\n")]);
        let mut buffer = Vec::new();
        assert_eq!(
            Sensors::find(&pi).throttling(&mut buffer).unwrap().bits,
            Some(0x50005)
        );
        let (_root, pc) = tree(&[
            ("sys/class/hwmon/hwmon0/name", "coretemp\n"),
            ("sys/class/hwmon/hwmon0/temp1_input", "-1000\n"),
            ("sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n"),
            ("sys/class/hwmon/hwmon0/temp2_input", "broken\n"),
        ]);
        let (mut sensors, mut all) = (Sensors::find(&pc), Vec::new());
        assert_eq!(sensors.temperatures(&mut buffer, &mut all), Some(-1.0));
        assert_eq!((&*all[0].name, all[1].celsius), ("coretemp Package id 0", None));
        assert_eq!(sensors.throttling(&mut buffer), None);
    }
}

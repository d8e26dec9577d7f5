//! Hardware PWM through `/sys/class/pwm`. The chip is found through its device link, never by its number, and a channel
//! belongs to a pin only if the device tree's pin control of that chip says so, or the configuration does
//! (`pwm = "hardware"`).

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::config::PwmChoice;

/// Ends of the device names of the chips that drive the header: BCM2835 to BCM2711 (`...20c000.pwm`), and RP1's pwm0.
const EARLIER: &str = "20c000.pwm";
const RP1: &str = "98000.pwm";
/// BCM numbers and channels of Pi 0 to 4.
const EARLIER_PINS: [(u32, u32); 4] = [(12, 0), (18, 0), (13, 1), (19, 1)];
/// BCM numbers and channels of Pi 5.
const RP1_PINS: [(u32, u32); 4] = [(12, 0), (13, 1), (18, 2), (19, 3)];

/// A channel of a PWM chip, ready to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channel {
    path: PathBuf,
}

/// The channel of a pin, if it is to be used. An error says why one that was asked for is not there.
pub(crate) fn find(sysroot: &Path, bcm: u32, choice: PwmChoice) -> Result<Option<Channel>, String> {
    if choice == PwmChoice::Software {
        return Ok(None);
    }
    let asked = choice == PwmChoice::Hardware;
    let Some((chip, number)) = chip_of(sysroot, bcm) else {
        return if asked {
            Err(format!("no PWM chip drives BCM {bcm}: is its overlay loaded?"))
        } else {
            Ok(None)
        };
    };
    if !asked && !muxed(sysroot, &chip, bcm) {
        return Ok(None);
    }
    let path = chip.join(format!("pwm{number}"));
    if !path.exists() {
        write(&chip.join("export"), &number.to_string())?;
    }
    if !path.exists() {
        return Err(format!("{} does not appear", path.display()));
    }
    Ok(Some(Channel { path }))
}

/// The chip and the channel that drive a pin.
fn chip_of(sysroot: &Path, bcm: u32) -> Option<(PathBuf, u32)> {
    let mut chips: Vec<PathBuf> = fs::read_dir(sysroot.join("sys/class/pwm"))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    chips.sort();
    chips.into_iter().find_map(|chip| {
        let device = fs::canonicalize(chip.join("device")).ok()?;
        let name = device.file_name()?.to_str()?;
        let pins = match name {
            name if name.ends_with(EARLIER) => EARLIER_PINS,
            name if name.ends_with(RP1) => RP1_PINS,
            _ => return None,
        };
        let (_, number) = pins.into_iter().find(|(pin, _)| *pin == bcm)?;
        let channels: u32 = fs::read_to_string(chip.join("npwm")).ok()?.trim().parse().ok()?;
        (number < channels).then_some((chip, number))
    })
}

/// Whether the device tree gives the pin to the chip: one of the nodes that its `pinctrl-0` names lists it in
/// `brcm,pins` (numbers) or `pins` (`gpio18`).
fn muxed(sysroot: &Path, chip: &Path, bcm: u32) -> bool {
    let handles = fs::read(chip.join("device/of_node/pinctrl-0")).unwrap_or_default();
    let handles: Vec<&[u8]> = handles.chunks_exact(4).collect();
    let tree = ["proc/device-tree", "sys/firmware/devicetree/base"]
        .map(|tree| sysroot.join(tree))
        .into_iter()
        .find(|tree| tree.exists());
    let Some(tree) = tree.filter(|_| !handles.is_empty()) else {
        return false;
    };
    search(&tree, &mut |node| {
        let handle = fs::read(node.join("phandle")).unwrap_or_default();
        handles.contains(&handle.as_slice()) && lists(node, bcm)
    })
}

fn lists(node: &Path, bcm: u32) -> bool {
    let numbers = fs::read(node.join("brcm,pins")).unwrap_or_default();
    let names = fs::read(node.join("pins")).unwrap_or_default();
    let wanted = format!("gpio{bcm}");
    numbers.chunks_exact(4).any(|number| number == bcm.to_be_bytes())
        || names
            .split(|byte| *byte == 0)
            .any(|name| name == wanted.as_bytes())
}

/// Looks at every node below `at` until one answers. The device tree has no links that lead up.
fn search(at: &Path, is_it: &mut impl FnMut(&Path) -> bool) -> bool {
    if is_it(at) {
        return true;
    }
    let entries = fs::read_dir(at).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .any(|entry| search(&entry.path(), is_it))
}

impl Channel {
    /// One that was exported before.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Sets duty (0 to 1) and frequency. The driver refuses a duty above the period, so that the order of the two writes
    /// depends on which way it goes.
    pub(crate) fn set(&self, duty: f64, freq_hz: Option<f64>) -> Result<(), String> {
        let before = self.number("period").unwrap_or(0);
        let period = match freq_hz {
            Some(freq) => (1_000_000_000.0 / freq).round() as u64,
            None if before > 0 => before,
            None => 1_000_000,
        };
        let on = (period as f64 * duty).round() as u64;
        if period != before {
            if self.number("duty_cycle").unwrap_or(0) > period {
                write(&self.path.join("duty_cycle"), "0")?;
            }
            write(&self.path.join("period"), &period.to_string())?;
        }
        write(&self.path.join("duty_cycle"), &on.to_string())?;
        if self.number("enable") != Some(1) {
            write(&self.path.join("enable"), "1")?;
        }
        Ok(())
    }

    fn number(&self, name: &str) -> Option<u64> {
        fs::read_to_string(self.path.join(name)).ok()?.trim().parse().ok()
    }
}

/// One write of the whole text: that is what these files take.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
    file.set_len(0).ok();
    file.write_all(text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests;

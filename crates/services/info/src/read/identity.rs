//! What the board is: model, serial number, operating system, hardware clock, pending restart.

use serde::Serialize;
use utoipa::ToSchema;

use super::files::Tree;

/// The hardware clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct HardwareClock {
    /// The chip's or driver's name.
    #[schema(example = "rpi_rtc")]
    pub(crate) name: String,
    /// What it says, seconds since 1970.
    pub(crate) unix: Option<i64>,
}

/// Model of the board, or of the computer.
pub(crate) fn model(tree: &Tree) -> Option<String> {
    tree.line("proc/device-tree/model")
        .or_else(|| tree.line("sys/devices/virtual/dmi/id/product_name"))
}

/// The board's serial number. A PC's is for root alone and stays there.
pub(crate) fn serial(tree: &Tree) -> Option<String> {
    tree.line("proc/device-tree/serial-number").or_else(|| {
        let cpuinfo = tree.text("proc/cpuinfo")?;
        let line = cpuinfo.lines().find(|line| line.starts_with("Serial"))?;
        let (_, serial) = line.split_once(':')?;
        Some(serial.trim().to_owned()).filter(|serial| !serial.is_empty())
    })
}

/// The operating system's name; the second place is the vendor's copy (os-release(5)).
pub(crate) fn os_name(tree: &Tree) -> Option<String> {
    let text = tree
        .text("etc/os-release")
        .or_else(|| tree.text("usr/lib/os-release"))?;
    os_release(&text, "PRETTY_NAME").or_else(|| os_release(&text, "NAME"))
}

/// One value of an `os-release` file.
pub(crate) fn os_release(text: &str, key: &str) -> Option<String> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(line.trim().trim_matches(['"', '\'']).to_owned())
}

/// The first hardware clock.
pub(crate) fn hardware_clock(tree: &Tree) -> Option<HardwareClock> {
    Some(HardwareClock {
        name: tree.line("sys/class/rtc/rtc0/name")?,
        unix: tree.number("sys/class/rtc/rtc0/since_epoch"),
    })
}

/// Debian's and Ubuntu's sign that an update wants a restart.
pub(crate) fn needs_restart(tree: &Tree) -> bool {
    tree.has("run/reboot-required") || tree.has("var/run/reboot-required")
}

/// Who keeps the clock right, by what it leaves below `/run`; `None` when nobody does.
pub(crate) fn time_keeper(tree: &Tree) -> Option<&'static str> {
    [
        ("run/systemd/timesync", "systemd-timesyncd"),
        ("run/chrony", "chrony"),
        ("run/ntpsec", "ntpsec"),
        ("run/ntpd.pid", "ntpd"),
        ("run/openntpd", "openntpd"),
    ]
    .into_iter()
    .find(|(path, _)| tree.has(path))
    .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_and_a_pc() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        assert_eq!((model(&tree), serial(&tree), os_name(&tree)), (None, None, None));
        assert!(hardware_clock(&tree).is_none() && !needs_restart(&tree) && time_keeper(&tree).is_none());
        for (path, text) in [
            ("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0"),
            ("proc/cpuinfo", "processor : 0\nSerial\t\t: 10000000abcdef01\n"),
            (
                "usr/lib/os-release",
                "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
            ),
            ("sys/class/rtc/rtc0/name", "rpi_rtc soc:rpi_rtc\n"),
            ("sys/class/rtc/rtc0/since_epoch", "1700000000\n"),
            ("run/reboot-required", ""),
            ("run/chrony/chronyd.pid", "1"),
        ] {
            let path = tree.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        assert_eq!(model(&tree).as_deref(), Some("Raspberry Pi 5 Model B Rev 1.0"));
        assert_eq!(serial(&tree).as_deref(), Some("10000000abcdef01"));
        assert_eq!(os_name(&tree).as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(hardware_clock(&tree).unwrap().unix, Some(1_700_000_000));
        assert!(needs_restart(&tree));
        assert_eq!(time_keeper(&tree), Some("chrony"));
    }
}

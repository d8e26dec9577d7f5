//! Tests on a copy of a Raspberry Pi's file tree.

use super::*;

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

#[test]
fn reads_a_raspberry_pi() {
    let root = tree(&[
        ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0"),
        ("proc/sys/kernel/osrelease", "6.1.0-18-arm64\n"),
        ("proc/sys/kernel/hostname", "pi4\n"),
        ("proc/uptime", "3723.45 12000.00\n"),
        ("proc/loadavg", "0.10 0.20 0.30 1/123 4567\n"),
        ("proc/stat", "cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\n"),
        (
            "proc/meminfo",
            "MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable:  600 kB\nSwapTotal: 50 kB\nSwapFree: 40 kB\n",
        ),
        (
            "etc/os-release",
            "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
        ),
        ("sys/class/thermal/thermal_zone0/type", "gpu-thermal\n"),
        ("sys/class/thermal/thermal_zone0/temp", "11000\n"),
        ("sys/class/thermal/thermal_zone1/type", "cpu-thermal\n"),
        ("sys/class/thermal/thermal_zone1/temp", "48312\n"),
    ]);
    let board = read(root.path(), root.path());
    assert_eq!(board.model.as_deref(), Some("Raspberry Pi 4 Model B Rev 1.5"));
    assert_eq!(board.os.as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
    assert_eq!(
        (board.kernel.as_deref(), board.hostname.as_deref()),
        (Some("6.1.0-18-arm64"), Some("pi4"))
    );
    assert_eq!(
        (board.uptime_s, board.load, board.cpus),
        (Some(3723), Some([0.1, 0.2, 0.3]), Some(2))
    );
    assert_eq!(board.cpu_temperature, Some(48.312));
    let memory = board.memory.unwrap();
    assert_eq!(
        (memory.total, memory.available, memory.swap_free),
        (1_024_000, 614_400, 40_960)
    );
    let disk = board.disk.unwrap();
    assert!(disk.total > 0 && disk.available <= disk.total && !disk.read_only);
}

#[test]
fn what_is_missing_or_broken_is_null() {
    let root = tree(&[
        ("proc/uptime", "soon\n"),
        ("proc/loadavg", "0.1\n"),
        ("proc/meminfo", "MemTotal: many kB\n"),
        ("sys/class/thermal/thermal_zone0/type", "acpitz\n"),
        ("sys/class/thermal/thermal_zone0/temp", "30000\n"),
        ("sys/class/hwmon/hwmon3/name", "k10temp\n"),
        ("sys/class/hwmon/hwmon3/temp1_input", "55500\n"),
        ("sys/devices/virtual/dmi/id/product_name", "ThinkCentre\n"),
    ]);
    let board = read(root.path(), Path::new("/nonexistent/state"));
    assert_eq!(board.model.as_deref(), Some("ThinkCentre"));
    assert_eq!(board.cpu_temperature, Some(55.5));
    assert!(
        board.uptime_s.is_none() && board.load.is_none() && board.memory.is_none() && board.disk.is_none()
    );
    assert!(board.os.is_none() && board.kernel.is_none() && board.cpus.is_none() && board.hostname.is_none());
}

//! Hardware PWM on trees of files as kernels make them.

use std::os::unix::fs::symlink;

use super::*;

/// A PWM chip `pwmchipN` behind the device `device`, its channels exported already.
fn chip(root: &Path, number: u32, device: &str, channels: u32) -> PathBuf {
    let real = root.join("sys/devices/platform/soc").join(device);
    let chip = real.join("pwm").join(format!("pwmchip{number}"));
    for channel in 0..channels {
        let path = chip.join(format!("pwm{channel}"));
        fs::create_dir_all(&path).unwrap();
        for file in ["period", "duty_cycle", "enable"] {
            fs::write(path.join(file), "0\n").unwrap();
        }
    }
    fs::write(chip.join("npwm"), format!("{channels}\n")).unwrap();
    fs::write(chip.join("export"), "").unwrap();
    symlink(&real, chip.join("device")).unwrap();
    let class = root.join("sys/class/pwm");
    fs::create_dir_all(&class).unwrap();
    symlink(&chip, class.join(format!("pwmchip{number}"))).unwrap();
    real
}

fn read(channel: &Channel, file: &str) -> String {
    fs::read_to_string(channel.path().join(file))
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn the_chip_is_found_by_its_device_and_never_by_its_number() {
    let root = tempfile::tempdir().unwrap();
    chip(root.path(), 0, "1f0009c000.pwm", 4);
    chip(root.path(), 7, "1f00098000.pwm", 4);
    for (bcm, number) in [(12, 0), (13, 1), (18, 2), (19, 3)] {
        let channel = find(root.path(), bcm, PwmChoice::Hardware).unwrap().unwrap();
        assert!(
            channel.path().ends_with(format!("pwmchip7/pwm{number}")),
            "{channel:?}"
        );
    }
    let earlier = tempfile::tempdir().unwrap();
    chip(earlier.path(), 3, "3f20c000.pwm", 2);
    for (bcm, number) in [(12, 0), (18, 0), (13, 1), (19, 1)] {
        let channel = find(earlier.path(), bcm, PwmChoice::Hardware).unwrap().unwrap();
        assert!(
            channel.path().ends_with(format!("pwmchip3/pwm{number}")),
            "{channel:?}"
        );
    }
}

#[test]
fn what_was_asked_for_and_is_not_there_is_said() {
    let root = tempfile::tempdir().unwrap();
    let error = find(root.path(), 18, PwmChoice::Hardware).unwrap_err();
    assert!(error.contains("BCM 18") && error.contains("overlay"), "{error}");
    assert_eq!(find(root.path(), 18, PwmChoice::Auto), Ok(None));
    chip(root.path(), 0, "fe20c000.pwm", 2);
    assert!(
        find(root.path(), 17, PwmChoice::Hardware).is_err(),
        "not a pin of the chip"
    );
    assert_eq!(find(root.path(), 18, PwmChoice::Software), Ok(None));
}

#[test]
fn by_itself_hardware_is_used_only_where_the_device_tree_gives_the_pin() {
    let root = tempfile::tempdir().unwrap();
    let device = chip(root.path(), 0, "fe20c000.pwm", 2);
    assert_eq!(find(root.path(), 18, PwmChoice::Auto), Ok(None), "no device tree");
    let node = root.path().join("proc/device-tree/soc/gpio/pwm_pins");
    fs::create_dir_all(&node).unwrap();
    fs::write(node.join("phandle"), 0x42_u32.to_be_bytes()).unwrap();
    fs::write(node.join("brcm,pins"), 18_u32.to_be_bytes()).unwrap();
    fs::create_dir_all(device.join("of_node")).unwrap();
    fs::write(device.join("of_node/pinctrl-0"), 0x42_u32.to_be_bytes()).unwrap();
    assert!(find(root.path(), 18, PwmChoice::Auto).unwrap().is_some());
    // The same channel, but the overlay leads it to another pin: a relay there stays a relay.
    assert_eq!(find(root.path(), 12, PwmChoice::Auto), Ok(None));
    fs::remove_file(node.join("brcm,pins")).unwrap();
    fs::write(node.join("pins"), b"gpio12\0gpio13\0").unwrap();
    assert!(find(root.path(), 12, PwmChoice::Auto).unwrap().is_some());
}

#[test]
fn duty_and_period_are_written_in_nanoseconds() {
    let root = tempfile::tempdir().unwrap();
    chip(root.path(), 0, "3f20c000.pwm", 2);
    let channel = find(root.path(), 18, PwmChoice::Hardware).unwrap().unwrap();
    // A servo in its middle.
    channel.set(0.075, Some(50.0)).unwrap();
    assert_eq!(
        [
            read(&channel, "period"),
            read(&channel, "duty_cycle"),
            read(&channel, "enable")
        ],
        ["20000000", "1500000", "1"]
    );
    // To a shorter period: the duty must never be above it.
    channel.set(0.25, Some(1000.0)).unwrap();
    assert_eq!(
        [read(&channel, "period"), read(&channel, "duty_cycle")],
        ["1000000", "250000"]
    );
    channel.set(1.0, None).unwrap();
    assert_eq!(read(&channel, "duty_cycle"), "1000000");
    fs::remove_file(channel.path().join("enable")).unwrap();
    assert!(channel.set(0.5, None).unwrap_err().contains("enable"));
}

//! What is found, and what passes.

use pistack_kit::config::Span;
use serde_json::json;

use super::*;

fn line(bcm: Option<u32>, pin: Option<u8>) -> LineConfig {
    LineConfig {
        pin,
        bcm,
        ..LineConfig::default()
    }
}

fn read(value: serde_json::Value) -> LineConfig {
    serde_json::from_value(value).unwrap()
}

fn found(lines: &[(&str, LineConfig)]) -> Vec<String> {
    let lines = lines
        .iter()
        .map(|(name, line)| ((*name).to_owned(), line.clone()))
        .collect();
    check(&Config::default(), &lines)
        .into_iter()
        .map(|(path, message, help)| {
            assert!(help.is_some());
            format!("{}: {message}", path.join("."))
        })
        .collect()
}

#[test]
fn good_lines_pass() {
    let output = LineConfig {
        direction: Direction::Output,
        initial: Initial::Keep,
        ..line(Some(4), None)
    };
    let boiler = read(json!({
        "pin": 11, "direction": "output", "active_low": true, "on_stop": "off", "on_crash": "input",
        "on_link_loss": { "after": "60s", "to": "off" }, "max_on": "45m", "min_off": "3m",
        "interlock": "heating", "interlock_wait": "500ms", "read": "user", "write": "Admin", "tags": ["heat"],
        "servo": { "min_us": 1000, "max_us": 2000 },
    }));
    let button = read(json!({
        "chip": "pca9535", "offset": 17, "bias": "off", "edge": "both", "debounce": "20ms",
    }));
    assert_eq!(boiler.max_on, Some(Span::seconds(2700)));
    let lines = [
        ("door", line(None, Some(13))),
        ("relay-1", output),
        ("boiler", boiler),
        ("button", button),
    ];
    assert_eq!(found(&lines), [""; 0]);
}

#[test]
fn every_fault_of_a_place_is_named() {
    let on = LineConfig {
        initial: Initial::On,
        ..line(Some(5), None)
    };
    let faults = found(&[
        ("a", line(Some(17), Some(11))),
        ("b", line(None, None)),
        ("c", line(None, Some(6))),
        ("d", line(Some(58), None)),
        ("e", line(Some(22), None)),
        ("f", line(None, Some(15))),
        ("g", on),
        ("17", line(Some(6), None)),
        ("bcm:9", line(Some(9), None)),
        ("set", line(Some(10), None)),
        ("h", read(json!({ "chip": "y", "bcm": 3 }))),
        ("i", read(json!({ "offset": 3, "bcm": 3 }))),
        ("j", read(json!({ "chip": "x", "offset": 3 }))),
        ("k", read(json!({ "chip": "x", "offset": 3 }))),
    ]);
    assert_eq!(
        faults,
        [
            "line.a.pin: both `pin` and `bcm`",
            "line.b: neither `pin` nor `bcm`",
            "line.c.pin: header pin 6 is ground",
            "line.d.bcm: there is no BCM 58",
            "line.f.pin: BCM 22 is already the line `e`",
            "line.g.initial: an input has no level to start with",
            "line.17: `17` is no line name",
            "line.bcm:9: `bcm:9` is no line name",
            "line.set: `set` is no line name",
            "line.h.chip: `chip` without `offset`",
            "line.i.offset: both `bcm` and `offset`",
            "line.k.offset: x/3 is already the line `j`",
        ]
    );
}

#[test]
fn keys_of_the_wrong_direction_are_named() {
    let faults = found(&[
        (
            "in",
            read(
                json!({ "bcm": 2, "drive": "open_drain", "max_on": "1m", "interlock": "g", "pwm": "hardware" }),
            ),
        ),
        (
            "out",
            read(
                json!({ "bcm": 3, "direction": "output", "edge": "both", "debounce": "1ms", "min_off": "0s",
                         "interlock_wait": "1s", "servo": { "min_us": 9, "max_us": 8 } }),
            ),
        ),
        (
            "x",
            read(json!({ "bcm": 4, "direction": "output", "initial": "on", "interlock": "h" })),
        ),
        (
            "y",
            read(json!({ "bcm": 5, "direction": "output", "initial": "on", "interlock": "h" })),
        ),
    ]);
    assert_eq!(
        faults,
        [
            "line.in.drive: an input is not driven",
            "line.in.max_on: `max_on` is for outputs",
            "line.in.interlock: `interlock` is for outputs",
            "line.in.pwm: an input does no PWM",
            "line.out.edge: an output has no edges",
            "line.out.debounce: an output does not bounce",
            "line.out.interlock_wait: `interlock_wait` without `interlock`",
            "line.out.min_off: `min_off` is 0",
            "line.out.servo: a servo's pulses go from `min_us` up to `max_us`, 20000 at most, and its angle is above 0",
            "line.y.initial: `x` of the group `h` starts on already",
        ]
    );
}

#[test]
fn another_chip_may_have_more_lines() {
    let config = Config {
        chip: "gpio-sim.0-node0".into(),
        ..Config::default()
    };
    let lines = [("x".to_owned(), line(Some(90), None))].into_iter().collect();
    assert!(check(&config, &lines).is_empty());
    let config = Config {
        chip: " ".into(),
        ..Config::default()
    };
    assert_eq!(check(&config, &Lines::new())[0].0, ["io", "chip"]);
}

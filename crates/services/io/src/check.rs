//! What `config check` says of `[io]` and the lines beyond their types.

use std::collections::HashMap;

use crate::config::{
    BackendChoice, Config, Direction, Drive, EdgeChoice, Initial, LineConfig, Lines, PwmChoice,
};
use crate::header::{MOST_LINES, bcm_of_pin, why_no_line};

/// Something wrong: the key's whole path in the document, what is wrong, what to write.
pub type Finding = (Vec<String>, String, Option<String>);

/// Finds what the types cannot: pins that are no lines, two names for one line, keys that contradict.
pub fn check(config: &Config, lines: &Lines) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.chip.trim().is_empty() {
        let help = "write chip = \"auto\", or a label as `gpiodetect` prints it";
        findings.push((
            vec!["io".into(), "chip".into()],
            "an empty chip label".into(),
            Some(help.into()),
        ));
    }
    let mut seen: HashMap<(&str, u32), &str> = HashMap::new();
    let mut on_at_start: HashMap<&str, &str> = HashMap::new();
    for (name, line) in lines {
        let mut add = |key: Option<&str>, message: String, help: &str| {
            let path = ["line", name].into_iter().chain(key).map(str::to_owned).collect();
            findings.push((path, message, Some(help.to_owned())));
        };
        if !is_name(name) {
            add(
                None,
                format!("`{name}` is no line name"),
                "use letters, digits, `_` and `-`, with a letter first, such as [line.relay1]",
            );
        }
        check_place(config, line, &mut add);
        if let Some(offset) = line.offset() {
            let chip = line.chip.as_deref().unwrap_or_default();
            let first = *seen.entry((chip, offset)).or_insert(name);
            if first != name {
                add(
                    Some(place_key(line)),
                    if chip.is_empty() {
                        format!("BCM {offset} is already the line `{first}`")
                    } else {
                        format!("{chip}/{offset} is already the line `{first}`")
                    },
                    "give each line a pin of its own",
                );
            }
        }
        match line.direction {
            Direction::Input => check_input(line, &mut add),
            Direction::Output => check_output(name, line, &mut on_at_start, &mut add),
        }
    }
    findings
}

fn place_key(line: &LineConfig) -> &'static str {
    match (line.bcm, line.pin) {
        (Some(_), _) => "bcm",
        (None, Some(_)) => "pin",
        (None, None) => "offset",
    }
}

/// Keys that mean nothing for an input: more likely the direction is wrong than the key.
fn check_input(line: &LineConfig, add: &mut impl FnMut(Option<&str>, String, &str)) {
    let help = "remove it, or write direction = \"output\"";
    if line.initial != Initial::Off {
        add(
            Some("initial"),
            "an input has no level to start with".into(),
            "remove `initial`, or write direction = \"output\"",
        );
    }
    if line.drive != Drive::PushPull {
        add(Some("drive"), "an input is not driven".into(), help);
    }
    for (key, there) in [
        ("max_on", line.max_on.is_some()),
        ("min_off", line.min_off.is_some()),
        ("interlock", line.interlock.is_some()),
        ("interlock_wait", line.interlock_wait.is_some()),
        ("on_link_loss", line.on_link_loss.is_some()),
    ] {
        // A line that may become an output may have an output's keys.
        if there && !line.reconfigurable {
            add(Some(key), format!("`{key}` is for outputs"), help);
        }
    }
    if line.pwm == PwmChoice::Hardware {
        add(Some("pwm"), "an input does no PWM".into(), help);
    }
}

fn check_output<'a>(
    name: &'a str,
    line: &'a LineConfig,
    on_at_start: &mut HashMap<&'a str, &'a str>,
    add: &mut impl FnMut(Option<&str>, String, &str),
) {
    let input = "remove it, or write direction = \"input\"";
    if line.edge != EdgeChoice::None && !line.reconfigurable {
        add(Some("edge"), "an output has no edges".into(), input);
    }
    if line.debounce.is_some() && !line.reconfigurable {
        add(Some("debounce"), "an output does not bounce".into(), input);
    }
    if line.interlock_wait.is_some() && line.interlock.is_none() {
        add(
            Some("interlock_wait"),
            "`interlock_wait` without `interlock`".into(),
            "name the group: interlock = \"heating\"",
        );
    }
    for (key, span) in [("max_on", line.max_on), ("min_off", line.min_off)] {
        if span.is_some_and(|span| span.0.is_zero()) {
            add(
                Some(key),
                format!("`{key}` is 0"),
                "write a length of time, such as \"45m\"",
            );
        }
    }
    if let Some(group) = &line.interlock
        && line.initial == Initial::On
    {
        let first = *on_at_start.entry(group).or_insert(name);
        if first != name {
            add(
                Some("initial"),
                format!("`{first}` of the group `{group}` starts on already"),
                "of a group only one may be on: write initial = \"off\"",
            );
        }
    }
    if line.servo.min_us >= line.servo.max_us || line.servo.max_us > 20_000 || line.servo.degrees == 0 {
        add(
            Some("servo"),
            "a servo's pulses go from `min_us` up to `max_us`, 20000 at most, and its angle is above 0"
                .into(),
            "usual is servo = { min_us = 500, max_us = 2500, degrees = 180 }",
        );
    }
}

/// `pin`, `bcm` and `offset`: exactly one, and one that exists.
fn check_place(config: &Config, line: &LineConfig, add: &mut impl FnMut(Option<&str>, String, &str)) {
    if line.chip.is_some() != line.offset.is_some() && line.chip.is_some() {
        add(
            Some("chip"),
            "`chip` without `offset`".into(),
            "write offset = 3, the line's offset on that chip",
        );
        return;
    }
    match (line.bcm, line.pin, line.offset) {
        (Some(_), Some(_), _) => add(Some("pin"), "both `pin` and `bcm`".into(), "keep one of them"),
        (Some(_), None, Some(_)) | (None, Some(_), Some(_)) => add(
            Some("offset"),
            format!("both `{}` and `offset`", place_key(line)),
            "keep one of them",
        ),
        (None, None, None) => add(
            None,
            "neither `pin` nor `bcm`".into(),
            "write bcm = 17, or pin = 11 (the header's pin)",
        ),
        (None, Some(pin), None) if bcm_of_pin(pin).is_none() => {
            add(
                Some("pin"),
                format!("header pin {pin} {}", why_no_line(pin)),
                "choose a pin with a BCM number, such as 11 (BCM 17)",
            );
        }
        // Another chip may have any number of lines; it is asked at start.
        (Some(bcm), None, None) if bcm >= MOST_LINES && on_a_pi(config) => {
            add(
                Some("bcm"),
                format!("there is no BCM {bcm}"),
                "the header has BCM 0 to 27",
            );
        }
        _ => {}
    }
}

fn on_a_pi(config: &Config) -> bool {
    config.backend == BackendChoice::Simulated || crate::backend::is_header_label(&config.chip)
}

/// A name must not look like a number or like `bcm:17`, nor be the last part of a path of the API.
fn is_name(name: &str) -> bool {
    name != "set"
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests;

//! What `config check` says of `[io]` and the lines beyond their types.

use std::collections::HashMap;

use crate::config::{BackendChoice, Config, Direction, Initial, LineConfig, Lines};
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
    let mut seen: HashMap<u32, &str> = HashMap::new();
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
        if let Some(bcm) = line.offset()
            && let Some(first) = seen.insert(bcm, name)
        {
            seen.insert(bcm, first);
            let key = if line.bcm.is_some() { "bcm" } else { "pin" };
            add(
                Some(key),
                format!("BCM {bcm} is already the line `{first}`"),
                "give each line a pin of its own",
            );
        }
        if line.direction == Direction::Input && line.initial != Initial::Off {
            add(
                Some("initial"),
                "an input has no level to start with".into(),
                "remove `initial`, or write direction = \"output\"",
            );
        }
    }
    findings
}

/// `pin` and `bcm`: exactly one, and one that exists.
fn check_place(config: &Config, line: &LineConfig, add: &mut impl FnMut(Option<&str>, String, &str)) {
    match (line.bcm, line.pin) {
        (Some(_), Some(_)) => add(Some("pin"), "both `pin` and `bcm`".into(), "keep one of them"),
        (None, None) => add(
            None,
            "neither `pin` nor `bcm`".into(),
            "write bcm = 17, or pin = 11 (the header's pin)",
        ),
        (None, Some(pin)) if bcm_of_pin(pin).is_none() => {
            add(
                Some("pin"),
                format!("header pin {pin} {}", why_no_line(pin)),
                "choose a pin with a BCM number, such as 11 (BCM 17)",
            );
        }
        // Another chip may have any number of lines; it is asked at start.
        (Some(bcm), None) if bcm >= MOST_LINES && on_a_pi(config) => {
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

/// A name must not look like a number or like `bcm:17`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bcm: Option<u32>, pin: Option<u8>) -> LineConfig {
        LineConfig {
            pin,
            bcm,
            ..LineConfig::default()
        }
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
        assert!(found(&[("door", line(None, Some(13))), ("relay-1", output)]).is_empty());
    }

    #[test]
    fn every_fault_is_named() {
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
}

//! `[sensor.NAME]` in `pistack.toml`: names, corrections and intervals for sensors that were found.

use std::collections::HashMap;

use indexmap::IndexMap;
use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sensors by their names.
pub type Sensors = IndexMap<String, SensorConfig>;

/// One sensor. Without such a table a sensor goes by the id that `GET /api/io/sensors` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SensorConfig {
    /// The sensor's own id, as `GET /api/io/sensors` shows it without this table: `28-0316a2795cff`,
    /// `bme280-humidityrelative`, `lm75-temp1`.
    pub source: String,
    /// How often it is read, such as `"10s"`. At least one second.
    pub every: Span,
    /// Added to the value, in its unit: `-0.5` for a thermometer that says half a degree too much.
    pub offset: f64,
    /// The value is multiplied by this before `offset` is added: the ratio of a voltage divider, for example.
    pub scale: f64,
    /// Unit of the value after `scale` and `offset`, if it is another one.
    pub unit: Option<String>,
    /// What is measured, if that is another quantity after `scale` and `offset`, such as `"soil_moisture"`.
    pub quantity: Option<String>,
    /// Change of the value that is an event, in its unit. Default: any change.
    pub min_change: f64,
    /// What it is, for people.
    pub label: Option<String>,
}

impl Default for SensorConfig {
    fn default() -> Self {
        Self {
            source: String::new(),
            every: Span::seconds(10),
            offset: 0.0,
            scale: 1.0,
            unit: None,
            quantity: None,
            min_change: 0.0,
            label: None,
        }
    }
}

/// Where, what and how to mend it.
type Finding = (Vec<String>, String, Option<String>);

/// What is wrong with the tables. That a source is there is not asked: it may be plugged in later.
pub fn check(sensors: &Sensors) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut taken: HashMap<&str, &str> = HashMap::new();
    for (name, sensor) in sensors {
        let mut add = |key: &str, message: String, help: &str| {
            findings.push((
                vec!["sensor".to_owned(), name.clone(), key.to_owned()],
                message,
                Some(help.to_owned()),
            ));
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > 60 || !name.bytes().all(plain) {
            findings.push((
                vec!["sensor".to_owned(), name.clone()],
                format!("`{name}` is no name for a sensor"),
                Some("use letters, digits, `-`, `_` and `.`, 60 at most".to_owned()),
            ));
            continue;
        }
        if sensor.source.is_empty() {
            let help = "write the id that GET /api/io/sensors shows, such as \"28-0316a2795cff\"";
            add("source", format!("sensor `{name}` has no source"), help);
        } else if let Some(other) = taken.insert(&sensor.source, name) {
            let message = format!("`{}` is sensor `{other}` already", sensor.source);
            add("source", message, "keep one of the two");
        }
        if sensor.every.0.as_secs() < 1 {
            let message = "a sensor is read once a second at most".to_owned();
            add("every", message, "write \"1s\" or more");
        }
        for (key, number) in [
            ("offset", sensor.offset),
            ("scale", sensor.scale),
            ("min_change", sensor.min_change),
        ] {
            if !number.is_finite()
                || (key == "scale" && number == 0.0)
                || (key == "min_change" && number < 0.0)
            {
                add(key, format!("`{key}` cannot be {number}"), "write a plain number");
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        let mut sensors = Sensors::default();
        let good = SensorConfig {
            source: "28-1".into(),
            ..SensorConfig::default()
        };
        sensors.insert("good".into(), good.clone());
        assert!(check(&sensors).is_empty());
        sensors.insert("twice".into(), good.clone());
        sensors.insert("none".into(), SensorConfig::default());
        sensors.insert("a b".into(), good);
        let wrong = SensorConfig {
            source: "x".into(),
            every: Span::millis(10),
            scale: 0.0,
            offset: f64::NAN,
            min_change: -1.0,
            ..SensorConfig::default()
        };
        sensors.insert("wrong".into(), wrong);
        let found: Vec<String> = check(&sensors).iter().map(|(path, ..)| path.join(".")).collect();
        assert_eq!(
            found,
            [
                "sensor.twice.source",
                "sensor.none.source",
                "sensor.a b",
                "sensor.wrong.every",
                "sensor.wrong.offset",
                "sensor.wrong.scale",
                "sensor.wrong.min_change"
            ]
        );
    }
}

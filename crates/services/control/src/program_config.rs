//! What a program is run with, as tables: each value with the file and line that it comes from.

use crate::inert;
use crate::upstream::runs::Configuration;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigRow {
    pub(crate) key: String,
    /// `None`: not for this person's eyes.
    pub(crate) value: Option<String>,
    /// `file:line`; `None` where nobody wrote it.
    pub(crate) place: Option<String>,
}

/// The tables of the view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConfigTables {
    /// What was written first, then the defaults; each by key.
    pub(crate) values: Vec<ConfigRow>,
    pub(crate) environment: Vec<ConfigRow>,
    /// Files and lines are known.
    pub(crate) places: bool,
    /// No file defines the program.
    pub(crate) built_in: bool,
}

impl ConfigTables {
    pub(crate) fn new(told: &Configuration) -> Self {
        let mut values: Vec<_> = told
            .values
            .iter()
            .map(|value| {
                let place = place(value.file.as_deref(), value.line);
                row(&value.key, Some(&value.value), place)
            })
            .collect();
        // What somebody chose is what somebody looks for.
        values.sort_by_key(|row| row.place.is_none());
        let environment = told.environment.iter().map(|variable| {
            let place = place(variable.file.as_deref(), variable.line);
            row(&variable.name, variable.value.as_deref(), place)
        });
        Self {
            values,
            environment: environment.collect(),
            places: told.places,
            built_in: told.built_in,
        }
    }

    /// Whether a value is kept from this person.
    pub(crate) fn hides(&self) -> bool {
        self.environment.iter().any(|row| row.value.is_none())
    }
}

fn row(key: &str, value: Option<&str>, place: Option<String>) -> ConfigRow {
    ConfigRow {
        key: inert::line(key),
        value: value.map(inert::line),
        place,
    }
}

fn place(file: Option<&str>, line: Option<u32>) -> Option<String> {
    let file = inert::line(file?);
    Some(match line {
        Some(line) if line > 0 => format!("{file}:{line}"),
        _ => file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::runs::{ConfigValue, ConfigVariable};

    #[test]
    fn what_was_written_comes_first_and_is_inert() {
        let value = |key: &str, file: Option<&str>| ConfigValue {
            key: key.into(),
            value: "\u{1b}[31mx".into(),
            file: file.map(Into::into),
            line: file.map(|_| 7),
        };
        let told = Configuration {
            values: vec![
                value("autostart", None),
                value("command", Some("/etc/\u{7}a.conf")),
            ],
            environment: vec![ConfigVariable {
                name: "TOKEN".into(),
                ..ConfigVariable::default()
            }],
            places: true,
            built_in: false,
        };
        let tables = ConfigTables::new(&told);
        let keys: Vec<_> = tables.values.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, ["command", "autostart"]);
        let place = tables.values[0].place.as_deref().unwrap();
        assert!(place.starts_with("/etc/") && place.ends_with("a.conf:7") && !place.contains('\u{7}'));
        assert!(!tables.values[0].value.as_deref().unwrap().contains('\u{1b}'));
        assert!(tables.hides());
    }
}

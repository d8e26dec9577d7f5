//! Levels of outputs with `initial = "restore"`, kept in a small file that is written some seconds after a change, so
//! that a card does not wear out by a blinking light.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use pistack_kit::paths::{StatePaths, write_atomic};

/// How long changes are gathered.
const GATHER: Duration = Duration::from_secs(2);

/// The levels by the names of the lines.
#[derive(Debug, Default)]
pub(crate) struct Restore {
    path: Option<PathBuf>,
    levels: BTreeMap<String, bool>,
    due: Option<Duration>,
}

impl Restore {
    /// Reads what the last run left. A file that cannot be read counts as none: outputs start off.
    pub(crate) fn open(paths: Option<&StatePaths>) -> Self {
        let path = paths.map(|paths| paths.root().join("db").join("io-levels.json"));
        let levels = path
            .as_ref()
            .and_then(|path| std::fs::read(path).ok())
            .and_then(|text| {
                serde_json::from_slice(&text)
                    .inspect_err(|error| tracing::warn!(%error, "the remembered levels cannot be read: outputs start off"))
                    .ok()
            })
            .unwrap_or_default();
        Self {
            path,
            levels,
            due: None,
        }
    }

    /// The level that a line had; off if it is not known.
    pub(crate) fn level(&self, name: &str) -> bool {
        self.levels.get(name).copied().unwrap_or_default()
    }

    /// A line has a level now.
    pub(crate) fn remember(&mut self, name: &str, level: bool, now: Duration) {
        if self.path.is_some() && self.levels.insert(name.to_owned(), level) != Some(level) {
            self.due.get_or_insert(now + GATHER);
        }
    }

    /// When the file is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// Writes the file if it is due.
    pub(crate) fn tick(&mut self, now: Duration) {
        if self.due.is_some_and(|due| due <= now) {
            self.write_now();
        }
    }

    /// Writes what has changed.
    pub(crate) fn write_now(&mut self) {
        let (Some(path), Some(_)) = (&self.path, self.due.take()) else {
            return;
        };
        let text = serde_json::to_vec(&self.levels).unwrap_or_default();
        if let Err(error) = write_atomic(path, &text, 0o600) {
            tracing::error!(%error, "the levels cannot be remembered");
        }
    }

    /// From now on nothing is remembered: the service ends.
    pub(crate) fn close(&mut self) {
        self.path = None;
    }
}

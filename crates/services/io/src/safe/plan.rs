//! Which outputs are to be brought to which level: written by the service, read by `pistack io safe`.

use std::io;
use std::path::{Path, PathBuf};

use pistack_kit::paths::StatePaths;
use serde::{Deserialize, Serialize};

use crate::config::{BackendChoice, Config, Direction, Drive, Lines, SafeLevel};

/// Every output of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order of the configuration.
    pub outputs: Vec<Output>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its name, for messages.
    pub name: String,
    /// Label of its chip; `auto` is the header of a Raspberry Pi.
    pub chip: String,
    /// The chip's device, if it is known: saves looking for it.
    pub device: Option<PathBuf>,
    /// Offset on the chip.
    pub offset: u32,
    /// Low voltage means 1.
    pub active_low: bool,
    /// How it is driven.
    pub drive: Drive,
    /// The kernel's PWM channel that has the pin; then it is no GPIO line at all.
    pub pwm: Option<PathBuf>,
    /// What it is put to.
    pub to: SafeLevel,
}

/// Keeps the plan of a running service up to date on the disk.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// `None`: nowhere.
    path: Option<PathBuf>,
    kept: Option<Plan>,
}

impl Keeper {
    /// For a service with this state directory.
    pub(crate) fn new(paths: Option<&StatePaths>) -> Self {
        Self {
            path: paths.map(super::plan_path),
            kept: None,
        }
    }

    /// Writes the plan, if it is another one than the last.
    pub(crate) fn keep(&mut self, plan: Plan) {
        let Some(path) = self.path.as_ref().filter(|_| self.kept.as_ref() != Some(&plan)) else {
            return;
        };
        match plan.write(path) {
            Ok(()) => self.kept = Some(plan),
            Err(error) => tracing::error!(%error, "after a crash outputs cannot be brought to safe levels"),
        }
    }
}

/// The plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no plan.
    #[error("{}: {source}", path.display())]
    Text {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Plan {
    /// The configured outputs with their `on_crash`: what is to be done where no service has left a plan. Lines that
    /// the kernel's PWM driver owns are not ours.
    pub fn of_config(config: &Config, lines: &Lines) -> Self {
        let real = config.backend != BackendChoice::Simulated;
        let outputs = lines
            .iter()
            .filter(|_| real)
            .filter(|(_, line)| line.direction == Direction::Output)
            .filter(|(_, line)| line.pwm != crate::config::PwmChoice::Hardware)
            .filter_map(|(name, line)| {
                Some(Output {
                    name: name.clone(),
                    chip: line.chip.clone().unwrap_or_else(|| config.chip.clone()),
                    device: None,
                    offset: line.offset()?,
                    active_low: line.active_low,
                    drive: line.drive,
                    pwm: None,
                    to: line.on_crash,
                })
            });
        Self {
            outputs: outputs.collect(),
        }
    }

    /// Reads a plan; `None` if there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub fn read(path: &Path) -> Result<Option<Self>, PlanError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(PlanError::File {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| PlanError::Text {
                path: path.to_owned(),
                source,
            })
    }

    /// Writes the plan in one step. It is not synced to the disk: nobody needs it after a power cut.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), PlanError> {
        let failed = |source| PlanError::File {
            path: path.to_owned(),
            source,
        };
        let text = serde_json::to_vec(self).map_err(|source| PlanError::Text {
            path: path.to_owned(),
            source,
        })?;
        let temporary = path.with_extension("json.tmp");
        std::fs::write(&temporary, text).map_err(failed)?;
        std::fs::rename(&temporary, path).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LineConfig;

    fn output(to: SafeLevel) -> LineConfig {
        LineConfig {
            bcm: Some(17),
            direction: Direction::Output,
            active_low: true,
            on_crash: to,
            ..LineConfig::default()
        }
    }

    #[test]
    fn the_configured_outputs_are_planned_and_inputs_are_not() {
        let mut lines = Lines::default();
        lines.insert("heater".into(), output(SafeLevel::On));
        lines.insert("door".into(), LineConfig::default());
        let plan = Plan::of_config(&Config::default(), &lines);
        let [heater] = &plan.outputs[..] else {
            panic!("{plan:?}")
        };
        assert_eq!(
            (
                heater.name.as_str(),
                heater.chip.as_str(),
                heater.offset,
                heater.to
            ),
            ("heater", "auto", 17, SafeLevel::On)
        );
        assert!(heater.active_low);
    }

    #[test]
    fn a_plan_comes_back_as_it_was_and_a_damaged_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("io.safe.json");
        assert!(Plan::read(&path).unwrap().is_none());
        let mut lines = Lines::default();
        lines.insert("fan".into(), output(SafeLevel::Hold));
        let plan = Plan::of_config(&Config::default(), &lines);
        plan.write(&path).unwrap();
        assert_eq!(Plan::read(&path).unwrap(), Some(plan));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::write(&path, "{").unwrap();
        assert!(
            Plan::read(&path)
                .unwrap_err()
                .to_string()
                .contains("io.safe.json")
        );
    }
}

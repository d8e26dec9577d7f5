//! What `pistack io safe` finds when this service has ended: every output that it drives, and the level that is safe.

use super::Board;
use crate::backend::Kind;
use crate::config::SafeLevel;
use crate::safe::{Output, Plan};

impl Board {
    /// To be called whenever outputs were taken or changed. Outputs of no configuration are switched off: nobody has
    /// said what else is safe for them.
    pub(super) fn keep_plan(&mut self) {
        // A level in memory ends with the process.
        if self.backend.kind() == Kind::Simulated {
            return;
        }
        let chips = self.backend.chips();
        let outputs = (0..self.lines.len())
            .filter(|index| {
                self.is_output(*index) && (self.lines[*index].taken || self.lines[*index].name.is_some())
            })
            .filter_map(|index| {
                let line = &self.lines[index];
                let chip = chips.get(usize::from(line.place.chip))?;
                Some(Output {
                    name: line.name.clone().unwrap_or_else(|| self.spelled(line.place)),
                    chip: chip.label.clone(),
                    device: Some(chip.path.clone().into()),
                    offset: line.place.offset,
                    active_low: line.settings.active_low,
                    drive: line.settings.drive,
                    pwm: line.hardware.as_ref().map(|channel| channel.path().to_owned()),
                    to: if line.name.is_some() {
                        line.config.on_crash
                    } else {
                        SafeLevel::Off
                    },
                })
            })
            .collect();
        self.plan.keep(Plan { outputs });
    }

    /// After an orderly stop nothing is held.
    pub(super) fn keep_no_plan(&mut self) {
        self.plan.keep(Plan::default());
    }
}

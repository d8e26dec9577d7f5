//! PWM: by the kernel's driver where the line is its own, else by the thread.

use std::sync::Arc;

use super::Board;
use crate::backend::{BackendError, Place};
use crate::error::Error;
use crate::event::Kind;
use crate::ring::Said;
use crate::softpwm::FASTEST_HZ;
use crate::view::{Pwm, PwmSource};

/// Where nothing else is wanted: above what an eye sees, for the thread and for the driver.
const USUAL_SOFT_HZ: f64 = 100.0;
const USUAL_HARD_HZ: f64 = 1000.0;
/// Slowest and fastest PWM of the driver.
const SLOWEST_HZ: f64 = 0.1;
const FASTEST_HARD_HZ: f64 = 10_000_000.0;

impl Board {
    /// Sets a line's duty (0 to 1) and frequency.
    pub(crate) fn set_pwm(
        &mut self,
        line: &str,
        duty: f64,
        freq_hz: Option<f64>,
        by: &str,
    ) -> Result<Place, Error> {
        let by: Arc<str> = by.into();
        if !(0.0..=1.0).contains(&duty) {
            return Err(Error::BadValue("`duty` is 0 to 1"));
        }
        if freq_hz.is_some_and(|freq| !(SLOWEST_HZ..=FASTEST_HARD_HZ).contains(&freq)) {
            return Err(Error::BadValue("`freq_hz` is 0.1 to 10000000"));
        }
        let index = self.output(line, false)?;
        if self.lines[index].limits.min_off.is_some() {
            return Err(Error::NotSupported("a line with min_off does no PWM".into()));
        }
        let freq = freq_hz.unwrap_or_else(|| self.usual_frequency(index));
        if self.lines[index].hardware.is_none() && freq > FASTEST_HZ {
            return Err(Error::NotSupported(format!(
                "software PWM goes to {FASTEST_HZ} Hz; this pin has no hardware PWM"
            )));
        }
        if duty > 0.0 {
            self.may_go_on(index, &[])?;
        }
        self.cancel(index, &by);
        self.put_duty(index, duty, freq, &by)?;
        self.timer.notify_one();
        Ok(self.lines[index].place)
    }

    pub(super) fn usual_frequency(&self, index: usize) -> f64 {
        if self.lines[index].hardware.is_some() {
            USUAL_HARD_HZ
        } else {
            USUAL_SOFT_HZ
        }
    }

    /// The share of the time that the line is on.
    pub(super) fn duty(&self, index: usize) -> f64 {
        let line = &self.lines[index];
        line.pwm
            .map_or(if line.level { 1.0 } else { 0.0 }, |pwm| pwm.duty)
    }

    /// Without asking any limit.
    pub(super) fn put_duty(
        &mut self,
        index: usize,
        duty: f64,
        freq_hz: f64,
        by: &Arc<str>,
    ) -> Result<(), Error> {
        let place = self.lines[index].place;
        let backend = if let Some(channel) = &self.lines[index].hardware {
            if let Err(reason) = channel.set(duty, Some(freq_hz)) {
                return Err(self.failed(index, BackendError::Refused(reason)));
            }
            PwmSource::Hw
        } else {
            self.soft.set(place, duty, freq_hz);
            PwmSource::Soft
        };
        let before = self.lines[index].pwm.replace(Pwm {
            duty,
            freq_hz,
            backend,
        });
        let on = duty > 0.0;
        let changed = before.is_none_or(|pwm| (pwm.duty, pwm.freq_hz) != (duty, freq_hz));
        if changed {
            let seq = self.tell(Some(index), Kind::Pwm, Said::Duty(duty as f32), by);
            self.mark(index, seq, by);
        }
        self.note_level(index, on, by);
        Ok(())
    }
}

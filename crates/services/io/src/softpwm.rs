//! Software PWM: one thread for all chips with absolute deadlines, so that a late wake-up is not carried on. The thread
//! is there only while a line pulses. When lines change at the same moment they are written together.

mod schedule;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;

use crate::backend::{Backend, Place};
use schedule::Schedule;

/// Fastest frequency: beyond it a general-purpose kernel's jitter shows.
pub(crate) const FASTEST_HZ: f64 = 500.0;

/// The lines that pulse. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct SoftPwm {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    backend: Arc<dyn Backend>,
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    schedule: Schedule,
    /// A thread is at work, one for each chip.
    threads: Vec<u8>,
}

impl SoftPwm {
    /// No line pulses.
    pub(crate) fn new(backend: Arc<dyn Backend>, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                backend,
                clock,
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// A line pulses from now on, or differently.
    pub(crate) fn set(&self, place: Place, duty: f64, freq_hz: f64) {
        let period = Duration::from_secs_f64(1.0 / freq_hz);
        let mut state = self.shared.state();
        state
            .schedule
            .set(place, duty, period, self.shared.clock.monotonic());
        if !state.threads.contains(&place.chip) {
            state.threads.push(place.chip);
            let shared = Arc::clone(&self.shared);
            let chip = place.chip;
            let started = std::thread::Builder::new()
                .name("pwm".into())
                .stack_size(64 * 1024)
                .spawn(move || shared.run(chip));
            if let Err(error) = started {
                tracing::error!(%error, "no thread for PWM");
                state.threads.retain(|other| *other != chip);
            }
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// A line pulses no more. When this returns, nothing writes to it any more.
    pub(crate) fn stop(&self, place: Place) {
        self.shared.state().schedule.remove(place);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until no line of the chip pulses.
    fn run(&self, chip: u8) {
        let mut state = self.state();
        loop {
            let now = self.clock.monotonic();
            let levels = state.schedule.due(chip, now);
            // Written under the lock, so that `stop` cannot return between the decision and the write.
            if !levels.is_empty()
                && let Err(error) = self.backend.write(&levels)
            {
                tracing::error!(chip, %error, "PWM ends: its lines cannot be written");
                state.schedule.clear(chip);
            }
            let Some(next) = state.schedule.next(chip) else {
                if state.schedule.is_empty(chip) {
                    state.threads.retain(|other| *other != chip);
                    return;
                }
                // Lines that are on or off all the time change by a call only.
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let wait = next.saturating_sub(self.clock.monotonic());
            if !wait.is_zero() {
                state = self
                    .changed
                    .wait_timeout(state, wait)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
    }
}

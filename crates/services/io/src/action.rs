//! What an output does by itself for a while: blink, pulse, a value for a time, fade, servo, follow. Each is a plan that
//! says what the line is at a moment and when the next change is due; late or early, the answer depends on the time
//! alone, so that nothing drifts.

use std::time::Duration;

/// Changes of a fade in a second.
const FADE_STEP: Duration = Duration::from_millis(20);

/// A plan for one line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    /// `level`, then the opposite for good.
    Timed { level: bool, time: Duration },
    /// On and off in turn, `count` times or for ever.
    Blink {
        on: Duration,
        off: Duration,
        count: Option<u32>,
    },
    /// On, then off.
    Pulse { time: Duration },
    /// From one duty to another.
    Fade { from: f64, to: f64, time: Duration },
    /// A servo's pulse.
    Servo { us: u32 },
    /// What another line says.
    Follow { source: usize, invert: bool },
}

/// What a line should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    /// A level.
    Level(bool),
    /// A share of the time.
    Duty(f64),
}

/// What a line should be, and until when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    /// Now.
    pub(crate) wanted: Wanted,
    /// When to ask again; `None` when the plan is done (or does not depend on time).
    pub(crate) next: Option<Duration>,
}

impl Plan {
    /// Its name in the API.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Timed { .. } => "timed",
            Self::Blink { .. } => "blink",
            Self::Pulse { .. } => "pulse",
            Self::Fade { .. } => "fade",
            Self::Servo { .. } => "servo",
            Self::Follow { .. } => "follow",
        }
    }

    /// How long it takes; `None` = until something else is wanted.
    pub(crate) fn length(&self) -> Option<Duration> {
        match self {
            Self::Timed { time, .. } | Self::Pulse { time } | Self::Fade { time, .. } => Some(*time),
            Self::Blink { on, off, count } => count.map(|count| (*on + *off) * count),
            Self::Servo { .. } | Self::Follow { .. } => None,
        }
    }

    /// What the line is `since` the plan's start. `None` for plans that time does not drive.
    pub(crate) fn at(&self, since: Duration) -> Option<Step> {
        let until = |time: Duration, before: bool| {
            let running = since < time;
            Step {
                wanted: Wanted::Level(before == running),
                next: running.then_some(time),
            }
        };
        match self {
            Self::Timed { level, time } => Some(until(*time, *level)),
            Self::Pulse { time } => Some(until(*time, true)),
            Self::Blink { on, off, count } => Some(blink(*on, *off, *count, since)),
            Self::Fade { from, to, time } => Some(fade(*from, *to, *time, since)),
            Self::Servo { .. } | Self::Follow { .. } => None,
        }
    }
}

fn blink(on: Duration, off: Duration, count: Option<u32>, since: Duration) -> Step {
    let cycle = (on + off).as_nanos().max(1);
    let done = since.as_nanos() / cycle;
    if count.is_some_and(|count| done >= u128::from(count)) {
        return Step {
            wanted: Wanted::Level(false),
            next: None,
        };
    }
    let begin = nanos(done * cycle);
    let level = since < begin + on;
    Step {
        wanted: Wanted::Level(level),
        next: Some(if level { begin + on } else { begin + on + off }),
    }
}

fn fade(from: f64, to: f64, time: Duration, since: Duration) -> Step {
    if since >= time {
        return Step {
            wanted: Wanted::Duty(to),
            next: None,
        };
    }
    let share = since.as_secs_f64() / time.as_secs_f64();
    let steps = since.as_nanos() / FADE_STEP.as_nanos() + 1;
    Step {
        wanted: Wanted::Duty((from + (to - from) * share).clamp(0.0, 1.0)),
        next: Some(nanos(steps * FADE_STEP.as_nanos()).min(time)),
    }
}

/// Durations here stay below 584 years.
fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;

//! Which lines change when. Pure: time is a parameter.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::backend::Place;

/// The lines that pulse.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    lines: BTreeMap<Place, Pulse>,
}

#[derive(Debug)]
struct Pulse {
    period: Duration,
    /// The share of the period that it is on.
    on: Duration,
    /// Start of a period; all starts lie whole periods apart.
    start: Duration,
    /// What was written last.
    level: Option<bool>,
    /// The next change; `None` for always on or always off.
    next: Option<Duration>,
}

impl Pulse {
    /// The level at a moment, and when it changes.
    fn at(&self, now: Duration) -> (bool, Option<Duration>) {
        if self.on.is_zero() || self.on >= self.period {
            return (!self.on.is_zero(), None);
        }
        let since = now.saturating_sub(self.start).as_nanos();
        let period = self.period.as_nanos().max(1);
        let begin =
            self.start + Duration::from_nanos(u64::try_from(since / period * period).unwrap_or(u64::MAX));
        let change = begin + self.on;
        if now < change {
            (true, Some(change))
        } else {
            (false, Some(begin + self.period))
        }
    }
}

impl Schedule {
    /// A line pulses. One that does already keeps its beat if the period stays, so that a fade does not flicker.
    pub(super) fn set(&mut self, place: Place, duty: f64, period: Duration, now: Duration) {
        let on = period.mul_f64(duty.clamp(0.0, 1.0));
        let (start, level) = match self.lines.get(&place) {
            Some(old) if old.period == period => (old.start, old.level),
            Some(old) => (now, old.level),
            None => (now, None),
        };
        let pulse = Pulse {
            period,
            on,
            start,
            level,
            next: Some(now),
        };
        self.lines.insert(place, pulse);
    }

    /// A line does not.
    pub(super) fn remove(&mut self, place: Place) {
        self.lines.remove(&place);
    }

    /// No line of a chip does.
    pub(super) fn clear(&mut self, chip: u8) {
        self.lines.retain(|place, _| place.chip != chip);
    }

    /// True if no line of a chip does.
    pub(super) fn is_empty(&self, chip: u8) -> bool {
        !self.lines.keys().any(|place| place.chip == chip)
    }

    /// The next change of a chip's lines.
    pub(super) fn next(&self, chip: u8) -> Option<Duration> {
        let lines = self.lines.iter().filter(|(place, _)| place.chip == chip);
        lines.filter_map(|(_, pulse)| pulse.next).min()
    }

    /// What is to be written now, and when next: always by the beat, however late this is called.
    pub(super) fn due(&mut self, chip: u8, now: Duration) -> Vec<(Place, bool)> {
        let mut levels = Vec::new();
        for (place, pulse) in &mut self.lines {
            if place.chip != chip || pulse.next.is_none_or(|next| next > now) {
                continue;
            }
            let (level, next) = pulse.at(now);
            pulse.next = next;
            if pulse.level.replace(level) != Some(level) {
                levels.push((*place, level));
            }
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place = Place { chip: 0, offset: 17 };

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Runs the schedule by its own deadlines, each `late`, and says how long the line was on.
    fn on_time(schedule: &mut Schedule, until: Duration, late: Duration) -> Duration {
        let (mut on, mut since) = (Duration::ZERO, None);
        let mut now = Duration::ZERO;
        while now < until {
            for (_, level) in schedule.due(0, now) {
                match (level, since) {
                    (true, None) => since = Some(now),
                    (false, Some(begin)) => {
                        on += now.saturating_sub(begin);
                        since = None;
                    }
                    _ => panic!("the same level twice"),
                }
            }
            match schedule.next(0) {
                Some(next) => now = next.max(now) + late,
                None => break,
            }
        }
        on + since.map_or(Duration::ZERO, |begin| until.saturating_sub(begin))
    }

    #[test]
    fn a_quarter_is_a_quarter_even_when_late() {
        for late in [Duration::ZERO, Duration::from_micros(300)] {
            let mut schedule = Schedule::default();
            schedule.set(PLACE, 0.25, ms(10), Duration::ZERO);
            let on = on_time(&mut schedule, ms(1000), late);
            assert!(on.abs_diff(ms(250)) <= ms(4), "{on:?}");
        }
    }

    #[test]
    fn ends_of_the_scale_need_no_beat() {
        let mut schedule = Schedule::default();
        schedule.set(PLACE, 1.0, ms(10), Duration::ZERO);
        assert_eq!(schedule.due(0, Duration::ZERO), [(PLACE, true)]);
        assert_eq!(schedule.next(0), None);
        schedule.set(PLACE, 0.0, ms(10), ms(5));
        assert_eq!(schedule.due(0, ms(5)), [(PLACE, false)]);
        assert!(schedule.next(0).is_none() && !schedule.is_empty(0));
        schedule.remove(PLACE);
        assert!(schedule.is_empty(0));
    }

    #[test]
    fn lines_of_one_beat_change_together_and_chips_apart() {
        let other = Place { chip: 0, offset: 18 };
        let far = Place { chip: 1, offset: 2 };
        let mut schedule = Schedule::default();
        for place in [PLACE, other, far] {
            schedule.set(place, 0.5, ms(10), Duration::ZERO);
        }
        assert_eq!(schedule.due(0, Duration::ZERO).len(), 2);
        assert_eq!(schedule.due(0, ms(5)), [(PLACE, false), (other, false)]);
        assert_eq!(schedule.due(1, ms(5)), [(far, false)]);
    }

    proptest! {
        #[test]
        fn the_share_holds_for_any_duty_and_frequency(duty in 0.0_f64..=1.0, freq in 1.0_f64..500.0) {
            let mut schedule = Schedule::default();
            let period = Duration::from_secs_f64(1.0 / freq);
            schedule.set(PLACE, duty, period, Duration::ZERO);
            let until = period * 40;
            let share = on_time(&mut schedule, until, Duration::ZERO).as_secs_f64() / until.as_secs_f64();
            prop_assert!((share - duty).abs() < 0.03, "{share} for {duty}");
        }
    }
}

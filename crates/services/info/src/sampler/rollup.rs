//! Minutes: the mean of each metric over a minute of the board's uptime, and what was written to disks in an hour of
//! it. Uptime, not the wall clock: it never jumps, so that no minute is lost or counted twice.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Metric, Values};

/// Minutes kept in memory while they cannot be stored: half a day.
const PENDING: usize = 720;

/// One minute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Minute {
    /// Whole minutes since the start of the kernel.
    pub(crate) number: i64,
    /// Samples that it is made of.
    pub(crate) samples: u32,
    /// Means; `NaN` where no sample had a value.
    pub(crate) values: Values,
}

/// Bytes written, by hour of uptime and disk.
pub(crate) type Written = BTreeMap<(i64, String), u64>;

/// What is to be stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Taken {
    /// Completed minutes, oldest first.
    pub(crate) minutes: Vec<Minute>,
    /// What was written to disks meanwhile.
    pub(crate) written: Written,
}

/// Makes minutes of samples.
#[derive(Debug, Default)]
pub(crate) struct Minutes {
    current: Option<Sums>,
    done: VecDeque<Minute>,
    written: Written,
}

#[derive(Debug)]
struct Sums {
    minute: i64,
    samples: u32,
    columns: [(f64, u32); Metric::ALL.len()],
}

impl Sums {
    fn new(minute: i64) -> Self {
        Self {
            minute,
            samples: 0,
            columns: [(0.0, 0); Metric::ALL.len()],
        }
    }

    fn mean(&self) -> Minute {
        Minute {
            number: self.minute,
            samples: self.samples,
            values: self.columns.map(|(sum, count)| {
                if count == 0 {
                    f32::NAN
                } else {
                    (sum / f64::from(count)) as f32
                }
            }),
        }
    }
}

impl Minutes {
    /// Takes a sample in; true when it completes a minute.
    pub(crate) fn add(&mut self, uptime: Duration, values: &Values, written: Vec<(String, u64)>) -> bool {
        let minute = (uptime.as_secs() / 60) as i64;
        for (disk, bytes) in written {
            *self.written.entry((minute / 60, disk)).or_default() += bytes;
        }
        let complete = self.current.as_ref().is_some_and(|sums| sums.minute != minute);
        if complete {
            self.finish();
        }
        let sums = self.current.get_or_insert_with(|| Sums::new(minute));
        sums.samples += 1;
        for ((sum, count), value) in sums.columns.iter_mut().zip(values) {
            if value.is_finite() {
                *sum += f64::from(*value);
                *count += 1;
            }
        }
        complete
    }

    /// Completes the minute that is under way.
    pub(crate) fn finish(&mut self) {
        if let Some(sums) = self.current.take() {
            self.done.push_back(sums.mean());
            while self.done.len() > PENDING {
                self.done.pop_front();
            }
        }
    }

    /// Everything completed, to be stored.
    pub(crate) fn take(&mut self) -> Taken {
        Taken {
            minutes: self.done.drain(..).collect(),
            written: std::mem::take(&mut self.written),
        }
    }

    /// What could not be stored comes back, before what has come since.
    pub(crate) fn give_back(&mut self, taken: Taken) {
        for minute in taken.minutes.into_iter().rev() {
            self.done.push_front(minute);
        }
        while self.done.len() > PENDING {
            self.done.pop_front();
        }
        for (key, bytes) in taken.written {
            *self.written.entry(key).or_default() += bytes;
        }
    }

    /// Completed minutes, without taking them.
    pub(crate) fn pending(&self) -> Vec<Minute> {
        self.done.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(cpu: f32) -> Values {
        let mut values = [f32::NAN; Metric::ALL.len()];
        values[0] = cpu;
        values
    }

    #[test]
    fn a_minute_is_the_mean_of_what_was_there() {
        let mut minutes = Minutes::default();
        let at = Duration::from_secs;
        assert!(!minutes.add(at(3600), &values(10.0), vec![("sda".into(), 5)]));
        assert!(!minutes.add(at(3659), &values(f32::NAN), vec![("sda".into(), 6)]));
        assert!(!minutes.add(at(3659), &values(20.0), vec![]));
        assert!(minutes.add(at(3661), &values(1.0), vec![]));
        let taken = minutes.take();
        assert_eq!(taken.written, Written::from([((1, "sda".into()), 11)]));
        let [minute] = &*taken.minutes else { panic!() };
        assert_eq!((minute.number, minute.samples, minute.values[0]), (60, 3, 15.0));
        assert!(minute.values[1].is_nan());
        assert_eq!(minutes.take(), Taken::default());
        minutes.finish();
        assert_eq!(minutes.pending()[0].number, 61);
    }

    #[test]
    fn what_cannot_be_stored_waits_in_order_and_within_bounds() {
        let mut minutes = Minutes::default();
        for second in 0..2000_u64 {
            minutes.add(
                Duration::from_secs(second * 60),
                &values(1.0),
                vec![("sda".into(), 1)],
            );
        }
        let taken = minutes.take();
        assert_eq!(taken.minutes.len(), PENDING);
        minutes.add(Duration::from_mins(2000), &values(1.0), vec![]);
        minutes.give_back(taken);
        let pending = minutes.pending();
        assert_eq!(pending.len(), PENDING);
        assert_eq!(pending.last().unwrap().number, 1999);
        assert!(pending.is_sorted_by_key(|minute| minute.number));
        assert_eq!(minutes.take().written.values().sum::<u64>(), 2000);
    }
}

//! The last hour in memory: one column of `f32` for each metric, a place for each step of monotonic time.

use std::time::Duration;

use super::{Metric, Values};

/// Values by step; a step that was missed is a gap.
#[derive(Debug)]
pub(crate) struct Ring {
    step: Duration,
    columns: [Vec<f32>; Metric::ALL.len()],
    /// First and last step that a value was given for.
    known: Option<(u64, u64)>,
}

impl Ring {
    /// Room for `span` in steps of `step`.
    pub(crate) fn new(step: Duration, span: Duration) -> Self {
        let places = span.as_millis().checked_div(step.as_millis()).unwrap_or(0).max(1) as usize;
        Self {
            step,
            columns: std::array::from_fn(|_| vec![f32::NAN; places]),
            known: None,
        }
    }

    fn places(&self) -> u64 {
        self.columns[0].len() as u64
    }

    fn step_at(&self, at: Duration) -> u64 {
        // Rounded: a timer that fires a little early must not hit the step before again.
        let step = self.step.as_millis().max(1);
        ((at.as_millis() + step / 2) / step) as u64
    }

    fn put(&mut self, step: u64, values: Values) {
        let place = (step % self.places()) as usize;
        for (column, value) in self.columns.iter_mut().zip(values) {
            column[place] = value;
        }
    }

    /// Takes in the values of a moment. Of two in one step the later one counts; time does not go back.
    pub(crate) fn push(&mut self, at: Duration, values: Values) {
        let step = self.step_at(at);
        let first = match self.known {
            None => step,
            Some((_, last)) if step < last => return,
            Some((first, last)) => {
                let gap = (last + 1).max(step.saturating_sub(self.places()));
                for missed in gap..step {
                    self.put(missed, [f32::NAN; Metric::ALL.len()]);
                }
                first.max((step + 1).saturating_sub(self.places()))
            }
        };
        self.put(step, values);
        self.known = Some((first, step));
    }

    /// One metric: when its first value was, and all values in order.
    pub(crate) fn series(&self, metric: Metric) -> (Duration, Vec<Option<f32>>) {
        let Some((first, last)) = self.known else {
            return (Duration::ZERO, Vec::new());
        };
        let column = &self.columns[metric as usize];
        let values = (first..=last)
            .map(|step| column[(step % self.places()) as usize])
            .map(|value| Some(value).filter(|value| value.is_finite()))
            .collect();
        let millis = (self.step.as_millis() as u64).saturating_mul(first);
        (Duration::from_millis(millis), values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(cpu: f32) -> Values {
        let mut values = [f32::NAN; Metric::ALL.len()];
        values[Metric::Cpu as usize] = cpu;
        values
    }

    #[test]
    fn gaps_are_null_and_the_oldest_goes() {
        let second = Duration::from_secs;
        let mut ring = Ring::new(second(2), second(10));
        assert_eq!(ring.series(Metric::Cpu), (Duration::ZERO, vec![]));
        ring.push(second(100), values(1.0));
        ring.push(Duration::from_millis(101_900), values(2.0));
        ring.push(second(106), values(3.0));
        let (from, cpu) = ring.series(Metric::Cpu);
        assert_eq!(from, second(100));
        assert_eq!(cpu, [Some(1.0), Some(2.0), None, Some(3.0)]);
        ring.push(second(104), values(9.0));
        assert_eq!(ring.series(Metric::Cpu).1.len(), 4, "time does not go back");
        ring.push(second(112), values(4.0));
        let (from, cpu) = ring.series(Metric::Cpu);
        assert_eq!(
            (from, cpu),
            (second(104), vec![None, Some(3.0), None, None, Some(4.0)])
        );
        assert_eq!(ring.series(Metric::Load).1, [None; 5]);
        ring.push(second(10_000), values(5.0));
        assert_eq!(ring.series(Metric::Cpu).1, [None, None, None, None, Some(5.0)]);
    }
}

//! Processor time: `/proc/stat` and `/proc/loadavg` (proc(5)).

/// Time of one processor, or of all of them, in ticks of a hundredth of a second since the start of the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ticks {
    /// user, nice, system, idle, iowait, irq, softirq, steal. Guest time is part of user time.
    pub(crate) by_mode: [u64; 8],
}

/// Names of the modes, in the order of [`Ticks::by_mode`].
pub(crate) const MODES: [&str; 8] = [
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
];

/// Ticks a second in files of `/proc`: the same on every architecture that this runs on (`USER_HZ`).
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

impl Ticks {
    /// Everything.
    pub(crate) fn all(&self) -> u64 {
        self.by_mode.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// All but idle and waiting for I/O.
    pub(crate) fn busy(&self) -> u64 {
        self.all()
            .saturating_sub(self.by_mode[3].saturating_add(self.by_mode[4]))
    }

    /// Busy share since `before`, per cent; `None` when no time went by or the counters began anew.
    pub(crate) fn busy_since(&self, before: &Self) -> Option<f64> {
        let all = self.all().checked_sub(before.all()).filter(|all| *all > 0)?;
        // The kernel corrects idle time downwards now and then: a share is never beyond its bounds.
        let busy = self.busy().saturating_sub(before.busy()).min(all);
        Some(busy as f64 * 100.0 / all as f64)
    }
}

/// Reads the `cpu` lines: all together, then each. What follows them is not looked at.
pub(crate) fn stat(text: &str, cores: &mut Vec<Ticks>) -> Option<Ticks> {
    cores.clear();
    let mut all = None;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("cpu") else {
            break;
        };
        let (number, times) = rest.split_once(' ')?;
        let ticks = ticks(times)?;
        if number.is_empty() {
            all = Some(ticks);
        } else {
            cores.push(ticks);
        }
    }
    all
}

/// Kernels before 2.6.11 give fewer than eight numbers, but never fewer than four.
fn ticks(times: &str) -> Option<Ticks> {
    let mut ticks = Ticks::default();
    let mut count = 0;
    for (place, word) in ticks.by_mode.iter_mut().zip(times.split_ascii_whitespace()) {
        *place = word.parse().ok()?;
        count += 1;
    }
    (count >= 4).then_some(ticks)
}

/// The second that the kernel started at, of `/proc/stat`'s `btime`.
pub(crate) fn boot_time(stat: &str) -> Option<i64> {
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))
        .and_then(|rest| rest.trim().parse().ok())
}

/// Load averages of 1, 5 and 15 minutes.
pub(crate) fn load(text: &str) -> Option<[f64; 3]> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse::<f64>);
    let mut next = || numbers.next()?.ok().filter(|number| number.is_finite());
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_time() {
        let mut cores = Vec::new();
        let first = stat(
            "cpu  100 0 0 800 100 0 0 0 7 0\ncpu0 1 2 3 4\nintr 1\n",
            &mut cores,
        )
        .unwrap();
        assert_eq!((first.busy(), first.all(), cores.len()), (100, 1000, 1));
        let second = stat("cpu  150 0 0 850 100 0 0 0 7 0\n", &mut cores).unwrap();
        assert!(cores.is_empty());
        assert_eq!(second.busy_since(&first), Some(50.0));
        assert_eq!(first.busy_since(&second), None, "counters that began anew");
        assert_eq!(first.busy_since(&first), None);
    }

    #[test]
    fn what_makes_no_sense_is_absent() {
        let mut cores = Vec::new();
        for text in ["", "cpu", "cpu  a b c d\n", "cpu  1 2\n", "cpu  -1 2 3 4\n"] {
            assert_eq!(stat(text, &mut cores), None, "{text:?}");
        }
        assert_eq!(load("0.5 0.4 0.3 1/200 999\n"), Some([0.5, 0.4, 0.3]));
        assert_eq!((load(""), load("0.5 x"), load("nan 1 2")), (None, None, None));
        assert_eq!(boot_time("cpu 1\nbtime 1700000000\n"), Some(1_700_000_000));
    }
}

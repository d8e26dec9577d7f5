//! How many writes a caller may make: a bucket of tokens for each, filled by time.

use std::collections::HashMap;
use std::time::Duration;

/// So many callers are known at a time; then those that did nothing for longest are forgotten.
const MOST_CALLERS: usize = 256;

/// The buckets.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    callers: HashMap<String, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// When the bucket is full again.
    full_at: Duration,
}

impl Rates {
    /// Takes one write of `per_second` (0: any number). The error says when there is one again.
    pub(crate) fn take(&mut self, caller: &str, per_second: u32, now: Duration) -> Result<(), Duration> {
        if per_second == 0 {
            return Ok(());
        }
        let one = Duration::from_secs(1) / per_second;
        if self.callers.len() >= MOST_CALLERS && !self.callers.contains_key(caller) {
            self.callers.retain(|_, bucket| bucket.full_at > now);
        }
        let bucket = self
            .callers
            .entry(caller.to_owned())
            .or_insert(Bucket { full_at: now });
        let full_at = bucket.full_at.max(now) + one;
        // A second's worth may be written at once.
        let latest = now + Duration::from_secs(1).max(one);
        if full_at > latest {
            return Err(full_at.saturating_sub(latest));
        }
        bucket.full_at = full_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_second_at_once_then_by_time() {
        let mut rates = Rates::default();
        let at = Duration::from_millis;
        for _ in 0..10 {
            rates.take("anna", 10, at(0)).unwrap();
        }
        assert_eq!(rates.take("anna", 10, at(0)), Err(at(100)));
        rates.take("ben", 10, at(0)).unwrap();
        rates.take("anna", 10, at(100)).unwrap();
        assert!(rates.take("anna", 10, at(100)).is_err());
        assert!((0..1000).all(|_| rates.take("anna", 0, at(0)).is_ok()));
    }

    proptest! {
        #[test]
        fn never_more_than_a_second_above_the_rate(
            per_second in 1_u32..50,
            steps in proptest::collection::vec(0_u64..200, 1..300),
        ) {
            let mut rates = Rates::default();
            let (mut now, mut passed) = (Duration::ZERO, 0_u32);
            for step in steps {
                now += Duration::from_millis(step);
                passed += u32::from(rates.take("x", per_second, now).is_ok());
            }
            let most = f64::from(per_second) * (now.as_secs_f64() + 1.0) + 1.0;
            prop_assert!(f64::from(passed) <= most);
        }
    }
}

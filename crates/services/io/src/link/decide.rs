//! Which line is to be put to its level, and when: decided from the link's state and the time alone.

use std::time::Duration;

use crate::config::LinkLoss;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// This line's time has come.
    Lose(String),
    /// The link is back.
    Restore,
}

/// The link and the lines that depend on it.
#[derive(Debug)]
pub(super) struct Watchman {
    lines: Vec<(String, LinkLoss, bool)>,
    down_since: Option<Duration>,
}

impl Watchman {
    /// The link counts as up at first: a service that starts before the network must not switch anything at once.
    pub(super) fn new(lines: Vec<(String, LinkLoss)>) -> Self {
        Self {
            lines: lines
                .into_iter()
                .map(|(name, loss)| (name, loss, false))
                .collect(),
            down_since: None,
        }
    }

    /// The link is up or down, now.
    pub(super) fn step(&mut self, up: bool, now: Duration) -> Vec<Order> {
        if up {
            self.down_since = None;
            let mut any = false;
            for (.., lost) in &mut self.lines {
                any |= std::mem::take(lost);
            }
            return if any { vec![Order::Restore] } else { Vec::new() };
        }
        let since = *self.down_since.get_or_insert(now);
        let mut orders = Vec::new();
        for (name, loss, lost) in &mut self.lines {
            if !*lost && since + loss.after.0 <= now {
                *lost = true;
                orders.push(Order::Lose(name.clone()));
            }
        }
        orders
    }

    /// When the next line's time comes.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let since = self.down_since?;
        self.lines
            .iter()
            .filter(|(.., lost)| !lost)
            .map(|(_, loss, _)| since + loss.after.0)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use pistack_kit::config::Span;

    use super::*;
    use crate::config::SafeLevel;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_line_has_its_own_patience() {
        let loss = |after| LinkLoss {
            after: Span::seconds(after),
            to: SafeLevel::Off,
        };
        let mut watchman = Watchman::new(vec![("pump".into(), loss(10)), ("lamp".into(), loss(60))]);
        assert!(watchman.step(true, s(0)).is_empty());
        assert_eq!(watchman.deadline(), None);
        assert!(watchman.step(false, s(5)).is_empty());
        assert_eq!(watchman.deadline(), Some(s(15)));
        // Up in between: the time starts anew.
        assert!(watchman.step(true, s(10)).is_empty());
        assert!(watchman.step(false, s(20)).is_empty());
        assert!(watchman.step(false, s(29)).is_empty());
        assert_eq!(watchman.step(false, s(30)), [Order::Lose("pump".into())]);
        assert!(watchman.step(false, s(31)).is_empty(), "once");
        assert_eq!(watchman.deadline(), Some(s(80)));
        assert_eq!(watchman.step(false, s(80)), [Order::Lose("lamp".into())]);
        assert_eq!(watchman.deadline(), None);
        assert_eq!(watchman.step(true, s(99)), [Order::Restore]);
        assert!(watchman.step(true, s(100)).is_empty());
    }
}

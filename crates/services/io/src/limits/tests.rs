//! The limits: a table, and laws over random courses of events.

use proptest::prelude::*;

use super::*;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn peer(since: Since, was_on: bool, off_at: Option<Duration>) -> Peer {
    Peer {
        name: "other".into(),
        since,
        was_on,
        off_at,
    }
}

fn interlock(retry: Option<Duration>) -> Result<(), Blocked> {
    Err(Blocked::Interlock {
        blocked_by: "other".into(),
        retry,
    })
}

#[test]
fn the_table() {
    let limits = Limits {
        max_on: Some(s(60)),
        min_off: Some(s(10)),
        interlock: Some("g".into()),
        wait: s(2),
    };
    let off = Since::Off(s(100));
    for (since, peers, now, wanted) in [
        // Off for long enough, or not.
        (off, vec![], s(110), Ok(())),
        (off, vec![], s(103), Err(Blocked::MinOff { retry: s(7) })),
        // On already: nothing to ask.
        (
            Since::On(s(100)),
            vec![peer(Since::On(s(0)), true, None)],
            s(101),
            Ok(()),
        ),
        // Another one is on: for good, or until it goes off by itself.
        (
            off,
            vec![peer(Since::On(s(5)), true, None)],
            s(200),
            interlock(None),
        ),
        (
            off,
            vec![peer(Since::On(s(5)), true, Some(s(203)))],
            s(200),
            interlock(Some(s(5))),
        ),
        // Another one was on a moment ago, long ago, or never.
        (
            off,
            vec![peer(Since::Off(s(199)), true, None)],
            s(200),
            interlock(Some(s(1))),
        ),
        (off, vec![peer(Since::Off(s(198)), true, None)], s(200), Ok(())),
        (off, vec![peer(Since::Off(s(200)), false, None)], s(200), Ok(())),
        // The first that is in the way is named, not the time off.
        (
            off,
            vec![peer(Since::On(s(5)), true, None)],
            s(101),
            interlock(None),
        ),
    ] {
        assert_eq!(
            may_go_on(&limits, since, peers.clone(), now),
            wanted,
            "{since:?} {peers:?} {now:?}"
        );
    }
    assert_eq!(must_go_off_at(&limits, Since::On(s(7))), Some(s(67)));
    assert_eq!(must_go_off_at(&limits, Since::Off(s(7))), None);
    assert_eq!(must_go_off_at(&Limits::default(), Since::On(s(7))), None);
}

/// Two outputs of one group, driven by anybody at any time, held to their limits.
#[derive(Debug)]
struct Pair {
    limits: Limits,
    since: [Since; 2],
    was_on: [bool; 2],
}

impl Pair {
    fn on(&mut self, which: usize, now: Duration) -> bool {
        let other = 1 - which;
        let peer = Peer {
            name: "other".into(),
            since: self.since[other],
            was_on: self.was_on[other],
            off_at: must_go_off_at(&self.limits, self.since[other]),
        };
        let may = may_go_on(&self.limits, self.since[which], [peer], now).is_ok();
        if may && matches!(self.since[which], Since::Off(_)) {
            self.since[which] = Since::On(now);
            self.was_on[which] = true;
        }
        may
    }

    fn off(&mut self, which: usize, now: Duration) {
        if matches!(self.since[which], Since::On(_)) {
            self.since[which] = Since::Off(now);
        }
    }
}

proptest! {
    #[test]
    fn whoever_switches_the_limits_hold(
        max_on in 1_u64..50,
        min_off in 0_u64..50,
        wait in 0_u64..20,
        calls in proptest::collection::vec((0_u64..10, 0_usize..2, any::<bool>()), 1..200),
    ) {
        let mut pair = Pair {
            limits: Limits {
                max_on: Some(s(max_on)),
                min_off: Some(s(min_off)),
                interlock: Some("g".into()),
                wait: s(wait),
            },
            since: [Since::Off(Duration::ZERO); 2],
            was_on: [false; 2],
        };
        let mut now = Duration::ZERO;
        let mut ended: [Option<Duration>; 2] = [None; 2];
        for (step, which, on) in calls {
            now += s(step);
            for (line, ended) in ended.iter_mut().enumerate() {
                // The timer fires at its time, not when somebody calls.
                if let Some(at) = must_go_off_at(&pair.limits, pair.since[line]) && at <= now {
                    pair.off(line, at);
                    *ended = Some(at);
                }
            }
            let before = pair.since[which];
            if on {
                pair.on(which, now);
                if let (Since::Off(off), Since::On(at)) = (before, pair.since[which]) {
                    prop_assert!(at >= off + s(min_off), "min_off");
                    if let Some(other) = ended[1 - which] {
                        prop_assert!(at >= other + s(wait), "interlock_wait");
                    }
                }
            } else {
                pair.off(which, now);
                if matches!(before, Since::On(_)) {
                    ended[which] = Some(now);
                }
            }
            let both = pair.since.iter().all(|since| matches!(since, Since::On(_)));
            prop_assert!(!both, "two of a group are on");
            for since in pair.since {
                if let Since::On(at) = since {
                    prop_assert!(now < at + s(max_on), "max_on");
                }
            }
        }
    }

    #[test]
    fn a_retry_that_is_told_is_enough(off in 0_u64..100, min_off in 1_u64..100, later in 0_u64..100) {
        let limits = Limits { min_off: Some(s(min_off)), ..Limits::default() };
        let since = Since::Off(s(off));
        let now = s(off + later);
        if let Err(Blocked::MinOff { retry }) = may_go_on(&limits, since, [], now) {
            prop_assert!(may_go_on(&limits, since, [], now + retry).is_ok());
            prop_assert!(may_go_on(&limits, since, [], (now + retry).saturating_sub(Duration::from_nanos(1))).is_err());
        }
    }
}

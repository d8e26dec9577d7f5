//! Plans at their moments: tables, and laws for any times.

use proptest::prelude::*;

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[expect(clippy::unnecessary_wraps, reason = "plans give it so")]
fn level(level: bool, next: Option<u64>) -> Option<Step> {
    Some(Step {
        wanted: Wanted::Level(level),
        next: next.map(ms),
    })
}

#[test]
fn blinking_pulsing_and_timed_values() {
    let blink = Plan::Blink {
        on: ms(200),
        off: ms(800),
        count: Some(2),
    };
    for (at, wanted) in [
        (0, level(true, Some(200))),
        (199, level(true, Some(200))),
        (200, level(false, Some(1000))),
        (1000, level(true, Some(1200))),
        // Late by more than a step: the level of this moment, not of the one that was missed.
        (1250, level(false, Some(2000))),
        (2000, level(false, None)),
        (9999, level(false, None)),
    ] {
        assert_eq!(blink.at(ms(at)), wanted, "{at}");
    }
    assert_eq!(blink.length(), Some(ms(2000)));
    let pulse = Plan::Pulse { time: ms(500) };
    assert_eq!(pulse.at(ms(499)), level(true, Some(500)));
    assert_eq!(pulse.at(ms(500)), level(false, None));
    let timed = Plan::Timed {
        level: false,
        time: ms(500),
    };
    assert_eq!(timed.at(ms(0)), level(false, Some(500)));
    assert_eq!(timed.at(ms(700)), level(true, None));
    for still in [
        Plan::Servo { us: 1500 },
        Plan::Follow {
            source: 0,
            invert: true,
        },
    ] {
        assert_eq!(
            (still.at(ms(5)), still.length()),
            (None, None),
            "{}",
            still.name()
        );
    }
}

#[test]
fn a_fade_goes_in_steps_to_its_end() {
    let fade = Plan::Fade {
        from: 1.0,
        to: 0.0,
        time: ms(100),
    };
    let step = fade.at(ms(50)).unwrap();
    assert_eq!((step.wanted, step.next), (Wanted::Duty(0.5), Some(ms(60))));
    assert_eq!(fade.at(ms(95)).unwrap().next, Some(ms(100)));
    let end = fade.at(ms(100)).unwrap();
    assert_eq!((end.wanted, end.next), (Wanted::Duty(0.0), None));
}

/// How long a plan has a line on, by its own deadlines, each of them met `late`.
fn on_time(plan: &Plan, late: Duration) -> (Duration, u32) {
    let (mut on, mut rises, mut last) = (Duration::ZERO, 0, None);
    let mut now = Duration::ZERO;
    loop {
        let step = plan.at(now).unwrap();
        let Wanted::Level(level) = step.wanted else {
            panic!("{step:?}")
        };
        match (last, level) {
            (None, true) => {
                rises += 1;
                last = Some(now);
            }
            (Some(since), false) => {
                on += now.saturating_sub(since);
                last = None;
            }
            _ => {}
        }
        match step.next {
            Some(next) => {
                assert!(next > now, "no step forward at {now:?}");
                now = next + late;
            }
            None => return (on, rises),
        }
    }
}

proptest! {
    #[test]
    fn a_blink_is_exact_and_does_not_drift(on in 1_u64..500, off in 1_u64..500, count in 1_u32..50) {
        let plan = Plan::Blink { on: ms(on), off: ms(off), count: Some(count) };
        prop_assert_eq!(on_time(&plan, Duration::ZERO), (ms(on) * count, count));
        // A constant delay moves every edge alike: the sum stays.
        if on > 3 && off > 3 {
            let (sum, rises) = on_time(&plan, ms(1));
            prop_assert_eq!(rises, count);
            prop_assert!(sum.abs_diff(ms(on) * count) <= ms(1));
        }
    }

    #[test]
    fn every_plan_ends_with_the_length_it_told(time in 1_u64..10_000, kind in 0_u8..4, late in 0_u64..100) {
        let plan = match kind {
            0 => Plan::Pulse { time: ms(time) },
            1 => Plan::Timed { level: true, time: ms(time) },
            2 => Plan::Fade { from: 0.2, to: 0.9, time: ms(time) },
            _ => Plan::Blink { on: ms(time), off: ms(1), count: Some(3) },
        };
        let length = plan.length().unwrap();
        prop_assert!(plan.at(length + ms(late)).unwrap().next.is_none());
        prop_assert!(plan.at(length.saturating_sub(Duration::from_nanos(1))).unwrap().next.is_some());
    }

    #[test]
    fn a_fade_stays_between_its_ends(from in 0.0_f64..=1.0, to in 0.0_f64..=1.0, time in 1_u64..5000, at in 0_u64..6000) {
        let plan = Plan::Fade { from, to, time: ms(time) };
        let step = plan.at(ms(at)).unwrap();
        let Wanted::Duty(duty) = step.wanted else { panic!("{step:?}") };
        prop_assert!(duty >= from.min(to) - 1e-9 && duty <= from.max(to) + 1e-9);
        if let Some(next) = step.next {
            prop_assert!(next > ms(at) && next <= ms(time));
        }
    }
}

//! Limits and actions on the board: what time does.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::action::Plan;
use crate::view::{Mode, PwmSource};

#[test]
fn max_on_switches_off_and_writing_again_does_not_lengthen_it() {
    let mut bed = Bed::new(json!({ "boiler": { "bcm": 5, "direction": "output", "max_on": "10s" } }));
    bed.set("boiler", true).unwrap();
    bed.pass(ms(6000));
    bed.set("boiler", true).unwrap();
    bed.pass(ms(3999));
    assert!(bed.level(5));
    bed.pass(ms(1));
    assert!(!bed.level(5));
    assert_eq!(bed.board.view(place(5)).changed_by.as_deref(), Some("max_on"));
    assert_eq!(bed.board.deadline(), None);
}

#[test]
fn min_off_holds_from_the_start_and_says_when() {
    let mut bed = Bed::new(json!({ "pump": { "bcm": 5, "direction": "output", "min_off": "3m" } }));
    let Err(Error::MinOff { retry, .. }) = bed.set("pump", true) else {
        panic!("it went on")
    };
    assert_eq!(retry, Duration::from_mins(3));
    bed.pass(retry);
    bed.set("pump", true).unwrap();
    bed.set("pump", false).unwrap();
    assert_eq!(code(bed.set("pump", true)), "min_off");
    assert_eq!(code(bed.board.set_pwm("pump", 0.5, None, "x")), "not_supported");
    let fast = Plan::Blink {
        on: ms(10),
        off: ms(10),
        count: None,
    };
    assert_eq!(code(bed.board.act("pump", fast, "x")), "not_supported");
}

#[test]
fn of_a_group_only_one_is_on_and_the_other_waits() {
    let mut bed = Bed::new(json!({
        "up": { "bcm": 5, "direction": "output", "interlock": "blind", "interlock_wait": "500ms", "max_on": "20s" },
        "down": { "bcm": 6, "direction": "output", "interlock": "blind", "interlock_wait": "500ms" },
    }));
    bed.set("up", true).unwrap();
    let Err(Error::Interlock {
        blocked_by, retry, ..
    }) = bed.set("down", true)
    else {
        panic!("both are on")
    };
    assert_eq!((blocked_by.as_str(), retry), ("up", Some(ms(20_500))));
    let both = vec![("up".to_owned(), false), ("down".to_owned(), true)];
    let error = bed.board.set_many(&both, "x").unwrap_err();
    assert!(
        matches!(error, Error::Interlock { retry: Some(retry), .. } if retry == ms(500)),
        "{error}"
    );
    assert!(bed.level(5), "nothing may have changed");
    bed.set("up", false).unwrap();
    assert_eq!(code(bed.set("down", true)), "interlock");
    assert_eq!(code(bed.board.set_pwm("down", 0.5, None, "x")), "interlock");
    bed.pass(ms(500));
    bed.set("down", true).unwrap();
    assert!(!bed.level(5) && bed.level(6));
}

#[test]
fn a_value_for_a_time_goes_back_and_a_new_write_cancels_that() {
    let mut bed = Bed::new(json!({ "bell": { "bcm": 5, "direction": "output" } }));
    let time = Some(ms(500));
    bed.board.set("bell", true, time, "x").unwrap();
    assert_eq!(bed.board.view(place(5)).action.unwrap().kind, "timed");
    bed.pass(ms(499));
    assert!(bed.level(5));
    bed.pass(ms(1));
    assert!(!bed.level(5) && bed.board.view(place(5)).action.is_none());
    bed.board.set("bell", true, time, "x").unwrap();
    bed.set("bell", true).unwrap();
    bed.pass(ms(5000));
    assert!(bed.level(5), "the write has cancelled the time");
    for bad in [Duration::ZERO, Duration::from_hours(24 * 8)] {
        assert_eq!(code(bed.board.set("bell", true, Some(bad), "x")), "bad_value");
    }
}

#[test]
fn blinking_keeps_its_beat_and_ends_where_it_is_told() {
    let mut bed = Bed::new(json!({ "lamp": { "bcm": 5, "direction": "output" } }));
    let plan = Plan::Blink {
        on: ms(200),
        off: ms(300),
        count: Some(3),
    };
    bed.board.act("lamp", plan, "x").unwrap();
    let mut levels = Vec::new();
    for _ in 0..17 {
        levels.push(bed.level(5));
        bed.pass(ms(100));
    }
    let wanted: Vec<bool> = "11000110001100000".chars().map(|c| c == '1').collect();
    assert_eq!(levels, wanted);
    assert!(bed.board.view(place(5)).action.is_none());
    bed.board
        .act(
            "lamp",
            Plan::Blink {
                on: ms(200),
                off: ms(300),
                count: None,
            },
            "x",
        )
        .unwrap();
    bed.pass(ms(100));
    bed.board.stop_action("lamp", "x").unwrap();
    bed.pass(ms(5000));
    assert!(bed.level(5), "the level of that moment stays");
}

#[test]
fn an_action_that_a_limit_forbids_ends() {
    let mut bed = Bed::new(json!({
        "a": { "bcm": 5, "direction": "output", "interlock": "g" },
        "b": { "bcm": 6, "direction": "output", "interlock": "g" },
    }));
    bed.board
        .act(
            "a",
            Plan::Blink {
                on: ms(100),
                off: ms(100),
                count: None,
            },
            "x",
        )
        .unwrap();
    assert_eq!(code(bed.set("b", true)), "interlock");
    bed.pass(ms(150));
    bed.set("b", true).unwrap();
    bed.pass(ms(500));
    assert!(!bed.level(5) && bed.level(6));
    assert!(bed.board.view(place(5)).action.is_none());
}

#[test]
fn following_goes_through_a_chain_and_never_in_a_circle() {
    let mut bed = Bed::new(json!({
        "button": { "bcm": 4 },
        "a": { "bcm": 5, "direction": "output" },
        "b": { "bcm": 6, "direction": "output" },
    }));
    let plan = bed.board.following("a", "button", false).unwrap();
    bed.board.act("a", plan, "x").unwrap();
    let plan = bed.board.following("b", "a", true).unwrap();
    bed.board.act("b", plan, "x").unwrap();
    assert!(!bed.level(5) && bed.level(6));
    for (line_seqno, rising) in [(1, true), (2, false), (3, true)] {
        bed.board.edge(RawEdge {
            place: place(4),
            rising,
            mono_ns: 0,
            line_seqno,
        });
        assert_eq!((bed.level(5), bed.level(6)), (rising, !rising));
    }
    for (line, source) in [("a", "b"), ("a", "a")] {
        let error = bed.board.following(line, source, false).unwrap_err();
        assert!(matches!(error, Error::BadValue(_)), "{line} {source}");
    }
    bed.set("a", false).unwrap();
    bed.board.edge(RawEdge {
        place: place(4),
        rising: false,
        mono_ns: 0,
        line_seqno: 4,
    });
    bed.board.edge(RawEdge {
        place: place(4),
        rising: true,
        mono_ns: 0,
        line_seqno: 5,
    });
    assert!(!bed.level(5), "a write ends it");
}

#[test]
fn pwm_is_shown_and_a_level_ends_it() {
    let mut bed = Bed::new(json!({ "lamp": { "bcm": 5, "direction": "output", "max_on": "1m" } }));
    bed.board.set_pwm("lamp", 0.25, Some(50.0), "x").unwrap();
    let view = bed.board.view(place(5));
    assert_eq!((view.mode, view.value), (Mode::Pwm, Some(true)));
    let pwm = view.pwm.unwrap();
    assert_eq!(
        (pwm.duty, pwm.freq_hz, pwm.backend),
        (0.25, 50.0, PwmSource::Soft)
    );
    for (duty, freq, wanted) in [
        (1.5, None, "bad_value"),
        (-0.1, None, "bad_value"),
        (f64::NAN, None, "bad_value"),
        (0.5, Some(0.0), "bad_value"),
        (0.5, Some(501.0), "not_supported"),
    ] {
        assert_eq!(
            code(bed.board.set_pwm("lamp", duty, freq, "x")),
            wanted,
            "{duty} {freq:?}"
        );
    }
    bed.pass(Duration::from_mins(1));
    let view = bed.board.view(place(5));
    assert_eq!(
        (view.mode, view.value, bed.level(5)),
        (Mode::Gpio, Some(false), false),
        "max_on holds for PWM, too"
    );
    bed.board.act("lamp", Plan::Servo { us: 1500 }, "x").unwrap();
    let pwm = bed.board.view(place(5)).pwm.unwrap();
    assert!((pwm.duty - 0.075).abs() < 1e-9 && bed.board.jitters(place(5)));
    bed.set("lamp", false).unwrap();
    assert!(bed.board.view(place(5)).pwm.is_none() && !bed.level(5));
}

#[test]
fn a_fade_ends_as_a_plain_level() {
    let mut bed = Bed::new(json!({ "lamp": { "bcm": 5, "direction": "output" } }));
    let fade = |to| Plan::Fade {
        from: 0.0,
        to,
        time: ms(200),
    };
    bed.board.act("lamp", fade(1.0), "x").unwrap();
    bed.pass(ms(100));
    let duty = bed.board.view(place(5)).pwm.unwrap().duty;
    assert!((duty - 0.5).abs() < 0.1, "{duty}");
    bed.pass(ms(100));
    let view = bed.board.view(place(5));
    assert_eq!((view.mode, view.value), (Mode::Gpio, Some(true)));
    bed.board.act("lamp", fade(0.3), "x").unwrap();
    bed.pass(ms(1000));
    assert!((bed.board.view(place(5)).pwm.unwrap().duty - 0.3).abs() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is called and however time passes: two lines of a group are never on together, nothing is on for longer
    /// than it may be, and what the board shows is what the chip does.
    #[test]
    fn the_limits_hold_whatever_is_called(
        calls in proptest::collection::vec((0_u8..7, 0_usize..2, 0_u64..4000), 1..120),
    ) {
        let mut bed = Bed::new(json!({
            "a": { "bcm": 5, "direction": "output", "interlock": "g", "interlock_wait": "300ms", "max_on": "5s" },
            "b": { "bcm": 6, "direction": "output", "interlock": "g", "max_on": "3s", "min_off": "1s" },
        }));
        let names = ["a", "b"];
        let mut on_since: [Option<Duration>; 2] = [None; 2];
        for (call, which, pause) in calls {
            let line = names[which];
            let _ = match call {
                0 => bed.set(line, true).map(drop),
                1 => bed.set(line, false).map(drop),
                2 => bed.board.toggle(line, "x").map(drop),
                3 => bed.board.set(line, true, Some(ms(pause + 1)), "x").map(drop),
                4 => bed.board.act(line, Plan::Blink { on: ms(70), off: ms(1100), count: Some(3) }, "x").map(drop),
                5 => bed.board.set_many(&[("a".into(), which == 0), ("b".into(), which == 1)], "x").map(drop),
                _ => bed.board.stop_action(line, "x"),
            };
            // Looked at before the first step and after the last: nothing between two calls goes unseen.
            for step in 0..9 {
                if step > 0 {
                    bed.pass(ms(pause / 8));
                }
                let levels = [bed.level(5), bed.level(6)];
                prop_assert!(levels != [true, true]);
                for (index, longest) in [(0, 5000), (1, 3000)] {
                    let shown = bed.board.view(place(5 + index as u32)).value;
                    prop_assert_eq!(shown, Some(levels[index]));
                    let now = bed.clock.monotonic();
                    on_since[index] = if levels[index] { on_since[index].or(Some(now)) } else { None };
                    if let Some(since) = on_since[index] {
                        prop_assert!(now.saturating_sub(since) <= ms(longest), "{} is on for too long", names[index]);
                    }
                }
            }
        }
    }
}

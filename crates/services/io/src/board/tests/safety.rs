//! Emergency stop, loss of the link, the end of the service.

use pistack_kit::paths::StatePaths;
use serde_json::json;

use super::*;
use crate::action::Plan;

fn bed() -> Bed {
    Bed::new(json!({
        "off": { "bcm": 2, "direction": "output", "initial": "on" },
        "on": { "bcm": 3, "direction": "output", "on_crash": "on", "on_stop": "hold" },
        "input": { "bcm": 4, "direction": "output", "initial": "on", "on_crash": "input", "on_stop": "input" },
        "hold": { "bcm": 5, "direction": "output", "initial": "on", "on_crash": "hold", "on_stop": "on" },
        "linked": { "bcm": 6, "direction": "output", "initial": "on",
                    "on_link_loss": { "after": "60s", "to": "off" } },
    }))
}

#[test]
fn an_emergency_stop_puts_all_to_their_levels_and_holds() {
    let mut bed = bed();
    bed.set("20", true).unwrap();
    bed.board
        .act(
            "hold",
            Plan::Blink {
                on: ms(10),
                off: ms(10),
                count: None,
            },
            "x",
        )
        .unwrap();
    bed.board.set_pwm("off", 0.5, None, "x").unwrap();
    assert!(bed.board.all_safe("smoke").is_empty());
    let levels = [2, 3, 4, 5, 6, 20].map(|offset| bed.level(offset));
    assert_eq!(levels, [false, true, false, true, false, false]);
    assert_eq!(bed.board.safe_mode().unwrap().reason, "smoke");
    for outcome in [
        bed.set("on", false),
        bed.set("20", true),
        bed.board.toggle("off", "x"),
        bed.board.set_pwm("off", 0.5, None, "x"),
        bed.board.act("off", Plan::Pulse { time: ms(5) }, "x"),
    ] {
        assert_eq!(code(outcome), "safe_mode");
    }
    assert!(bed.board.set_many(&[("off".into(), true)], "x").is_err());
    bed.pass(Duration::from_secs(100));
    assert!(!bed.level(2) && bed.level(5), "no action goes on");
    let view = bed.board.view(place(4));
    assert!(view.held);

    assert!(bed.board.release() && !bed.board.release());
    let levels = [2, 3, 4, 5, 6].map(|offset| bed.level(offset));
    assert_eq!(
        levels,
        [false, true, false, true, false],
        "a release switches nothing on"
    );
    for line in ["off", "on", "input", "hold", "linked"] {
        bed.set(line, true).unwrap();
        assert!(bed.board.read(line).unwrap(), "{line}");
    }
}

#[test]
fn lines_that_the_lost_link_holds_come_back_by_themselves() {
    let mut bed = bed();
    let losses = bed.board.link_losses();
    assert_eq!((losses.len(), losses[0].0.as_str()), (1, "linked"));
    bed.board.link_lost("linked").unwrap();
    assert!(!bed.level(6) && bed.level(2));
    assert_eq!(code(bed.set("linked", true)), "safe_mode");
    bed.set("off", false).unwrap();
    bed.board.link_back();
    bed.set("linked", true).unwrap();
    assert!(bed.level(6));
}

#[test]
fn an_orderly_end_uses_on_stop_and_lets_nothing_go_on_again() {
    let mut bed = bed();
    bed.set("on", true).unwrap();
    bed.set("hold", false).unwrap();
    bed.board.end();
    let levels = [2, 3, 4, 5].map(|offset| bed.level(offset));
    assert_eq!(levels, [false, true, false, true]);
    assert_eq!(code(bed.set("off", true)), "safe_mode");
}

#[test]
fn levels_are_restored_by_the_next_run() {
    let home = tempfile::tempdir().unwrap();
    let paths = StatePaths::new(home.path());
    paths.create().unwrap();
    let lines: Lines = serde_json::from_value(json!({
        "lamp": { "bcm": 5, "direction": "output", "initial": "restore" },
    }))
    .unwrap();
    let clock = Clock::manual(1_700_000_000);
    let open = || {
        let simulated = Simulated::new(&[], None, clock.clone());
        let around = Surroundings {
            clock: clock.clone(),
            paths: Some(paths.clone()),
            boot: "x".into(),
        };
        Board::new(Arc::new(simulated), &Config::default(), &lines, around).unwrap()
    };
    let mut first = open();
    assert!(!first.read("lamp").unwrap());
    first.set("lamp", true, None, "x").unwrap();
    let file = home.path().join("db/io-levels.json");
    assert!(!file.exists(), "changes are gathered");
    clock.advance(Duration::from_secs(3));
    first.tick();
    assert!(open().read("lamp").unwrap());
    // The level at the stop is what counts, not what `on_stop` makes of it.
    first.end();
    assert!(open().read("lamp").unwrap());
    std::fs::write(&file, "{").unwrap();
    assert!(!open().read("lamp").unwrap(), "a damaged file starts off");
}

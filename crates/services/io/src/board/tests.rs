//! The board on simulated lines in time that the test moves.

mod limited;
mod safety;

use super::*;
use crate::backend::{BackendError, RawEdge, Simulated};
use crate::config::{Bias, Config, Lines};
use crate::error::Error;
use crate::event::Kind as What;
use crate::ring::Said;

/// A board, its backend, its clock.
struct Bed {
    board: Board,
    simulated: Simulated,
    clock: Clock,
}

fn place(offset: u32) -> Place {
    Place { chip: 0, offset }
}

impl Bed {
    /// Lines from a piece of `pistack.toml` in JSON.
    fn new(lines: serde_json::Value) -> Self {
        Self::with(&Config::default(), lines, |simulated| simulated)
    }

    fn with(config: &Config, lines: serde_json::Value, change: impl FnOnce(Simulated) -> Simulated) -> Self {
        let clock = Clock::manual(1_700_000_000);
        let simulated = change(Simulated::new(&["far"], None, clock.clone()));
        let lines: Lines = serde_json::from_value(lines).unwrap();
        let around = Surroundings {
            clock: clock.clone(),
            paths: None,
            boot: "abc123".into(),
        };
        let board = Board::new(Arc::new(simulated.clone()), config, &lines, around).unwrap();
        Self {
            board,
            simulated,
            clock,
        }
    }

    fn set(&mut self, line: &str, level: bool) -> Result<Place, Error> {
        self.board.set(line, level, None, "user:anna")
    }

    /// Time passes, and the timer does its work as it would: at each deadline.
    fn pass(&mut self, time: Duration) {
        let end = self.clock.monotonic() + time;
        while let Some(next) = self.board.deadline().filter(|next| *next <= end) {
            self.clock.advance(next.saturating_sub(self.clock.monotonic()));
            self.board.tick();
        }
        self.clock.advance(end.saturating_sub(self.clock.monotonic()));
        self.board.tick();
    }

    fn level(&self, offset: u32) -> bool {
        self.simulated.voltage(offset)
    }

    /// Kinds and values of the events after a number.
    fn events(&self, after: u64) -> Vec<(What, Said)> {
        let read = self.board.ring().read(after, 1000);
        read.entries
            .into_iter()
            .map(|entry| (entry.kind, entry.value))
            .collect()
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn code(outcome: Result<Place, Error>) -> String {
    pistack_kit::problem::Problem::from(outcome.unwrap_err())
        .body()
        .code
        .clone()
}

#[test]
fn lines_go_by_all_their_names_and_reading_takes_nothing() {
    let mut bed = Bed::new(serde_json::json!({
        "relay": { "bcm": 17, "direction": "output" },
        "far": { "chip": "far", "offset": 3, "direction": "output" },
    }));
    for name in ["relay", " relay ", "17", "bcm:17", "pin:11", "chip:simulated/17"] {
        bed.set(name, true).unwrap();
        assert!(bed.level(17) && bed.board.read(name).unwrap(), "{name}");
        bed.set(name, false).unwrap();
    }
    bed.set("chip:far/3", true).unwrap();
    assert!(bed.board.read("far").unwrap());
    assert!(!bed.board.read("5").unwrap());
    assert_eq!(bed.board.views().len(), 2, "reading must not take a line");
    for (bad, wanted) in [
        ("", "bad_line"),
        ("28", "bad_line"),
        ("-1", "line_unknown"),
        ("pin:1", "bad_line"),
        ("relay9", "line_unknown"),
        ("chip:none/3", "bad_line"),
        ("chip:far/99", "bad_line"),
        ("chip:far/4", "line_not_reserved"),
    ] {
        assert_eq!(code(bed.set(bad, true)), wanted, "{bad}");
    }
    assert_eq!(bed.board.names("pin:11"), ["relay", "17"]);
    assert_eq!(bed.board.names("far"), ["far", "chip:far/3"]);
}

#[test]
fn outputs_start_as_configured_and_inputs_by_their_pull() {
    let mut bed = Bed::new(serde_json::json!({
        "on": { "bcm": 5, "direction": "output", "initial": "on" },
        "low": { "bcm": 6, "direction": "output", "initial": "on", "active_low": true },
        "keep": { "bcm": 7, "direction": "output", "initial": "keep" },
        "up": { "bcm": 8, "bias": "pull_up" },
        "upside": { "bcm": 9, "bias": "pull_up", "active_low": true },
    }));
    let levels = ["on", "low", "keep", "up", "upside"].map(|name| bed.board.read(name).unwrap());
    assert_eq!(levels, [true, true, false, true, false]);
    assert!(bed.level(5) && !bed.level(6));
    assert_eq!(code(bed.set("up", true)), "wrong_direction");
    assert_eq!(code(bed.set("8", true)), "wrong_direction");
}

#[test]
fn a_busy_line_names_its_holder_and_does_not_keep_the_rest_down() {
    let lines = serde_json::json!({
        "relay1": { "bcm": 5, "direction": "output" },
        "relay2": { "bcm": 6, "direction": "output" },
    });
    let mut bed = Bed::with(&Config::default(), lines, |simulated| {
        simulated.held_by(5, "spi0 CS0").held_by(9, "camera")
    });
    bed.set("relay2", true).unwrap();
    for line in ["relay1", "9"] {
        let Err(Error::Backend {
            source: BackendError::Busy { holder },
            ..
        }) = bed.set(line, true)
        else {
            panic!("{line} is not busy")
        };
        assert!(holder == "spi0 CS0" || holder == "camera");
    }
    let holders: Vec<_> = bed
        .board
        .views()
        .into_iter()
        .map(|view| (view.offset, view.holder, view.value))
        .collect();
    assert_eq!(
        holders,
        [
            (5, Some("spi0 CS0".into()), None),
            (6, None, Some(true)),
            (9, Some("camera".into()), None)
        ]
    );
    assert_eq!(bed.board.health().busy, ["relay1"]);
    assert!(
        bed.events(0)
            .contains(&(What::Busy, Said::Text("spi0 CS0".into())))
    );
}

#[test]
fn closed_lines_need_a_name() {
    let config = Config {
        open_lines: false,
        ..Config::default()
    };
    let lines = serde_json::json!({ "relay": { "bcm": 5, "direction": "output" } });
    let mut bed = Bed::with(&config, lines, |simulated| simulated);
    bed.set("5", true).unwrap();
    assert_eq!(code(bed.set("6", true)), "line_not_reserved");
    assert!(bed.board.read("6").is_err() && bed.board.watch("6").is_err());
}

#[test]
fn many_lines_change_together_or_not_at_all() {
    let mut bed = Bed::new(serde_json::json!({
        "a": { "bcm": 2, "direction": "output" },
        "b": { "bcm": 3, "direction": "output" },
        "in": { "bcm": 4 },
    }));
    let all = |lines: &[(&str, bool)]| -> Vec<(String, bool)> {
        lines
            .iter()
            .map(|(line, level)| ((*line).to_owned(), *level))
            .collect()
    };
    bed.board
        .set_many(&all(&[("a", true), ("3", true)]), "x")
        .unwrap();
    assert!(bed.level(2) && bed.level(3));
    for (lines, wanted) in [
        (all(&[("a", false), ("in", true)]), "wrong_direction"),
        (all(&[("a", false), ("nope", true)]), "line_unknown"),
        (all(&[("a", false), ("bcm:2", false)]), "bad_line"),
    ] {
        let error = bed.board.set_many(&lines, "x").unwrap_err();
        assert_eq!(pistack_kit::problem::Problem::from(error).body().code, wanted);
        assert!(bed.level(2) && bed.level(3), "{wanted}: nothing may have changed");
    }
}

#[test]
fn every_change_is_one_event_and_moves_seq() {
    let mut bed = Bed::new(serde_json::json!({ "a": { "bcm": 2, "direction": "output" } }));
    let place = bed.set("a", true).unwrap();
    let first = bed.board.seq_of(place);
    bed.set("a", true).unwrap();
    assert_eq!(bed.board.seq_of(place), first, "the same level is no change");
    bed.board.toggle("a", "rules").unwrap();
    assert!(bed.board.seq_of(place) > first);
    assert_eq!(
        bed.events(0),
        [
            (What::Value, Said::Level(true)),
            (What::Value, Said::Level(false))
        ]
    );
    let view = bed.board.view(place);
    assert_eq!(view.changed_by.as_deref(), Some("rules"));
    assert_eq!(view.changed_at.as_deref(), Some("2023-11-14T22:13:20.000000Z"));
}

#[test]
fn edges_count_what_the_kernel_dropped() {
    let mut bed = Bed::new(serde_json::json!({ "door": { "bcm": 27, "edge": "both" } }));
    for (line_seqno, rising) in [(1, true), (2, false), (6, true), (7, false)] {
        bed.board.edge(RawEdge {
            place: place(27),
            rising,
            mono_ns: 5,
            line_seqno,
        });
    }
    let read = bed.board.ring().read(0, 10);
    let seen: Vec<_> = read
        .entries
        .iter()
        .map(|entry| (entry.kind, entry.lost))
        .collect();
    assert_eq!(
        seen,
        [
            (What::Rising, 0),
            (What::Falling, 0),
            (What::Rising, 3),
            (What::Falling, 0)
        ]
    );
    let view = bed.board.view(place(27));
    assert_eq!((view.edges, view.lost, bed.board.health().dropped), (4, 3, 3));
    assert!(
        bed.board
            .metrics()
            .contains("pistack_gpio_edges_lost_total{line=\"door\"} 3")
    );
}

#[test]
fn a_watched_line_is_given_back() {
    let mut bed = Bed::new(serde_json::json!({ "door": { "bcm": 27 } }));
    let (door, open) = (bed.board.watch("door").unwrap(), bed.board.watch("5").unwrap());
    let again = bed.board.watch("door").unwrap();
    let edge = |bed: &Bed| bed.board.lines[usize::from(door.index)].settings.edge;
    assert_eq!(edge(&bed), crate::config::EdgeChoice::Both);
    bed.board.unwatch(again);
    assert_eq!(edge(&bed), crate::config::EdgeChoice::Both, "one still watches");
    bed.board.unwatch(door);
    assert_eq!(edge(&bed), crate::config::EdgeChoice::None);
    assert_eq!(bed.board.views().len(), 2);
    bed.board.unwatch(open);
    assert_eq!(bed.board.views().len(), 1, "nobody reserved it: it is free again");
}

#[test]
fn a_line_is_reconfigured_only_where_that_is_allowed() {
    let mut bed = Bed::new(serde_json::json!({
        "free": { "bcm": 2, "direction": "output", "initial": "on", "reconfigurable": true },
        "fixed": { "bcm": 3, "direction": "output" },
    }));
    let to_input = Patch {
        direction: Some(Direction::Input),
        bias: Some(Bias::PullUp),
        ..Patch::default()
    };
    assert_eq!(
        code(bed.board.reconfigure("fixed", &to_input, "x")),
        "line_not_reconfigurable"
    );
    bed.board.reconfigure("free", &to_input, "x").unwrap();
    let view = bed.board.view(place(2));
    assert_eq!((view.direction, view.value), (Some(Direction::Input), Some(true)));
    assert_eq!(code(bed.set("free", true)), "wrong_direction");
    let back = Patch {
        direction: Some(Direction::Output),
        ..Patch::default()
    };
    bed.board.reconfigure("free", &back, "x").unwrap();
    assert!(bed.level(2), "it keeps its level");
    let nonsense = Patch {
        debounce: Some(ms(5)),
        ..Patch::default()
    };
    assert_eq!(
        code(bed.board.reconfigure("free", &nonsense, "x")),
        "not_supported"
    );
}

#[test]
fn a_broken_configuration_is_refused_with_its_place() {
    let lines: Lines =
        serde_json::from_value(serde_json::json!({ "a": { "bcm": 5 }, "b": { "bcm": 5 } })).unwrap();
    let clock = Clock::manual(0);
    let backend = Arc::new(Simulated::new(&[], None, clock.clone()));
    let around = Surroundings {
        clock,
        paths: None,
        boot: String::new(),
    };
    let error = Board::new(backend, &Config::default(), &lines, around)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("line.b.bcm") && error.contains("already the line `a`"),
        "{error}"
    );
}

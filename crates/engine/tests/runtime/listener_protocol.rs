//! The protocol of event listeners: what they may write, and what comes of anything else.

use pistack_engine::io::{Exit, Input};
use pistack_engine::state::ProcessState;

use super::listeners::{heard, listening, send};
use super::world::Kind;

/// What a listener writes, after which it is READY for "two" or not, and whether "one" comes again.
struct Case {
    writes: &'static [&'static str],
    hears: &'static [&'static str],
    warnings: &'static [&'static str],
}

const VIOLATED: &str = "0 Warn: ears: has entered the UNKNOWN state and will no longer receive events, this \
                        usually indicates the process violated the eventlistener protocol";
const REJECTED: &str = "0 Warn: ears: event was rejected";

fn check(cases: &[Case]) {
    for Case {
        writes,
        hears,
        warnings,
    } in cases
    {
        let mut world = listening(None);
        send(&mut world, &["one", "two"]);
        for text in *writes {
            world.say("ears", text);
        }
        let entries = world.take(&[Kind::Stdin, Kind::Log]);
        let (sent, logged): (Vec<String>, Vec<String>) =
            entries.into_iter().partition(|line| line.contains(" <- "));
        let sent: Vec<&str> = sent.iter().filter_map(|line| line.rsplit('\n').next()).collect();
        assert_eq!(&sent, hears, "{writes:?}");
        assert_eq!(&logged, warnings, "{writes:?}");
    }
}

#[test]
fn what_was_done_is_done_however_it_is_cut() {
    let hears = &["one", "two"][..];
    for writes in [
        &["READY\n", "RESULT 2\nOK", "READY\n"][..],
        &["READY\n", "RESULT 2\nOKREADY\n"],
        &["R", "EAD", "Y\n", "RES", "ULT 2", "\n", "O", "K", "READY", "\n"],
        &["READY\n", "RESULT  2 \nOKREADY\n"],
    ] {
        check(&[Case {
            writes,
            hears,
            warnings: &[],
        }]);
    }
}

#[test]
fn what_was_rejected_comes_again() {
    let hears = &["one", "one"][..];
    for result in ["4\nFAIL", "3\nOK!", "2\nok", "1\nO", "0\n"] {
        let mut world = listening(None);
        send(&mut world, &["one", "two"]);
        world.say("ears", "READY\n");
        world.say("ears", &format!("RESULT {result}"));
        world.say("ears", "READY\n");
        assert_eq!(world.take(&[Kind::Log]), [REJECTED], "{result:?}");
    }
    check(&[Case {
        writes: &["READY\n", "RESULT 4\nFAILREADY\n"],
        hears,
        warnings: &[REJECTED],
    }]);
}

#[test]
fn what_is_not_ready_breaks_the_protocol() {
    check(&[
        Case {
            writes: &["READ"],
            hears: &[],
            warnings: &[],
        },
        Case {
            writes: &["ready\n"],
            hears: &[],
            warnings: &[VIOLATED],
        },
        Case {
            writes: &["READY!", "READY\n"],
            hears: &[],
            warnings: &[VIOLATED],
        },
        Case {
            writes: &["\nREADY\n"],
            hears: &[],
            warnings: &[VIOLATED],
        },
        Case {
            writes: &["hello\n"],
            hears: &[],
            warnings: &[VIOLATED],
        },
    ]);
}

#[test]
fn what_is_no_result_breaks_it_too() {
    check(&[
        Case {
            writes: &["READY\n", "RESULT x\n", "READY\n"],
            hears: &["one"],
            warnings: &["0 Warn: ears: bad result line: 'RESULT x'", VIOLATED],
        },
        Case {
            writes: &["READY\n", "READY\n"],
            hears: &["one"],
            warnings: &["0 Warn: ears: bad result line: 'READY'", VIOLATED],
        },
        Case {
            writes: &["READY\n", "RESULT -1\n", "OK"],
            hears: &["one"],
            warnings: &["0 Warn: ears: bad result line: 'RESULT -1'", VIOLATED],
        },
        Case {
            writes: &["READY\n", "RESULT 99999999999999999999\n", "OK"],
            hears: &["one"],
            warnings: &[],
        },
    ]);
}

#[test]
fn output_while_ready_breaks_the_protocol() {
    let mut world = listening(None);
    world.say("ears", "READY\n");
    world.say("ears", "x");
    send(&mut world, &["one"]);
    assert_eq!(world.take(&[Kind::Stdin, Kind::Log]), [VIOLATED]);
}

#[test]
fn bytes_that_are_no_text_break_it_too() {
    let mut world = listening(None);
    let process = world.id("ears");
    send(&mut world, &["one"]);
    world.say("ears", "READY\n");
    world.take(&[]);
    world.input(Input::ListenerOutput {
        process,
        bytes: b"RESULT \xff\n".to_vec(),
    });
    assert_eq!(
        world.take(&[Kind::Log]),
        [
            "0 Warn: ears: bad result line: 'Undecodable: b'RESULT \\xff''",
            VIOLATED,
        ]
    );
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let mut world = listening(None);
    send(&mut world, &["one"]);
    world.say("ears", "READY\n");
    world.take(&[]);
    for _ in 0..5 {
        world.say("ears", &"x".repeat(32 * 1024));
    }
    let warnings = world.take(&[Kind::Log]);
    assert_eq!(warnings.len(), 2);
    assert_eq!(warnings[1], VIOLATED);
}

#[test]
fn a_restart_heals_a_listener_and_brings_back_what_it_was_busy_with() {
    let mut world = listening(None);
    send(&mut world, &["one", "two"]);
    world.say("ears", "READY\n");
    world.end("ears", Exit::Signal(9));
    assert_eq!(world.state("ears"), ProcessState::Running);
    assert_eq!(heard(&mut world), ["ears one"], "the new one has not said READY");
    world.say("ears", "READY\n");
    world.say("ears", "garbage\n");
    world.end("ears", Exit::Code(1));
    world.say("ears", "READY\n");
    world.say("ears", "RESULT 2\nOKREADY\n");
    assert_eq!(heard(&mut world), ["ears one", "ears one", "ears two"]);
}

#[test]
fn a_half_said_word_dies_with_who_said_it() {
    let mut world = listening(None);
    send(&mut world, &["one"]);
    world.say("ears", "REA");
    world.end("ears", Exit::Code(1));
    world.say("ears", "READY\n");
    assert_eq!(heard(&mut world), ["ears one"]);
}

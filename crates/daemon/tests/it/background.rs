//! Leaving the terminal: the parent waits for the outcome of the start.

use pistack_daemon::{Side, daemonize};

use crate::harness::{Place, Test};

pub(crate) const TESTS: &[Test] = &[
    ("the_parent_hears_of_success", the_parent_hears_of_success),
    ("the_parent_hears_of_failure", the_parent_hears_of_failure),
    (
        "a_background_process_that_dies_is_a_failure",
        a_background_process_that_dies_is_a_failure,
    ),
];

fn the_parent_hears_of_success() {
    let place = Place::new();
    let note = place.path("note");
    match daemonize(Some(std::path::Path::new("/"))).unwrap() {
        Side::Background(background) => {
            let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
            // state, parent, group, session: a session of its own has the process's number
            let session = stat.rsplit(") ").next().unwrap().split(' ').nth(3).unwrap();
            let own = std::process::id().to_string() == session;
            let out = std::fs::read_link("/proc/self/fd/1").unwrap();
            let here = std::env::current_dir().unwrap();
            std::fs::write(&note, format!("{own} {} {}", out.display(), here.display())).unwrap();
            background.ready();
            std::process::exit(0);
        }
        Side::Foreground(outcome) => {
            assert_eq!(outcome, Ok(()));
            assert_eq!(place.read("note"), "true /dev/null /");
        }
    }
}

fn the_parent_hears_of_failure() {
    match daemonize(None).unwrap() {
        Side::Background(background) => {
            background.failed("the socket is taken");
            std::process::exit(2);
        }
        Side::Foreground(outcome) => assert_eq!(outcome, Err("the socket is taken".into())),
    }
}

fn a_background_process_that_dies_is_a_failure() {
    match daemonize(None).unwrap() {
        Side::Background(_background) => std::process::exit(2),
        Side::Foreground(outcome) => assert!(outcome.unwrap_err().contains("ended before it was ready")),
    }
}

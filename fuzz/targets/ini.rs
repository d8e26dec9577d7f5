//! Any text as a `supervisord.conf`: it is read, or refused with errors that name a line of it.
#![no_main]

use std::path::Path;

use indexmap::IndexMap;
use libfuzzer_sys::fuzz_target;
use pistack_engine::config::supervisord::{Request, read, read_ctl};
use pistack_engine::config::surroundings::{Anything, Surroundings};

fuzz_target!(|text: &str| {
    let environment = IndexMap::from([("HOME".to_owned(), "/home/pi".to_owned())]);
    let request = Request {
        file: Path::new("/etc/supervisord.conf"),
        text,
        around: Surroundings {
            environment: &environment,
            host: "pi",
            cwd: Path::new("/"),
            outside: &Anything,
        },
    };
    let _ = read_ctl(&request);
    let lines = text.replace("\r\n", "\n").replace('\r', "\n").split('\n').count();
    match read(&request) {
        Ok(model) => {
            for group in model.groups.values() {
                assert!(!group.name.is_empty());
                assert!(group.processes.iter().all(|process| process.group == group.name));
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            for error in errors {
                assert!(!error.message.is_empty());
                assert!(
                    error.origin.line as usize <= lines,
                    "an error beyond the file's end"
                );
            }
        }
    }
});

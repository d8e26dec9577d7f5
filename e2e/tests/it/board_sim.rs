//! The real thing: io_service, the supervisor and the rules against the kernel's GPIO code, in a small virtual machine
//! (`e2e/board/sim.sh`). What runs inside is in `board_guest.rs` and in the tests of the crate io; a missing emulator
//! or kernel package is a failure that names it.

use std::path::PathBuf;

use pistack_e2e::{binary, command, root};

/// Tests of `board_guest.rs`.
const INSIDE: usize = 10;

/// The newest build of the io service's own tests.
fn io_tests() -> PathBuf {
    let folder = binary().parent().unwrap().join("deps");
    let builds = std::fs::read_dir(&folder).unwrap().flatten().filter(|entry| {
        let name = entry.file_name().into_string().unwrap();
        name.starts_with("io_lines-") && !name.contains('.')
    });
    let newest = builds.max_by_key(|entry| entry.metadata().unwrap().modified().unwrap());
    newest
        .unwrap_or_else(|| {
            panic!(
                "no tests of io_service in {}: cargo nextest run -p pistack-io --no-run",
                folder.display()
            )
        })
        .path()
}

#[test]
fn the_kernels_own_gpio_code_drives_and_is_driven() {
    let script = root().join("e2e/board/guest/tests.sh");
    let output = command(root().join("e2e/board/sim.sh"))
        .arg(script)
        .arg(io_tests())
        .arg(std::env::current_exe().unwrap())
        .arg(crate::board_guest::median_start().as_micros().to_string())
        .env("LIMIT", "560")
        .output()
        .unwrap();
    let console = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let log = root().join("e2e/artifacts/board-sim.log");
    let failed = format!("{console}\n{errors}\nThe console is kept in {}", log.display());
    assert!(output.status.success(), "{failed}");
    // Nothing was left out: both suites ran, and every test in them.
    let results: Vec<&str> = console
        .lines()
        .filter(|line| line.starts_with("test result: ok."))
        .collect();
    assert_eq!(results.len(), 2, "{failed}");
    assert!(
        results[1].contains(&format!(" {INSIDE} passed; 0 failed; 0 ignored")),
        "{results:?}"
    );
    assert!(!results[0].contains(" 0 passed"), "{results:?}");
    // The figure that counts, for whoever reads the log; the harness may have written before it in its line.
    let told = console
        .lines()
        .any(|line| line.contains("figure: ") && line.contains("safe level"));
    assert!(told, "{failed}");
}

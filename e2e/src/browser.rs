//! Debian's Chromium, driven by the scripts in `e2e/browser`.

use crate::{command, root};

/// Runs a script with arguments; its standard output.
///
/// # Panics
/// When the script fails; with what it printed.
pub fn run(script: &str, arguments: &[&str]) -> String {
    let folder = root().join("e2e/browser");
    assert!(folder.join("node_modules").exists(), "run e2e/peers.sh first");
    let output = command("node")
        .current_dir(&folder)
        .arg(script)
        .args(arguments)
        .output()
        .expect("node runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{script} failed:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

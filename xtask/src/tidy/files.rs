//! Rules about single files: module docs, sizes, where `unsafe` may stand, what every service must have.

use std::path::{Path, PathBuf};

use crate::run;

/// Lines beyond which a file is refused: time to move walls.
const MOST_LINES: usize = 600;

/// Adds a line per breach.
pub(crate) fn check(breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let root = run::root();
    for path in sources()? {
        let text = std::fs::read_to_string(root.join(&path))?;
        let shown = path.display();
        let lines = text.lines().count();
        if lines > MOST_LINES {
            breaches.push(format!("{shown}: {lines} lines, {MOST_LINES} at most"));
        }
        if !text.starts_with("//!") {
            breaches.push(format!("{shown}: does not begin with module docs (`//! ...`)"));
        }
        let in_sys =
            path.starts_with("crates/daemon/src/sys") || path == Path::new("crates/daemon/src/sys.rs");
        let uses_unsafe = text.lines().any(|line| {
            let line = line.trim_start();
            !line.starts_with("//") && (line.contains("unsafe {") || line.contains("unsafe fn"))
        });
        if uses_unsafe && !in_sys && !path.starts_with("xtask") {
            breaches.push(format!("{shown}: unsafe code outside crates/daemon/src/sys"));
        }
        let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
        if is_root && !path.starts_with("crates/daemon") && !text.contains("#![forbid(unsafe_code)]") {
            breaches.push(format!("{shown}: a crate's root says #![forbid(unsafe_code)]"));
        }
    }
    owners(breaches);
    Ok(())
}

/// Every Rust file that git knows or would add.
fn sources() -> anyhow::Result<Vec<PathBuf>> {
    let list = run::output(run::command("git").args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        "*.rs",
    ]))?;
    let root = run::root();
    Ok(list
        .lines()
        .map(PathBuf::from)
        .filter(|path| root.join(path).exists())
        .collect())
}

/// A service is more than its crate: its document, its page of the guide, its end-to-end test.
fn owners(breaches: &mut Vec<String>) {
    let root = run::root();
    for name in ["auth", "supervisor", "email", "info", "io", "control"] {
        let mut wanted = vec![format!("docs/guide/{name}.md"), format!("e2e/tests/it/{name}.rs")];
        if name != "control" {
            wanted.push(format!("openapi/{name}.json"));
        }
        for file in ["lib.rs", "config.rs", "error.rs"] {
            wanted.push(format!("crates/services/{name}/src/{file}"));
        }
        for file in wanted.iter().filter(|file| !root.join(file).exists()) {
            breaches.push(format!("the service {name} has no {file}"));
        }
    }
}

//! Paths that the documents cite must exist.

use std::path::Path;

use regex::Regex;

use crate::run;

/// Adds a line per path in a Markdown file that leads nowhere.
pub(crate) fn check(breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let root = run::root();
    let list = run::output(run::command("git").args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        "*.md",
    ]))?;
    let in_code = Regex::new(r"`((?:crates|docs|xtask|e2e|openapi|bench|packaging)/[A-Za-z0-9_./-]+)`")?;
    let link = Regex::new(r"\]\(([^)#\s]+)")?;
    for file in list.lines().filter(|file| root.join(file).exists()) {
        let text = std::fs::read_to_string(root.join(file))?;
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        for path in in_code.captures_iter(&text).map(|found| found[1].to_owned()) {
            if !root.join(&path).exists() {
                breaches.push(format!("{file}: cites {path}, which does not exist"));
            }
        }
        for target in link.captures_iter(&text).map(|found| found[1].to_owned()) {
            if !target.contains("://")
                && !target.starts_with("mailto:")
                && !root.join(folder).join(&target).exists()
            {
                breaches.push(format!("{file}: links to {target}, which does not exist"));
            }
        }
    }
    Ok(())
}

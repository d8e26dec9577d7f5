//! Running other programs, with errors that name them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// A command in the workspace's root.
#[expect(
    clippy::disallowed_methods,
    reason = "a developers' tool starts programs; the product does not"
)]
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Runs to the end and gives standard output; an exit code other than 0 is an error with standard error in it.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The built program: `PISTACK_BIN`, else the newest of the release and the debug build.
pub(crate) fn pistack() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("PISTACK_BIN") {
        return Ok(path.into());
    }
    let target = root().join("target");
    ["release", "debug"]
        .into_iter()
        .map(|profile| target.join(profile).join("pistack"))
        .filter_map(|path| Some((path.metadata().and_then(|meta| meta.modified()).ok()?, path)))
        .max()
        .map(|(_, path)| path)
        .context("no built program: run `cargo build -p pistack` first, or set PISTACK_BIN")
}

//! Commands of rules: started without a shell, with the event in the environment, killed at their deadline.

use std::process::Stdio;
use std::time::Duration;

use pistack_api::event::Event;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::ActError;

/// So much of a failed command's output goes to the log.
const MOST_LOGGED: usize = 2048;

/// Runs `arguments` to the end. The event's fields are in the environment as `PISTACK_EVENT`,
/// `PISTACK_PROCESSNAME` and so on; `input` goes to standard input.
pub(super) async fn run(
    arguments: &[String],
    event: &Event,
    timeout: Duration,
    input: Option<&str>,
) -> Result<(), ActError> {
    let shown = arguments.join(" ");
    let failed = |reason: String| ActError::Command {
        command: shown.clone(),
        reason,
    };
    let Some((program, rest)) = arguments.split_first() else {
        return Err(failed("is empty".into()));
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "a rule's command is this process's child, not a program to supervise"
    )]
    let mut command = Command::new(program);
    command
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.env("PISTACK_EVENT", &event.name);
    for (key, value) in &event.fields {
        command.env(
            format!("PISTACK_{}", key.to_ascii_uppercase()),
            value.as_str().unwrap_or_default(),
        );
    }
    let mut child = command
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    let mut stdin = child.stdin.take();
    let finished = async {
        if let (Some(pipe), Some(text)) = (stdin.as_mut(), input) {
            // A command that does not read its input is no failure.
            let _ = pipe.write_all(text.as_bytes()).await;
        }
        drop(stdin);
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(timeout, finished)
        .await
        .map_err(|_| {
            failed(format!(
                "took longer than {} s and was killed",
                timeout.as_secs_f32()
            ))
        })?
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    });
    let said: String = said.trim().chars().take(MOST_LOGGED).collect();
    Err(failed(format!("ended with {}: {said}", output.status)))
}

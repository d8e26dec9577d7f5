//! `clear`: empties log files.

use pistack_api::xmlrpc::fault;

use super::help;
use super::run_state::{outcome, tell, unexpected};
use crate::supervisorctl::controller::Controller;
use crate::supervisorctl::names::Outcome;
use crate::supervisorctl::trouble::Trouble;

fn line(outcome: &Outcome) -> Result<String, Trouble> {
    let reason = match outcome.status {
        fault::SUCCESS => return Ok(format!("{}: cleared", outcome.name)),
        fault::BAD_NAME => "no such process",
        fault::FAILED => "failed",
        _ => return Err(unexpected(outcome)),
    };
    Ok(format!("{}: ERROR ({reason})", outcome.name))
}

/// `clear NAME...`.
pub(super) async fn clear(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    if words.is_empty() {
        controller.refuse("Error: clear requires a process name");
        help::of(controller, "clear");
        return Ok(());
    }
    if words.contains(&"all") {
        let answer = controller.call("clearAllProcessLogs", Vec::new()).await?;
        for outcome in Outcome::rows(&answer) {
            tell(controller, &outcome, line, None)?;
        }
        return Ok(());
    }
    for word in words {
        let answer = controller.call("clearProcessLogs", vec![word.into()]).await;
        tell(controller, &outcome(word, answer)?, line, None)?;
    }
    Ok(())
}

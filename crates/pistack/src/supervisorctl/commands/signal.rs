//! `signal`.

use pistack_api::xmlrpc::fault;

use super::help;
use super::run_state::{outcome, signal_line, tell};
use crate::supervisorctl::controller::{Controller, exit};
use crate::supervisorctl::names::{self, Outcome};
use crate::supervisorctl::trouble::Trouble;

fn line(outcome: &Outcome) -> Result<String, Trouble> {
    signal_line(outcome, "signalled")
}

/// `signal SIGNAL NAME...`.
pub(super) async fn signal(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    let [signal, words @ ..] = words.as_slice() else {
        too_few(controller);
        return Ok(());
    };
    if words.is_empty() {
        too_few(controller);
        return Ok(());
    }
    if words.contains(&"all") {
        let answer = controller
            .call("signalAllProcesses", vec![(*signal).into()])
            .await?;
        for outcome in Outcome::rows(&answer) {
            tell(controller, &outcome, line, None)?;
        }
        return Ok(());
    }
    for word in words {
        let named = names::split(word);
        if named.process.is_some() {
            let answer = controller
                .call("signalProcess", vec![(*word).into(), (*signal).into()])
                .await;
            tell(controller, &outcome(word, answer)?, line, None)?;
            continue;
        }
        let params = vec![named.group.into(), (*signal).into()];
        match controller.call("signalProcessGroup", params).await {
            Ok(answer) => {
                for outcome in Outcome::rows(&answer) {
                    tell(controller, &outcome, line, None)?;
                }
            }
            Err(trouble) if trouble.fault() == Some(fault::BAD_NAME) => {
                controller.refuse(&format!("{}: ERROR (no such group)", named.group));
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}

fn too_few(controller: &mut Controller) {
    controller.say("Error: signal requires a signal name and a process name");
    help::of(controller, "signal");
    controller.exit = exit::GENERIC;
}

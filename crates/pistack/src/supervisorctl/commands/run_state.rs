//! `start`, `stop`, `restart`.

use pistack_api::xmlrpc::{Value, fault};

use super::help;
use crate::supervisorctl::controller::{Controller, exit};
use crate::supervisorctl::names::{self, Outcome};
use crate::supervisorctl::trouble::Trouble;

/// Prints a row and counts it into the exit code.
pub(super) fn tell(
    controller: &mut Controller,
    outcome: &Outcome,
    line: fn(&Outcome) -> Result<String, Trouble>,
    ignored: Option<i32>,
) -> Result<(), Trouble> {
    let line = line(outcome)?;
    controller.output.row(&line, || outcome.json());
    controller.count(outcome.status, ignored);
    Ok(())
}

/// The answer to a call for one process as a row.
pub(super) fn outcome(word: &str, answer: Result<Value, Trouble>) -> Result<Outcome, Trouble> {
    let named = names::split(word);
    // Python's word for a process that is not named: `clear g:*` asks for all of a group, which cannot be asked for.
    let name = names::join(named.group, named.process.unwrap_or("None"));
    match answer {
        Ok(_) => Ok(Outcome {
            name,
            status: fault::SUCCESS,
            description: "OK".to_owned(),
        }),
        Err(Trouble::Fault(fault)) => Ok(Outcome {
            name,
            status: fault.code,
            description: fault.text,
        }),
        Err(trouble) => Err(trouble),
    }
}

/// What stands for a code that has no words of its own.
pub(super) fn unexpected(outcome: &Outcome) -> Trouble {
    Trouble::Value(format!(
        "Unknown result code {} for {}",
        outcome.status, outcome.name
    ))
}

fn start_line(outcome: &Outcome) -> Result<String, Trouble> {
    let reason = match outcome.status {
        fault::SUCCESS => return Ok(format!("{}: started", outcome.name)),
        fault::BAD_NAME => "no such process",
        fault::NO_FILE => "no such file",
        fault::NOT_EXECUTABLE => "file is not executable",
        fault::ALREADY_STARTED => "already started",
        fault::SPAWN_ERROR => "spawn error",
        fault::ABNORMAL_TERMINATION => "abnormal termination",
        _ => return Err(unexpected(outcome)),
    };
    Ok(format!("{}: ERROR ({reason})", outcome.name))
}

/// The line of `stop` and `signal`, which differ in one word.
pub(super) fn signal_line(outcome: &Outcome, success: &str) -> Result<String, Trouble> {
    let reason = match outcome.status {
        fault::SUCCESS => return Ok(format!("{}: {success}", outcome.name)),
        fault::FAILED => return Ok(outcome.description.clone()),
        fault::BAD_NAME => "no such process",
        fault::BAD_SIGNAL => "bad signal name",
        fault::NOT_RUNNING => "not running",
        _ => return Err(unexpected(outcome)),
    };
    Ok(format!("{}: ERROR ({reason})", outcome.name))
}

fn stop_line(outcome: &Outcome) -> Result<String, Trouble> {
    signal_line(outcome, "stopped")
}

/// `start NAME...`.
pub(super) async fn start(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    if words.is_empty() {
        controller.say("Error: start requires a process name");
        controller.exit = exit::INVALID_ARGS;
        help::of(controller, "start");
        return Ok(());
    }
    let ignored = Some(fault::ALREADY_STARTED);
    if words.contains(&"all") {
        let answer = controller.call("startAllProcesses", Vec::new()).await?;
        return tell_all(controller, &answer, start_line, ignored);
    }
    for word in words {
        let named = names::split(word);
        if named.process.is_some() {
            let answer = controller.call("startProcess", vec![word.into()]).await;
            tell(controller, &outcome(word, answer)?, start_line, ignored)?;
            continue;
        }
        match controller
            .call("startProcessGroup", vec![named.group.into()])
            .await
        {
            Ok(answer) => tell_all(controller, &answer, start_line, ignored)?,
            Err(trouble) if trouble.fault() == Some(fault::BAD_NAME) => {
                controller.say(&format!("{}: ERROR (no such group)", named.group));
                controller.exit = exit::INVALID_ARGS;
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}

/// `stop NAME...`.
pub(super) async fn stop(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    if words.is_empty() {
        controller.refuse("Error: stop requires a process name");
        help::of(controller, "stop");
        return Ok(());
    }
    let ignored = Some(fault::NOT_RUNNING);
    if words.contains(&"all") {
        let answer = controller.call("stopAllProcesses", Vec::new()).await?;
        return tell_all(controller, &answer, stop_line, ignored);
    }
    for word in words {
        let named = names::split(word);
        if named.process.is_some() {
            let answer = controller.call("stopProcess", vec![word.into()]).await;
            tell(controller, &outcome(word, answer)?, stop_line, ignored)?;
            continue;
        }
        match controller
            .call("stopProcessGroup", vec![named.group.into()])
            .await
        {
            Ok(answer) => tell_all(controller, &answer, stop_line, ignored)?,
            Err(trouble) if trouble.fault() == Some(fault::BAD_NAME) => {
                controller.refuse(&format!("{}: ERROR (no such group)", named.group));
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}

fn tell_all(
    controller: &mut Controller,
    answer: &Value,
    line: fn(&Outcome) -> Result<String, Trouble>,
    ignored: Option<i32>,
) -> Result<(), Trouble> {
    for outcome in Outcome::rows(answer) {
        tell(controller, &outcome, line, ignored)?;
    }
    Ok(())
}

/// `restart NAME...`: a stop and a start.
pub(super) async fn restart(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        return Ok(());
    }
    if argument.is_empty() {
        controller.refuse("Error: restart requires a process name");
        help::of(controller, "restart");
        return Ok(());
    }
    stop(controller, argument).await?;
    start(controller, argument).await
}

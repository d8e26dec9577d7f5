//! `status`, `pid`, `version`, `open`: what there is.

use std::future::Future;
use std::pin::Pin;

use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::fault;
use serde_json::json;

use super::help;
use crate::supervisorctl::controller::{Controller, exit};
use crate::supervisorctl::names;
use crate::supervisorctl::trouble::Trouble;
use crate::supervisorctl::url;

/// STOPPED, EXITED, FATAL, UNKNOWN.
const NOT_RUNNING: [i32; 4] = [0, 100, 200, 1000];
/// Width of the first column, at least.
const NAME_WIDTH: usize = 30;

async fn processes(controller: &mut Controller) -> Result<Vec<ProcessInfo>, Trouble> {
    let answer = controller.call("getAllProcessInfo", Vec::new()).await?;
    let rows = answer.as_array().unwrap_or_default();
    Ok(rows.iter().filter_map(ProcessInfo::from_value).collect())
}

/// `status [NAME...]`.
pub(super) async fn status(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        controller.exit = exit::STATUS_UNKNOWN;
        return Ok(());
    }
    let all = processes(controller).await?;
    let words: Vec<&str> = argument.split_whitespace().collect();
    let mut chosen: Vec<&ProcessInfo> = Vec::new();
    if words.is_empty() || words.contains(&"all") {
        chosen.extend(&all);
    } else {
        for word in words {
            let named = names::split(word);
            let before = chosen.len();
            chosen.extend(all.iter().filter(|process| {
                process.group == named.group && named.process.is_none_or(|name| process.name == name)
            }));
            if chosen.len() == before {
                controller.say(&match named.process {
                    None => format!("{}: ERROR (no such group)", named.group),
                    Some(_) => format!("{word}: ERROR (no such process)"),
                });
                controller.exit = exit::STATUS_UNKNOWN;
            }
        }
    }
    show(controller, &chosen);
    if chosen.iter().any(|process| NOT_RUNNING.contains(&process.state)) {
        controller.exit = exit::STATUS_NOT_RUNNING;
    }
    Ok(())
}

fn show(controller: &mut Controller, chosen: &[&ProcessInfo]) {
    let longest = chosen
        .iter()
        .map(|process| process.full_name().chars().count())
        .max();
    let width = longest.unwrap_or_default().max(NAME_WIDTH) + 3;
    for process in chosen {
        let line = format!(
            "{:<width$}{:<10}{}",
            process.full_name(),
            process.statename,
            process.description
        );
        controller
            .output
            .row(&line, || serde_json::to_value(process).unwrap_or_default());
    }
}

/// `pid [NAME...]`.
pub(super) async fn pid(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    if words.is_empty() {
        let pid = controller.call("getPID", Vec::new()).await?;
        let pid = pid.as_int().unwrap_or_default();
        controller
            .output
            .row(&pid.to_string(), || json!({ "name": "supervisord", "pid": pid }));
    } else if words.contains(&"all") {
        for process in processes(controller).await? {
            show_pid(controller, &process);
        }
    } else {
        for word in words {
            match controller.call("getProcessInfo", vec![word.into()]).await {
                Ok(answer) => {
                    let process = ProcessInfo::from_value(&answer)
                        .ok_or_else(|| Trouble::Unreadable("not a process".to_owned()))?;
                    show_pid(controller, &process);
                    if process.pid == 0 {
                        controller.exit = exit::NOT_RUNNING;
                    }
                }
                Err(trouble) if trouble.fault() == Some(fault::BAD_NAME) => {
                    controller.refuse(&format!("No such process {word}"));
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }
    Ok(())
}

fn show_pid(controller: &mut Controller, process: &ProcessInfo) {
    let pid = process.pid;
    controller.output.row(
        &pid.to_string(),
        || json!({ "name": process.full_name(), "pid": pid }),
    );
}

/// `version`.
pub(super) async fn version(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        controller.refuse("Error: version accepts no arguments");
        help::of(controller, "version");
        return Ok(());
    }
    if !controller.is_up().await? {
        return Ok(());
    }
    let answer = controller.call("getSupervisorVersion", Vec::new()).await?;
    let version = answer.as_str().unwrap_or_default();
    controller.output.row(version, || json!({ "version": version }));
    Ok(())
}

/// `open URL`: another server, and its status. The status leaves no trace in the exit code.
pub(super) fn open<'a>(
    controller: &'a mut Controller,
    argument: &'a str,
) -> Pin<Box<dyn Future<Output = Result<(), Trouble>> + 'a>> {
    Box::pin(async move {
        if !url::can_be_opened(argument) {
            controller.refuse("ERROR: url must be http:// or unix://");
            return Ok(());
        }
        controller.server.hang_up();
        argument.clone_into(&mut controller.server.url);
        let before = controller.exit;
        status(controller, "").await?;
        controller.exit = before;
        Ok(())
    })
}

//! `add`, `remove`, `update`: groups come and go.

use std::collections::BTreeSet;

use pistack_api::xmlrpc::{Value, fault};
use serde_json::json;

use super::config::Changes;
use crate::supervisorctl::controller::Controller;
use crate::supervisorctl::names::Outcome;
use crate::supervisorctl::trouble::Trouble;

fn log(controller: &mut Controller, group: &str, message: &str) {
    let line = format!("{group}: {message}");
    controller
        .output
        .row(&line, || json!({ "group": group, "change": message }));
}

/// `add NAME...`.
pub(super) async fn add(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    for name in argument.split_whitespace() {
        match controller.call("addProcessGroup", vec![name.into()]).await {
            Ok(_) => log(controller, name, "added process group"),
            Err(trouble) => match trouble.fault() {
                Some(fault::SHUTDOWN_STATE) => controller.refuse("ERROR: shutting down"),
                Some(fault::ALREADY_ADDED) => controller.say("ERROR: process group already active"),
                Some(fault::BAD_NAME) => {
                    controller.refuse(&format!("ERROR: no such process/group: {name}"));
                }
                _ => return Err(trouble),
            },
        }
    }
    Ok(())
}

/// `remove NAME...`.
pub(super) async fn remove(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    for name in argument.split_whitespace() {
        match controller.call("removeProcessGroup", vec![name.into()]).await {
            Ok(_) => log(controller, name, "removed process group"),
            Err(trouble) => match trouble.fault() {
                Some(fault::STILL_RUNNING) => {
                    controller.refuse(&format!("ERROR: process/group still running: {name}"));
                }
                Some(fault::BAD_NAME) => {
                    controller.refuse(&format!("ERROR: no such process/group: {name}"));
                }
                _ => return Err(trouble),
            },
        }
    }
    Ok(())
}

/// `update [GROUP...]`: rereads, then stops and removes, replaces, adds.
pub(super) async fn update(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    let answer = match controller.call("reloadConfig", Vec::new()).await {
        Err(trouble) if trouble.fault() == Some(fault::SHUTDOWN_STATE) => {
            controller.refuse("ERROR: already shutting down");
            return Ok(());
        }
        answer => answer?,
    };
    let changes = Changes::read(&answer);
    let mut wanted: Vec<&str> = argument.split_whitespace().collect();
    if wanted.contains(&"all") {
        wanted.clear();
    }
    if !wanted.is_empty() {
        name_unknown(controller, &wanted, &changes).await?;
    }
    let asked = |group: &&String| wanted.is_empty() || wanted.contains(&group.as_str());
    for group in changes.removed.iter().filter(asked) {
        let answer = group_call(controller, "stopProcessGroup", group).await?;
        log(controller, group, "stopped");
        let failed = Outcome::rows(&answer)
            .iter()
            .any(|row| row.status == fault::FAILED);
        if failed {
            controller.refuse(&format!("{group}: has problems; not removing"));
            continue;
        }
        group_call(controller, "removeProcessGroup", group).await?;
        log(controller, group, "removed process group");
    }
    for group in changes.changed.iter().filter(asked) {
        group_call(controller, "stopProcessGroup", group).await?;
        log(controller, group, "stopped");
        group_call(controller, "removeProcessGroup", group).await?;
        group_call(controller, "addProcessGroup", group).await?;
        log(controller, group, "updated process group");
    }
    for group in changes.added.iter().filter(asked) {
        group_call(controller, "addProcessGroup", group).await?;
        log(controller, group, "added process group");
    }
    Ok(())
}

async fn group_call(controller: &mut Controller, method: &str, group: &str) -> Result<Value, Trouble> {
    controller.call(method, vec![group.into()]).await
}

/// Complains about names that are no group, neither an active nor a new one.
async fn name_unknown(
    controller: &mut Controller,
    wanted: &[&str],
    changes: &Changes,
) -> Result<(), Trouble> {
    let answer = controller.call("getAllProcessInfo", Vec::new()).await?;
    let mut groups: BTreeSet<&str> = changes.added.iter().map(String::as_str).collect();
    let rows = answer.as_array().unwrap_or_default();
    groups.extend(
        rows.iter()
            .filter_map(|row| row.get("group").and_then(Value::as_str)),
    );
    let mut told = BTreeSet::new();
    for name in wanted {
        if !groups.contains(name) && told.insert(name) {
            controller.refuse(&format!("ERROR: no such group: {name}"));
        }
    }
    Ok(())
}

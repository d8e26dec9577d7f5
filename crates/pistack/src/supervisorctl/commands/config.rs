//! `avail` and `reread`: what the configuration says.

use pistack_api::xmlrpc::{Value, fault};
use serde_json::json;

use super::help;
use crate::supervisorctl::controller::{Controller, exit};
use crate::supervisorctl::names;
use crate::supervisorctl::trouble::Trouble;

/// `avail`.
pub(super) async fn avail(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        controller.refuse("Error: avail accepts no arguments");
        help::of(controller, "avail");
        return Ok(());
    }
    let answer = match controller.call("getAllConfigInfo", Vec::new()).await {
        Err(trouble) if trouble.fault() == Some(fault::SHUTDOWN_STATE) => {
            controller.refuse("ERROR: supervisor shutting down");
            return Ok(());
        }
        answer => answer?,
    };
    for info in answer.as_array().unwrap_or_default() {
        let text = |key: &str| info.get(key).and_then(Value::as_str).unwrap_or_default();
        let number = |key: &str| info.get(key).and_then(Value::as_int).unwrap_or_default();
        let flag = |key: &str| info.get(key).and_then(Value::as_bool).unwrap_or_default();
        let name = names::join(text("group"), text("name"));
        let line = format!(
            "{name:<32} {:<9} {:<9} {}:{}",
            if flag("inuse") { "in use" } else { "avail" },
            if flag("autostart") { "auto" } else { "manual" },
            number("group_prio"),
            number("process_prio"),
        );
        controller.output.row(&line, || plain(info));
    }
    Ok(())
}

/// An answer's value as JSON.
fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::Int(number) => json!(number),
        Value::Bool(flag) => json!(flag),
        Value::Double(number) => json!(number),
        Value::String(text) | Value::DateTime(text) => json!(text),
        Value::Base64(bytes) => json!(String::from_utf8_lossy(bytes)),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Struct(members) => {
            let members = members.iter().map(|(key, value)| (key.clone(), plain(value)));
            serde_json::Value::Object(members.collect())
        }
    }
}

/// What `reloadConfig` found, as group names.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// New ones.
    pub(super) added: Vec<String>,
    /// Different ones.
    pub(super) changed: Vec<String>,
    /// Ones that are gone.
    pub(super) removed: Vec<String>,
}

impl Changes {
    /// Reads the answer.
    pub(super) fn read(answer: &Value) -> Self {
        let lists = answer
            .as_array()
            .and_then(|answer| answer.first())
            .and_then(Value::as_array)
            .unwrap_or_default();
        let list = |index: usize| -> Vec<String> {
            let names = lists.get(index).and_then(Value::as_array).unwrap_or_default();
            names
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        Self {
            added: list(0),
            changed: list(1),
            removed: list(2),
        }
    }
}

/// `reread`.
pub(super) async fn reread(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        controller.refuse("Error: reread accepts no arguments");
        help::of(controller, "reread");
        return Ok(());
    }
    let answer = match controller.call("reloadConfig", Vec::new()).await {
        Err(Trouble::Fault(error)) if error.code == fault::SHUTDOWN_STATE => {
            controller.refuse("ERROR: supervisor shutting down");
            return Ok(());
        }
        Err(Trouble::Fault(error)) if error.code == fault::CANT_REREAD => {
            controller.refuse(&format!("ERROR: {}", error.text));
            return Ok(());
        }
        Err(trouble) => {
            controller.exit = exit::GENERIC;
            return Err(trouble);
        }
        Ok(answer) => answer,
    };
    let changes = Changes::read(&answer);
    let mut rows: Vec<(String, &str)> = Vec::new();
    for (names, word) in [
        (changes.added, "available"),
        (changes.changed, "changed"),
        (changes.removed, "disappeared"),
    ] {
        rows.extend(names.into_iter().map(|name| (name, word)));
    }
    rows.sort();
    for (name, word) in &rows {
        let line = format!("{name}: {word}");
        controller
            .output
            .row(&line, || json!({ "group": name, "change": word }));
    }
    if rows.is_empty() {
        controller.say("No config updates to processes");
    }
    Ok(())
}

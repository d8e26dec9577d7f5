//! What `[eventlistener:x]` has beyond a program.

use crate::config::model::PoolSpec;
use crate::config::options::Reader;
use crate::config::values;
use crate::event::EventKind;

/// Every option of `[eventlistener:x]` that `[program:x]` does not have.
pub const KEYS: [&str; 3] = ["events", "buffer_size", "result_handler"];

/// Pools start before everything else.
const DEFAULT_PRIORITY: i32 = -1;

/// What a result is judged by, unless `result_handler` names another.
const DEFAULT_HANDLER: &str = "supervisor.dispatchers:default_handler";

/// Every event type, abstract ones too, for suggestions.
const EVENTS: [&str; 27] = [
    "EVENT",
    "PROCESS_STATE",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_UNKNOWN",
    "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_COMMUNICATION_STDERR",
    "PROCESS_LOG",
    "PROCESS_LOG_STDOUT",
    "PROCESS_LOG_STDERR",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    "TICK",
    "TICK_5",
    "TICK_60",
    "TICK_3600",
    "PROCESS_GROUP",
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
];

/// The pool's priority and its own options.
pub(super) fn read(reader: &mut Reader<'_>) -> (i32, PoolSpec) {
    let priority = reader.priority("priority", DEFAULT_PRIORITY);
    let buffer_size = buffer_size(reader);
    let result_handler = reader
        .text("result_handler")
        .unwrap_or_else(|| DEFAULT_HANDLER.to_owned());
    if result_handler != DEFAULT_HANDLER {
        reader.warn(
            "result_handler",
            format!("`{result_handler}` is Python code and is not run: OK means done"),
        );
    }
    let events = events(reader);
    if reader.boolean("redirect_stderr", false) {
        let message = format!(
            "[{}] section sets redirect_stderr=true but this is not allowed because it will interfere with the \
             eventlistener protocol",
            reader.label
        );
        reader.push(
            &["redirect_stderr"],
            message,
            Some("leave `redirect_stderr` out".to_owned()),
        );
    }
    (
        priority,
        PoolSpec {
            events,
            buffer_size,
            result_handler,
        },
    )
}

fn buffer_size(reader: &mut Reader<'_>) -> Option<usize> {
    let size = reader.optional("buffer_size", values::integer)?;
    if size < 1 {
        let message = format!("[{}] section sets invalid buffer_size ({size})", reader.label);
        reader.error("buffer_size", message);
        return None;
    }
    usize::try_from(size).ok()
}

/// The subscribed kinds, each once, in a fixed order.
fn events(reader: &mut Reader<'_>) -> Vec<EventKind> {
    let text = reader.text("events");
    let names = values::list(&text.unwrap_or_default());
    if names.is_empty() {
        let message = format!("[{}] section requires an \"events\" line", reader.label);
        let written = reader.options.get("events").is_some();
        let path: &[&str] = if written { &["events"] } else { &[] };
        reader.push(
            path,
            message,
            Some("write for example `events=PROCESS_STATE`".to_owned()),
        );
    }
    let mut kinds = Vec::new();
    for name in names.iter().map(|name| name.to_uppercase()) {
        if let Some(of_name) = EventKind::parse(&name) {
            kinds.extend(of_name);
        } else {
            let message = format!("Unknown event type {name} in [{}] events", reader.label);
            let help = values::nearest(&name, EVENTS).map(|near| format!("did you mean `{near}`?"));
            reader.push(&["events"], message, help);
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suggestion_is_an_event() {
        for name in EVENTS {
            assert!(
                EventKind::parse(name).is_some_and(|kinds| !kinds.is_empty()),
                "{name}"
            );
        }
        assert_eq!(EventKind::parse("EVENT").map(|kinds| kinds.len()), Some(20));
        assert_eq!(EventKind::parse("NO_SUCH"), None);
    }
}

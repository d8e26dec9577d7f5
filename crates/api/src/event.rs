//! Events of the supervisor as they travel between our own processes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One supervisor event. The daemon writes them as JSON Lines at `GET /pistack/events` on its unix
/// socket; the supervisor service passes them on as server-sent events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The supervisor's global serial; grows by one an event.
    pub serial: u64,
    /// The event's type, such as `PROCESS_STATE_EXITED`.
    #[schema(example = "PROCESS_STATE_EXITED")]
    pub name: String,
    /// Seconds since 1970.
    pub at: i64,
    /// The payload's `key:value` pairs, such as `processname` and `from_state`, in their order.
    #[schema(value_type = Object)]
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// What follows the first line of the payload (logs and messages); empty for state events.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data: String,
}

impl Event {
    /// A field of the payload as text.
    pub fn field(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(|value| value.as_str())
    }

    /// Splits a payload of the listener protocol (`key:value key:value\nDATA`) into fields and data.
    /// A first line that is no list of pairs is data as a whole.
    pub fn split_payload(payload: &str) -> (serde_json::Map<String, serde_json::Value>, String) {
        let (head, data) = payload.split_once('\n').unwrap_or((payload, ""));
        let pairs: Option<serde_json::Map<_, _>> = head
            .split_whitespace()
            .map(|pair| {
                pair.split_once(':')
                    .map(|(key, value)| (key.to_owned(), value.into()))
            })
            .collect();
        match pairs {
            Some(fields) => (fields, data.to_owned()),
            None => (serde_json::Map::new(), payload.to_owned()),
        }
    }
}

/// The process state of a `PROCESS_STATE_*` event's name: `EXITED` of `PROCESS_STATE_EXITED`.
pub fn process_state(name: &str) -> Option<&str> {
    name.strip_prefix("PROCESS_STATE_")
}

//! The events that are not the supervisor's: what triggers make, and the names of their fields.

use pistack_api::event::Event;
use serde_json::Map;

/// A line of a program's log: `processname`, `groupname`, `stream`, `line`.
pub const LOG_LINE: &str = "LOG_LINE";
/// A reading of the board: `metric`, `value`.
pub const METRIC: &str = "METRIC";
/// A reading of a sensor: `sensor`, `value`.
pub const SENSOR: &str = "SENSOR";
/// An edge of a GPIO line: `line`, `pin`, `level` (`0` or `1`).
pub const GPIO_EDGE: &str = "GPIO_EDGE";
/// A rule's time has come: `rule`.
pub const SCHEDULE: &str = "SCHEDULE";
/// Something in the stack: `kind`, `summary`, and what the sender adds. `lasting:true` means that it goes on until the
/// same kind comes with `resolved:true`.
pub const STACK: &str = "STACK";
/// A call of a rule's address: `hook`, and the body's fields.
pub const WEBHOOK: &str = "WEBHOOK";
/// Another rule set this one off: `by`, and the fields of the event that did it.
pub const RULE: &str = "RULE";

/// All of them.
pub const OWN: [&str; 8] = [
    LOG_LINE, METRIC, SENSOR, GPIO_EDGE, SCHEDULE, STACK, WEBHOOK, RULE,
];

/// True for events that are not the supervisor's.
pub fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}

/// An event of a trigger. `at` is in seconds since 1970.
pub fn make(name: &str, at: i64, fields: &[(&str, &str)]) -> Event {
    let fields: Map<String, serde_json::Value> = fields
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect();
    Event {
        serial: 0,
        name: name.to_owned(),
        at,
        fields,
        data: String::new(),
    }
}

//! Texts with placeholders: `{process} stopped` becomes `camera stopped`.

use pistack_api::event::{Event, process_state};

/// The placeholders that a text may hold.
pub const PLACEHOLDERS: [&str; 10] = [
    "event",
    "process",
    "group",
    "from_state",
    "to_state",
    "pid",
    "expected",
    "tries",
    "rule",
    "time",
];

/// Replaces the placeholders. What an event does not have becomes empty; unknown ones stay as they are (they are
/// refused when the configuration is read).
pub fn fill(template: &str, rule: &str, event: &Event) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after
            .split_once('}')
            .and_then(|(name, tail)| Some((value(name, rule, event)?, tail)));
        if let Some((value, tail)) = known {
            text.push_str(&value);
            rest = tail;
        } else {
            text.push('{');
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

fn value(name: &str, rule: &str, event: &Event) -> Option<String> {
    let field = |key: &str| event.field(key).unwrap_or_default().to_owned();
    Some(match name {
        "event" => event.name.clone(),
        "process" => field("processname"),
        "group" => field("groupname"),
        "from_state" => field("from_state"),
        "to_state" => process_state(&event.name).unwrap_or_default().to_owned(),
        "pid" => field("pid"),
        "expected" => field("expected"),
        "tries" => field("tries"),
        "rule" => rule.to_owned(),
        "time" => time::OffsetDateTime::from_unix_timestamp(event.at)
            .ok()?
            .format(&time::format_description::well_known::Rfc3339)
            .ok()?,
        _ => return None,
    })
}

/// The names in braces that are no placeholders.
pub fn unknown_placeholders(template: &str) -> Vec<&str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .filter(|name| !PLACEHOLDERS.contains(name))
        .collect()
}

/// A plain sentence about an event, for messages without a text of their own.
pub fn sentence(event: &Event) -> String {
    let Some(process) = event.field("processname") else {
        return event.name.clone();
    };
    match process_state(&event.name) {
        Some("EXITED") if event.field("expected") == Some("0") => {
            format!("{process} ended unexpectedly. The supervisor starts it again if it is told to.")
        }
        Some("EXITED") => format!("{process} ended as expected."),
        Some("FATAL") => format!("{process} could not be started and is given up. Its log tells why."),
        Some("BACKOFF") => format!("{process} ended too soon after its start; it is tried again."),
        Some(state) => format!("{process} is now {state}."),
        None => format!("{}: {process}", event.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let (fields, data) =
            Event::split_payload("processname:cam groupname:g from_state:RUNNING expected:0 pid:7");
        Event {
            serial: 1,
            name: "PROCESS_STATE_EXITED".into(),
            at: 0,
            fields,
            data,
        }
    }

    #[test]
    fn fills_what_it_knows_and_leaves_the_rest() {
        let text = fill(
            "{process}/{group} {from_state}->{to_state} {pid} {nope} {rule} {time} {",
            "r1",
            &event(),
        );
        assert_eq!(text, "cam/g RUNNING->EXITED 7 {nope} r1 1970-01-01T00:00:00Z {");
    }

    #[test]
    fn names_unknown_placeholders() {
        assert_eq!(unknown_placeholders("{process} {proces} {} { x }"), ["proces"]);
    }

    #[test]
    fn speaks_plainly() {
        assert!(sentence(&event()).starts_with("cam ended unexpectedly"));
    }
}

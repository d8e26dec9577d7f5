//! Texts with placeholders: `{process} stopped` becomes `camera stopped`.
//!
//! Any field of the event may stand in braces; some have a second, plainer name. What only the world outside knows
//! (the last lines of the log, how the program ended) is brought by the caller as [`Extra`].

use std::fmt::Write as _;

use pistack_api::event::{Event, process_state};

use crate::firing::{Firing, Kind};

/// The placeholders that every text may hold, whatever the rule waits for.
pub const PLACEHOLDERS: [&str; 19] = [
    "event",
    "process",
    "program",
    "group",
    "from_state",
    "to_state",
    "pid",
    "expected",
    "tries",
    "rule",
    "time",
    "key",
    "count",
    "since",
    "severity",
    "exit_text",
    "last_lines",
    "summary",
    "data",
];

/// A filled text has at most so many characters.
const LONGEST: usize = 16 * 1024;
/// A field's value takes part with at most so many characters.
const LONGEST_VALUE: usize = 4 * 1024;

/// What the event does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra {
    /// The last lines of the program's log.
    pub last_lines: Option<String>,
    /// How the program ended, in words.
    pub exit_text: Option<String>,
}

/// Replaces the placeholders. What an event does not have becomes empty; unknown ones stay as they are (they are
/// refused when the configuration is read).
pub fn fill(template: &str, rule: &str, event: &Event) -> String {
    replace(template, |name| match name {
        "rule" => Some(rule.to_owned()),
        _ => field(name, event),
    })
}

/// Replaces the placeholders of a message, with what is known of the firing beside its event.
pub fn fill_firing(template: &str, firing: &Firing, extra: &Extra) -> String {
    replace(template, |name| match name {
        "rule" => Some(firing.rule.clone()),
        "key" => Some(firing.key.clone()),
        "count" => Some(firing.count.to_string()),
        "since" => moment(firing.since),
        "severity" => Some(firing.severity.name().to_owned()),
        "exit_text" => Some(
            extra
                .exit_text
                .clone()
                .unwrap_or_else(|| ended(&firing.event).to_owned()),
        ),
        "last_lines" => Some(extra.last_lines.clone().unwrap_or_default()),
        _ => field(name, &firing.event),
    })
}

/// True if a text asks for something that must be fetched from the program.
pub fn asks_for_extra(template: &str) -> bool {
    template.contains("{exit_text}") || template.contains("{last_lines}")
}

fn replace(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after
            .split_once('}')
            .and_then(|(name, tail)| Some((value(name)?, tail)));
        if let Some((value, tail)) = known {
            push_some(&mut text, &value, LONGEST_VALUE);
            rest = tail;
        } else {
            text.push('{');
            rest = after;
        }
    }
    text.push_str(rest);
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).collect();
    }
    text
}

fn push_some(text: &mut String, value: &str, most: usize) {
    match value.char_indices().nth(most) {
        Some((end, _)) => {
            text.push_str(&value[..end]);
            text.push('…');
        }
        None => text.push_str(value),
    }
}

/// A field of an event by its plain name or by the name that the supervisor uses. Known names that the event does
/// not have are empty; `None` for what is no field at all.
pub fn field(name: &str, event: &Event) -> Option<String> {
    let of = |key: &str| event.field(key).unwrap_or_default().to_owned();
    Some(match name {
        "event" => event.name.clone(),
        "process" | "program" => of("processname"),
        "group" => of("groupname"),
        "to_state" => process_state(&event.name).unwrap_or_default().to_owned(),
        "time" => moment(event.at)?,
        "data" => event.data.clone(),
        _ => match event.fields.get(name) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => return PLACEHOLDERS.contains(&name).then(String::new),
        },
    })
}

/// A time as people and programs read it.
pub fn moment(unix: i64) -> Option<String> {
    time::OffsetDateTime::from_unix_timestamp(unix)
        .ok()?
        .format(&time::format_description::well_known::Rfc3339)
        .ok()
}

/// The names in braces that are neither placeholders nor `more`.
pub fn unknown_placeholders<'a>(template: &'a str, more: &[&str]) -> Vec<&'a str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .filter(|name| !PLACEHOLDERS.contains(name) && !more.contains(name))
        .collect()
}

/// An exit status in words, as the supervisor reports it: negative for a signal.
pub fn exit_in_words(status: i64) -> String {
    match status {
        0 => "it ended without an error (exit 0)".to_owned(),
        1 => "it ended with an error (exit 1)".to_owned(),
        2 => "it ended with exit 2, often wrong arguments".to_owned(),
        126 => "its command could not be executed (exit 126)".to_owned(),
        127 => "its command was not found (exit 127)".to_owned(),
        129..=192 => format!("{} ended it (exit {status})", signal_in_words(status - 128)),
        -64..=-1 => format!("{} ended it", signal_in_words(-status)),
        _ => format!("it ended with exit {status}"),
    }
}

fn signal_in_words(signal: i64) -> String {
    match signal {
        1 => "SIGHUP (its terminal went away)".to_owned(),
        2 => "SIGINT (Ctrl-C)".to_owned(),
        4 => "SIGILL (an instruction that this processor does not know)".to_owned(),
        6 => "SIGABRT (it gave up by itself)".to_owned(),
        7 => "SIGBUS (a broken memory access)".to_owned(),
        8 => "SIGFPE (a wrong calculation)".to_owned(),
        9 => "SIGKILL (killed, perhaps because memory ran out)".to_owned(),
        11 => "SIGSEGV (a broken memory access)".to_owned(),
        13 => "SIGPIPE (nobody read what it wrote)".to_owned(),
        15 => "SIGTERM (it was told to end)".to_owned(),
        other => format!("signal {other}"),
    }
}

/// How an event's program ended, as far as the event says it.
fn ended(event: &Event) -> &'static str {
    match (process_state(&event.name), event.field("expected")) {
        (Some("EXITED"), Some("1")) => "it ended as expected",
        (Some("EXITED"), _) => "it ended unexpectedly",
        (Some("FATAL"), _) => "it could not be started and is given up",
        (Some("BACKOFF"), _) => "it ended too soon after its start",
        _ => "",
    }
}

/// A plain sentence about an event, for messages without a text of their own.
pub fn sentence(event: &Event) -> String {
    let field = |name: &str| event.field(name).unwrap_or_default();
    if let Some(summary) = event.field("summary").filter(|summary| !summary.is_empty()) {
        return summary.to_owned();
    }
    match event.name.as_str() {
        "LOG_LINE" => return format!("{}: {}", field("processname"), field("line")),
        "METRIC" => return format!("{} is {}", field("metric"), field("value")),
        "SENSOR" => return format!("{} reads {}", field("sensor"), field("value")),
        "GPIO_EDGE" => return format!("Line {} went to {}", field("line"), field("level")),
        "STACK" => return field("kind").to_owned(),
        "WEBHOOK" => return format!("Hook {} was called", field("hook")),
        "SCHEDULE" => return format!("The time of {} has come", field("rule")),
        _ => {}
    }
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

/// A plain sentence about a firing: what began, what goes on, or what is over.
pub fn sentence_of(firing: &Firing) -> String {
    let about = if firing.key.is_empty() {
        &firing.rule
    } else {
        &firing.key
    };
    let since = moment(firing.since).unwrap_or_default();
    match firing.kind {
        Kind::Fired if firing.count > 1 => {
            format!(
                "{} ({} times since {since})",
                sentence(&firing.event),
                firing.count
            )
        }
        Kind::Fired => sentence(&firing.event),
        Kind::Digest => {
            let mut text = format!("{about}: {} more since {since}.", firing.count);
            let _ = write!(text, " The newest: {}", sentence(&firing.event));
            text
        }
        Kind::Resolved => {
            let times = if firing.count > 1 {
                format!(", {} times in all", firing.count)
            } else {
                String::new()
            };
            format!("{about} is well again. It began at {since}{times}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Severity;

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
        assert_eq!(
            unknown_placeholders("{process} {proces} {} { x } {value}", &["value"]),
            ["proces"]
        );
    }

    #[test]
    fn speaks_plainly() {
        assert!(sentence(&event()).starts_with("cam ended unexpectedly"));
        let mut firing = Firing {
            rule: "r".into(),
            kind: Kind::Digest,
            key: "g:cam".into(),
            severity: Severity::Warning,
            event: event(),
            actions: Vec::new(),
            count: 999,
            since: 0,
            depth: 0,
            why: String::new(),
        };
        assert!(sentence_of(&firing).starts_with("g:cam: 999 more since 1970"));
        firing.kind = Kind::Resolved;
        assert_eq!(
            sentence_of(&firing),
            "g:cam is well again. It began at 1970-01-01T00:00:00Z, 999 times in all."
        );
        let extra = Extra {
            last_lines: Some("boom".into()),
            exit_text: Some(exit_in_words(-9)),
        };
        assert_eq!(
            fill_firing(
                "{program} {count} {exit_text} {last_lines} {severity}",
                &firing,
                &extra
            ),
            "cam 999 SIGKILL (killed, perhaps because memory ran out) ended it boom warning"
        );
    }

    #[test]
    fn a_value_of_any_length_makes_a_text_of_bounded_length() {
        let mut event = event();
        event.fields.insert("line".into(), "ż".repeat(100_000).into());
        let text = fill(&"{line}".repeat(10), "r", &event);
        assert!(text.chars().count() <= LONGEST);
    }

    #[test]
    fn exits_in_words() {
        for (status, wanted) in [
            (0, "without"),
            (127, "not found"),
            (139, "SIGSEGV"),
            (-9, "SIGKILL"),
            (3, "exit 3"),
        ] {
            assert!(exit_in_words(status).contains(wanted), "{status}");
        }
    }
}

//! One thing that happened, in words.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::inert::line;
use crate::upstream::account::AuditEntry;
use crate::upstream::edges::Edge;
use crate::upstream::rules::{Entry, Firing};
use crate::words::Words;

/// Of what kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Program,
    Rule,
    Login,
    Gpio,
    Config,
    Clock,
    Power,
    Stack,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Program,
        Self::Rule,
        Self::Login,
        Self::Gpio,
        Self::Config,
        Self::Clock,
        Self::Power,
        Self::Stack,
    ];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Rule => "rule",
            Self::Login => "login",
            Self::Gpio => "gpio",
            Self::Config => "config",
            Self::Clock => "clock",
            Self::Power => "power",
            Self::Stack => "stack",
        }
    }

    pub(crate) fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    pub(crate) const fn word(self, t: &Words) -> &'static str {
        match self {
            Self::Program => t.events_program,
            Self::Rule => t.events_rule,
            Self::Login => t.events_login,
            Self::Gpio => t.events_gpio,
            Self::Config => t.events_config,
            Self::Clock => t.events_clock,
            Self::Power => t.events_power,
            Self::Stack => t.events_stack,
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Seconds since 1970.
    pub(crate) at: i64,
    pub(crate) kind: Kind,
    pub(crate) icon: &'static str,
    /// `ok`, `bad`, `warn`, `busy` or empty.
    pub(crate) class: &'static str,
    /// The program, rule, line or person.
    pub(crate) subject: String,
    pub(crate) text: String,
    /// Who did it, from where.
    pub(crate) by: String,
    /// The page about the subject, below the base.
    pub(crate) link: Option<String>,
}

impl Item {
    /// Of the record of events; ticks of a state machine that say nothing new are left out.
    pub(crate) fn happened(entry: &Entry, t: &Words) -> Option<Self> {
        let field = |key: &str| match entry.fields.get(key) {
            Some(Value::String(text)) => line(text),
            Some(other) => line(&other.to_string()),
            None => String::new(),
        };
        let mut item = match entry.name.as_str() {
            name if name.starts_with("PROCESS_STATE_") => program(name, &field, t)?,
            "GPIO_EDGE" => {
                let (icon, text) = if field("level") == "1" {
                    ("arrow-up", t.events_rose)
                } else {
                    ("arrow-down", t.events_fell)
                };
                Self::new(Kind::Gpio, icon, "", field("line"), text.to_owned())
            }
            "WEBHOOK" => {
                let text = t.events_hook.to_owned();
                Self::new(Kind::Stack, "external-link", "", field("hook"), text)
            }
            "STACK" => stack(&field, t),
            name if name.starts_with("PROCESS_GROUP_") => {
                let text = if name.ends_with("ADDED") {
                    t.events_group_added
                } else {
                    t.events_group_removed
                };
                Self::new(Kind::Config, "settings", "", field("groupname"), text.to_owned())
            }
            "SUPERVISOR_STATE_CHANGE_RUNNING" => Self::new(
                Kind::Stack,
                "power",
                "ok",
                String::new(),
                t.events_supervisor_runs.to_owned(),
            ),
            "SUPERVISOR_STATE_CHANGE_STOPPING" => Self::new(
                Kind::Stack,
                "power",
                "warn",
                String::new(),
                t.events_supervisor_stops.to_owned(),
            ),
            _ => return None,
        };
        item.at = entry.at;
        if entry.left_out > 0 {
            item.text = format!("{} {}", item.text, t.events_left_out(entry.left_out));
        }
        Some(item)
    }

    /// Of the log of the rules.
    pub(crate) fn fired(firing: &Firing, t: &Words) -> Self {
        let key = line(&firing.key);
        let (icon, text) = match firing.kind.as_str() {
            "resolved" => ("circle-check", t.events_resolved(&key)),
            "digest" => ("bell", t.events_digest(firing.count, &key)),
            _ => ("zap", t.events_fired(&key)),
        };
        let class = match (firing.kind.as_str(), firing.severity.as_str()) {
            ("resolved", _) => "ok",
            (_, "critical") => "bad",
            (_, "warning") => "warn",
            _ => "",
        };
        let failed: Vec<_> = firing
            .results
            .iter()
            .filter(|result| !result.ok)
            .map(|result| t.events_action_failed(line(&result.action), line(&result.detail)))
            .collect();
        let mut item = Self::new(Kind::Rule, icon, class, line(&firing.rule), text);
        if !failed.is_empty() {
            item.text = format!("{} {}", item.text, failed.join(" "));
            item.class = "bad";
        }
        item.at = firing.at;
        item.link = Some(format!(
            "/rules/rule/{}",
            crate::logs::query::encode(&firing.rule)
        ));
        item
    }

    /// Of the audit record.
    pub(crate) fn audited(entry: &AuditEntry, t: &Words) -> Self {
        let refused = entry.outcome == "refused";
        let (icon, class) = if refused {
            ("shield", "bad")
        } else {
            ("log-in", "")
        };
        let what = line(&entry.kind);
        let mut text = if refused { t.events_refused(&what) } else { what };
        if entry.times > 1 {
            text = format!("{text} ×{}", entry.times);
        }
        if !entry.detail.is_empty() {
            text = format!("{text}: {}", line(&entry.detail));
        }
        let subject = entry.actor_name.as_deref().map(line).unwrap_or_default();
        let mut item = Self::new(Kind::Login, icon, class, subject, text);
        item.at = entry.at;
        item.by = line(&entry.address);
        item
    }

    /// Of the io service's memory.
    pub(crate) fn changed(edge: &Edge, t: &Words) -> Option<Self> {
        let at = OffsetDateTime::parse(&edge.ts, &Rfc3339).ok()?.unix_timestamp();
        let (icon, text) = if edge.kind == "rising" {
            ("arrow-up", t.events_rose)
        } else {
            ("arrow-down", t.events_fell)
        };
        let subject = match (edge.line.as_str(), edge.bcm) {
            ("", Some(bcm)) => format!("BCM {bcm}"),
            (name, _) => line(name),
        };
        let mut item = Self::new(Kind::Gpio, icon, "", subject, text.to_owned());
        item.at = at;
        Some(item)
    }

    fn new(kind: Kind, icon: &'static str, class: &'static str, subject: String, text: String) -> Self {
        Self {
            at: 0,
            kind,
            icon,
            class,
            subject,
            text,
            by: String::new(),
            link: None,
        }
    }

    /// Whether a text (in small letters) stands in it.
    pub(crate) fn holds(&self, needle: &str) -> bool {
        [&self.subject, &self.text, &self.by]
            .into_iter()
            .any(|text| text.to_lowercase().contains(needle))
    }
}

/// A program's change of state; its starting and stopping come to an end soon and need no word of their own.
fn program(name: &str, field: &impl Fn(&str) -> String, t: &Words) -> Option<Item> {
    let expected = field("expected") == "1";
    let (icon, class, text) = match name.strip_prefix("PROCESS_STATE_")? {
        "RUNNING" => ("play", "ok", t.events_runs.to_owned()),
        "EXITED" if expected => ("circle-check", "", t.events_ended.to_owned()),
        "EXITED" => ("circle-x", "bad", t.events_crashed.to_owned()),
        "BACKOFF" => ("rotate-cw", "warn", t.events_backoff(field("tries"))),
        "FATAL" => ("octagon-alert", "bad", t.events_fatal.to_owned()),
        "STOPPED" => ("square", "", t.events_stopped.to_owned()),
        "UNKNOWN" => ("circle-question-mark", "warn", t.state_unknown.to_owned()),
        _ => return None,
    };
    let (group, process) = (field("groupname"), field("processname"));
    let full = if group == process {
        process.clone()
    } else {
        format!("{group}:{process}")
    };
    let mut item = Item::new(Kind::Program, icon, class, full, text);
    item.link = Some(format!(
        "/programs/{}",
        crate::logs::query::encode(&format!("{group}:{process}"))
    ));
    Some(item)
}

/// An event of the stack tells itself.
fn stack(field: &impl Fn(&str) -> String, t: &Words) -> Item {
    let kind = field("kind");
    let area = kind.split('.').next().unwrap_or_default();
    let (of, icon, class) = match area {
        "clock" => (Kind::Clock, "clock", "warn"),
        "power" | "disk" | "temperature" => (Kind::Power, "zap", "warn"),
        "config" => (Kind::Config, "settings", ""),
        "login" | "refresh_reuse" => (Kind::Login, "log-in", "warn"),
        _ => (Kind::Stack, "info", ""),
    };
    let class = if field("resolved") == "true" { "ok" } else { class };
    let summary = field("summary");
    let seconds = field("seconds");
    if kind == "clock.jump" && !seconds.is_empty() {
        return Item::new(of, icon, class, kind, t.events_clock_jumped(seconds));
    }
    if kind == "config.rules" {
        return Item::new(of, icon, class, kind, t.events_rules_read.to_owned());
    }
    let text = if summary.is_empty() { kind.clone() } else { summary };
    Item::new(of, icon, class, kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "written in place")]
    fn entry(name: &str, fields: Value) -> Entry {
        Entry {
            at: 5,
            name: name.into(),
            fields: fields.as_object().cloned().unwrap(),
            ..Entry::default()
        }
    }

    #[test]
    fn events_are_told_in_words() {
        let t = Lang::English.words();
        let crashed = entry(
            "PROCESS_STATE_EXITED",
            json!({ "processname": "<b>cam\u{1b}", "groupname": "g", "expected": "0" }),
        );
        let item = Item::happened(&crashed, t).unwrap();
        assert_eq!((item.kind, item.class, item.at), (Kind::Program, "bad", 5));
        assert_eq!(item.subject, "g:<b>cam␛");
        assert_eq!(item.link.as_deref(), Some("/programs/g%3A%3Cb%3Ecam%E2%90%9B"));
        assert!(Item::happened(&entry("PROCESS_STATE_STARTING", json!({})), t).is_none());
        let power = entry("STACK", json!({ "kind": "power.undervoltage", "summary": "Low" }));
        assert_eq!(Item::happened(&power, t).unwrap().kind, Kind::Power);
        let jump = entry(
            "STACK",
            json!({ "kind": "clock.jump", "summary": "The clock jumped" }),
        );
        assert_eq!(
            Item::happened(&jump, Lang::Polish.words()).unwrap().kind,
            Kind::Clock
        );
        assert!(item.holds("cam") && !item.holds("mqtt"));
    }
}

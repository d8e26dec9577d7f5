//! What is wrong with rules and channels, found when the configuration is read.

use indexmap::IndexMap;
use pistack_kit::config::suggest;

use crate::config::{Action, Channel, Rule};
use crate::glob::fits;
use crate::text::unknown_placeholders;

/// Every event type of supervisord (its documentation, "Event Types").
pub const EVENTS: [&str; 21] = [
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_UNKNOWN",
    "PROCESS_LOG_STDOUT",
    "PROCESS_LOG_STDERR",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_COMMUNICATION_STDERR",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    "TICK_5",
    "TICK_60",
    "TICK_3600",
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
    "EVENT",
];

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Keys from the top: `["rule", "camera-down", "then"]`.
    pub path: Vec<String>,
    /// What.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// Looks at every rule and channel. `programs` are all known processes, as `name` and as `group:name`.
pub fn check(
    rules: &IndexMap<String, Rule>,
    channels: &IndexMap<String, Channel>,
    programs: &[String],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, rule) in rules {
        let mut found = |key: &str, message: String, help: Option<String>| {
            findings.push(Finding {
                path: vec!["rule".into(), name.clone(), key.into()],
                message,
                help,
            });
        };
        check_when(name, rule, programs, &mut found);
        if rule.then.is_empty() {
            found(
                "then",
                format!("rule `{name}` does nothing"),
                Some("add an action: then = [{ log = \"{process}\" }]".into()),
            );
        }
        for action in &rule.then {
            check_action(name, action, channels, programs, &mut found);
        }
    }
    for (name, channel) in channels {
        if let Channel::Exec(run) = channel
            && run.command.is_empty()
        {
            let path = vec!["channel".into(), name.clone(), "exec".into()];
            findings.push(Finding {
                path,
                message: format!("channel `{name}` has an empty command"),
                help: None,
            });
        }
    }
    findings
}

fn check_when(
    name: &str,
    rule: &Rule,
    programs: &[String],
    found: &mut impl FnMut(&str, String, Option<String>),
) {
    let when = &rule.when;
    let wanted = when.event.clone().unwrap_or_default();
    if !EVENTS.iter().any(|event| fits(&wanted, event)) {
        let near = suggest(&wanted, EVENTS).map(|near| format!("did you mean `{near}`?"));
        let help =
            near.or_else(|| Some("write an event type such as PROCESS_STATE_EXITED, or a glob".into()));
        found(
            "when",
            format!("rule `{name}`: no event is called `{wanted}`"),
            help,
        );
    }
    for state in [&when.to_state, &when.from_state].into_iter().flatten() {
        let known = EVENTS
            .iter()
            .filter_map(|event| event.strip_prefix("PROCESS_STATE_"));
        if !known.clone().any(|known| known.eq_ignore_ascii_case(state)) {
            let help =
                suggest(&state.to_ascii_uppercase(), known).map(|near| format!("did you mean `{near}`?"));
            found(
                "when",
                format!("rule `{name}`: no process state is called `{state}`"),
                help,
            );
        }
    }
    if let Some(process) = &when.process
        && !process.contains(['*', '?'])
    {
        unknown_program(name, "when", process, programs, found);
    }
    if when.within.is_some() && when.count.is_none() {
        found(
            "when",
            format!("rule `{name}`: `within` needs `count`"),
            Some("add count = 3".into()),
        );
    }
}

fn check_action(
    name: &str,
    action: &Action,
    channels: &IndexMap<String, Channel>,
    programs: &[String],
    found: &mut impl FnMut(&str, String, Option<String>),
) {
    for template in texts(action) {
        for placeholder in unknown_placeholders(template) {
            let near = suggest(placeholder, crate::text::PLACEHOLDERS)
                .map(|near| format!("did you mean `{{{near}}}`?"));
            found(
                "then",
                format!("rule `{name}`: `{{{placeholder}}}` stands for nothing"),
                near,
            );
        }
    }
    match action {
        Action::Start(target) | Action::Stop(target) | Action::Restart(target)
            if !target.contains(['*', '{']) && !target.ends_with(':') =>
        {
            unknown_program(name, "then", target, programs, found);
        }
        Action::Run(run) if run.command.is_empty() => {
            found(
                "then",
                format!("rule `{name}` runs an empty command"),
                Some("write command = [\"program\", \"argument\"]".into()),
            );
        }
        Action::Notify(notify) => {
            for channel in notify
                .channels
                .iter()
                .filter(|channel| !channels.contains_key(*channel))
            {
                let near = suggest(channel, channels.keys().map(String::as_str))
                    .map(|near| format!("did you mean `{near}`?"))
                    .or_else(|| Some(format!("add a table [channel.{channel}]")));
                found(
                    "then",
                    format!("rule `{name}`: there is no channel `{channel}`"),
                    near,
                );
            }
        }
        Action::Shutdown(false) => {
            found(
                "then",
                format!("rule `{name}`: `shutdown = false` does nothing"),
                Some("write shutdown = true, or remove it".into()),
            );
        }
        _ => {}
    }
}

/// The texts of an action in which placeholders may stand.
fn texts(action: &Action) -> Vec<&str> {
    match action {
        Action::Log(text) | Action::Start(text) | Action::Stop(text) | Action::Restart(text) => vec![text],
        Action::Run(run) => run.command.iter().map(String::as_str).collect(),
        Action::Mail(mail) => [&mail.subject, &mail.text]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect(),
        Action::Notify(notify) => notify.text.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn unknown_program(
    rule: &str,
    key: &str,
    program: &str,
    programs: &[String],
    found: &mut impl FnMut(&str, String, Option<String>),
) {
    if programs.iter().any(|known| known == program) {
        return;
    }
    let near =
        suggest(program, programs.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    found(
        key,
        format!("rule `{rule}`: there is no program `{program}`"),
        near,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Notify, Run, When};

    fn rule(when: When, then: Vec<Action>) -> IndexMap<String, Rule> {
        IndexMap::from([(
            "r".to_owned(),
            Rule {
                when,
                then,
                priority: 0,
                cooldown: None,
                enabled: true,
            },
        )])
    }

    fn messages(rules: &IndexMap<String, Rule>) -> Vec<String> {
        let programs = ["camera".to_owned(), "camera:camera".to_owned()];
        check(rules, &IndexMap::new(), &programs)
            .into_iter()
            .map(|finding| format!("{} {}", finding.message, finding.help.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn finds_everything_at_once() {
        let when = When {
            event: "PROCESS_STATE_EXITTED".into(),
            process: Some("camrea".into()),
            to_state: Some("fatl".into()),
            within: Some(pistack_kit::config::Span(std::time::Duration::from_secs(1))),
            ..When::default()
        };
        let then = vec![
            Action::Log("{proces}".into()),
            Action::Restart("camera2".into()),
            Action::Run(Run {
                command: vec![],
                timeout: None,
            }),
            Action::Notify(Notify {
                channels: vec!["me".into()],
                text: None,
            }),
            Action::Shutdown(false),
        ];
        let all = messages(&rule(when, then));
        for wanted in [
            "did you mean `PROCESS_STATE_EXITED`?",
            "no program `camrea` did you mean `camera`?",
            "`fatl` did you mean `FATAL`?",
            "`within` needs `count`",
            "did you mean `{process}`?",
            "no program `camera2`",
            "empty command",
            "no channel `me`",
            "`shutdown = false` does nothing",
        ] {
            assert!(
                all.iter().any(|message| message.contains(wanted)),
                "{wanted} is not in {all:#?}"
            );
        }
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn good_rules_are_quiet() {
        let when = When {
            event: "PROCESS_STATE_*".into(),
            process: Some("cam*".into()),
            ..When::default()
        };
        assert_eq!(
            messages(&rule(when, vec![Action::Restart("{group}:{process}".into())])),
            Vec::<String>::new()
        );
        let when = When {
            event: "TICK_60".into(),
            ..When::default()
        };
        assert_eq!(messages(&rule(when, vec![])).len(), 1);
    }
}

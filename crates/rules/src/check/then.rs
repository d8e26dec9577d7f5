//! `then`: what is named must exist, and what is written must mean something.

use super::when::unknown_line;
use super::{Findings, Known, did_you_mean};
use crate::config::{Action, Notify, Rule, RuleState, Subject};
use crate::text::unknown_placeholders;

/// Signals that a rule may send.
const SIGNALS: [&str; 14] = [
    "HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "KILL", "CONT", "STOP", "TSTP", "ALRM", "WINCH", "PIPE",
    "ABRT",
];

pub(super) fn check(rule: &Rule, known: &Known<'_>, findings: &mut Findings<'_>) {
    if rule.then.is_empty() {
        findings.add(
            &["then"],
            "it does nothing",
            "add an action: then = [{ log = \"{process}\" }]".to_owned(),
        );
    }
    for (number, action) in rule.then.iter().enumerate() {
        let number = number.to_string();
        if number == "0" && matches!(action, Action::OnFail(_)) {
            findings.add(
                &["then", &number],
                "`on_fail` stands first: nothing can have failed before it",
                None,
            );
        }
        check_action(rule, action, &number, known, findings);
    }
}

fn check_action(rule: &Rule, action: &Action, at: &str, known: &Known<'_>, findings: &mut Findings<'_>) {
    placeholders(rule, action, at, findings);
    let place = ["then", at];
    match action {
        Action::Start(target) | Action::Stop(target) | Action::Restart(target) => {
            check_target(target, &place, known, findings);
        }
        Action::Signal(signal) => {
            check_target(&signal.process, &place, known, findings);
            let name = signal.signal.to_ascii_uppercase();
            let name = name.strip_prefix("SIG").unwrap_or(&name);
            if !SIGNALS.contains(&name) && !name.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number))
            {
                findings.add(
                    &place,
                    format!("no signal is called `{}`", signal.signal),
                    did_you_mean(name, SIGNALS),
                );
            }
        }
        Action::Run(run) => {
            if run
                .command
                .first()
                .is_none_or(|program| program.trim().is_empty())
            {
                let help = "write run = [\"program\", \"argument\"]".to_owned();
                findings.add(&place, "it runs an empty command", help);
            }
            if run.timeout.is_some_and(|span| span.0.is_zero()) {
                findings.add(&place, "a timeout of nothing kills the command at once", None);
            }
        }
        Action::Gpio(_) | Action::Rule(_) | Action::Webhook(_) | Action::Mail(_) => {
            check_address(action, &place, known, findings);
        }
        Action::Notify(notify) => channels(notify, &place, known, findings),
        Action::Shutdown(false) => findings.add(
            &place,
            "`shutdown = false` does nothing",
            "write shutdown = true, or remove it".to_owned(),
        ),
        Action::OnFail(actions) => {
            if actions.is_empty() {
                findings.add(&place, "`on_fail` does nothing", None);
            }
            for inner in actions {
                if matches!(inner, Action::OnFail(_)) {
                    findings.add(
                        &place,
                        "`on_fail` stands in `on_fail`",
                        "write its actions one after the other".to_owned(),
                    );
                } else {
                    check_action(rule, inner, at, known, findings);
                }
            }
        }
        Action::Log(_) | Action::Shutdown(true) => {}
    }
}

/// Lines, rules and addresses that an action names.
fn check_address(action: &Action, place: &[&str], known: &Known<'_>, findings: &mut Findings<'_>) {
    match action {
        Action::Gpio(gpio) => {
            if let Some((message, help)) = unknown_line(&gpio.line, known) {
                findings.add(place, message, help);
            }
        }
        Action::Rule(set) => {
            if !known.rules.contains_key(&set.name) {
                let near = did_you_mean(&set.name, known.rules.keys().map(String::as_str));
                findings.add(place, format!("there is no rule `{}`", set.name), near);
            }
            if set.name == findings.rule && set.set != RuleState::Off {
                findings.add(place, "it sets itself off", "name another rule".to_owned());
            }
        }
        Action::Webhook(webhook)
            if !webhook.url.starts_with("https://") && !webhook.url.starts_with("http://") =>
        {
            findings.add(
                place,
                format!("`{}` is no address", webhook.url),
                "write \"https://...\"".to_owned(),
            );
        }
        Action::Mail(mail)
            if !mail.to.contains('@') || mail.to.contains(char::is_control) || mail.to.contains(' ') =>
        {
            findings.add(place, format!("`{}` is no mail address", mail.to), None);
        }
        _ => {}
    }
}

fn channels(notify: &Notify, place: &[&str], known: &Known<'_>, findings: &mut Findings<'_>) {
    if notify.channels.is_empty() {
        findings.add(
            place,
            "`notify` names no channel",
            "write notify = [\"me\"]".to_owned(),
        );
    }
    for channel in &notify.channels {
        unknown_channel(channel, place, known, findings);
    }
}

pub(super) fn unknown_channel(channel: &str, place: &[&str], known: &Known<'_>, findings: &mut Findings<'_>) {
    if known.channels.contains_key(channel) {
        return;
    }
    let near = did_you_mean(channel, known.channels.keys().map(String::as_str))
        .unwrap_or_else(|| format!("add a table [channel.{channel}]"));
    findings.add(place, format!("there is no channel `{channel}`"), near);
}

/// `name`, `group:name`, `group:*`, `@group`, or a text with placeholders.
fn check_target(target: &str, place: &[&str], known: &Known<'_>, findings: &mut Findings<'_>) {
    if target.contains('{') {
        return;
    }
    let has_group = |group: &str| {
        known
            .programs
            .iter()
            .any(|name| name.split_once(':').is_some_and(|(known, _)| known == group))
    };
    let group = target
        .strip_prefix('@')
        .or_else(|| target.strip_suffix(":*"))
        .or_else(|| target.strip_suffix(':'));
    if let Some(group) = group {
        if !has_group(group) {
            let groups = known
                .programs
                .iter()
                .filter_map(|name| Some(name.split_once(':')?.0));
            findings.add(
                place,
                format!("there is no group `{group}`"),
                did_you_mean(group, groups),
            );
        }
    } else if !known.programs.iter().any(|name| name == target) {
        let near = did_you_mean(target, known.programs.iter().map(String::as_str));
        findings.add(place, format!("there is no program `{target}`"), near);
    }
}

/// Placeholders that stand for nothing in this rule.
fn placeholders(rule: &Rule, action: &Action, at: &str, findings: &mut Findings<'_>) {
    let Some(more) = fields_of(rule) else { return };
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    for template in texts(action) {
        for placeholder in unknown_placeholders(template, &more) {
            let all = crate::text::PLACEHOLDERS.iter().chain(&more).copied();
            let near = pistack_kit::config::suggest(placeholder, all)
                .map(|near| format!("did you mean `{{{near}}}`?"));
            findings.add(
                &["then", at],
                format!("`{{{placeholder}}}` stands for nothing"),
                near,
            );
        }
    }
}

/// The fields that this kind of rule has beside the common ones; `None` where anything may come.
fn fields_of(rule: &Rule) -> Option<Vec<String>> {
    let named = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    match rule.when.subject() {
        Subject::Event => named(&["processname", "groupname", "when", "type"]),
        Subject::Log => {
            let regex = crate::decide::log_expression(rule.when.log.as_deref()?).ok()?;
            let caught = regex.capture_names().flatten().map(str::to_owned);
            Some(
                ["line", "stream"]
                    .into_iter()
                    .map(str::to_owned)
                    .chain(caught)
                    .collect(),
            )
        }
        Subject::Metric => named(&["metric", "value"]),
        Subject::Sensor => named(&["sensor", "value"]),
        Subject::Gpio => named(&["line", "pin", "level"]),
        Subject::Cron => Some(Vec::new()),
        Subject::Stack | Subject::Webhook => None,
    }
}

/// The texts of an action in which placeholders may stand.
fn texts(action: &Action) -> Vec<&str> {
    match action {
        Action::Log(text) | Action::Start(text) | Action::Stop(text) | Action::Restart(text) => vec![text],
        Action::Signal(signal) => vec![&signal.process],
        Action::Run(run) => run.command.iter().map(String::as_str).collect(),
        Action::Mail(mail) => [&mail.subject, &mail.text]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect(),
        Action::Notify(notify) => [&notify.title, &notify.text]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect(),
        Action::Gpio(_) | Action::Webhook(_) | Action::Rule(_) | Action::Shutdown(_) | Action::OnFail(_) => {
            Vec::new()
        }
    }
}

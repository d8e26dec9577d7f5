//! `policy`: what contradicts itself, or could never have an effect.

use super::then::unknown_channel;
use super::{Findings, Known};
use crate::config::{Action, Rule, Subject};

pub(super) fn check(name: &str, rule: &Rule, known: &Known<'_>, findings: &mut Findings<'_>) {
    debug_assert_eq!(name, findings.rule);
    let policy = &rule.policy;
    if rule.cooldown.is_some() && policy.cooldown.is_some() {
        findings.add(
            &["policy", "cooldown"],
            "`cooldown` is written twice, beside `policy` and in it",
            "keep the one in `policy`".to_owned(),
        );
    }
    if policy.quiet_lets_through.is_some() && policy.quiet.is_none() {
        findings.add(
            &["policy", "quiet_lets_through"],
            "`quiet_lets_through` needs `quiet`",
            "add quiet = \"22:00-07:00\"".to_owned(),
        );
    }
    about_messages(rule, findings);
    if policy.resolve_text.is_some() && policy.on_resolve.as_ref().is_some_and(Vec::is_empty) {
        findings.add(
            &["policy", "resolve_text"],
            "nobody hears `resolve_text`: `on_resolve` is empty",
            None,
        );
    }
    if policy.digest.is_some_and(|span| span.0.as_millis() < 1000) {
        findings.add(
            &["policy", "digest"],
            "a digest gathers what happens; less than a second gathers nothing",
            "write \"10m\"".to_owned(),
        );
    }
    if policy.wait.is_some_and(|span| span.0.as_secs() > 3600) {
        findings.add(&["policy", "wait"], "`wait` is longer than an hour", None);
    }
    for channel in policy.on_resolve.iter().flatten() {
        unknown_channel(channel, &["policy", "on_resolve"], known, findings);
    }
}

/// Keys about messages where there are none, and about an end where there is none.
fn about_messages(rule: &Rule, findings: &mut Findings<'_>) {
    let policy = &rule.policy;
    let speaks = rule.then.iter().any(Action::is_message);
    let ends = !matches!(rule.when.subject(), Subject::Cron | Subject::Webhook);
    let about_messages = [
        ("wait", policy.wait.is_some()),
        ("digest", policy.digest.is_some()),
        ("quiet", policy.quiet.is_some()),
        (
            "on_resolve",
            policy
                .on_resolve
                .as_ref()
                .is_some_and(|channels| !channels.is_empty()),
        ),
        ("resolve_text", policy.resolve_text.is_some()),
        ("dependants", policy.dependants),
    ];
    for (key, there) in about_messages {
        if there && !speaks {
            findings.add(
                &["policy", key],
                format!("`{key}` is about messages, and the rule sends none"),
                "remove it, or add { notify = \"...\" }".to_owned(),
            );
        }
    }
    let about_the_end = [
        (
            "on_resolve",
            policy
                .on_resolve
                .as_ref()
                .is_some_and(|channels| !channels.is_empty()),
        ),
        ("resolve_text", policy.resolve_text.is_some()),
    ];
    for (key, there) in about_the_end {
        if there && speaks && !ends {
            findings.add(
                &["policy", key],
                format!("`{key}` is about the end, and what this rule waits for is a moment without one"),
                "remove it".to_owned(),
            );
        }
    }
}

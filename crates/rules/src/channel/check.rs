//! What is wrong with channels, found when the configuration is read.

use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use pistack_kit::config::suggest;

use super::config::{Channel, Incoming, Telegram, Way, Webhook};
use crate::check::Finding;
use crate::outgoing;

/// Longest and shortest time for one attempt.
const ATTEMPT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(2));
/// Longest time to keep trying.
const KEEP_TRYING: Duration = Duration::from_hours(30 * 24);
/// Header fields that a request sets by itself, or that would change what the request is.
const OWN_FIELDS: [&str; 9] = [
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "expect",
];
/// A longer file is no secret.
const MOST_SECRET: u64 = 4096;

/// Looks at every channel.
pub fn check(channels: &IndexMap<String, Channel>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, channel) in channels {
        let mut found = |key: &str, message: String, help: Option<String>| {
            let mut path = vec!["channel".to_owned(), name.clone()];
            path.extend(key.split('.').filter(|part| !part.is_empty()).map(str::to_owned));
            findings.push(Finding {
                path,
                message: format!("channel `{name}`: {message}"),
                help,
            });
        };
        check_way(channel, &mut found);
        check_bounds(channel, &mut found);
        check_fallback(name, channel, channels, &mut found);
    }
    findings
}

/// The first word of a secret's file.
///
/// # Errors
/// When it cannot be read, is empty, or is no text of reasonable length.
pub fn read_secret(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let length = std::fs::metadata(path)
        .map_err(|error| format!("{shown} cannot be read: {error}"))?
        .len();
    if length > MOST_SECRET {
        return Err(format!("{shown} is longer than {MOST_SECRET} bytes: no secret"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let word = text.trim();
    if word.is_empty() {
        return Err(format!("{shown} is empty"));
    }
    if word.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(format!("{shown} holds more than one word"));
    }
    Ok(word.to_owned())
}

type Found<'a> = dyn FnMut(&str, String, Option<String>) + 'a;

fn check_way(channel: &Channel, found: &mut Found<'_>) {
    let ways = channel.ways();
    match ways.as_slice() {
        [] => found(
            "",
            "says nothing of how to deliver".into(),
            Some("add one of email, webhook, ntfy, exec, telegram, discord, slack".into()),
        ),
        [_] => {}
        several => {
            let names: Vec<&str> = several.iter().map(|way| way.name()).collect();
            found(
                "",
                format!("has {} at once", names.join(" and ")),
                Some("make a channel of each, and one the `fallback` of the other if you like".into()),
            );
        }
    }
    for way in ways {
        match way {
            Way::Email(email) => {
                if let Err(reason) = check_address(&email.to) {
                    found(
                        "email",
                        format!("`{}` is no address: {reason}", email.to.escape_debug()),
                        None,
                    );
                }
            }
            Way::Webhook(webhook) => check_webhook(webhook, found),
            Way::Ntfy(ntfy) => {
                let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                if ntfy.topic.is_empty() || ntfy.topic.len() > 64 || !ntfy.topic.chars().all(letters) {
                    found(
                        "ntfy",
                        format!("`{}` is no topic", ntfy.topic.escape_debug()),
                        Some("a topic has 1 to 64 letters, digits, `_` and `-`".into()),
                    );
                }
                url("ntfy", &ntfy.server, ntfy.private, found);
                secret("ntfy", ntfy.token_file.as_deref(), found);
                authority("ntfy", ntfy.ca_file.as_deref(), found);
            }
            Way::Exec(run) => {
                if run.command.is_empty() {
                    found(
                        "exec",
                        "has an empty command".into(),
                        Some("write command = [\"program\", \"argument\"]".into()),
                    );
                }
            }
            Way::Telegram(telegram) => check_telegram(telegram, found),
            Way::Discord(incoming) => check_incoming("discord", incoming, found),
            Way::Slack(incoming) => check_incoming("slack", incoming, found),
        }
    }
}

/// Enough to keep header injection and slips out; the mail service has the last word.
fn check_address(address: &str) -> Result<(), &'static str> {
    let (local, domain) = address.rsplit_once('@').ok_or("it has no `@`")?;
    if address.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>')) {
        return Err("one bare address, without name, spaces or line breaks");
    }
    if local.is_empty() || domain.is_empty() || address.len() > 254 {
        return Err("something is missing before or after `@`, or it is too long");
    }
    Ok(())
}

fn check_webhook(webhook: &Webhook, found: &mut Found<'_>) {
    url("webhook", &webhook.url, webhook.private, found);
    secret("webhook", webhook.secret_file.as_deref(), found);
    authority("webhook", webhook.ca_file.as_deref(), found);
    for (name, value) in &webhook.headers {
        let lower = name.to_ascii_lowercase();
        let bad_name = http::HeaderName::from_bytes(name.as_bytes()).is_err();
        if bad_name || OWN_FIELDS.contains(&lower.as_str()) || lower.starts_with("x-hook-") {
            found(
                "webhook",
                format!("header field `{}` cannot be set", name.escape_debug()),
                None,
            );
        } else if http::HeaderValue::from_str(value).is_err() {
            found(
                "webhook",
                format!("the value of header field `{name}` has characters that no header field may have"),
                Some("one line of visible characters".into()),
            );
        }
    }
}

fn check_telegram(telegram: &Telegram, found: &mut Found<'_>) {
    url("telegram", &telegram.server, telegram.private, found);
    authority("telegram", telegram.ca_file.as_deref(), found);
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match read_secret(&telegram.token_file) {
        Err(reason) => found("telegram", format!("token_file {reason}"), None),
        Ok(token) => {
            let right = token.split_once(':').is_some_and(|(bot, rest)| {
                !bot.is_empty()
                    && bot.bytes().all(|b| b.is_ascii_digit())
                    && !rest.is_empty()
                    && rest.chars().all(word)
            });
            if !right {
                found(
                    "telegram",
                    format!("{} holds no bot token", telegram.token_file.display()),
                    Some("a token looks like 123456:ABC-def and comes from @BotFather".into()),
                );
            }
        }
    }
    let number = telegram.chat.parse::<i64>().is_ok();
    let name = telegram
        .chat
        .strip_prefix('@')
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(word));
    if !number && !name {
        found(
            "telegram",
            format!("`{}` is no chat", telegram.chat.escape_debug()),
            Some("a chat is a number such as \"-1001234\", or \"@channel\"".into()),
        );
    }
}

fn check_incoming(key: &str, incoming: &Incoming, found: &mut Found<'_>) {
    authority(key, incoming.ca_file.as_deref(), found);
    match read_secret(&incoming.url_file) {
        Err(reason) => found(key, format!("url_file {reason}"), None),
        Ok(text) => {
            if let Err(reason) = outgoing::parse(&text, incoming.private) {
                found(
                    key,
                    format!("url_file {}: {reason}", incoming.url_file.display()),
                    None,
                );
            }
        }
    }
}

fn url(key: &str, text: &str, private: bool, found: &mut Found<'_>) {
    if let Err(reason) = outgoing::parse(text, private) {
        found(key, format!("`{}`: {reason}", text.escape_debug()), None);
    }
}

fn secret(key: &str, path: Option<&Path>, found: &mut Found<'_>) {
    if let Some(Err(reason)) = path.map(read_secret) {
        found(
            key,
            reason,
            Some("write the secret into it as one word, readable by pistack".into()),
        );
    }
}

fn authority(key: &str, path: Option<&Path>, found: &mut Found<'_>) {
    if let Some(path) = path
        && let Err(failure) = outgoing::check_authority(path)
    {
        found(key, failure.reason, None);
    }
}

fn check_bounds(channel: &Channel, found: &mut Found<'_>) {
    if channel.limit.hour == 0 || channel.limit.day == 0 {
        found(
            "limit",
            "a limit of 0 lets nothing through".into(),
            Some("leave the rules' `notify` away instead".into()),
        );
    }
    if channel.timeout.0 < ATTEMPT.0 || channel.timeout.0 > ATTEMPT.1 {
        found(
            "timeout",
            "an attempt may take from 100 ms to 2 minutes".into(),
            None,
        );
    }
    if channel.keep_trying.0 > KEEP_TRYING {
        found(
            "keep_trying",
            "nobody wants to hear of it after 30 days".into(),
            None,
        );
    }
}

fn check_fallback(
    name: &str,
    channel: &Channel,
    channels: &IndexMap<String, Channel>,
    found: &mut Found<'_>,
) {
    let Some(next) = &channel.fallback else { return };
    if !channels.contains_key(next) {
        let near =
            suggest(next, channels.keys().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        found("fallback", format!("there is no channel `{next}`"), near);
        return;
    }
    let mut seen = vec![name];
    let mut at = next.as_str();
    while !seen.contains(&at) {
        seen.push(at);
        match channels.get(at).and_then(|channel| channel.fallback.as_deref()) {
            Some(further) => at = further,
            None => return,
        }
    }
    if at == name {
        seen.push(name);
        found(
            "fallback",
            format!("the fallbacks go round in a circle: {}", seen.join(" → ")),
            Some("let the last one have no fallback".into()),
        );
    }
}

#[cfg(test)]
mod tests {
    use pistack_kit::config::{Document, Source};

    use super::*;

    fn messages(toml: &str) -> Vec<String> {
        #[derive(serde::Deserialize, schemars::JsonSchema, Default)]
        struct File {
            channel: IndexMap<String, Channel>,
        }
        let source = Source {
            name: "test".into(),
            text: toml.into(),
        };
        let file: File = Document::parse(vec![source]).unwrap().read().unwrap();
        check(&file.channel)
            .into_iter()
            .map(|finding| format!("{} {}", finding.path.join("."), finding.message))
            .collect()
    }

    #[test]
    fn good_channels_are_quiet() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let toml = format!(
            r#"
            [channel.mail]
            email = {{ to = "me@example.org" }}
            fallback = "phone"
            quiet = "22:00-07:00"
            [channel.phone]
            ntfy = {{ topic = "pi-lab" }}
            limit = {{ hour = 5 }}
            [channel.hook]
            webhook = {{ url = "https://example.org/x", secret_file = "{}", headers = {{ X-Room = "kitchen" }} }}
            [channel.home]
            webhook = {{ url = "http://192.168.1.5:8123/api/webhook/x", private = true }}
            [channel.run]
            exec = {{ command = ["/bin/true"], timeout = "5s" }}
            [channel.chat]
            telegram = {{ token_file = "{}", chat = "-100123" }}
            [channel.team]
            slack = {{ url_file = "{}" }}
            "#,
            write("key", "secret\n"),
            write("bot", "123:AB-c_d\n"),
            write("url", "https://hooks.slack.com/services/T/B/x\n"),
        );
        assert_eq!(messages(&toml), Vec::<String>::new());
    }

    #[test]
    fn bad_channels_are_refused_with_place_and_reason() {
        let all = messages(
            r#"
            [channel.nothing]
            limit = { hour = 0 }
            [channel.both]
            email = { to = "a@b.c" }
            ntfy = { topic = "x" }
            [channel.inject]
            email = { to = "a@b.c\r\nBcc: x@y.z" }
            [channel.url]
            webhook = { url = "htps://example.org" }
            [channel.clear]
            webhook = { url = "http://example.org" }
            [channel.inside]
            webhook = { url = "https://127.1/x" }
            [channel.password]
            webhook = { url = "https://u:p@example.org/" }
            [channel.key]
            webhook = { url = "https://example.org", secret_file = "/does/not/exist" }
            [channel.header]
            webhook = { url = "https://example.org", headers = { Host = "x", X-A = "a\nb" } }
            [channel.topic]
            ntfy = { topic = "a b" }
            [channel.bot]
            telegram = { token_file = "/does/not/exist", chat = "me" }
            [channel.empty]
            exec = { command = [] }
            [channel.round]
            email = { to = "a@b.c" }
            fallback = "round2"
            [channel.round2]
            email = { to = "a@b.c" }
            fallback = "round"
            [channel.lost]
            email = { to = "a@b.c" }
            fallback = "phon"
            timeout = "1h"
            "#,
        );
        for wanted in [
            "channel.nothing channel `nothing`: says nothing",
            "channel.nothing.limit",
            "email and ntfy at once",
            "channel.inject.email",
            "`htps:` is not supported",
            "clear text",
            "127.0.0.1 is on a private network",
            "user name or password in the URL",
            "/does/not/exist cannot be read",
            "`Host` cannot be set",
            "`X-A` has characters",
            "`a b` is no topic",
            "`me` is no chat",
            "empty command",
            "round → round2 → round",
            "no channel `phon`",
            "channel.lost.timeout",
        ] {
            assert!(
                all.iter().any(|message| message.contains(wanted)),
                "{wanted} is not in {all:#?}"
            );
        }
        assert_eq!(all.len(), 19, "{all:#?}");
    }
}

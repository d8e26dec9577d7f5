//! The flat writing of an action: one key that says what, and its details beside it.

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Action, Frequency, Gpio, LineRef, Mail, Notify, RuleState, Run, SetRule, Signal, Until, Webhook,
};

/// One thing to do: one of the keys `log`, `run`, `start`, `stop`, `restart`, `signal`, `gpio`, `webhook`, `rule`,
/// `shutdown`, `mail`, `notify` and `on_fail`, and what belongs to it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ActionTable {
    /// Write this line to the listener's log.
    log: Option<String>,
    /// Run a command, without a shell: a text that is split as a shell would, a list, or a table.
    run: Option<RunForm>,
    /// Start a process: `name`, `group:name`, `group:*` or `@group`.
    start: Option<String>,
    /// Stop a process.
    stop: Option<String>,
    /// Stop a process and start it again.
    restart: Option<String>,
    /// Send a signal (`"HUP"`) to `process`.
    signal: Option<SignalForm>,
    /// Drive a GPIO line: a BCM number, the name of a `[line.NAME]`, or a table.
    gpio: Option<GpioForm>,
    /// Send the event to this address: an address or a table.
    webhook: Option<WebhookForm>,
    /// Change another rule's state with `set`: its name, or a table.
    rule: Option<RuleForm>,
    /// `true`: shut the whole supervisor down.
    shutdown: Option<bool>,
    /// Send a mail to this address: an address or a table.
    mail: Option<MailForm>,
    /// Send a message to these channels: a name, a list of names, or a table.
    notify: Option<NotifyForm>,
    /// What to do if an action before this one failed: an action or a list of actions.
    on_fail: Option<OnFailForm>,
    /// With `notify` and `mail`: the message's text.
    text: Option<String>,
    /// With `notify`: the message's title.
    title: Option<String>,
    /// With `notify`: `true` = the first channel that takes the message is enough.
    fallback: Option<bool>,
    /// With `mail`: the subject line.
    subject: Option<String>,
    /// With `run`: it is killed after this time. Default: `"1m"`.
    timeout: Option<Span>,
    /// With `run`: the user to run it as.
    user: Option<String>,
    /// With `signal`: the process that gets it.
    process: Option<String>,
    /// With `gpio`: the level (`true`, `false`); with `rule`: `"on"`, `"off"`, `"fire"` or `"resolve"`.
    set: Option<SetForm>,
    /// With `gpio`: high for this time, then low.
    pulse: Option<Span>,
    /// With `gpio`: high and low in turn, so many times a second: `"2Hz"`.
    blink: Option<Frequency>,
    /// With `gpio`: `"resolved"` = until the rule resolves.
    until: Option<Until>,
    /// With `webhook`: file that holds the key of the HMAC signature.
    secret_file: Option<std::path::PathBuf>,
    /// With `webhook`: `true` = the address may be on a private network.
    private: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a command: \"program argument\", [\"program\", \"argument\"] or { command = [...] }"
)]
enum RunForm {
    Line(String),
    Words(Vec<String>),
    Table(Run),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a signal such as \"HUP\" beside process = \"...\", or { signal, process }"
)]
enum SignalForm {
    Name(String),
    Table(Signal),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a BCM number, the name of a line, or { line, set | pulse | blink, until }"
)]
enum GpioForm {
    Line(LineRef),
    Table(Gpio),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "an address such as \"https://...\", or { url, secret_file, private }"
)]
enum WebhookForm {
    Url(String),
    Table(Webhook),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "the name of a rule beside set = \"...\", or { name, set }"
)]
enum RuleForm {
    Name(String),
    Table(SetRule),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a mail address, or { to, subject, text }")]
enum MailForm {
    To(String),
    Table(Mail),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "the name of a channel, a list of them, or { channels, text, title, fallback }"
)]
enum NotifyForm {
    One(String),
    Several(Vec<String>),
    Table(Notify),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "an action or a list of actions")]
enum OnFailForm {
    Several(Vec<Action>),
    One(Box<Action>),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "true, false, \"on\", \"off\", \"high\", \"low\", \"fire\" or \"resolve\""
)]
enum SetForm {
    Level(bool),
    Word(String),
}

impl TryFrom<ActionTable> for Action {
    type Error = String;

    fn try_from(mut table: ActionTable) -> Result<Self, String> {
        let action = table.take_action()?;
        match table.left_over() {
            Some(key) => Err(format!("`{key}` does not belong to `{}`", action.name())),
            None => Ok(action),
        }
    }
}

impl ActionTable {
    /// The keys that say what to do.
    fn kinds(&self) -> Vec<&'static str> {
        [
            ("log", self.log.is_some()),
            ("run", self.run.is_some()),
            ("start", self.start.is_some()),
            ("stop", self.stop.is_some()),
            ("restart", self.restart.is_some()),
            ("signal", self.signal.is_some()),
            ("gpio", self.gpio.is_some()),
            ("webhook", self.webhook.is_some()),
            ("rule", self.rule.is_some()),
            ("shutdown", self.shutdown.is_some()),
            ("mail", self.mail.is_some()),
            ("notify", self.notify.is_some()),
            ("on_fail", self.on_fail.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
        .collect()
    }

    /// A detail that nobody took.
    fn left_over(&self) -> Option<&'static str> {
        [
            ("text", self.text.is_some()),
            ("title", self.title.is_some()),
            ("fallback", self.fallback.is_some()),
            ("subject", self.subject.is_some()),
            ("timeout", self.timeout.is_some()),
            ("user", self.user.is_some()),
            ("process", self.process.is_some()),
            ("set", self.set.is_some()),
            ("pulse", self.pulse.is_some()),
            ("blink", self.blink.is_some()),
            ("until", self.until.is_some()),
            ("secret_file", self.secret_file.is_some()),
            ("private", self.private.is_some()),
        ]
        .into_iter()
        .find_map(|(name, there)| there.then_some(name))
    }

    fn take_action(&mut self) -> Result<Action, String> {
        const KINDS: &str =
            "log, run, start, stop, restart, signal, gpio, webhook, rule, shutdown, mail, notify, on_fail";
        match self.kinds()[..] {
            [] => return Err(format!("an action needs one of {KINDS}")),
            [_] => {}
            [first, second, ..] => {
                return Err(format!(
                    "`{first}` and `{second}` are two actions: write {{ {first} = ... }}, {{ {second} = ... }}"
                ));
            }
        }
        let plain = [
            self.log.take().map(Action::Log),
            self.start.take().map(Action::Start),
            self.stop.take().map(Action::Stop),
            self.restart.take().map(Action::Restart),
            self.shutdown.take().map(Action::Shutdown),
        ];
        if let Some(action) = plain.into_iter().flatten().next() {
            return Ok(action);
        }
        self.take_message()
            .or_else(|| self.take_outside())
            .unwrap_or_else(|| {
                Ok(match self.on_fail.take() {
                    Some(OnFailForm::Several(actions)) => Action::OnFail(actions),
                    Some(OnFailForm::One(action)) => Action::OnFail(vec![*action]),
                    None => return Err(format!("an action needs one of {KINDS}")),
                })
            })
    }

    fn take_message(&mut self) -> Option<Result<Action, String>> {
        if let Some(form) = self.notify.take() {
            let mut notify = match form {
                NotifyForm::Table(table) => table,
                NotifyForm::One(name) => Notify::to(vec![name]),
                NotifyForm::Several(names) => Notify::to(names),
            };
            notify.text = self.text.take().or(notify.text);
            notify.title = self.title.take().or(notify.title);
            notify.fallback = self.fallback.take().unwrap_or(notify.fallback);
            return Some(Ok(Action::Notify(notify)));
        }
        let mut mail = match self.mail.take()? {
            MailForm::Table(table) => table,
            MailForm::To(to) => Mail {
                to,
                subject: None,
                text: None,
            },
        };
        mail.text = self.text.take().or(mail.text);
        mail.subject = self.subject.take().or(mail.subject);
        Some(Ok(Action::Mail(mail)))
    }

    fn take_outside(&mut self) -> Option<Result<Action, String>> {
        if let Some(form) = self.run.take() {
            return Some(self.take_run(form));
        }
        if let Some(form) = self.signal.take() {
            return Some(match form {
                SignalForm::Table(table) => Ok(Action::Signal(table)),
                SignalForm::Name(signal) => match self.process.take() {
                    Some(process) => Ok(Action::Signal(Signal { signal, process })),
                    None => Err("`signal` needs process = \"...\" beside it".to_owned()),
                },
            });
        }
        if let Some(form) = self.gpio.take() {
            return Some(self.take_gpio(form));
        }
        if let Some(form) = self.webhook.take() {
            let mut webhook = match form {
                WebhookForm::Table(table) => table,
                WebhookForm::Url(url) => Webhook {
                    url,
                    secret_file: None,
                    private: false,
                },
            };
            webhook.secret_file = self.secret_file.take().or(webhook.secret_file);
            webhook.private = self.private.take().unwrap_or(webhook.private);
            return Some(Ok(Action::Webhook(webhook)));
        }
        let form = self.rule.take()?;
        Some(match form {
            RuleForm::Table(table) => Ok(Action::Rule(table)),
            RuleForm::Name(name) => self.set_of_rule().map(|set| Action::Rule(SetRule { name, set })),
        })
    }

    fn take_run(&mut self, form: RunForm) -> Result<Action, String> {
        let mut run = match form {
            RunForm::Table(run) => run,
            RunForm::Words(command) => Run::command(command),
            RunForm::Line(line) => Run::command(words(&line)?),
        };
        run.timeout = self.timeout.take().or(run.timeout);
        run.user = self.user.take().or(run.user.take());
        Ok(Action::Run(run))
    }

    fn take_gpio(&mut self, form: GpioForm) -> Result<Action, String> {
        let mut gpio = match form {
            GpioForm::Table(table) => table,
            GpioForm::Line(line) => Gpio {
                line,
                set: None,
                pulse: None,
                blink: None,
                until: None,
            },
        };
        gpio.set = match self.set.take() {
            Some(SetForm::Level(level)) => Some(level),
            Some(SetForm::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "high" | "on" => Some(true),
                "low" | "off" => Some(false),
                _ => return Err(format!("`set = \"{word}\"` is no level; write true or false")),
            },
            None => gpio.set,
        };
        gpio.pulse = self.pulse.take().or(gpio.pulse);
        gpio.blink = self.blink.take().or(gpio.blink);
        gpio.until = self.until.take().or(gpio.until);
        let asked = [gpio.set.is_some(), gpio.pulse.is_some(), gpio.blink.is_some()];
        match asked.into_iter().filter(|there| *there).count() {
            1 if gpio.pulse.is_some() && gpio.until.is_some() => {
                Err("a `pulse` ends by itself: remove `until`, or write `set`".to_owned())
            }
            1 => Ok(Action::Gpio(gpio)),
            0 => Err("`gpio` needs set = true, pulse = \"500ms\" or blink = \"2Hz\"".to_owned()),
            _ => Err("`gpio` takes one of `set`, `pulse` and `blink`".to_owned()),
        }
    }

    fn set_of_rule(&mut self) -> Result<RuleState, String> {
        let word = match self.set.take() {
            Some(SetForm::Word(word)) => word.to_ascii_lowercase(),
            Some(SetForm::Level(on)) => (if on { "on" } else { "off" }).to_owned(),
            None => return Err("`rule` needs set = \"on\", \"off\", \"fire\" or \"resolve\"".to_owned()),
        };
        match word.as_str() {
            "on" => Ok(RuleState::On),
            "off" => Ok(RuleState::Off),
            "fire" => Ok(RuleState::Fire),
            "resolve" => Ok(RuleState::Resolve),
            _ => Err(format!(
                "`set = \"{word}\"` is no state of a rule; write \"on\", \"off\", \"fire\" or \"resolve\""
            )),
        }
    }
}

impl Notify {
    fn to(channels: Vec<String>) -> Self {
        Self {
            channels,
            text: None,
            title: None,
            fallback: false,
        }
    }
}

impl Run {
    fn command(command: Vec<String>) -> Self {
        Self {
            command,
            timeout: None,
            user: None,
        }
    }
}

/// Splits a command line as a shell would, without anything else that a shell does.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut rest = line.chars();
    while let Some(letter) = rest.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some('"') | None, '\\') => match rest.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err(format!("`{line}` ends with a backslash")),
            },
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    if let Some(open) = quote {
        return Err(format!("`{line}`: a {open} is opened and not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Action, String> {
        toml::from_str::<Action>(toml).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn flat_and_nested_writing_mean_the_same() {
        for (flat, nested) in [
            (
                "notify = 'me'\ntext = 'x'",
                "[notify]\nchannels = ['me']\ntext = 'x'",
            ),
            (
                "run = 'cp \"a b\" c'\ntimeout = '10m'",
                "[run]\ncommand = ['cp', 'a b', 'c']\ntimeout = '10m'",
            ),
            (
                "gpio = 17\nblink = '2Hz'\nuntil = 'resolved'",
                "[gpio]\nline = 17\nblink = '2Hz'\nuntil = 'resolved'",
            ),
            ("gpio = 'lamp'\nset = 'high'", "[gpio]\nline = 'lamp'\nset = true"),
            (
                "signal = 'HUP'\nprocess = 'web'",
                "[signal]\nsignal = 'HUP'\nprocess = 'web'",
            ),
            ("rule = 'b'\nset = 'off'", "[rule]\nname = 'b'\nset = 'off'"),
            (
                "mail = 'a@b.c'\nsubject = 's'",
                "[mail]\nto = 'a@b.c'\nsubject = 's'",
            ),
            (
                "webhook = 'https://x'\nprivate = true",
                "[webhook]\nurl = 'https://x'\nprivate = true",
            ),
            ("on_fail = { notify = 'me' }", "on_fail = [{ notify = ['me'] }]"),
        ] {
            assert_eq!(read(flat).unwrap(), read(nested).unwrap(), "{flat}");
        }
    }

    #[test]
    fn what_it_writes_it_reads() {
        let action = read("notify = ['me', 'phone']\ntext = 'x'").unwrap();
        let text = toml::to_string(&action).unwrap();
        assert_eq!(read(&text).unwrap(), action);
    }

    #[test]
    fn says_what_is_wrong() {
        for (toml, wanted) in [
            ("", "needs one of"),
            ("log = 'x'\nstop = 'y'", "two actions"),
            ("log = 'x'\ntimeout = '1s'", "`timeout` does not belong to `log`"),
            ("gpio = 17", "needs set"),
            ("gpio = 17\nset = true\npulse = '1s'", "one of"),
            ("gpio = 17\npulse = '1s'\nuntil = 'resolved'", "ends by itself"),
            ("gpio = 17\nblink = '200Hz'", "between"),
            ("signal = 'HUP'", "needs process"),
            ("rule = 'x'\nset = 'maybe'", "no state"),
            ("run = 'a \"b'", "not closed"),
        ] {
            let error = read(toml).unwrap_err();
            assert!(error.contains(wanted), "{toml}: {error}");
        }
    }
}

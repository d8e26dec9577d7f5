//! Does an event fit a rule's `when`?

use std::borrow::Cow;

use pistack_api::event::{Event, process_state};
use regex::{Regex, RegexBuilder};

use super::event;
use super::expression::Expression;
use crate::config::{GroupBy, LineRef, Rule, Stream, Subject, When};
use crate::glob::fits;

/// A compiled regular expression may take so much memory.
const REGEX_BYTES: usize = 1 << 20;

/// A rule with everything compiled that can be.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) subject: Subject,
    event: String,
    expected: Option<bool>,
    regex: Option<Regex>,
    pub(super) unless: Vec<Expression>,
}

/// Compiles a `log` expression as the decider does.
pub fn log_expression(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the expression is too large".to_owned(),
            other => other
                .to_string()
                .lines()
                .last()
                .unwrap_or_default()
                .trim()
                .to_owned(),
        })
}

impl Pattern {
    pub(super) fn new(rule: &Rule) -> Result<Self, String> {
        let (event, from_word) = rule.when.event_glob();
        Ok(Self {
            subject: rule.when.subject(),
            event: event.to_owned(),
            expected: rule.when.expected.or(from_word),
            regex: rule.when.log.as_deref().map(log_expression).transpose()?,
            unless: rule
                .unless
                .0
                .iter()
                .map(|text| Expression::parse(text))
                .collect::<Result<_, _>>()?,
        })
    }

    /// True if the event is one that the rule is about; thresholds, edges and counting come after this.
    pub(super) fn fits(&self, name: &str, when: &When, event: &Event) -> bool {
        let field_is = |key: &str, wanted: Option<&str>| wanted.is_some() && event.field(key) == wanted;
        match self.subject {
            Subject::Event => {
                fits(&self.event, &event.name)
                    && !event::is_own(&event.name)
                    && self.fits_process(when, event)
            }
            Subject::Log => {
                event.name == event::LOG_LINE
                    && self.fits_process(when, event)
                    && fits_stream(when.stream.unwrap_or_default(), event)
                    && self
                        .regex
                        .as_ref()
                        .is_some_and(|regex| event.field("line").is_some_and(|line| regex.is_match(line)))
            }
            Subject::Metric => event.name == event::METRIC && field_is("metric", when.metric.as_deref()),
            Subject::Sensor => event.name == event::SENSOR && field_is("sensor", when.sensor.as_deref()),
            Subject::Gpio => {
                event.name == event::GPIO_EDGE && when.gpio.as_ref().is_some_and(|line| is_line(line, event))
            }
            Subject::Cron => event.name == event::SCHEDULE && field_is("rule", Some(name)),
            Subject::Stack => {
                event.name == event::STACK
                    && event.field("resolved") != Some("true")
                    && when
                        .stack
                        .as_ref()
                        .is_some_and(|wanted| event.field("kind").is_some_and(|kind| fits(wanted, kind)))
            }
            Subject::Webhook => event.name == event::WEBHOOK && field_is("hook", when.webhook.as_deref()),
        }
    }

    fn fits_process(&self, when: &When, event: &Event) -> bool {
        let process = event.field("processname").unwrap_or_default();
        let group = event.field("groupname").unwrap_or_default();
        when.process().is_none_or(|wanted| {
            !process.is_empty()
                && (fits(wanted, process)
                    || (wanted.contains(':') && fits(wanted, &format!("{group}:{process}"))))
        }) && when
            .group
            .as_ref()
            .is_none_or(|wanted| !group.is_empty() && fits(wanted, group))
            && when.to_state.as_ref().is_none_or(|wanted| {
                process_state(&event.name).is_some_and(|state| state.eq_ignore_ascii_case(wanted))
            })
            && when.from_state.as_ref().is_none_or(|wanted| {
                event
                    .field("from_state")
                    .is_some_and(|state| state.eq_ignore_ascii_case(wanted))
            })
            && self
                .expected
                .is_none_or(|wanted| event.field("expected") == Some(if wanted { "1" } else { "0" }))
    }

    /// The event with what the expression's named groups caught as further fields.
    pub(super) fn with_caught<'a>(&self, event: &'a Event) -> Cow<'a, Event> {
        let Some(regex) = self
            .regex
            .as_ref()
            .filter(|regex| regex.capture_names().flatten().next().is_some())
        else {
            return Cow::Borrowed(event);
        };
        let Some(caught) = event.field("line").and_then(|line| regex.captures(line)) else {
            return Cow::Borrowed(event);
        };
        let mut with = event.clone();
        for name in regex.capture_names().flatten() {
            if let Some(text) = caught.name(name)
                && !with.fields.contains_key(name)
            {
                with.fields.insert(name.to_owned(), text.as_str().into());
            }
        }
        Cow::Owned(with)
    }
}

/// What the event is about, as far as the rule tells matters apart.
pub(super) fn key(rule: &Rule, subject: Subject, event: &Event) -> String {
    if rule.policy.group == GroupBy::Rule {
        return String::new();
    }
    let field = |name: &str| event.field(name).unwrap_or_default().to_owned();
    match subject {
        Subject::Event | Subject::Log => program(event),
        Subject::Metric => field("metric"),
        Subject::Sensor => field("sensor"),
        Subject::Gpio => field("line"),
        Subject::Stack => match event.field("subject") {
            Some(about) => format!("{} {about}", field("kind")),
            None => field("kind"),
        },
        Subject::Cron | Subject::Webhook => String::new(),
    }
}

/// `name`, or `group:name` where the two differ; empty for events of no program.
pub(super) fn program(event: &Event) -> String {
    let name = event.field("processname").unwrap_or_default();
    match event.field("groupname") {
        Some(group) if group != name && !name.is_empty() => format!("{group}:{name}"),
        _ => name.to_owned(),
    }
}

fn fits_stream(wanted: Stream, event: &Event) -> bool {
    match wanted {
        Stream::Both => true,
        Stream::Stdout => event.field("stream") == Some("stdout"),
        Stream::Stderr => event.field("stream") == Some("stderr"),
    }
}

fn is_line(line: &LineRef, event: &Event) -> bool {
    match line {
        LineRef::Name(name) => event.field("line") == Some(name),
        LineRef::Pin(pin) => event.field("pin") == Some(pin.to_string().as_str()),
    }
}

/// Which key of `when` the event does not fit, in words; `None` if it fits.
pub(super) fn mismatch(name: &str, rule: &Rule, pattern: &Pattern, event: &Event) -> Option<String> {
    if pattern.fits(name, &rule.when, event) {
        return None;
    }
    let when = &rule.when;
    let wrong_kind = |wanted: &str| {
        (event.name != wanted).then(|| format!("it waits for {wanted}, and this is {}", event.name))
    };
    let kind = match pattern.subject {
        Subject::Event => (!fits(&pattern.event, &event.name) || event::is_own(&event.name))
            .then(|| format!("it waits for {}, and this is {}", pattern.event, event.name)),
        Subject::Log => wrong_kind(event::LOG_LINE),
        Subject::Metric => wrong_kind(event::METRIC),
        Subject::Sensor => wrong_kind(event::SENSOR),
        Subject::Gpio => wrong_kind(event::GPIO_EDGE),
        Subject::Cron => wrong_kind(event::SCHEDULE),
        Subject::Stack => wrong_kind(event::STACK),
        Subject::Webhook => wrong_kind(event::WEBHOOK),
    };
    let process = || {
        let wanted = when.process()?;
        let found = event.field("processname").unwrap_or("no program");
        (!fits(wanted, found)).then(|| format!("it is about {wanted}, and this is about {found}"))
    };
    Some(kind.or_else(process).unwrap_or_else(|| {
        "the event is of the right kind, and a key of `when` (group, to_state, from_state, expected, log, name) does not fit"
            .to_owned()
    }))
}

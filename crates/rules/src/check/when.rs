//! `when` and `unless`.

use super::{Findings, Known, did_you_mean};
use crate::config::{LineRef, Rule, Subject, When};
use crate::decide::{Expression, log_expression};
use crate::glob::fits;
use crate::schedule::Cron;

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
/// Words that stand for event types.
const WORDS: [&str; 6] = ["crashed", "exited", "failed", "started", "running", "stopped"];
/// Figures of the board.
pub const METRICS: [&str; 6] = ["temperature", "cpu", "memory", "disk", "load", "uptime"];

/// What each kind of `when` may have beside its own key.
const COUNTING: [&str; 2] = ["count", "within"];
const PROCESS: [&str; 6] = [
    "program",
    "process",
    "group",
    "to_state",
    "from_state",
    "expected",
];
const READING: [&str; 4] = ["above", "below", "for", "clear"];

pub(super) fn check(rule: &Rule, known: &Known<'_>, findings: &mut Findings<'_>) {
    let when = &rule.when;
    match when.subjects()[..] {
        [] => findings.add(
            &["when"],
            "nothing is said about when it fires",
            "write one of event, program, log, metric, sensor, gpio, cron, stack and webhook".to_owned(),
        ),
        [(_, subject)] => {
            foreign_keys(when, subject, findings);
            of_kind(when, subject, known, findings);
        }
        [(first, _), (second, _), ..] => findings.add(
            &["when", second],
            format!("`{first}` and `{second}` are two kinds of things"),
            "write one rule for each".to_owned(),
        ),
    }
    if when.program.is_some() && when.process.is_some() {
        findings.add(
            &["when", "process"],
            "`program` and `process` mean the same",
            "keep one of them".to_owned(),
        );
    }
    counting(when, findings);
    for text in &rule.unless.0 {
        match Expression::parse(text) {
            Err(problem) => findings.add(&["unless"], format!("`unless`: {problem}"), None),
            Ok(expression) => {
                for name in expression.rules() {
                    if !known.rules.contains_key(name) {
                        let near = did_you_mean(name, known.rules.keys().map(String::as_str));
                        findings.add(&["unless"], format!("`unless`: there is no rule `{name}`"), near);
                    }
                }
            }
        }
    }
}

/// Keys that belong to another kind.
fn foreign_keys(when: &When, subject: Subject, findings: &mut Findings<'_>) {
    let given = [
        ("program", when.program.is_some()),
        ("process", when.process.is_some()),
        ("group", when.group.is_some()),
        ("to_state", when.to_state.is_some()),
        ("from_state", when.from_state.is_some()),
        ("expected", when.expected.is_some()),
        ("stream", when.stream.is_some()),
        ("above", when.above.is_some()),
        ("below", when.below.is_some()),
        ("for", when.lasting.is_some()),
        ("clear", when.clear.is_some()),
        ("edge", when.edge.is_some()),
        ("debounce", when.debounce.is_some()),
        ("hold", when.hold.is_some()),
        ("secret_file", when.secret_file.is_some()),
    ];
    let (kind, allowed): (&str, Vec<&str>) = match subject {
        Subject::Event => ("event", PROCESS.to_vec()),
        Subject::Log => ("log", vec!["program", "process", "group", "stream"]),
        Subject::Metric => ("metric", READING.to_vec()),
        Subject::Sensor => ("sensor", READING.to_vec()),
        Subject::Gpio => ("gpio", vec!["edge", "debounce", "hold"]),
        Subject::Cron => ("cron", Vec::new()),
        Subject::Stack => ("stack", Vec::new()),
        Subject::Webhook => ("webhook", vec!["secret_file"]),
    };
    for (key, there) in given {
        if there && !allowed.contains(&key) {
            findings.add(
                &["when", key],
                format!("`{key}` means nothing beside `{kind}`"),
                "remove it".to_owned(),
            );
        }
    }
    let counts = [when.count.is_some(), when.within.is_some()];
    let timed = matches!(subject, Subject::Metric | Subject::Sensor | Subject::Cron);
    for (key, there) in COUNTING.into_iter().zip(counts) {
        if there && timed {
            findings.add(
                &["when", key],
                format!("`{key}` means nothing beside `{kind}`"),
                "remove it".to_owned(),
            );
        }
    }
}

fn of_kind(when: &When, subject: Subject, known: &Known<'_>, findings: &mut Findings<'_>) {
    match subject {
        Subject::Event => event(when, known, findings),
        Subject::Log => log(when, known, findings),
        Subject::Metric | Subject::Sensor => reading(when, known, findings),
        Subject::Gpio => gpio(when, known, findings),
        Subject::Cron => {
            if let Err(problem) = when
                .cron
                .as_deref()
                .map_or(Ok(()), |text| Cron::parse(text).map(drop))
            {
                findings.add(
                    &["when", "cron"],
                    problem,
                    "write minute, hour, day, month and weekday: \"0 3 * * *\" is every night at three"
                        .to_owned(),
                );
            }
        }
        Subject::Stack => {
            if when.stack.as_deref().is_none_or(|kind| kind.trim().is_empty()) {
                findings.add(
                    &["when", "stack"],
                    "`stack` is empty",
                    "write \"login.*\"".to_owned(),
                );
            }
        }
        Subject::Webhook => webhook(when, findings),
    }
}

fn event(when: &When, known: &Known<'_>, findings: &mut Findings<'_>) {
    let (glob, from_word) = when.event_glob();
    if !EVENTS.iter().any(|event| fits(glob, event)) {
        let help = did_you_mean(glob, WORDS.into_iter().chain(EVENTS)).unwrap_or_else(|| {
            "write `crashed`, an event type such as PROCESS_STATE_EXITED, or a glob".to_owned()
        });
        findings.add(&["when", "event"], format!("no event is called `{glob}`"), help);
    }
    if from_word.is_some() && when.expected == Some(true) {
        findings.add(
            &["when", "expected"],
            "`crashed` means an exit that was not expected, and `expected = true` says the opposite",
            "write event = \"exited\", or remove `expected`".to_owned(),
        );
    }
    let states = || {
        EVENTS
            .iter()
            .filter_map(|event| event.strip_prefix("PROCESS_STATE_"))
    };
    for (key, state) in [("to_state", &when.to_state), ("from_state", &when.from_state)] {
        let Some(state) = state else { continue };
        if !states().any(|known| known.eq_ignore_ascii_case(state)) {
            let near = did_you_mean(&state.to_ascii_uppercase(), states());
            findings.add(
                &["when", key],
                format!("no process state is called `{state}`"),
                near,
            );
        } else if key == "to_state" && !fits(glob, &format!("PROCESS_STATE_{}", state.to_ascii_uppercase())) {
            findings.add(
                &["when", key],
                format!("`{glob}` never enters {state}"),
                "write event = \"PROCESS_STATE_*\", or remove `to_state`".to_owned(),
            );
        }
    }
    program(when, known, findings);
}

fn program(when: &When, known: &Known<'_>, findings: &mut Findings<'_>) {
    if let Some(process) = when.process()
        && !process.contains(['*', '?'])
        && !known.programs.contains(process)
    {
        let near = did_you_mean(process, known.programs.iter().map(String::as_str));
        findings.add(
            &["when", key_of(when)],
            format!("there is no program `{process}`"),
            near,
        );
    }
    if let Some(group) = &when.group
        && !known
            .programs
            .iter()
            .filter_map(|name| name.split_once(':'))
            .any(|(name, _)| fits(group, name))
    {
        let groups = known
            .programs
            .iter()
            .filter_map(|name| Some(name.split_once(':')?.0));
        findings.add(
            &["when", "group"],
            format!("there is no group `{group}`"),
            did_you_mean(group, groups),
        );
    }
}

/// The key by which the program is written.
fn key_of(when: &When) -> &'static str {
    if when.program.is_some() {
        "program"
    } else {
        "process"
    }
}

fn log(when: &When, known: &Known<'_>, findings: &mut Findings<'_>) {
    if let Some(Err(problem)) = when.log.as_deref().map(log_expression) {
        findings.add(
            &["when", "log"],
            format!("`log` is no regular expression: {problem}"),
            "a backslash stands before . * + ? ( ) [ ] { } | ^ $ that mean themselves; quote with '...'"
                .to_owned(),
        );
    }
    match when.process() {
        None => findings.add(
            &["when"],
            "whose log? Only the log of a program that is named is followed",
            "add program = \"...\"".to_owned(),
        ),
        Some(name) if name.contains(['*', '?']) => findings.add(
            &["when", key_of(when)],
            "`log` follows one program, not a glob",
            "write one rule for each program".to_owned(),
        ),
        Some(_) => program(when, known, findings),
    }
}

fn reading(when: &When, known: &Known<'_>, findings: &mut Findings<'_>) {
    if let Some(metric) = &when.metric
        && !METRICS.contains(&metric.as_str())
    {
        let near =
            did_you_mean(metric, METRICS).unwrap_or_else(|| format!("there are {}", METRICS.join(", ")));
        findings.add(
            &["when", "metric"],
            format!("no metric is called `{metric}`"),
            near,
        );
    }
    if let Some(sensor) = &when.sensor
        && !known.lines.iter().any(|(name, _)| name == sensor)
        && !known.sensors.contains(sensor)
        // The own id of a sensor (28-0316a2795cff, lm75-temp1): whether it is plugged in only the board can tell.
        && !sensor.contains('-')
    {
        let lines = known.lines.iter().map(|(name, _)| name.as_str());
        let near = did_you_mean(sensor, lines.chain(known.sensors.iter().map(String::as_str)));
        let help = near.unwrap_or_else(|| format!("add a table [sensor.{sensor}] or [line.{sensor}]"));
        findings.add(
            &["when", "sensor"],
            format!("there is no sensor `{sensor}`"),
            help,
        );
    }
    let finite = [when.above, when.below, when.clear]
        .into_iter()
        .flatten()
        .all(f64::is_finite);
    match (when.above, when.below, when.clear) {
        _ if !finite => findings.add(&["when"], "a threshold must be a finite number", None),
        (None, None, _) => findings.add(
            &["when"],
            "`above` or `below` is missing",
            "add above = 80".to_owned(),
        ),
        (Some(above), Some(below), _) if below > above => findings.add(
            &["when", "below"],
            format!("every reading is above {above} or below {below}"),
            "`below` must not be more than `above`".to_owned(),
        ),
        (Some(_), Some(_), Some(_)) => findings.add(
            &["when", "clear"],
            "`clear` needs one threshold, and there are two",
            "write two rules".to_owned(),
        ),
        (Some(above), None, Some(clear)) if clear > above => findings.add(
            &["when", "clear"],
            format!("it would be over at {clear}, which is above {above}"),
            format!("write clear = {above} or less"),
        ),
        (None, Some(below), Some(clear)) if clear < below => findings.add(
            &["when", "clear"],
            format!("it would be over at {clear}, which is below {below}"),
            format!("write clear = {below} or more"),
        ),
        _ => {}
    }
}

fn gpio(when: &When, known: &Known<'_>, findings: &mut Findings<'_>) {
    if let Some(line) = &when.gpio
        && let Some((message, help)) = unknown_line(line, known)
    {
        findings.add(&["when", "gpio"], message, help);
    }
}

/// A name that no line has, or a number that no header has.
pub(super) fn unknown_line(line: &LineRef, known: &Known<'_>) -> Option<(String, Option<String>)> {
    match line {
        LineRef::Name(name) if !known.lines.iter().any(|(line, _)| line == name) => {
            let near = did_you_mean(name, known.lines.iter().map(|(line, _)| line.as_str()))
                .unwrap_or_else(|| format!("add a table [line.{name}]"));
            Some((format!("there is no line `{name}`"), Some(near)))
        }
        LineRef::Pin(pin) if *pin > 53 && !known.lines.iter().any(|(_, bcm)| bcm == pin) => Some((
            format!("there is no BCM {pin}"),
            Some("the header has BCM 0 to 27; `pistack gpio pinout` shows it".to_owned()),
        )),
        _ => None,
    }
}

fn webhook(when: &When, findings: &mut Findings<'_>) {
    let name = when.webhook.as_deref().unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        findings.add(
            &["when", "webhook"],
            format!("`{name}` cannot stand in an address"),
            "use letters, digits, `-` and `_`, 64 at most".to_owned(),
        );
    }
    if when.secret_file.is_none() {
        findings.add(
            &["when"],
            "anybody could call it: `secret_file` is missing",
            "add secret_file = \"/etc/pistack/hook.secret\"".to_owned(),
        );
    }
}

fn counting(when: &When, findings: &mut Findings<'_>) {
    if when.within.is_some() && when.count.is_none() {
        findings.add(
            &["when", "within"],
            "`within` needs `count`",
            "add count = 3".to_owned(),
        );
    }
    match when.count {
        Some(0) => findings.add(
            &["when", "count"],
            "`count = 0` never happens",
            "write 1 or more".to_owned(),
        ),
        Some(count) if count > 10_000 => {
            findings.add(&["when", "count"], "`count` is more than 10000", None);
        }
        _ => {}
    }
    if when.within.is_some_and(|span| span.0.is_zero()) {
        findings.add(
            &["when", "within"],
            "nothing happens within no time",
            "write \"10m\"".to_owned(),
        );
    }
}

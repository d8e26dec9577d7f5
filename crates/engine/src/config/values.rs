//! supervisord's value types. Each function reads one text; its error is supervisord's own sentence.

use indexmap::IndexMap;

use super::expand::quoted;
use super::ini::is_space;
use super::model::{AutoRestart, LogLevel, LogTarget};
use super::shlex;
use super::surroundings::Outside;

/// Names of the signals, with the numbers of Linux on ARM and x86. The last five are Python's constants that
/// begin like signals, and are taken by supervisord too.
const SIGNALS: [(&str, i32); 41] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("RTMIN", 34),
    ("RTMAX", 64),
    ("_BLOCK", 0),
    ("_UNBLOCK", 1),
    ("_SETMASK", 2),
    ("_DFL", 0),
    ("_IGN", 1),
];

/// `yes true on 1` or `no false off 0`, in any case.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Ok(true),
        "no" | "false" | "off" | "0" => Ok(false),
        _ => Err(format!("not a valid boolean value: {}", quoted(text))),
    }
}

/// Python's `int()`: spaces around it, a sign, `_` between digits. Numbers beyond 64 bits become the nearest.
pub fn integer(text: &str) -> Result<i64, String> {
    number(text, 10).ok_or_else(|| format!("invalid literal for int() with base 10: {}", quoted(text)))
}

fn number(text: &str, base: u32) -> Option<i64> {
    let text = text.trim_matches(is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = if base == 8 {
        match digits.strip_prefix("0o").or_else(|| digits.strip_prefix("0O")) {
            Some(rest) => rest.strip_prefix('_').unwrap_or(rest),
            None => digits,
        }
    } else {
        digits
    };
    let mut value: i64 = 0;
    let mut after_digit = false;
    for c in digits.chars() {
        if c == '_' && after_digit {
            after_digit = false;
            continue;
        }
        value = value
            .saturating_mul(i64::from(base))
            .saturating_add(i64::from(c.to_digit(base)?));
        after_digit = true;
    }
    after_digit.then_some(if negative { -value } else { value })
}

/// An integer with an optional `KB`, `MB` or `GB` (of 1024) behind it, in any case.
pub fn byte_size(text: &str) -> Result<i64, String> {
    let lower = text.to_lowercase();
    let (digits, factor) = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)]
        .into_iter()
        .find_map(|(suffix, factor)| Some((lower.strip_suffix(suffix)?, factor)))
        .unwrap_or((&lower, 1));
    Ok(integer(digits)?.saturating_mul(factor))
}

/// A number written in base 8: `022` or `0o22`.
pub fn octal(text: &str) -> Result<u32, String> {
    number(text, 8)
        .and_then(|value| u32::try_from(value).ok())
        .ok_or_else(|| format!("{text} can not be converted to an octal type"))
}

/// A signal's name, with or without `SIG`, or its number.
pub fn signal(text: &str) -> Result<i32, String> {
    if let Some(value) = number(text, 10) {
        let known = SIGNALS
            .iter()
            .map(|(_, signal)| *signal)
            .find(|signal| i64::from(*signal) == value);
        return known.ok_or_else(|| format!("value {} is not a valid signal number", quoted(text)));
    }
    let upper = text.trim_matches(is_space).to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let known = SIGNALS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, signal)| *signal);
    known.ok_or_else(|| format!("value {} is not a valid signal name", quoted(text)))
}

/// `true`, `false` or `unexpected`.
pub fn auto_restart(text: &str) -> Result<AutoRestart, String> {
    match text.to_lowercase().as_str() {
        "unexpected" => Ok(AutoRestart::Unexpected),
        lower => match boolean(lower) {
            Ok(true) => Ok(AutoRestart::Always),
            Ok(false) => Ok(AutoRestart::Never),
            Err(_) => Err(format!("invalid 'autorestart' value {}", quoted(lower))),
        },
    }
}

/// Exit codes 0 to 255 with commas between; nothing at all is an empty list.
pub fn exit_codes(text: &str) -> Result<Vec<i32>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|code| {
            number(code, 10)
                .filter(|code| (0..=255).contains(code))
                .map(|code| code as i32)
        })
        .collect::<Option<_>>()
        .ok_or_else(|| format!("not a valid list of exit codes: {}", quoted(text)))
}

/// A log level of the daemon.
pub fn log_level(text: &str) -> Result<LogLevel, String> {
    match text.to_lowercase().as_str() {
        "critical" => Ok(LogLevel::Critical),
        "error" => Ok(LogLevel::Error),
        "warn" => Ok(LogLevel::Warn),
        "info" => Ok(LogLevel::Info),
        "debug" => Ok(LogLevel::Debug),
        "trace" => Ok(LogLevel::Trace),
        "blather" => Ok(LogLevel::Blather),
        _ => Err(format!("bad logging level name {}", quoted(text))),
    }
}

/// The names of a program's log that are no files: `NONE`, `OFF`, `AUTO`, `syslog`.
pub fn log_word(text: &str) -> Option<LogTarget> {
    match text.to_lowercase().as_str() {
        "none" | "off" => Some(LogTarget::None),
        "auto" => Some(LogTarget::Auto),
        "syslog" => Some(LogTarget::Syslog),
        _ => None,
    }
}

/// A list with commas between, spaces around its items removed; nothing at all is an empty list.
pub fn list(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',')
        .map(|item| item.trim_matches(is_space).to_owned())
        .collect()
}

/// A name of a program, process or group: no character that breaks the listener protocol or an address.
pub fn name(text: &str) -> Result<String, String> {
    let name = text.trim_matches(is_space);
    match [' ', ':', '/'].into_iter().find(|c| name.contains(*c)) {
        Some(c) => Err(format!(
            "Invalid name: {} because of character: {}",
            quoted(text),
            quoted(&c.to_string())
        )),
        None => Ok(name.to_owned()),
    }
}

/// `KEY=value,...`. Quotes allow what is no letter, digit or one of `_/.+-():`; any single token separates pairs.
pub fn environment(text: &str) -> Result<IndexMap<String, String>, String> {
    let tokens = shlex::tokens(text)?;
    let mut pairs = IndexMap::new();
    let mut rest = tokens.as_slice();
    while !rest.is_empty() {
        let [key, equals, value, ..] = rest else {
            return Err(unexpected_end(text));
        };
        if equals != "=" {
            return Err(unexpected_end(text));
        }
        pairs.insert(key.clone(), value.trim_matches(['\'', '"']).to_owned());
        rest = rest.get(4..).unwrap_or_default();
    }
    Ok(pairs)
}

fn unexpected_end(text: &str) -> String {
    format!("Unexpected end of key/value pairs in value '{text}'")
}

/// `9001`, `*:9001` or `host:9001`: the host in lower case, empty for all.
pub fn inet_address(text: &str) -> Result<(String, u16), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((_, "")) => {
            let host = text.strip_suffix(':').unwrap_or(text);
            return Err(format!("no port number specified in {}", quoted(host)));
        }
        Some((host, port)) => (host.to_lowercase(), inet_port(port)?),
        None => (
            String::new(),
            inet_port(text).map_err(|_| format!("not a valid port number: {} ", quoted(text)))?,
        ),
    };
    Ok((if host == "*" { String::new() } else { host }, port))
}

/// A port from 1 to 65535.
pub fn inet_port(text: &str) -> Result<u16, String> {
    match integer(text)? {
        low @ ..1 => Err(format!("{low} is below lower bound (1)")),
        high @ 65_536.. => Err(format!("{high} is above upper bound (65535)")),
        port => Ok(port as u16),
    }
}

/// A user's name or number that the system knows.
pub fn user(text: &str, outside: &dyn Outside) -> Result<String, String> {
    if outside.user_exists(text) {
        return Ok(text.to_owned());
    }
    let kind = if integer(text).is_ok() { "id" } else { "name" };
    Err(format!("Invalid user {kind} {text}"))
}

/// `user` or `user:group`; `None` if the system does not know one of them.
pub fn user_and_group(text: &str, outside: &dyn Outside) -> Option<(String, Option<String>)> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let known = outside.user_exists(user) && group.is_none_or(|group| outside.group_exists(group));
    known.then(|| (user.to_owned(), group.map(str::to_owned)))
}

/// The nearest of `known` to a mistyped `word`, if one is near enough.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score > 0.85)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests;

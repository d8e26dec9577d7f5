//! The words of configuration errors.

use super::reader::{Fault, Kind};
use super::suggest;

/// Known keys that an error lists at most.
const MAX_LISTED: usize = 12;

/// A message and what to write instead.
type Words = (String, Option<String>);

/// `` `port` in [gateway] ``; numbers of list items are left out, since the line says which one it is.
pub(super) fn show_path<S: AsRef<str>>(path: &[S]) -> String {
    let names = names(path);
    match names.split_last() {
        None => "the configuration".to_owned(),
        Some((last, [])) => format!("`{last}`"),
        Some((last, section)) => format!("`{last}` in [{}]", section.join(".")),
    }
}

fn names<S: AsRef<str>>(path: &[S]) -> Vec<&str> {
    path.iter()
        .map(AsRef::as_ref)
        .filter(|step| step.parse::<usize>().is_err())
        .collect()
}

/// `` in [program.camera]``, or nothing at the top.
fn within<S: AsRef<str>>(path: &[S]) -> String {
    let names = names(path);
    if names.is_empty() {
        String::new()
    } else {
        format!(" in [{}]", names.join("."))
    }
}

pub(super) fn unknown_key<S: AsRef<str>>(key: &str, section: &[S], known: &[&str]) -> Words {
    let message = format!("unknown key `{key}`{}", within(section));
    match suggest(key, known.iter().copied()) {
        Some(near) => (
            format!("{message}; did you mean `{near}`?"),
            Some(format!("write `{near}`")),
        ),
        None if known.is_empty() => (message, Some("remove it: no key is known here".to_owned())),
        None => (message, Some(format!("known here: {}", list(known)))),
    }
}

pub(super) fn missing_key<S: AsRef<str>>(key: &str, section: &[S], description: Option<&str>) -> Words {
    let help = match description {
        Some(text) => format!("add `{key} = ...`. {text}"),
        None => format!("add `{key} = ...`"),
    };
    (format!("missing key `{key}`{}", within(section)), Some(help))
}

/// A value that serde refuses. `path` ends at the value (or, for an unknown key, at the key).
pub(super) fn of_fault(fault: &Fault, path: &[String], description: Option<&str>) -> Words {
    let place = show_path(path);
    let section = path.split_last().map_or(&[][..], |(_, section)| section);
    let help = description.map(ToOwned::to_owned);
    match &fault.kind {
        Kind::Missing(key) => missing_key(key, path, description),
        Kind::Unknown { key, known } => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            unknown_key(key, section, &known)
        }
        Kind::Wrong { found, wanted } => (
            format!("{place} cannot be {found}: write {}", show_wanted(wanted)),
            help,
        ),
        Kind::NoVariant { found, known } => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let message = format!("{place} cannot be `{found}`");
            match suggest(found, known.iter().copied()) {
                Some(near) => (
                    format!("{message}; did you mean `{near}`?"),
                    Some(format!("write one of {}", list(&known))),
                ),
                None => (message, Some(format!("write one of {}", list(&known)))),
            }
        }
        Kind::Other(text) => (format!("{place}: {text}"), help),
    }
}

fn list(words: &[&str]) -> String {
    let shown: Vec<String> = words
        .iter()
        .take(MAX_LISTED)
        .map(|word| format!("`{word}`"))
        .collect();
    let more = if words.len() > MAX_LISTED { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// serde's names of kinds in plain words.
fn show_wanted(wanted: &str) -> String {
    let range = |top: u64| format!("a whole number from 0 to {top}");
    match wanted {
        "u8" => range(u8::MAX.into()),
        "u16" => range(u16::MAX.into()),
        "u32" => range(u32::MAX.into()),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "str" | "string" => "a text in quotes".to_owned(),
        "a sequence" => "a list in brackets, such as [\"a\", \"b\"]".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

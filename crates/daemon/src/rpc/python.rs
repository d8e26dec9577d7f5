//! Values as Python prints them: faults cite wrong arguments that way.

use pistack_api::xmlrpc::Value;

/// `str(value)`.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Base64(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::DateTime(text) => date(text),
        other => repr(other),
    }
}

/// `repr(value)`, without Python's escapes.
fn repr(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Double(number) => format!("{number:?}"),
        Value::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Struct(members) => {
            let members = members
                .iter()
                .map(|(key, value)| format!("'{key}': {}", repr(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        quoted @ (Value::String(_) | Value::Base64(_) | Value::DateTime(_)) => format!("'{}'", text(quoted)),
    }
}

/// `20260102T03:04:05` as `2026-01-02 03:04:05`.
fn date(text: &str) -> String {
    match (text.get(..4), text.get(4..6), text.get(6..8), text.get(9..)) {
        (Some(year), Some(month), Some(day), Some(time)) => format!("{year}-{month}-{day} {time}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_as_in_python() {
        for (value, expected) in [
            (Value::from("cat"), "cat"),
            (Value::Int(-5), "-5"),
            (Value::Bool(true), "True"),
            (Value::Double(1.5), "1.5"),
            (Value::Double(2.0), "2.0"),
            (Value::Base64(b"cat".to_vec()), "cat"),
            (Value::DateTime("20260102T03:04:05".into()), "2026-01-02 03:04:05"),
            (Value::DateTime("soon".into()), "soon"),
            (Value::Array(vec![Value::Int(1), "a".into()]), "[1, 'a']"),
            (
                Value::Struct(vec![("k".into(), Value::Bool(false))]),
                "{'k': False}",
            ),
        ] {
            assert_eq!(text(&value), expected);
        }
    }
}

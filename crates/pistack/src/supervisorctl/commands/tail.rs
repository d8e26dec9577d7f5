//! `tail` and `maintail`: the ends of logs.

use pistack_api::xmlrpc::{Value, fault};
use serde_json::json;

use super::{follow, help};
use crate::supervisorctl::controller::{Controller, exit};
use crate::supervisorctl::trouble::Trouble;
use crate::supervisorctl::url::python_repr;

/// How much is shown unless something else is asked for.
const USUAL_BYTES: i64 = 1600;

/// How much is asked for.
enum Amount {
    Bytes(i64),
    /// `-f`.
    Endless,
}

/// A modifier: `-f` or `-N`.
fn amount(modifier: &str) -> Option<Amount> {
    let what = modifier.strip_prefix('-')?;
    if what == "f" {
        return Some(Amount::Endless);
    }
    python_int(what).map(Amount::Bytes)
}

/// A number as Python's `int` reads it: a sign, and underscores between digits.
fn python_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let legal = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && !digits.starts_with('_')
        && !digits.ends_with('_')
        && !digits.contains("__");
    if !legal {
        return None;
    }
    // Beyond 64 bits it is only known to be too large for a call.
    let number = digits.replace('_', "").parse().unwrap_or(i64::MAX);
    Some(if text.starts_with('-') { -number } else { number })
}

/// `tail [-f|-N] NAME [stdout|stderr]`.
pub(super) async fn tail(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        return Ok(());
    }
    let mut words: Vec<&str> = argument.split_whitespace().collect();
    if words.is_empty() || words.len() > 3 {
        let which = if words.is_empty() { "few" } else { "many" };
        controller.refuse(&format!("Error: too {which} arguments"));
        help::of(controller, "tail");
        return Ok(());
    }
    let modifier = words[0].starts_with('-').then(|| words.remove(0));
    let (name, channel) = match words.as_slice() {
        [] => {
            controller.refuse("Error: tail requires process name");
            return Ok(());
        }
        [name] => (*name, "stdout".to_owned()),
        [name, .., channel] => (*name, channel.to_lowercase()),
    };
    if channel != "stdout" && channel != "stderr" {
        controller.refuse(&format!("Error: bad channel {}", python_repr(&channel)));
        return Ok(());
    }
    let bytes = match modifier.map(|modifier| (modifier, amount(modifier))) {
        None => USUAL_BYTES,
        Some((_, Some(Amount::Bytes(bytes)))) => bytes,
        Some((_, Some(Amount::Endless))) => {
            return follow::until_stopped(controller, &format!("/logtail/{name}/{channel}")).await;
        }
        Some((modifier, None)) => {
            controller.refuse(&format!("Error: bad argument {modifier}"));
            return Ok(());
        }
    };
    let method = if channel == "stdout" {
        "readProcessStdoutLog"
    } else {
        "readProcessStderrLog"
    };
    let params = vec![name.into(), offset(bytes)?, Value::Int(0)];
    let answer = controller.call(method, params).await;
    let Some(text) = told(controller, name, answer, Some("no such process name"))? else {
        return Ok(());
    };
    controller.output.row(
        &text,
        || json!({ "name": name, "channel": channel, "text": text }),
    );
    Ok(())
}

/// The offset from the end that means so many bytes.
fn offset(bytes: i64) -> Result<Value, Trouble> {
    match i32::try_from(-bytes) {
        Ok(offset) => Ok(Value::Int(offset.into())),
        Err(_) => Err(Trouble::Overflow),
    }
}

/// The text of a log, or its fault in words.
fn told(
    controller: &mut Controller,
    name: &str,
    answer: Result<Value, Trouble>,
    bad_name: Option<&str>,
) -> Result<Option<String>, Trouble> {
    let trouble = match answer {
        Ok(text) => return Ok(Some(text.as_str().unwrap_or_default().to_owned())),
        Err(trouble) => trouble,
    };
    controller.exit = exit::GENERIC;
    let reason = match (trouble.fault(), bad_name) {
        (Some(fault::NO_FILE), _) => "no log file",
        (Some(fault::FAILED), _) => "unknown error reading log",
        (Some(fault::BAD_NAME), Some(reason)) => reason,
        _ => return Err(trouble),
    };
    controller.say(&format!("{name}: ERROR ({reason})"));
    Ok(None)
}

/// What `maintail` calls the daemon.
const DAEMON: &str = "supervisord";

/// `maintail [-f|-N]`.
pub(super) async fn maintail(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    let bytes = match words.as_slice() {
        [] => USUAL_BYTES,
        [word] => match amount(word) {
            Some(Amount::Bytes(bytes)) => bytes,
            Some(Amount::Endless) => return follow::until_stopped(controller, "/mainlogtail").await,
            None => {
                controller.refuse(&format!("Error: bad argument {word}"));
                return Ok(());
            }
        },
        _ => {
            controller.refuse("Error: too many arguments");
            help::of(controller, "maintail");
            return Ok(());
        }
    };
    let answer = controller
        .call("readLog", vec![offset(bytes)?, Value::Int(0)])
        .await;
    if let Some(text) = told(controller, DAEMON, answer, None)? {
        controller
            .output
            .row(&text, || json!({ "name": DAEMON, "text": text }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::python_int;

    #[test]
    fn numbers_are_pythons() {
        for (text, number) in [
            ("100", Some(100)),
            ("1_000", Some(1000)),
            ("-5", Some(-5)),
            ("+5", Some(5)),
            ("", None),
            ("-", None),
            ("_1", None),
            ("1__0", None),
            ("5x", None),
            ("99999999999999999999", Some(i64::MAX)),
        ] {
            assert_eq!(python_int(text), number, "{text}");
        }
    }
}

//! The pieces of supervisord's configuration language beside the originals: `tests/data/python.json` holds random
//! inputs with what Python 3.11 and supervisor 4.3.0 make of them (`null`: an error).

use std::path::Path;

use pistack_engine::config::expand::{Names, expand};
use pistack_engine::config::ini::Document;
use pistack_engine::config::model::{AutoRestart, LogLevel};
use pistack_engine::config::options::Value as OptionValue;
use pistack_engine::config::{shlex, values};
use serde_json::{Value, json};

mod whole;

const CASES: &str = include_str!("../data/python.json");

#[test]
fn every_recorded_answer_of_python_is_ours() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 400, "the record is cut off");
    let wrong: Vec<String> = cases.iter().filter_map(difference).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

fn difference(case: &Value) -> Option<String> {
    let (kind, input) = (case["kind"].as_str()?, case["input"].as_str()?);
    let ours = answer(kind, input);
    (ours != case["output"])
        .then(|| format!("{kind} {input:?}\n  python {}\n  ours   {ours}", case["output"]))
}

fn answer(kind: &str, input: &str) -> Value {
    match kind {
        "ini" => sections(input),
        "expand" => json!(expand(input, &names()).ok()),
        "split" => json!(shlex::split(input).ok()),
        "environment" => json!(
            values::environment(input)
                .ok()
                .map(|pairs| pairs.into_iter().collect::<Vec<_>>())
        ),
        "integer" => json!(values::integer(input).ok()),
        "byte_size" => json!(values::byte_size(input).ok()),
        "octal" => json!(values::octal(input).ok()),
        "exit_codes" => json!(values::exit_codes(input).ok()),
        "boolean" => json!(values::boolean(input).ok()),
        "signal" => json!(values::signal(input).ok()),
        "inet" => json!(values::inet_address(input).ok()),
        "name" => json!(values::name(input).ok()),
        "autorestart" => json!(values::auto_restart(input).ok().map(|restart| match restart {
            AutoRestart::Always => "always",
            AutoRestart::Unexpected => "unexpected",
            AutoRestart::Never => "never",
        })),
        "loglevel" => json!(values::log_level(input).ok().map(|level| match level {
            LogLevel::Critical => "critical",
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
            LogLevel::Blather => "blather",
        })),
        other => panic!("unknown kind {other}"),
    }
}

fn names() -> Names {
    let mut names = Names::default();
    for (name, text) in [
        ("here", "/etc/x"),
        ("program_name", "cat"),
        ("ENV_A", "it's é"),
        ("p(x)q", "nested"),
        ("c", "Z"),
    ] {
        names.set(name, text);
    }
    for (name, number) in [
        ("process_num", 7),
        ("numprocs", 12),
        ("neg", -5),
        ("big", 123_456_789),
    ] {
        names.set_number(name, number);
    }
    names
}

/// Sections with their options, or the lines with errors.
fn sections(text: &str) -> Value {
    let mut document = Document::default();
    if let Err(errors) = document.read(Path::new("f"), text) {
        // Python stops at a line before the first section; here reading goes on.
        let headless = errors
            .iter()
            .find(|error| error.message.contains("no section headers"));
        let lines: Vec<u32> = match headless {
            Some(error) => vec![error.origin.line],
            None => errors.iter().map(|error| error.origin.line).collect(),
        };
        return json!({ "errors": lines });
    }
    let mut sections = serde_json::Map::new();
    for section in document.sections() {
        let Some(options) = document.options(section) else {
            continue;
        };
        let options: serde_json::Map<String, Value> = options
            .iter()
            .map(|(key, setting)| match &setting.value {
                OptionValue::Text(text) => (key.to_owned(), json!(text)),
                other => panic!("{other:?}"),
            })
            .collect();
        sections.insert(section.to_owned(), Value::Object(options));
    }
    json!({ "sections": sections })
}

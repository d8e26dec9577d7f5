//! What a rule waits for and what it does, in a sentence of the page's language.

use serde_json::Value;

use crate::inert::line;
use crate::words::Words;

/// The word of an event of a program.
pub(crate) fn event_word<'a>(event: &'a str, t: &'a Words) -> &'a str {
    match event {
        "crashed" => t.rules_crashed,
        "failed" => t.rules_failed,
        "exited" => t.rules_exited,
        "stopped" => t.rules_stopped,
        "started" => t.rules_started,
        "running" => t.rules_running,
        "any" | "" => t.rules_any,
        other => other,
    }
}

/// The word of something that is done.
pub(crate) fn doing_word<'a>(doing: &'a str, t: &'a Words) -> &'a str {
    match doing {
        "notify" => t.rules_do_notify,
        "mail" => t.rules_do_mail,
        "restart" => t.rules_do_restart,
        "start" => t.rules_do_start,
        "stop" => t.rules_do_stop,
        "high" => t.rules_do_high,
        "low" => t.rules_do_low,
        "pulse" => t.rules_do_pulse,
        "blink" => t.rules_do_blink,
        "run" => t.rules_do_run,
        "log" => t.rules_do_log,
        "gpio" => t.rules_do_gpio,
        "signal" => t.rules_do_signal,
        "webhook" => t.rules_do_webhook,
        "rule" => t.rules_do_rule,
        "shutdown" => t.rules_do_shutdown,
        "on_fail" => t.rules_do_on_fail,
        other => other,
    }
}

/// The word of a kind of things to wait for.
pub(crate) fn kind_word<'a>(kind: &'a str, t: &'a Words) -> &'a str {
    match kind {
        "event" => t.rules_kind_event,
        "log" => t.rules_kind_log,
        "metric" => t.rules_kind_metric,
        "sensor" => t.rules_kind_sensor,
        "gpio" => t.rules_kind_gpio,
        "cron" => t.rules_kind_cron,
        "stack" => t.rules_kind_stack,
        "webhook" => t.rules_kind_webhook,
        other => other,
    }
}

/// A figure of the board.
pub(crate) fn metric_word<'a>(metric: &'a str, t: &'a Words) -> &'a str {
    match metric {
        "temperature" => t.rules_temperature,
        "cpu" => t.rules_cpu,
        "memory" => t.rules_memory,
        "disk" => t.rules_disk,
        "load" => t.rules_load,
        "uptime" => t.rules_uptime,
        other => other,
    }
}

/// What a rule waits for.
pub(crate) fn when(definition: &Value, t: &Words) -> String {
    let when = &definition["when"];
    let text = |key: &str| match &when[key] {
        Value::String(text) => line(text),
        Value::Null => String::new(),
        other => line(&other.to_string()),
    };
    let has = |key: &str| !when[key].is_null();
    let program = [text("program"), text("process"), text("group")]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| t.rules_any_program.to_owned());
    let mut words = if has("log") {
        t.rules_when_log(&program, text("log"))
    } else if has("metric") || has("sensor") {
        let metric = text("metric");
        let what = if has("sensor") {
            text("sensor")
        } else {
            metric_word(&metric, t).to_owned()
        };
        let bounds: Vec<String> = [("above", t.rules_above), ("below", t.rules_below)]
            .into_iter()
            .filter(|(key, _)| has(key))
            .map(|(key, word)| format!("{word} {}", text(key)))
            .collect();
        format!("{what} {}", bounds.join(", "))
    } else if has("gpio") {
        let edge = match text("edge").as_str() {
            "rising" => t.rules_rising,
            "falling" => t.rules_falling,
            _ => t.rules_both_edges,
        };
        t.rules_when_gpio(text("gpio"), edge)
    } else if has("cron") {
        t.rules_when_cron(text("cron"))
    } else if has("stack") {
        t.rules_when_stack(text("stack"))
    } else if has("webhook") {
        t.rules_when_webhook(text("webhook"))
    } else {
        let event = if has("event") {
            text("event")
        } else {
            text("to_state")
        };
        t.rules_when_event(&program, event_word(&event, t))
    };
    if let Some(count) = when["count"].as_i64().filter(|count| *count > 1) {
        words = if has("within") {
            format!("{words}, {}", t.rules_times_within(count, text("within")))
        } else {
            format!("{words}, {}", t.rules_times(count))
        };
    }
    for key in ["for", "hold"] {
        if has(key) {
            words = format!("{words}, {}", t.rules_lasting(text(key)));
        }
    }
    words
}

/// What it does.
pub(crate) fn then(definition: &Value, t: &Words) -> String {
    let actions = definition["then"].as_array().map_or(&[][..], Vec::as_slice);
    let words: Vec<String> = actions
        .iter()
        .filter_map(|action| {
            let (doing, given) = action.as_object()?.iter().next()?;
            let word = doing_word(doing, t);
            let target = match (doing.as_str(), given) {
                ("notify", given) => given["channels"].as_array().map(|names| {
                    names
                        .iter()
                        .filter_map(Value::as_str)
                        .map(line)
                        .collect::<Vec<_>>()
                        .join(", ")
                }),
                ("mail", given) => given["to"].as_str().map(line),
                ("gpio", given) => Some(line(given["line"].as_str().unwrap_or(&given["line"].to_string()))),
                ("run", given) => given["command"][0].as_str().map(line),
                ("rule", given) => given["name"].as_str().map(line),
                (_, Value::String(text)) => Some(line(text)),
                _ => None,
            };
            Some(match target {
                Some(target) if !target.is_empty() => format!("{word}: {target}"),
                _ => word.to_owned(),
            })
        })
        .collect();
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;
    use serde_json::json;

    #[test]
    fn rules_are_sentences_in_both_languages() {
        let rule = json!({
            "when": { "event": "crashed", "program": "cam\u{1b}", "count": 3, "within": "10m" },
            "then": [{ "notify": { "channels": ["me", "phone"] } }, { "restart": "cam" }, { "gpio": { "line": 17 } }],
        });
        let (english, polish) = (Lang::English.words(), Lang::Polish.words());
        let words = when(&rule, english);
        assert!(
            words.contains("cam␛") && words.contains("10m") && words.contains('3'),
            "{words}"
        );
        assert_ne!(words, when(&rule, polish));
        assert!(then(&rule, english).contains("me, phone") && then(&rule, english).contains(": 17"));
        for other in [
            json!({ "when": { "log": "a+", "program": "x", "stream": "both" } }),
            json!({ "when": { "metric": "temperature", "above": 80.0, "for": "1m" } }),
            json!({ "when": { "gpio": "door", "edge": "rising", "hold": "1s" } }),
            json!({ "when": { "cron": "@daily" } }),
            json!({ "when": { "stack": "login.*" } }),
            json!({ "when": { "webhook": "door" } }),
            json!({}),
        ] {
            assert_ne!(when(&other, english), when(&other, polish), "{other}");
        }
    }
}

//! Why a rule fired or did not, in the page's language, from the codes that the rules give beside their English text.

use crate::inert::line;
use crate::rule_words::{event_word, metric_word};
use crate::upstream::rules::Reason;
use crate::words::Words;

/// The whole reason; the rules' own words where a part of it is not known here.
pub(crate) fn tell(reasons: &[Reason], english: &str, t: &Words) -> String {
    let parts: Option<Vec<String>> = reasons.iter().map(|reason| part(reason, t)).collect();
    match parts {
        Some(parts) if !parts.is_empty() => parts.join("; "),
        _ => line(english),
    }
}

fn part(reason: &Reason, t: &Words) -> Option<String> {
    let value = |key: &str| {
        reason
            .values
            .get(key)
            .map(|value| line(value))
            .unwrap_or_default()
    };
    let figure = || metric_word(&value("name"), t).to_owned();
    Some(match reason.code.as_str() {
        "above" => t.reason_above(figure(), value("value"), value("bound")),
        "below" => t.reason_below(figure(), value("value"), value("bound")),
        "out-of-bounds" => t.reason_out_of_bounds(figure(), value("value")),
        "log-line" => t.reason_log_line(value("program")),
        "gpio-edge" => t.reason_gpio_edge(value("line"), value("level")),
        "schedule" => t.reason_schedule.to_owned(),
        "webhook" => t.reason_webhook.to_owned(),
        "other-rule" => t.reason_other_rule.to_owned(),
        "event-count" => t.reason_event_count(value("program"), happened(&value("event"), t), value("count")),
        "event-of" => t.reason_event_of(value("program"), happened(&value("event"), t)),
        "event" => happened(&value("event"), t),
        "more" => t.reason_more(value("count")),
        "waited" => t.reason_waited.to_owned(),
        "over" | "told-over" => t.reason_over.to_owned(),
        "back" => t.reason_back.to_owned(),
        "stopped" => t.reason_stopped.to_owned(),
        "well" => t.reason_well.to_owned(),
        "changed" => t.reason_changed.to_owned(),
        "stack-event" => t.reason_stack_event(value("kind")),
        code => return held(code, reason, t),
    })
}

/// Why nothing was done, or no message sent.
fn held(code: &str, reason: &Reason, t: &Words) -> Option<String> {
    let value = |key: &str| {
        reason
            .values
            .get(key)
            .map(|value| line(value))
            .unwrap_or_default()
    };
    Some(match code {
        "unless" => t.reason_unless(value("conditions")),
        "counting" => t.reason_counting(value("count"), value("wanted")),
        "off" => t.reason_off.to_owned(),
        "chain" => t.reason_chain(value("count")),
        "cooling-down" => t.reason_cooling_down(value("seconds")),
        "told-already" => t.reason_told_already.to_owned(),
        "dependency" => t.reason_dependency(value("program")),
        "waits" => t.reason_waits(value("seconds")),
        "quiet" => t.reason_quiet.to_owned(),
        "nothing" => t.reason_nothing.to_owned(),
        // The words after the colon are one of these sentences again.
        "no-message" => t.reason_no_message(silence(&value("why"), t)),
        "only-count" => t.reason_only_count(value("count")),
        "after-level" => t.reason_after_level(value("seconds")),
        "after" => t.reason_after(value("seconds")),
        "about" => t.reason_about(value("wanted"), value("found")),
        "kind" => t.reason_kind(value("wanted"), value("found")),
        "key" => t.reason_key.to_owned(),
        "within-bounds" => t.reason_within_bounds.to_owned(),
        _ => return None,
    })
}

/// Why a rule acted and said nothing. The rules give this part in English alone, in one of four ways.
fn silence(why: &str, t: &Words) -> String {
    let number = |start: &str, end: &str| why.strip_prefix(start)?.strip_suffix(end).map(str::to_owned);
    if why == "quiet hours" {
        t.reason_quiet.to_owned()
    } else if why.starts_with("told already") {
        t.reason_told_already.to_owned()
    } else if let Some(seconds) = number("its message waits ", " s") {
        t.reason_waits(seconds)
    } else if let Some(program) = number("`", "`, which it depends on, is down: that is told, this is not") {
        t.reason_dependency(program)
    } else {
        why.to_owned()
    }
}

/// What happened to a program.
fn happened(event: &str, t: &Words) -> String {
    let name = match event.strip_prefix("PROCESS_STATE_") {
        Some("EXITED") => "exited",
        Some("FATAL") => "failed",
        Some("STOPPED") => "stopped",
        Some("STARTING") => "started",
        Some("RUNNING") => "running",
        _ => return event.to_owned(),
    };
    event_word(name, t).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    fn reason(code: &str, values: &[(&str, &str)]) -> Reason {
        Reason {
            code: code.to_owned(),
            values: values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn reasons_are_told_in_the_language_of_the_page() {
        let polish = Lang::Polish.words();
        let fired = reason(
            "event-of",
            &[("event", "PROCESS_STATE_FATAL"), ("program", "<b>cam\u{1b}")],
        );
        let quiet = reason("no-message", &[("why", "quiet hours")]);
        let told = tell(&[fired.clone(), quiet], "x", polish);
        assert_eq!(
            told,
            "<b>cam␛: nie dał się uruchomić; bez wiadomości: trwa cisza nocna"
        );
        let other = reason("something-new", &[]);
        assert_eq!(tell(&[fired, other], "in \u{1b}English", polish), "in ␛English");
        assert_eq!(tell(&[], "why", polish), "why");
    }

    #[test]
    fn every_code_has_a_sentence_in_both_languages() {
        let codes = [
            "above",
            "below",
            "out-of-bounds",
            "log-line",
            "gpio-edge",
            "schedule",
            "webhook",
            "other-rule",
            "event-count",
            "event-of",
            "more",
            "waited",
            "over",
            "back",
            "stopped",
            "well",
            "changed",
            "told-over",
            "unless",
            "counting",
            "off",
            "chain",
            "cooling-down",
            "told-already",
            "dependency",
            "waits",
            "quiet",
            "nothing",
            "no-message",
            "only-count",
            "after-level",
            "after",
            "about",
            "kind",
            "key",
            "within-bounds",
            "stack-event",
        ];
        for code in codes {
            let [english, polish] = Lang::ALL else { panic!() };
            let told = |lang: &Lang| {
                tell(
                    &[reason(code, &[("why", "quiet hours")])],
                    "MISSING",
                    lang.words(),
                )
            };
            assert_ne!(told(english), "MISSING", "{code}");
            assert_ne!(told(english), told(polish), "{code}");
        }
    }
}

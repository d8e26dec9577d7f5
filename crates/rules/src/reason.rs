//! Reasons as codes and values, for those who tell them in another language than English.
//!
//! The decider says why in English, in one of the sentences below; the history keeps that text. Here it is read back,
//! so that firings of long ago have codes as well. In tests the decider checks that it says nothing else.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// A reason, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    /// Which sentence it is.
    #[schema(example = "cooling-down")]
    pub code: &'static str,
    /// What stands in its places.
    #[schema(example = json!({ "seconds": "42" }))]
    pub values: BTreeMap<&'static str, String>,
}

/// Codes with their sentences. What is more special comes first.
const SENTENCES: &[(&str, &str)] = &[
    ("above", "{name} is {value}, above {bound}"),
    ("below", "{name} is {value}, below {bound}"),
    ("out-of-bounds", "{name} is {value}, out of bounds"),
    ("log-line", "a line of {program} fits"),
    ("gpio-edge", "line {line} went to {level}"),
    ("schedule", "its time has come"),
    ("webhook", "its address was called"),
    ("other-rule", "another rule set it off"),
    ("event-count", "{event} of {program}, the {count}th time"),
    ("event-of", "{event} of {program}"),
    ("event", "{event}"),
    ("more", "{count} more since the last word"),
    ("waited", "its message waited"),
    ("over", "it is over"),
    ("back", "it is back"),
    ("stopped", "the program was stopped"),
    ("well", "all has been well for long enough"),
    ("changed", "the rule was switched off or changed"),
    ("told-over", "it was told to be over"),
    ("unless", "unless {conditions}"),
    ("counting", "counting: {count} of {wanted}"),
    ("off", "it is switched off"),
    ("chain", "cut: {count} rules have set each other off already"),
    ("cooling-down", "cooling down for {seconds} s more"),
    (
        "told-already",
        "told already; what follows is gathered into a digest",
    ),
    (
        "dependency",
        "`{program}`, which it depends on, is down: that is told, this is not",
    ),
    ("waits", "its message waits {seconds} s"),
    ("quiet", "quiet hours"),
    ("nothing", "it does nothing"),
    ("no-message", "no message: {why}"),
    ("only-count", "only the {count}th time"),
    ("after-level", "after {seconds} s at this level"),
    ("after", "after {seconds} s"),
    ("about", "it is about {wanted}, and this is about {found}"),
    ("kind", "it waits for {wanted}, and this is {found}"),
    (
        "key",
        "the event is of the right kind, and a key of `when` (group, to_state, from_state, expected, log, name) does not fit",
    ),
    (
        "within-bounds",
        "the reading is within its bounds, or the edge is the other one",
    ),
    ("stack-event", "{kind} came"),
];

/// The parts of a reason; none where a part is no sentence of ours.
pub fn read(text: &str) -> Vec<Reason> {
    parts(text).unwrap_or_default()
}

fn parts(text: &str) -> Option<Vec<Reason>> {
    // A part may itself hold `; `: the longest one that is a sentence is meant.
    let ends = text.match_indices("; ").map(|(at, _)| at);
    let mut ends: Vec<usize> = ends.collect();
    if let Some(reason) = sentence(text) {
        return Some(vec![reason]);
    }
    ends.reverse();
    ends.into_iter().find_map(|end| {
        let first = sentence(text.get(..end)?)?;
        let mut all = vec![first];
        all.extend(parts(text.get(end + 2..)?)?);
        Some(all)
    })
}

/// A text without further parts.
fn sentence(text: &str) -> Option<Reason> {
    let mut found = SENTENCES.iter().filter_map(|(code, template)| {
        let values = fit(template, text)?;
        let reason = Reason { code, values };
        reason.makes_sense().then_some(reason)
    });
    found.next()
}

impl Reason {
    /// Whether the values are of the form that their places ask for.
    fn makes_sense(&self) -> bool {
        self.values.iter().all(|(name, value)| match *name {
            "event" => {
                !value.is_empty()
                    && value
                        .bytes()
                        .all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
            }
            "count" | "wanted" if self.code != "about" && self.code != "kind" => value.parse::<u64>().is_ok(),
            "seconds" => value.parse::<f64>().is_ok(),
            // These two hold what stands in sentences or expressions of their own.
            "why" => sentence(value).is_some(),
            "conditions" => true,
            _ => !value.contains("; "),
        })
    }
}

/// What a text has in the places of a template.
fn fit(template: &'static str, text: &str) -> Option<BTreeMap<&'static str, String>> {
    let mut values = BTreeMap::new();
    let mut pieces = template.split('{');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let (name, after) = piece.split_once('}')?;
        let value = if pieces.peek().is_none() {
            std::mem::take(&mut rest).strip_suffix(after)?
        } else {
            let (value, left) = rest.split_once(after)?;
            rest = left;
            value
        };
        values.insert(name, value.to_owned());
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        read(text).iter().map(|reason| reason.code).collect()
    }

    #[test]
    fn every_sentence_is_read_back() {
        for (code, template) in SENTENCES {
            let mut text = String::new();
            for (at, piece) in template.split('{').enumerate() {
                let (name, after) = piece.split_once('}').unwrap_or(("", piece));
                text += match name {
                    _ if at == 0 => "",
                    "count" | "seconds" => "7",
                    "wanted" if *code == "counting" => "9",
                    "event" => "PROCESS_STATE_EXITED",
                    "why" => "quiet hours",
                    _ => "x y",
                };
                text += after;
            }
            assert_eq!(codes(&text), [*code], "{text}");
        }
    }

    #[test]
    fn parts_are_told_apart() {
        let text = "PROCESS_STATE_FATAL of zoo:cat; no message: told already; what follows is gathered into a digest";
        assert_eq!(codes(text), ["event-of", "no-message"]);
        let reasons = read(text);
        assert_eq!(reasons[0].values["program"], "zoo:cat");
        assert_eq!(
            reasons[1].values["why"],
            "told already; what follows is gathered into a digest"
        );
        assert_eq!(
            codes("cpu is 99.5, above 90; after 60 s; it is switched off"),
            ["above", "after", "off"]
        );
        assert_eq!(codes("cooling down for x s more"), [""; 0]);
        assert_eq!(codes("somebody's own words; it is over"), [""; 0]);
        assert_eq!(codes(""), [""; 0]);
    }
}

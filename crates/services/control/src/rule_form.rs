//! A rule as a form: what its fields mean as JSON, and which field a fault belongs to. What a form cannot show is
//! written as TOML.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::upstream::rules::Fault;

/// Actions of a form.
pub(crate) const ACTIONS: usize = 4;
/// What the rule may wait for, as the form names it.
pub(crate) const KINDS: [&str; 7] = ["event", "log", "metric", "gpio", "cron", "stack", "webhook"];
/// Events of programs.
pub(crate) const EVENTS: [&str; 7] = [
    "crashed", "failed", "exited", "stopped", "started", "running", "any",
];
/// What may be done.
pub(crate) const DOINGS: [&str; 11] = [
    "notify", "mail", "restart", "start", "stop", "high", "low", "pulse", "blink", "run", "log",
];

/// Keys of `when` that have a field of the same name, and the kinds that they belong to.
const FIELDS: [(&str, &[&str]); 14] = [
    ("program", &["event", "log"]),
    ("count", &["event", "log", "gpio", "stack"]),
    ("within", &["event", "log", "gpio", "stack"]),
    ("log", &["log"]),
    ("stream", &["log"]),
    ("metric", &["metric"]),
    ("for", &["metric"]),
    ("gpio", &["gpio"]),
    ("edge", &["gpio"]),
    ("hold", &["gpio"]),
    ("cron", &["cron"]),
    ("stack", &["stack"]),
    ("webhook", &["webhook"]),
    ("secret_file", &["webhook"]),
];
/// Fields of `policy`.
const POLICY: [&str; 3] = ["cooldown", "quiet", "wait"];

/// The fields as they are filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RuleForm {
    fields: BTreeMap<String, String>,
}

impl RuleForm {
    /// Of a posted form.
    pub(crate) fn read(pairs: &[(String, String)]) -> Self {
        let fields = pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.trim().to_owned()));
        Self {
            fields: fields.collect(),
        }
    }

    /// An empty one, with what most people want.
    pub(crate) fn fresh() -> Self {
        let pairs = [
            ("kind", "event"),
            ("event", "crashed"),
            ("severity", "warning"),
            ("a0_do", "notify"),
        ];
        Self::read(&pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    /// What stands in a field.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Whether a field has this value, for options.
    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == value
    }

    /// What stands in a field of an action.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "a template hands in what it loops over"
    )]
    pub(crate) fn act(&self, number: &usize, field: &str) -> &str {
        self.get(&format!("a{number}_{field}"))
    }

    /// Whether an action is this one.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "a template hands in what it loops over"
    )]
    pub(crate) fn does(&self, number: &usize, doing: &str) -> bool {
        self.act(number, "do") == doing
    }

    /// The rule as JSON, keys in the order in which people write them.
    pub(crate) fn json(&self) -> Map<String, Value> {
        let kind = self.get("kind");
        let mut when = Map::new();
        if kind == "event" && !self.is("event", "any") {
            put(&mut when, "event", self.get("event"));
        }
        for (name, kinds) in FIELDS {
            if kinds.contains(&kind) {
                put(&mut when, name, self.get(name));
            }
        }
        if kind == "metric" {
            let bound = if self.is("bound", "below") {
                "below"
            } else {
                "above"
            };
            put(&mut when, bound, self.get("value"));
        }
        for number in ["count", "above", "below", "gpio"] {
            if let Some(value) = when.get_mut(number) {
                *value = as_number(value);
            }
        }
        let mut rule = Map::new();
        rule.insert("when".to_owned(), Value::Object(when));
        put(&mut rule, "unless", self.get("unless"));
        let actions: Vec<Value> = (0..ACTIONS).filter_map(|number| self.action(number)).collect();
        rule.insert("then".to_owned(), Value::Array(actions));
        if !self.is("severity", "warning") {
            put(&mut rule, "severity", self.get("severity"));
        }
        let mut policy = Map::new();
        for name in POLICY {
            put(&mut policy, name, self.get(name));
        }
        if !policy.is_empty() {
            rule.insert("policy".to_owned(), Value::Object(policy));
        }
        rule
    }

    fn action(&self, number: usize) -> Option<Value> {
        let field = |name: &str| self.act(&number, name);
        let (to, text) = (field("to"), field("text"));
        let mut action = match field("do") {
            "notify" => {
                let channels: Vec<&str> = to.split([',', ' ']).filter(|name| !name.is_empty()).collect();
                json!({ "notify": channels })
            }
            "mail" => json!({ "mail": to }),
            doing @ ("restart" | "start" | "stop" | "run") => json!({ doing: to }),
            "high" => json!({ "gpio": as_number(&to.into()), "set": true }),
            "low" => json!({ "gpio": as_number(&to.into()), "set": false }),
            "pulse" => json!({ "gpio": as_number(&to.into()), "pulse": or(text, "500ms") }),
            "blink" => {
                json!({ "gpio": as_number(&to.into()), "blink": or(text, "2Hz"), "until": "resolved" })
            }
            "log" => json!({ "log": or(text, to) }),
            _ => return None,
        };
        if matches!(field("do"), "notify" | "mail") && !text.is_empty() {
            action["text"] = text.into();
        }
        Some(action)
    }

    /// The form of a rule; `None` if it holds more than a form can show.
    pub(crate) fn of(name: &str, rule: &Map<String, Value>) -> Option<Self> {
        let mut form = Self::default();
        form.put("name", name);
        form.put("severity", "warning");
        let when = rule.get("when")?.as_object()?;
        let kind = KINDS.iter().find(|kind| when.contains_key(**kind)).copied();
        form.put("kind", kind.unwrap_or("event"));
        if !when.contains_key("event") {
            form.put("event", "any");
        }
        for (key, value) in when {
            let text = text_of(value)?;
            match key.as_str() {
                "above" | "below" => {
                    if !form.get("bound").is_empty() {
                        return None;
                    }
                    form.put("bound", key);
                    form.put("value", &text);
                }
                "process" => form.put("program", &text),
                "event" if EVENTS.contains(&text.as_str()) => form.put("event", &text),
                key if FIELDS.iter().any(|(name, _)| *name == key) => form.put(key, &text),
                _ => return None,
            }
        }
        for (key, value) in rule {
            match key.as_str() {
                "when" => {}
                "then" => form.take_actions(value.as_array()?)?,
                "unless" | "severity" | "cooldown" => form.put(key, &text_of(value)?),
                "policy" => {
                    for (key, value) in value.as_object()? {
                        if !POLICY.contains(&key.as_str()) {
                            return None;
                        }
                        form.put(key, &text_of(value)?);
                    }
                }
                _ => return None,
            }
        }
        // What cannot be shown as it is would be changed by saving it.
        let shown = |text: &String| crate::inert::line(text) == *text;
        form.fields.values().all(shown).then_some(form)
    }

    fn take_actions(&mut self, actions: &[Value]) -> Option<()> {
        if actions.len() > ACTIONS {
            return None;
        }
        for (number, action) in actions.iter().enumerate() {
            let (doing, to, text) = action_fields(action.as_object()?)?;
            for (field, value) in [("do", doing), ("to", to), ("text", text)] {
                self.put(&format!("a{number}_{field}"), &value);
            }
        }
        Some(())
    }

    fn put(&mut self, name: &str, value: &str) {
        self.fields.insert(name.to_owned(), value.to_owned());
    }
}

/// An action as the three fields of a form.
fn action_fields(action: &Map<String, Value>) -> Option<(String, String, String)> {
    let text = action.get("text").map_or(Some(String::new()), text_of)?;
    let known = |keys: &[&str]| action.keys().all(|key| keys.contains(&key.as_str()));
    if let Some(channels) = action.get("notify") {
        let names = match channels {
            Value::Array(names) => names.iter().map(text_of).collect::<Option<Vec<_>>>()?.join(", "),
            other => text_of(other)?,
        };
        return known(&["notify", "text"]).then(|| ("notify".to_owned(), names, text));
    }
    if let Some(to) = action.get("mail") {
        let to = text_of(to)?;
        return known(&["mail", "text"]).then(|| ("mail".to_owned(), to, text));
    }
    if let Some(line) = action.get("log") {
        let line = text_of(line)?;
        return known(&["log"]).then(|| ("log".to_owned(), String::new(), line));
    }
    if let Some(line) = action.get("gpio") {
        let line = text_of(line)?;
        let (doing, text) = match (action.get("set"), action.get("pulse"), action.get("blink")) {
            (Some(Value::Bool(true)), None, None) => ("high", String::new()),
            (Some(Value::Bool(false)), None, None) => ("low", String::new()),
            (None, Some(pulse), None) => ("pulse", text_of(pulse)?),
            (None, None, Some(blink)) if action.get("until") == Some(&json!("resolved")) => {
                ("blink", text_of(blink)?)
            }
            _ => return None,
        };
        let until = if doing == "blink" { "until" } else { "gpio" };
        return known(&["gpio", "set", "pulse", "blink", until]).then(|| (doing.to_owned(), line, text));
    }
    ["restart", "start", "stop", "run"].into_iter().find_map(|doing| {
        let to = text_of(action.get(doing)?)?;
        (action.len() == 1).then(|| (doing.to_owned(), to, String::new()))
    })
}

fn or(text: &str, other: &str) -> String {
    if text.is_empty() { other } else { text }.to_owned()
}

fn put(map: &mut Map<String, Value>, key: &str, text: &str) {
    if !text.is_empty() {
        map.insert(key.to_owned(), text.into());
    }
}

/// A number where the text is one; else the text, so that the check can say what is wrong with it.
fn as_number(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    if let Ok(whole) = text.parse::<i64>() {
        return whole.into();
    }
    let float = text
        .replace(',', ".")
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite());
    float.map_or_else(|| value.clone(), Value::from)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The field that a fault belongs to; empty for the rule as a whole.
pub(crate) fn field_of(fault: &Fault) -> String {
    let mut keys = fault.path.split('.');
    match (keys.next().unwrap_or_default(), keys.next()) {
        ("name", _) => "name".to_owned(),
        ("when", Some("program" | "process" | "group")) => "program".to_owned(),
        ("when", Some("above" | "below" | "clear")) => "value".to_owned(),
        ("when" | "policy", Some(key)) | (key @ ("unless" | "severity" | "cooldown"), _) => key.to_owned(),
        ("when", None) => "kind".to_owned(),
        ("then", Some(number)) if number.parse::<usize>().is_ok_and(|number| number < ACTIONS) => {
            format!("a{number}_to")
        }
        ("then", _) => "a0_to".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> RuleForm {
        let pairs: Vec<_> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        RuleForm::read(&pairs)
    }

    #[test]
    fn fields_become_a_rule_and_a_rule_fields() {
        for (fields, wanted) in [
            (
                vec![
                    ("kind", "event"),
                    ("event", "crashed"),
                    ("program", "camera"),
                    ("count", "3"),
                    ("within", "10m"),
                    ("cron", "left over"),
                    ("severity", "critical"),
                    ("cooldown", "30m"),
                    ("a0_do", "notify"),
                    ("a0_to", "me, phone"),
                    ("a0_text", "{program} is down"),
                    ("a1_do", "blink"),
                    ("a1_to", "17"),
                    ("a1_text", "4Hz"),
                    ("a2_do", ""),
                ],
                json!({ "when": { "event": "crashed", "program": "camera", "count": 3, "within": "10m" },
                    "then": [{ "notify": ["me", "phone"], "text": "{program} is down" }, { "gpio": 17, "blink": "4Hz", "until": "resolved" }],
                    "severity": "critical", "policy": { "cooldown": "30m" } }),
            ),
            (
                vec![
                    ("kind", "metric"),
                    ("metric", "temperature"),
                    ("bound", "above"),
                    ("value", "79.5"),
                    ("for", "1m"),
                    ("unless", "rule.fan"),
                    ("a0_do", "high"),
                    ("a0_to", "fan"),
                    ("a1_do", "restart"),
                    ("a1_to", "camera"),
                    ("a2_do", "log"),
                    ("a2_text", "hot"),
                ],
                json!({ "when": { "metric": "temperature", "for": "1m", "above": 79.5 }, "unless": "rule.fan",
                    "then": [{ "gpio": "fan", "set": true }, { "restart": "camera" }, { "log": "hot" }] }),
            ),
            (
                vec![
                    ("kind", "event"),
                    ("event", "any"),
                    ("program", "x"),
                    ("a0_do", "mail"),
                    ("a0_to", "a@b.c"),
                ],
                json!({ "when": { "program": "x" }, "then": [{ "mail": "a@b.c" }] }),
            ),
        ] {
            let json = Value::Object(form(&fields).json());
            assert_eq!(json, wanted);
            let back = RuleForm::of("n", json.as_object().unwrap()).unwrap();
            assert_eq!(Value::Object(back.json()), wanted);
            assert_eq!(back.get("name"), "n");
        }
    }

    #[test]
    fn what_a_form_cannot_show_is_left_to_toml() {
        for rule in [
            json!({ "when": { "event": "PROCESS_STATE_*" }, "then": [] }),
            json!({ "when": { "metric": "cpu", "above": 1, "below": 2 }, "then": [] }),
            json!({ "when": { "cron": "@daily" }, "then": [{ "run": ["a", "b"] }] }),
            json!({ "when": { "cron": "@daily" }, "then": [{ "run": "a", "timeout": "1s" }] }),
            json!({ "when": { "cron": "@daily" }, "then": [{ "log": "x" }], "policy": { "digest": "1m" } }),
            json!({ "when": { "cron": "@daily" }, "then": [{ "log": "x" }], "priority": 3 }),
            json!({ "then": [] }),
        ] {
            assert_eq!(RuleForm::of("n", rule.as_object().unwrap()), None, "{rule}");
        }
    }

    #[test]
    fn faults_find_their_fields() {
        for (path, field) in [
            ("when.program", "program"),
            ("when.process", "program"),
            ("when.log", "log"),
            ("when", "kind"),
            ("then.1.notify.0", "a1_to"),
            ("then.9", "a0_to"),
            ("policy.quiet", "quiet"),
            ("unless", "unless"),
            ("", ""),
        ] {
            let fault = Fault {
                path: path.into(),
                ..Fault::default()
            };
            assert_eq!(field_of(&fault), field, "{path}");
        }
    }
}

//! A rule as it is written: TOML text for files, JSON for forms, and where in it something is wrong.

use serde_json::{Map, Value as Json};
use toml_edit::{Array, Document, DocumentMut, InlineTable, Item, Table, Value};

/// Keys of a rule in the order in which people write them; others follow.
const ORDER: [&str; 8] = [
    "when", "unless", "then", "severity", "priority", "cooldown", "policy", "enabled",
];
/// Values may lie in each other so deep.
const DEEPEST: usize = 8;

/// Writes a rule's JSON as TOML: one line a key, one line an action.
///
/// # Errors
/// What cannot be written as TOML.
pub fn to_toml(rule: &Map<String, Json>) -> Result<String, String> {
    let mut document = DocumentMut::new();
    let known = ORDER.iter().filter_map(|key| Some((*key, rule.get(*key)?)));
    let others = rule
        .iter()
        .filter(|(key, _)| !ORDER.contains(&key.as_str()))
        .map(|(key, value)| (key.as_str(), value));
    for (key, json) in known.chain(others) {
        let Some(mut value) = value_of(json, 0)? else {
            continue;
        };
        if key == "then"
            && let Value::Array(actions) = &mut value
        {
            for action in actions.iter_mut() {
                action.decor_mut().set_prefix("\n  ");
            }
            if !actions.is_empty() {
                actions.set_trailing("\n");
                actions.set_trailing_comma(true);
            }
        }
        document.insert(key, Item::Value(value));
    }
    Ok(document.to_string())
}

fn value_of(json: &Json, depth: usize) -> Result<Option<Value>, String> {
    if depth > DEEPEST {
        return Err("values lie too deep in each other".to_owned());
    }
    Ok(Some(match json {
        Json::Null => return Ok(None),
        Json::Bool(flag) => Value::from(*flag),
        Json::String(text) => Value::from(text.as_str()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(float)) => Value::from(float),
            (None, None) => return Err(format!("{number} is no number of TOML")),
        },
        Json::Array(items) => {
            let mut array = Array::new();
            for item in items {
                array.extend(value_of(item, depth + 1)?);
            }
            Value::Array(array)
        }
        Json::Object(members) => {
            let mut table = InlineTable::new();
            for (key, member) in members {
                if let Some(value) = value_of(member, depth + 1)? {
                    table.insert(key.as_str(), value);
                }
            }
            Value::InlineTable(table)
        }
    }))
}

/// Reads a rule's TOML as JSON, as it is written; `None` if it is no TOML.
pub fn to_json(toml: &str) -> Option<Map<String, Json>> {
    let document: DocumentMut = toml.parse().ok()?;
    Some(table_json(document.as_table()))
}

fn table_json(table: &Table) -> Map<String, Json> {
    table
        .iter()
        .filter_map(|(key, item)| Some((key.to_owned(), item_json(item)?)))
        .collect()
}

fn item_json(item: &Item) -> Option<Json> {
    Some(match item {
        Item::None => return None,
        Item::Value(value) => value_json(value),
        Item::Table(table) => Json::Object(table_json(table)),
        Item::ArrayOfTables(tables) => tables
            .iter()
            .map(|table| Json::Object(table_json(table)))
            .collect(),
    })
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::from(text.value().as_str()),
        Value::Integer(number) => Json::from(*number.value()),
        Value::Float(number) => Json::from(*number.value()),
        Value::Boolean(flag) => Json::from(*flag.value()),
        Value::Datetime(time) => Json::from(time.value().to_string()),
        Value::Array(items) => items.iter().map(value_json).collect(),
        Value::InlineTable(table) => table
            .iter()
            .map(|(key, value)| (key.to_owned(), value_json(value)))
            .collect(),
    }
}

/// The keys that lead to a place of a text: `["rule", "camera-down", "when", "program"]`. Empty where the place is in no
/// key, or the text is no TOML.
pub fn keys_at(text: &str, place: usize) -> Vec<String> {
    let Ok(document) = Document::parse(text) else {
        return Vec::new();
    };
    let mut keys = Vec::new();
    in_table(document.as_table(), place, &mut keys);
    keys
}

fn within(span: Option<std::ops::Range<usize>>, place: usize) -> bool {
    // An error at a value's end (something is missing there) still belongs to it.
    span.is_some_and(|span| span.start <= place && place <= span.end)
}

fn in_table(table: &Table, place: usize, keys: &mut Vec<String>) -> bool {
    for (name, item) in table {
        let on_key = table.key(name).is_some_and(|key| within(key.span(), place));
        keys.push(name.to_owned());
        if in_item(item, place, keys) || on_key {
            return true;
        }
        keys.pop();
    }
    false
}

fn in_item(item: &Item, place: usize, keys: &mut Vec<String>) -> bool {
    match item {
        Item::None => false,
        Item::Value(value) => in_value(value, place, keys),
        // A table's own span is its head; what stands below has spans of its own.
        Item::Table(table) => in_table(table, place, keys) || within(table.span(), place),
        Item::ArrayOfTables(tables) => tables.iter().enumerate().any(|(number, table)| {
            keys.push(number.to_string());
            let found = in_table(table, place, keys) || within(table.span(), place);
            if !found {
                keys.pop();
            }
            found
        }),
    }
}

fn in_value(value: &Value, place: usize, keys: &mut Vec<String>) -> bool {
    if !within(value.span(), place) {
        return false;
    }
    match value {
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                keys.push(number.to_string());
                if in_value(item, place, keys) {
                    return true;
                }
                keys.pop();
            }
        }
        Value::InlineTable(table) => {
            for (name, item) in table {
                keys.push(name.to_owned());
                let on_key = table.key(name).is_some_and(|key| within(key.span(), place));
                if in_value(item, place, keys) || on_key {
                    return true;
                }
                keys.pop();
            }
        }
        _ => {}
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOML: &str = "when = { event = \"crashed\", program = \"camera\" }\nthen = [\n  { notify = [\"me\"], text = \"a \\\"b\\\"\" },\n]\npolicy = { cooldown = \"30m\" }\n";

    #[test]
    fn json_becomes_toml_that_people_can_read_and_back() {
        let json = json!({
            "policy": { "cooldown": "30m", "quiet": null },
            "then": [{ "notify": ["me"], "text": "a \"b\"" }],
            "when": { "event": "crashed", "program": "camera" },
        });
        let toml = to_toml(json.as_object().unwrap()).unwrap();
        assert_eq!(toml, TOML.replace("\"a \\\"b\\\"\"", "'a \"b\"'"));
        let back = Json::Object(to_json(&toml).unwrap());
        assert_eq!(back["when"], json["when"]);
        assert_eq!(back["then"], json["then"]);
        assert_eq!(back["policy"], json!({ "cooldown": "30m" }));
        assert_eq!(to_json("= no toml"), None);
        let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
        assert!(to_toml(json!({ "then": deep }).as_object().unwrap()).is_err());
    }

    #[test]
    fn a_place_has_its_keys() {
        let text = format!(
            "[rules]\ndisabled = [\"a\"]\n\n[rule.cam]\n{TOML}\n[rule.b]\nwhen = {{ cron = \"x\" }}\n"
        );
        let at = |what: &str| keys_at(&text, text.find(what).unwrap() + 1).join(".");
        assert_eq!(at("\"camera\""), "rule.cam.when.program");
        assert_eq!(at("program ="), "rule.cam.when.program");
        assert_eq!(at("\"me\""), "rule.cam.then.0.notify.0");
        assert_eq!(at("\"30m\""), "rule.cam.policy.cooldown");
        assert_eq!(at("then ="), "rule.cam.then");
        assert_eq!(at("\"x\""), "rule.b.when.cron");
        assert_eq!(at("[rule.cam]"), "rule.cam");
        assert_eq!(at("disabled"), "rules.disabled");
        assert!(keys_at("[", 0).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_read(text in ".{0,40}", number in proptest::num::i64::ANY, flag: bool) {
            let json = json!({ "when": { "log": text, "count": number }, "then": [{ "log": text }], "enabled": flag });
            let toml = to_toml(json.as_object().unwrap()).unwrap();
            proptest::prop_assert_eq!(Json::Object(to_json(&toml).unwrap()), json);
        }
    }
}

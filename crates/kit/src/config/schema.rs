//! Reading a JSON Schema (as `schemars` writes it) for three questions: which keys are known here, which are
//! required, and what may stand in for a missing value.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde_json::{Map, Value as Json};

use super::node::{Data, Entry, Node, Table};

/// A type's schema.
pub(super) struct Schema {
    root: Json,
}

/// Everything that the schema says about one place of the document. Several schemas where it leaves a choice.
#[derive(Debug, Clone, Default)]
pub(super) struct Place<'s> {
    /// Schemas that hold, references resolved.
    objects: Vec<Part<'s>>,
}

#[derive(Debug, Clone, Copy)]
struct Part<'s> {
    object: &'s Map<String, Json>,
    /// False for the branches of a choice that the document leaves open.
    certain: bool,
}

impl Schema {
    pub(super) fn of<T: JsonSchema>() -> Self {
        Self {
            root: schemars::schema_for!(T).to_value(),
        }
    }

    pub(super) fn place<'s>(&'s self, node: &Node) -> Place<'s> {
        self.resolve(vec![&self.root], node)
    }

    /// Resolves references and choices. Of a choice (`oneOf`, `anyOf`) those branches are left that fit the
    /// node's tags and kind; if none fits, all.
    fn resolve<'s>(&'s self, start: Vec<&'s Json>, node: &Node) -> Place<'s> {
        let mut place = Place::default();
        let mut open: Vec<(&Json, bool)> = start.into_iter().map(|schema| (schema, true)).collect();
        // A schema that refers to itself without end is not one that a type gives; the bound is for safety.
        let mut budget = 1000;
        while let Some((schema, certain)) = open.pop() {
            budget -= 1;
            let Some(object) = schema.as_object() else {
                continue;
            };
            if budget == 0 {
                break;
            }
            if let Some(target) = object
                .get("$ref")
                .and_then(Json::as_str)
                .and_then(|name| self.definition(name))
            {
                open.push((target, certain));
            }
            if let Some(all) = object.get("allOf").and_then(Json::as_array) {
                open.extend(all.iter().map(|part| (part, certain)));
            }
            for choice in ["oneOf", "anyOf"] {
                if let Some(branches) = object.get(choice).and_then(Json::as_array) {
                    let fitting = self.fitting(branches, node);
                    let certain = certain && fitting.len() == 1;
                    open.extend(fitting.into_iter().map(|branch| (branch, certain)));
                }
            }
            place.objects.push(Part { object, certain });
        }
        place
    }

    fn definition(&self, reference: &str) -> Option<&Json> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    fn fitting<'s>(&'s self, branches: &'s [Json], node: &Node) -> Vec<&'s Json> {
        let fits: Vec<&Json> = branches.iter().filter(|branch| self.fits(branch, node)).collect();
        if fits.is_empty() {
            branches.iter().collect()
        } else {
            fits
        }
    }

    fn fits(&self, branch: &Json, node: &Node) -> bool {
        let target = branch
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|name| self.definition(name));
        let Some(object) = target.unwrap_or(branch).as_object() else {
            return false;
        };
        if !accepts_kind(object, &node.data) {
            return false;
        }
        let (Some(table), Some(properties)) =
            (node.table(), object.get("properties").and_then(Json::as_object))
        else {
            return true;
        };
        properties.iter().all(|(name, schema)| {
            let Some(tag) = schema.get("const").and_then(Json::as_str) else {
                return true;
            };
            matches!(table.get(name).map(|entry| &entry.value.data), Some(Data::Text(text)) if text == tag)
        })
    }

    /// What the schema says of a key of a table, or (no name) of a list's items.
    pub(super) fn below<'s>(&'s self, place: &Place<'s>, name: Option<&str>, node: &Node) -> Place<'s> {
        let below = |part: &Part<'s>| Self::part_below(part.object, name);
        self.resolve(place.objects.iter().filter_map(below).collect(), node)
    }

    fn part_below<'s>(object: &'s Map<String, Json>, name: Option<&str>) -> Option<&'s Json> {
        let Some(name) = name else {
            return object.get("items");
        };
        let property = object
            .get("properties")
            .and_then(|properties| properties.get(name));
        property.or_else(|| object.get("additionalProperties"))
    }

    /// A value of the kind that is wanted, to read on with. It is in no file.
    pub(super) fn stand_in(&self, place: &Place<'_>, name: &str) -> Node {
        let nothing = Node {
            data: Data::Table(Table::new()),
            span: None,
        };
        let wanted = self.below(place, Some(name), &nothing);
        Node {
            data: wanted.stand_in().unwrap_or_else(|| Data::Text(String::new())),
            span: None,
        }
    }
}

fn accepts_kind(object: &Map<String, Json>, data: &Data) -> bool {
    let wanted: Vec<&str> = match object.get("type") {
        Some(Json::String(kind)) => vec![kind],
        Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).collect(),
        _ => return !object.contains_key("const") || matches!(data, Data::Text(_)),
    };
    wanted.iter().any(|kind| match data {
        Data::Text(_) => *kind == "string",
        Data::Integer(_) | Data::Large(_) => matches!(*kind, "integer" | "number"),
        Data::Float(_) => *kind == "number",
        Data::Flag(_) => *kind == "boolean",
        Data::List(_) => *kind == "array",
        Data::Table(_) => *kind == "object",
    })
}

impl<'s> Place<'s> {
    /// The names of the keys that may stand here; `None` where any may.
    pub(super) fn known_keys(&self) -> Option<Vec<&'s str>> {
        let mut known = Vec::new();
        let mut closed = false;
        for Part { object, .. } in &self.objects {
            match object.get("additionalProperties") {
                Some(Json::Bool(false)) => closed = true,
                Some(_) => return None,
                None => {}
            }
            if let Some(properties) = object.get("properties").and_then(Json::as_object) {
                closed = true;
                known.extend(properties.keys().map(String::as_str));
            }
        }
        closed.then_some(known)
    }

    /// True while the document leaves open which of several forms stands here.
    pub(super) fn is_open(&self) -> bool {
        self.objects.iter().any(|part| !part.certain)
    }

    /// Keys that must stand here, whatever form it has.
    pub(super) fn required_keys(&self) -> Vec<&'s str> {
        let certain = self.objects.iter().filter(|part| part.certain);
        let lists = certain.filter_map(|part| part.object.get("required")?.as_array());
        let mut keys: Vec<&str> = lists.flatten().filter_map(Json::as_str).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// What a key is for: the first sentence of its description.
    pub(super) fn description(&self) -> Option<String> {
        let text = self
            .objects
            .iter()
            .find_map(|part| part.object.get("description")?.as_str())?;
        let paragraph = text.split("\n\n").next().unwrap_or(text).replace('\n', " ");
        Some(paragraph.trim().to_owned())
    }

    fn stand_in(&self) -> Option<Data> {
        self.objects.iter().find_map(|Part { object, .. }| {
            let listed = object
                .get("enum")
                .and_then(Json::as_array)
                .and_then(|values| values.first());
            if let Some(text) = object.get("const").or(listed).and_then(Json::as_str) {
                return Some(Data::Text(text.to_owned()));
            }
            let kind = match object.get("type")? {
                Json::String(kind) => kind.as_str(),
                Json::Array(kinds) => kinds.first()?.as_str()?,
                _ => return None,
            };
            Some(match kind {
                "integer" => Data::Integer(object.get("minimum").and_then(Json::as_i64).unwrap_or(1)),
                "number" => Data::Float(1.0),
                "boolean" => Data::Flag(false),
                "array" => Data::List(Vec::new()),
                "object" => Data::Table(self.required_entries(object)),
                _ => Data::Text(String::new()),
            })
        })
    }

    /// One level of a missing table's own required keys.
    fn required_entries(&self, object: &Map<String, Json>) -> Table {
        let properties = object.get("properties").and_then(Json::as_object);
        let mut entries = IndexMap::new();
        for key in self.required_keys() {
            let schema = properties
                .and_then(|properties| properties.get(key))
                .and_then(Json::as_object);
            let data = schema
                .and_then(|schema| {
                    Place {
                        objects: vec![Part {
                            object: schema,
                            certain: true,
                        }],
                    }
                    .stand_in()
                })
                .unwrap_or_else(|| Data::Text(String::new()));
            entries.insert(
                key.to_owned(),
                Entry {
                    key: 0..0,
                    value: Node { data, span: None },
                },
            );
        }
        entries
    }
}

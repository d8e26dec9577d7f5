//! Reading a document as a type, all errors in one go.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::document::{Document, nearest};
use super::error::{ConfigError, ConfigErrors};
use super::messages;
use super::node::{Data, Entry, Node};
use super::reader::{Fault, Kind};
use super::schema::{Place, Schema};

/// More errors than this help nobody, and each costs another pass.
const MAX_ERRORS: usize = 100;

impl Document {
    /// Reads the whole document as `T`. Unknown keys (found by `T`'s JSON Schema) come with a suggestion; every
    /// wrong value is listed, not only the first.
    ///
    /// How: the schema shows unknown and missing keys at once; then serde reads, and each value that it refuses is
    /// noted and taken out (or replaced by one of the right kind where the key is required) before it reads again.
    pub fn read<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, ConfigErrors> {
        let schema = Schema::of::<T>();
        let mut pass = Pass {
            document: self,
            schema: &schema,
            root: self.root().clone(),
            errors: Vec::new(),
        };
        pass.check_keys();
        loop {
            let fault = match T::deserialize(&pass.root) {
                Ok(value) if pass.errors.is_empty() => return Ok(value),
                Ok(_) => break,
                Err(fault) => fault,
            };
            if !pass.note_and_repair(&fault) || pass.errors.len() >= MAX_ERRORS {
                break;
            }
        }
        let mut errors = pass.errors;
        errors.sort_by(|a, b| (&a.file, a.line, a.span.start).cmp(&(&b.file, b.line, b.span.start)));
        Err(ConfigErrors(errors))
    }
}

struct Pass<'d> {
    document: &'d Document,
    schema: &'d Schema,
    /// The document as far as it is right.
    root: Node,
    errors: Vec<ConfigError>,
}

impl<'d> Pass<'d> {
    /// Notes unknown keys and takes them out; notes missing ones and puts stand-ins in their place.
    fn check_keys(&mut self) {
        let mut root = std::mem::replace(
            &mut self.root,
            Node {
                data: Data::Flag(false),
                span: None,
            },
        );
        let place = self.schema.place(&root);
        self.check_node(&mut root, &place, &mut Vec::new());
        self.root = root;
    }

    fn check_node(&mut self, node: &mut Node, place: &Place<'_>, path: &mut Vec<String>) {
        match &mut node.data {
            Data::Table(table) => {
                if let Some(known) = place.known_keys() {
                    table.retain(|name, entry| {
                        let keep = known.contains(&name.as_str());
                        if !keep {
                            let (message, help) = messages::unknown_key(name, path, &known);
                            self.note(entry.key.clone(), message, help);
                        }
                        keep
                    });
                }
                for (name, entry) in table.iter_mut() {
                    let below = self.schema.below(place, Some(name), &entry.value);
                    path.push(name.clone());
                    self.check_node(&mut entry.value, &below, path);
                    path.pop();
                }
                for key in place.required_keys() {
                    if !table.contains_key(key) {
                        self.note_missing(key, path, place);
                        let value = self.schema.stand_in(place, key);
                        table.insert(key.to_owned(), Entry { key: 0..0, value });
                    }
                }
            }
            Data::List(items) => {
                for (number, item) in items.iter_mut().enumerate() {
                    let below = self.schema.below(place, None, item);
                    path.push(number.to_string());
                    self.check_node(item, &below, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, span: std::ops::Range<usize>, message: String, help: Option<String>) {
        let mut error = self.document.error_in(span, message);
        error.help = help;
        self.errors.push(error);
    }

    fn note_missing(&mut self, key: &str, path: &[String], place: &Place<'_>) {
        let nothing = Node {
            data: Data::Flag(false),
            span: None,
        };
        let description = self.schema.below(place, Some(key), &nothing).description();
        let (message, help) = messages::missing_key(key, path, description.as_deref());
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.errors.push(self.document.error_at(&path, message, help));
    }

    /// Notes an error at a path of what is left of the document, whose lists may have grown shorter.
    fn note_at(&mut self, path: &[String], message: String, help: Option<String>) {
        match nearest(&self.root, path) {
            Some(span) => self.note(span, message, help),
            None => self.errors.push(self.document.error_at(&[], message, help)),
        }
    }

    /// Notes a fault, unless it is only a consequence of an earlier one, and changes the document so that reading gets
    /// past it. False when nothing is left to change.
    fn note_and_repair(&mut self, fault: &Fault) -> bool {
        let mut path = fault.path();
        let known_already = self.is_stand_in(&path);
        if let Kind::Unknown { key, .. } = &fault.kind {
            path.push(key.clone());
        }
        if !known_already {
            let place = self.place_of(&path);
            let (message, help) = messages::of_fault(fault, &path, place.description().as_deref());
            self.note_at(&path, message, help);
        }
        self.repair(&path, known_already || matches!(fault.kind, Kind::Missing(_)))
    }

    /// Takes the value at `path` out, or replaces it where its key is required. With `whole`, what stands there
    /// cannot be mended: it goes whatever follows.
    fn repair(&mut self, path: &[String], whole: bool) -> bool {
        let Some((last, parents)) = path.split_last() else {
            return false;
        };
        let place = self.place_of(parents);
        let required = place.required_keys().contains(&last.as_str());
        // A wrong tag leaves open which form is meant, and nothing else of it can be judged.
        if required && whole || place.is_open() {
            return self.repair(parents, true);
        }
        let stand_in = required.then(|| self.schema.stand_in(&place, last));
        let Some(parent) = parents
            .iter()
            .try_fold(&mut self.root, |node, step| node.child_mut(step))
        else {
            return false;
        };
        match (&mut parent.data, stand_in) {
            (Data::Table(table), Some(value)) => {
                table.get_mut(last).map(|entry| entry.value = value).is_some()
            }
            (Data::Table(table), None) => table.shift_remove(last).is_some(),
            (Data::List(items), _) => match last.parse::<usize>() {
                Ok(number) if number < items.len() => {
                    items.remove(number);
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// True if the value at `path`, or one that holds it, was put in by us.
    fn is_stand_in(&self, path: &[String]) -> bool {
        let mut node = &self.root;
        for step in path {
            let Some((next, _)) = node.child(step) else {
                return false;
            };
            if next.span.is_none() {
                return true;
            }
            node = next;
        }
        false
    }

    fn place_of(&self, path: &[String]) -> Place<'d> {
        let mut node = &self.root;
        let mut place = self.schema.place(node);
        let nothing = Node {
            data: Data::Flag(false),
            span: None,
        };
        for step in path {
            let name = node.table().is_some().then_some(step.as_str());
            let next = node.child(step).map_or(&nothing, |(next, _)| next);
            place = self.schema.below(&place, name, next);
            node = next;
        }
        place
    }
}

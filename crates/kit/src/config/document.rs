//! Several TOML files as one spanned document.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use toml::de::DeTable;

use super::error::{ConfigError, ConfigErrors};
use super::messages::show_path;
use super::node::{Data, Entry, Node, Table, table_of};

/// One configuration file's text.
#[derive(Debug, Clone)]
pub struct Source {
    /// Shown in errors; the path, or `built-in defaults`.
    pub name: String,
    /// The text.
    pub text: String,
}

/// A parsed document, of one file or several.
#[derive(Debug)]
pub struct Document {
    /// The merged tables. Their ranges count through all files, as if these stood one after the other.
    root: Node,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    name: String,
    text: Arc<str>,
    /// Where the file's text begins in the document's spans.
    base: usize,
}

impl Document {
    /// Parses and merges. Top-level tables (`[gateway]`) may be spread over files, key by key; the same key,
    /// or the same named entry (`[program.camera]`), in two places is an error that names both. Lists of tables
    /// (`[[rule]]`) follow one another in the order of the files.
    pub fn parse(sources: Vec<Source>) -> Result<Self, ConfigErrors> {
        let mut document = Self {
            root: Node {
                data: Data::Table(Table::new()),
                span: Some(0..0),
            },
            files: Vec::new(),
        };
        let mut root = Table::new();
        let mut errors = Vec::new();
        let mut base = 0;
        for Source { name, text } in sources {
            let text: Arc<str> = text.into();
            document.files.push(File {
                name,
                text: Arc::clone(&text),
                base,
            });
            let (parsed, faults) = DeTable::parse_recoverable(&text);
            // After the first fault of a file the parser guesses: what it says next is rarely true.
            let fault = faults
                .into_iter()
                .min_by_key(|fault| fault.span().map_or(0, |span| span.start));
            match fault {
                Some(fault) => errors.push(document.syntax_error(&text, base, &fault)),
                None => document.merge(&mut root, table_of(parsed.into_inner(), base), &mut errors),
            }
            base += text.len() + 1;
        }
        document.root.data = Data::Table(root);
        if errors.is_empty() {
            Ok(document)
        } else {
            Err(ConfigErrors(errors))
        }
    }

    fn merge(&self, root: &mut Table, table: Table, errors: &mut Vec<ConfigError>) {
        for (name, entry) in table {
            let Some(first) = root.get_mut(&name) else {
                root.insert(name, entry);
                continue;
            };
            match (&mut first.value.data, entry.value.data) {
                (Data::Table(into), Data::Table(from)) => self.merge_entries(&name, into, from, errors),
                (Data::List(into), Data::List(from)) if are_tables(into) && are_tables(&from) => {
                    into.extend(from);
                }
                _ => errors.push(self.defined_twice(&show_path(&[&name]), &first.key, entry.key)),
            }
        }
    }

    fn merge_entries(&self, parent: &str, into: &mut Table, from: Table, errors: &mut Vec<ConfigError>) {
        for (name, entry) in from {
            let Some(first) = into.get(&name) else {
                into.insert(name, entry);
                continue;
            };
            let what = match entry.value.data {
                Data::Table(_) => format!("[{parent}.{name}]"),
                _ => show_path(&[parent, &name]),
            };
            errors.push(self.defined_twice(&what, &first.key, entry.key));
        }
    }

    fn defined_twice(&self, what: &str, first: &Range<usize>, second: Range<usize>) -> ConfigError {
        let place = self.error_in(first.clone(), "");
        let mut error = self.error_in(second, format!("{what} is defined twice"));
        let help = format!(
            "it stands first in {}, line {}: remove or rename one of the two",
            place.file, place.line
        );
        error.help = Some(help);
        "defined again here".clone_into(&mut error.label);
        error.other = Some((place.file, place.line));
        error
    }

    /// What the parser says of a file. A name defined twice names both places.
    fn syntax_error(&self, text: &str, base: usize, fault: &toml::de::Error) -> ConfigError {
        let span = fault.span().unwrap_or(0..0);
        let moved = span.start + base..span.end + base;
        if fault.message().contains("duplicate key")
            && let Some((what, first)) = first_definition(text, span)
        {
            return self.defined_twice(&what, &(first.start + base..first.end + base), moved);
        }
        self.error_in(moved, format!("not TOML: {}", fault.message()))
            .with_help("texts stand in quotes: key = \"text\"; a section begins with [name]")
    }

    /// An error at a key: `["program", "camera", "user"]`. Falls back to the nearest enclosing place. A list's
    /// items are named by their number, from 0.
    pub fn error_at(&self, path: &[&str], message: impl Into<String>, help: Option<String>) -> ConfigError {
        let mut error = match nearest(&self.root, path) {
            Some(span) => self.error_in(span, message),
            None => ConfigError::whole_file(self.name(), message),
        };
        error.help = help;
        error
    }

    /// File and line of a key; nearest enclosing place; `None` when not in any file.
    pub fn locate(&self, path: &[&str]) -> Option<(PathBuf, u32)> {
        let error = self.error_in(nearest(&self.root, path)?, "");
        (error.line > 0).then(|| (PathBuf::from(error.file), error.line))
    }

    /// True if the key stands in the document.
    pub fn contains(&self, path: &[&str]) -> bool {
        path.iter()
            .try_fold(&self.root, |node, step| Some(node.child(step)?.0))
            .is_some()
    }

    /// The merged tables.
    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    /// All files' names, for errors that belong to none.
    fn name(&self) -> String {
        self.files
            .iter()
            .map(|file| file.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// An error at a range of the document's spans.
    pub(super) fn error_in(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        match self.place(span.start) {
            Some((file, start)) => {
                let end = start + span.end.saturating_sub(span.start);
                ConfigError::at(&file.name, Arc::clone(&file.text), start..end, message)
            }
            None => ConfigError::whole_file(self.name(), message),
        }
    }

    fn place(&self, offset: usize) -> Option<(&File, usize)> {
        let file = self.files.iter().rev().find(|file| file.base <= offset)?;
        let offset = offset - file.base;
        (offset <= file.text.len()).then_some((file, offset))
    }
}

/// Where to point for `path` below `root`, as far as it exists there.
pub(super) fn nearest<S: AsRef<str>>(root: &Node, path: &[S]) -> Option<Range<usize>> {
    let mut node = root;
    let mut place = None;
    for step in path {
        let Some((next, span)) = node.child(step.as_ref()) else {
            break;
        };
        // A value that we put in stands nowhere.
        place = span.filter(|_| next.span.is_some()).or(place);
        node = next;
    }
    place
}

fn are_tables(items: &[Node]) -> bool {
    !items.is_empty() && items.iter().all(|item| item.table().is_some())
}

/// What is defined again at `second`, and where it is defined first. The text before that line is sound TOML.
fn first_definition(text: &str, second: Range<usize>) -> Option<(String, Range<usize>)> {
    let name = text.get(second.clone())?.trim_matches(['"', '\'']);
    let start = text[..second.start].rfind('\n').map_or(0, |newline| newline + 1);
    let before = table_of(DeTable::parse(&text[..start]).ok()?.into_inner(), 0);
    let line = text[start..].lines().next()?.trim();
    if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
        let path: Vec<&str> = header
            .split('.')
            .map(|part| part.trim().trim_matches(['"', '\'']))
            .collect();
        let root = Node {
            data: Data::Table(before),
            span: None,
        };
        return Some((format!("[{}]", path.join(".")), nearest(&root, &path)?));
    }
    Some((format!("`{name}`"), newest_key(&before, name, second.start)?))
}

/// The last key of that name that begins before `before`, at any depth.
fn newest_key(table: &Table, name: &str, before: usize) -> Option<Range<usize>> {
    let here = |(key, entry): (&String, &Entry)| (key == name).then(|| entry.key.clone());
    let below = |entry: &Entry| newest_key(entry.value.table()?, name, before);
    table
        .iter()
        .flat_map(|pair| [here(pair), below(pair.1)])
        .flatten()
        .filter(|span| span.start < before)
        .max_by_key(|span| span.start)
}

//! The document's values with their places: TOML's values, in the order of the text, owned.

use std::ops::Range;

use indexmap::IndexMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands. Ranges count through all files of a document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) data: Data,
    /// `None`: not from any file, but put in for a required value that is missing or wrong, so that reading can go
    /// on to the next error.
    pub(super) span: Option<Range<usize>>,
}

#[derive(Debug, Clone)]
pub(super) enum Data {
    Text(String),
    Integer(i64),
    /// An integer above `i64::MAX`.
    Large(u64),
    Float(f64),
    Flag(bool),
    List(Vec<Node>),
    Table(Table),
}

/// Entries in the order of the text.
pub(super) type Table = IndexMap<String, Entry>;

#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Where the name stands.
    pub(super) key: Range<usize>,
    pub(super) value: Node,
}

impl Entry {
    /// Where to point: at the value, or at the name where the value is a table, which may have no one place.
    pub(super) fn place(&self) -> Range<usize> {
        match (&self.value.data, &self.value.span) {
            (Data::Table(_), _) | (_, None) => self.key.clone(),
            (_, Some(span)) => span.clone(),
        }
    }
}

impl Node {
    pub(super) fn table(&self) -> Option<&Table> {
        match &self.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The entry of a table or the item of a list (by its number), and where to point for it.
    pub(super) fn child(&self, step: &str) -> Option<(&Node, Option<Range<usize>>)> {
        match &self.data {
            Data::Table(table) => table.get(step).map(|entry| (&entry.value, Some(entry.place()))),
            Data::List(items) => items
                .get(step.parse::<usize>().ok()?)
                .map(|item| (item, item.span.clone())),
            _ => None,
        }
    }

    pub(super) fn child_mut(&mut self, step: &str) -> Option<&mut Node> {
        match &mut self.data {
            Data::Table(table) => table.get_mut(step).map(|entry| &mut entry.value),
            Data::List(items) => items.get_mut(step.parse::<usize>().ok()?),
            _ => None,
        }
    }
}

/// Takes a parsed table over, its ranges moved on by `base`.
pub(super) fn table_of(parsed: DeTable<'_>, base: usize) -> Table {
    let mut entries: Vec<(String, Entry)> = parsed
        .into_iter()
        .map(|(name, value)| {
            let key = moved(name.span(), base);
            (
                name.into_inner().into_owned(),
                Entry {
                    key,
                    value: node_of(value, base),
                },
            )
        })
        .collect();
    // The parser sorts by name; people count on their own order.
    entries.sort_by_key(|(_, entry)| entry.key.start);
    entries.into_iter().collect()
}

fn node_of(parsed: Spanned<DeValue<'_>>, base: usize) -> Node {
    let span = Some(moved(parsed.span(), base));
    let data = match parsed.into_inner() {
        DeValue::String(text) => Data::Text(text.into_owned()),
        DeValue::Integer(number) => integer_of(number.as_str(), number.radix()),
        DeValue::Float(number) => Data::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Data::Flag(flag),
        DeValue::Datetime(time) => Data::Text(time.to_string()),
        DeValue::Array(items) => Data::List(items.into_iter().map(|item| node_of(item, base)).collect()),
        DeValue::Table(table) => Data::Table(table_of(table, base)),
    };
    Node { data, span }
}

/// What fits no integer of 64 bits becomes the nearest float, which every integer key refuses with its value.
fn integer_of(digits: &str, radix: u32) -> Data {
    i64::from_str_radix(digits, radix)
        .map(Data::Integer)
        .or_else(|_| u64::from_str_radix(digits, radix).map(Data::Large))
        .unwrap_or_else(|_| Data::Float(digits.parse().unwrap_or(f64::INFINITY)))
}

fn moved(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

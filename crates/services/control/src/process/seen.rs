//! What an open page shows of the programs, in numbers: enough to know what has to be sent again. Pages stay open for
//! days, and rows are long.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use super::{Row, Table};

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SeenRow {
    /// Which program.
    pub(crate) id: u64,
    /// [`Row::state_number`].
    pub(crate) state: u64,
    /// What it takes.
    pub(crate) figures: u64,
    /// Its state in a word.
    pub(crate) word: &'static str,
}

/// The whole table.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SeenTable {
    pub(crate) rows: Vec<SeenRow>,
    pub(crate) summary: u64,
}

impl SeenTable {
    pub(crate) fn new(table: &Table) -> Self {
        let row = |row: &Row| SeenRow {
            id: number(&row.id),
            state: row.state_number(),
            figures: number(&row.use_of),
            word: row.look.word,
        };
        Self {
            rows: table.rows().map(row).collect(),
            summary: number(&table.summary),
        }
    }

    /// One for the whole, which the page says when it opens its stream: what it has just been given is not sent to it
    /// once more.
    pub(crate) fn number(&self) -> u64 {
        number(self)
    }

    /// Whether both have the same programs in the same order.
    pub(crate) fn same_programs(&self, other: &Self) -> bool {
        let ids = |table: &Self| table.rows.iter().map(|row| row.id).collect::<Vec<_>>();
        ids(self) == ids(other)
    }
}

/// Of anything.
pub(crate) fn number(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

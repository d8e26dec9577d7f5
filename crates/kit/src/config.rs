//! Strict TOML reading: several files as one document, every error at once, each with file, line, what is wrong
//! and what to write.

mod span;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

pub use span::{BadByteSize, BadSpan, ByteSize, Span};

/// One configuration file's text.
#[derive(Debug, Clone)]
pub struct Source {
    /// Shown in errors; the path, or `built-in defaults`.
    pub name: String,
    /// The text.
    pub text: String,
}

/// One thing that is wrong, with its place. Rendered by `miette` (source line, label, help).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// What is wrong.
    pub message: String,
    /// What to write instead, or what to do.
    pub help: Option<String>,
    /// File name.
    pub file: String,
    /// Line, from 1; 0 when the error belongs to the whole file.
    pub line: u32,
    /// Text of the file, for the picture; empty when there is none.
    pub text: std::sync::Arc<str>,
    /// Byte range in `text`.
    pub span: std::ops::Range<usize>,
    /// Label below the range: `here`, `first defined here`, ...
    pub label: String,
    /// The other place, for a name defined twice: file and line.
    pub other: Option<(String, u32)>,
}
// plus: impl miette::Diagnostic for ConfigError (code `pistack::config`, source_code, labels, help)

/// All that is wrong. Never empty.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{} error(s) in the configuration", .0.len())]
pub struct ConfigErrors(pub Vec<ConfigError>);

/// A parsed document, of one file or several.
#[derive(Debug)]
pub struct Document {
    // merged spanned table + sources
}

impl Document {
    /// Parses and merges. Top-level tables (`[gateway]`) may be spread over files, key by key; the same key,
    /// or the same named entry (`[program.camera]`), in two places is an error that names both.
    pub fn parse(_sources: Vec<Source>) -> Result<Self, ConfigErrors> {
        todo!()
    }

    /// Reads the whole document as `T`. Unknown keys (found by `T`'s JSON Schema) come with a suggestion; every
    /// wrong value is listed, not only the first.
    pub fn read<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, ConfigErrors> {
        todo!()
    }

    /// An error at a key: `["program", "camera", "user"]`. Falls back to the nearest enclosing place.
    pub fn error_at(
        &self,
        _path: &[&str],
        _message: impl Into<String>,
        _help: Option<String>,
    ) -> ConfigError {
        todo!()
    }

    /// File and line of a key; nearest enclosing place; `None` when not in any file.
    pub fn locate(&self, _path: &[&str]) -> Option<(PathBuf, u32)> {
        todo!()
    }

    /// True if the key stands in the document.
    pub fn contains(&self, _path: &[&str]) -> bool {
        todo!()
    }
}

/// The nearest of `known` to a mistyped `word`, if one is near enough.
pub fn suggest<'a>(_word: &str, _known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    todo!()
}

/// Reads a `.env` file as a shell's `set -a; . ./.env` would for plain assignments: `export`, quotes, comments.
/// Names already in `environment` win. Errors name the line.
pub fn dotenv(_source: &Source) -> Result<Vec<(String, String)>, ConfigError> {
    todo!()
}

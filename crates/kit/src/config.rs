//! Strict TOML reading: several files as one document, every error at once, each with file, line, what is wrong
//! and what to write. Also the small texts that configuration is made of: lengths of time, sizes, `.env` files.

mod document;
mod dotenv;
mod error;
mod messages;
mod node;
mod read;
mod reader;
mod schema;
mod span;

pub use document::{Document, Source};
pub use dotenv::dotenv;
pub use error::{ConfigError, ConfigErrors};
pub use span::{BadByteSize, BadSpan, ByteSize, Span};

/// The nearest of `known` to a mistyped `word`, if one is near enough: at most a third of its letters wrong,
/// where two letters that changed places count as one; case, `-` and `_` do not count.
pub fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let word = plain(word);
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests;

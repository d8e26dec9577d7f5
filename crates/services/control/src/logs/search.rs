//! Finding what fits a regular expression, in whole logs.

use std::time::Duration;

use regex::bytes::{Regex, RegexBuilder};
use tokio::time::Instant;

use super::ansi;
use super::source::{MOST, Reader, Source};
use crate::error::Failure;

/// So much of the end of a log is searched.
const DEEPEST: u64 = 64 << 20;
/// And for so long, whatever is left.
const PATIENCE: Duration = Duration::from_secs(4);
/// Matches whose places are kept.
const MOST_HITS: usize = 50_000;
/// Memory that an expression may take, in bytes.
const LARGEST_EXPRESSION: usize = 1 << 20;

/// A line that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) source: usize,
    /// Where the line begins.
    pub(crate) start: u64,
}

/// What a search found, oldest first in each source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Found {
    pub(crate) hits: Vec<Hit>,
    /// Not everything could be looked at.
    pub(crate) cut: bool,
}

/// An expression as a person types it. Without capitals it finds capitals too.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn expression(text: &str) -> Result<Regex, String> {
    let lenient = text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let mut builder = RegexBuilder::new(text);
    builder
        .size_limit(LARGEST_EXPRESSION)
        .dfa_size_limit(LARGEST_EXPRESSION);
    if lenient {
        builder.unicode(false).case_insensitive(true);
    }
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "too large".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    })
}

/// The ranges of a line's text that fit, for showing.
pub(crate) fn ranges(expression: &Regex, text: &str) -> Vec<std::ops::Range<usize>> {
    expression
        .find_iter(text.as_bytes())
        .take(100)
        .map(|found| text.floor_char_boundary(found.start())..text.ceil_char_boundary(found.end()))
        .filter(|range| !range.is_empty())
        .collect()
}

/// Searches the sources within their bounds.
pub(crate) async fn search(
    reader: Reader<'_>,
    sources: &[Source],
    expression: &Regex,
) -> Result<Found, Failure> {
    let mut found = Found::default();
    let until = Instant::now() + PATIENCE;
    for (number, source) in sources.iter().enumerate() {
        let mut at = source.from.max(source.to.saturating_sub(DEEPEST));
        found.cut |= at > source.from;
        while at < source.to {
            if Instant::now() > until || found.hits.len() >= MOST_HITS {
                found.cut = true;
                return Ok(found);
            }
            let end = (at + u64::from(MOST)).min(source.to);
            let lines = source.read(reader, at, end).await?;
            let next = lines.last().map_or(end, |line| line.end);
            for line in lines {
                if expression.is_match(ansi::plain(&line.text).as_bytes()) {
                    found.hits.push(Hit {
                        source: number,
                        start: line.start,
                    });
                }
            }
            // A line longer than a piece is passed over.
            at = if next > at { next } else { end };
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_letters_find_capitals_and_capitals_only_themselves() {
        let finds = |pattern: &str, text: &str| !ranges(&expression(pattern).unwrap(), text).is_empty();
        assert!(finds("error", "An ERROR"));
        assert!(!finds("Error", "An ERROR"));
        assert!(finds("zażółć", "x zażółć y"));
        assert!(finds(r"\d+ ms$", "took 15 ms"));
        assert!(expression("a(").unwrap_err().contains("unclosed"));
        assert!(expression("(a{1000}){1000}").is_err());
        assert_eq!(
            ranges(&expression("x*").unwrap(), "axx"),
            vec![std::ops::Range { start: 1, end: 3 }]
        );
        // A byte of a letter is shown as the letter.
        assert!(
            ranges(&expression(".").unwrap(), "ż")
                .iter()
                .all(|range| "ż".get(range.clone()).is_some())
        );
    }
}

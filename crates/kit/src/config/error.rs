//! Errors with their place, for `miette` to draw.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

/// One thing that is wrong, with its place. Rendered by `miette` (source line, label, help).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    pub text: Arc<str>,
    /// Byte range in `text`.
    pub span: Range<usize>,
    /// Label below the range: `here`, `first defined here`, ...
    pub label: String,
    /// The other place, for a name defined twice: file and line.
    pub other: Option<(String, u32)>,
}

/// All that is wrong. Never empty.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{} error(s) in the configuration", .0.len())]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigError {
    /// An error about a range of a file's text.
    pub fn at(
        file: impl Into<String>,
        text: Arc<str>,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let start = floor(&text, span.start);
        let end = floor(&text, span.end).max(start);
        let line = 1 + text[..start].bytes().filter(|byte| *byte == b'\n').count() as u32;
        Self {
            message: message.into(),
            help: None,
            file: file.into(),
            line,
            text,
            span: start..end,
            label: "here".to_owned(),
            other: None,
        }
    }

    /// An error about a file as a whole (it cannot be read, it is missing).
    pub fn whole_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            file: file.into(),
            line: 0,
            text: Arc::from(""),
            span: 0..0,
            label: String::new(),
            other: None,
        }
    }

    /// Says what to write instead.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// `FILE:LINE: MESSAGE`, for places that show one line.
    pub fn one_line(&self) -> String {
        match self.line {
            0 => format!("{}: {}", self.file, self.message),
            line => format!("{}:{line}: {}", self.file, self.message),
        }
    }
}

/// The nearest character boundary at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    text.floor_char_boundary(index.min(text.len()))
}

impl Diagnostic for ConfigError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("pistack::config"))
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.text.is_empty()).then_some(self as &dyn SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_primary_with_span(Some(self.label.clone()), self.span.clone());
        (!self.text.is_empty()).then(|| Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = _>>)
    }
}

impl SourceCode for ConfigError {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, lines_before, lines_after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            inner.data(),
            *inner.span(),
            inner.line(),
            inner.column(),
            inner.line_count(),
        )))
    }
}

impl Diagnostic for ConfigErrors {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("pistack::config"))
    }
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.iter().map(|error| error as &dyn Diagnostic)))
    }
}

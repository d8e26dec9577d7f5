//! Expansion of `%(name)s`: Python's `%` formatting with a dictionary on the right, as supervisord uses it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::CharIndices;

mod conversion;

/// Widest field that a format may ask for. Python has no such limit, and would take the memory.
const WIDEST: usize = 65_535;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text: only `s`, `r`, `a` (and `c` for one character) take it.
    Text(String),
    /// A number (`process_num`, `numprocs`): every conversion takes it.
    Number(i64),
}

/// The names that may be expanded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<String, Value>);

impl Names {
    /// Sets a text.
    pub fn set(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.insert(name.into(), Value::Text(text.into()));
    }

    /// Sets a number.
    pub fn set_number(&mut self, name: impl Into<String>, number: i64) {
        self.0.insert(name.into(), Value::Number(number));
    }

    /// Adds `ENV_NAME` for each variable.
    pub fn set_environment<'v>(&mut self, variables: impl IntoIterator<Item = (&'v String, &'v String)>) {
        for (name, value) in variables {
            self.set(format!("ENV_{name}"), value.as_str());
        }
    }

    /// Takes a name away.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Why a text cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A name that is not known here.
    #[error("unknown name {}", quoted(.0))]
    Unknown(String),
    /// Not a format, or one that does not suit the value. Python's words.
    #[error("{0}")]
    Malformed(String),
}

impl ExpandError {
    /// supervisord's sentence: the text, the option's name, and for an unknown name all that are known.
    pub fn sentence(&self, text: &str, option: &str, names: &Names) -> String {
        let (text, option) = (quoted(text), quoted(option));
        match self {
            Self::Unknown(name) => format!(
                "Format string {text} for {option} contains names ({}) which cannot be expanded. Available names: {}",
                quoted(name),
                names.names().collect::<Vec<_>>().join(", "),
            ),
            Self::Malformed(why) => format!("Format string {text} for {option} is badly formatted: {why}"),
        }
    }
}

/// Expands `text`. Values are not expanded again.
pub fn expand(text: &str, names: &Names) -> Result<String, ExpandError> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let mut result = String::with_capacity(text.len());
    let mut chars = Format {
        chars: text.char_indices().peekable(),
        text,
    };
    while let Some((_, c)) = chars.chars.next() {
        if c == '%' {
            chars.conversion(names, &mut result)?;
        } else {
            result.push(c);
        }
    }
    Ok(result)
}

/// Flags, width and precision between `%` and the letter.
#[derive(Debug, Clone, Copy, Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

struct Format<'a> {
    chars: Peekable<CharIndices<'a>>,
    text: &'a str,
}

impl Format<'_> {
    fn conversion(&mut self, names: &Names, result: &mut String) -> Result<(), ExpandError> {
        if self.take('%') {
            result.push('%');
            return Ok(());
        }
        let value = if self.take('(') {
            let key = self.key()?;
            Some(
                names
                    .0
                    .get(key)
                    .ok_or_else(|| ExpandError::Unknown(key.to_owned()))?,
            )
        } else {
            None
        };
        let spec = self.spec()?;
        let Some((at, letter)) = self.chars.next() else {
            return Err(malformed("incomplete format"));
        };
        if !conversion::is_known(letter) {
            let index = self.text.get(..at).map_or(0, |before| before.chars().count());
            return Err(conversion::unsupported(letter, index));
        }
        let Some(value) = value else {
            // Python formats the whole dictionary here (`%s`) or finds that it is no number (`%d`).
            let why = format!("%{letter} without a (name); write %% for a percent sign");
            return Err(malformed(&why));
        };
        conversion::write(letter, spec, value, result)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.chars.next_if(|(_, c)| *c == wanted).is_some()
    }

    /// The name up to the matching parenthesis: they nest.
    fn key(&mut self) -> Result<&str, ExpandError> {
        let start = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        let mut depth = 1;
        for (at, c) in self.chars.by_ref() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(self.text.get(start..at).unwrap_or_default());
            }
        }
        Err(malformed("incomplete format key"))
    }

    fn spec(&mut self) -> Result<Spec, ExpandError> {
        let mut spec = Spec::default();
        while let Some((_, c)) = self.chars.next_if(|(_, c)| "-+ #0".contains(*c)) {
            match c {
                '-' => spec.left = true,
                '+' => spec.plus = true,
                ' ' => spec.space = true,
                '#' => spec.alternate = true,
                _ => spec.zero = true,
            }
        }
        spec.width = self.number("width too big")?.unwrap_or(0);
        if self.take('.') {
            spec.precision = Some(self.number("precision too big")?.unwrap_or(0));
        }
        // C's length modifiers mean nothing.
        self.chars.next_if(|(_, c)| "hlL".contains(*c));
        Ok(spec)
    }

    fn number(&mut self, too_big: &str) -> Result<Option<usize>, ExpandError> {
        if self.take('*') {
            return Err(malformed("* wants int"));
        }
        let mut number = None;
        while let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_ascii_digit()) {
            let digit = c.to_digit(10).unwrap_or_default() as usize;
            let next = number.unwrap_or(0) * 10 + digit;
            if next > WIDEST {
                return Err(malformed(too_big));
            }
            number = Some(next);
        }
        Ok(number)
    }
}

fn malformed(why: &str) -> ExpandError {
    ExpandError::Malformed(why.to_owned())
}

/// A text as Python's `repr` shows it.
pub fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut result = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            '\\' => result.push_str("\\\\"),
            c if c == quote => result.extend(['\\', c]),
            c if c.is_control() && (c as u32) < 0x100 => {
                let _ = write!(result, "\\x{:02x}", c as u32);
            }
            c => result.push(c),
        }
    }
    result.push(quote);
    result
}

#[cfg(test)]
mod tests;

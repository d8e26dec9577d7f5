//! `.env` files, read as a shell's `set -a; . ./.env` would for plain assignments.

use std::iter::Peekable;
use std::str::CharIndices;
use std::sync::Arc;

use super::document::Source;
use super::error::ConfigError;

/// Reads a `.env` file: `NAME=value` a line, `export` before it, values bare, in single or in double quotes
/// (these may run over several lines), comments after `#`. Nothing is substituted: `$` stands for itself.
/// The caller lets names that the process environment has already win. Errors name the line.
#[expect(
    clippy::result_large_err,
    reason = "read once at start; the error carries its whole picture"
)]
pub fn dotenv(source: &Source) -> Result<Vec<(String, String)>, ConfigError> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let mut reader = Reader {
        text,
        rest: text.char_indices().peekable(),
    };
    let mut variables = Vec::new();
    loop {
        match reader.line() {
            Ok(Line::Assignment(name, value)) => variables.push((name, value)),
            Ok(Line::Empty) => {}
            Ok(Line::End) => return Ok(variables),
            Err(fault) => {
                let span = fault.at..reader.end_of_line(fault.at);
                let text = Arc::from(text);
                return Err(ConfigError::at(&source.name, text, span, fault.message).with_help(fault.help));
            }
        }
    }
}

enum Line {
    Assignment(String, String),
    Empty,
    End,
}

struct Fault {
    at: usize,
    message: &'static str,
    help: &'static str,
}

struct Reader<'t> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
}

impl Reader<'_> {
    fn line(&mut self) -> Result<Line, Fault> {
        self.skip_blanks();
        let Some(&(start, first)) = self.rest.peek() else {
            return Ok(Line::End);
        };
        if matches!(first, '\n' | '#') {
            self.skip_line();
            return Ok(Line::Empty);
        }
        let mut name = self.word();
        self.skip_blanks();
        if name == "export" && !self.at('=') {
            name = self.word();
            self.skip_blanks();
        }
        if !is_name(&name) || !self.at('=') {
            return Err(Fault {
                at: start,
                message: "not an assignment",
                help: "write NAME=value, or # before a comment",
            });
        }
        self.rest.next();
        self.skip_blanks();
        let value = self.value()?;
        self.skip_blanks();
        match self.rest.peek() {
            None | Some((_, '\n' | '#')) => {
                self.skip_line();
                Ok(Line::Assignment(name, value))
            }
            Some(_) => Err(Fault {
                at: start,
                message: "a value with a space in it",
                help: "put the value in quotes: NAME=\"two words\"",
            }),
        }
    }

    /// Letters, digits and underscores.
    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some((_, letter)) = self
            .rest
            .next_if(|(_, letter)| letter.is_ascii_alphanumeric() || *letter == '_')
        {
            word.push(letter);
        }
        word
    }

    /// Bare and quoted parts up to white space, as a shell joins them.
    fn value(&mut self) -> Result<String, Fault> {
        let mut value = String::new();
        while let Some((at, letter)) = self.rest.next_if(|(_, letter)| !letter.is_whitespace()) {
            match letter {
                '\'' => self.quoted(at, '\'', &mut value)?,
                '"' => self.quoted(at, '"', &mut value)?,
                '\\' => match self.rest.next() {
                    // A line that goes on.
                    Some((_, '\n')) | None => {}
                    Some((_, escaped)) => value.push(escaped),
                },
                '#' if value.is_empty() && self.text[..at].ends_with([' ', '\t']) => {
                    self.skip_to_line_end();
                    break;
                }
                _ => value.push(letter),
            }
        }
        Ok(value)
    }

    fn quoted(&mut self, start: usize, quote: char, value: &mut String) -> Result<(), Fault> {
        while let Some((_, letter)) = self.rest.next() {
            match letter {
                _ if letter == quote => return Ok(()),
                '\\' if quote == '"' => match self.rest.next() {
                    Some((_, escaped @ ('"' | '\\' | '$' | '`'))) => value.push(escaped),
                    Some((_, '\n')) => {}
                    Some((_, other)) => value.extend(['\\', other]),
                    None => break,
                },
                _ => value.push(letter),
            }
        }
        Err(Fault {
            at: start,
            message: "a quote that is never closed",
            help: "close it, or put a \\ before it",
        })
    }

    fn at(&mut self, wanted: char) -> bool {
        self.rest.peek().is_some_and(|(_, letter)| *letter == wanted)
    }

    fn skip_blanks(&mut self) {
        while self
            .rest
            .next_if(|(_, letter)| matches!(letter, ' ' | '\t' | '\r'))
            .is_some()
        {}
    }

    fn skip_to_line_end(&mut self) {
        while self.rest.next_if(|(_, letter)| *letter != '\n').is_some() {}
    }

    fn skip_line(&mut self) {
        self.skip_to_line_end();
        self.rest.next();
    }

    fn end_of_line(&self, at: usize) -> usize {
        self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |length| at + length)
    }
}

/// A name of the environment (POSIX, chapter 8.1).
fn is_name(word: &str) -> bool {
    !word.is_empty() && !word.starts_with(|letter: char| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::result_large_err, reason = "as in the function under test")]
    fn read(text: &str) -> Result<Vec<(String, String)>, ConfigError> {
        dotenv(&Source {
            name: ".env".into(),
            text: text.into(),
        })
    }

    #[test]
    fn reads_assignments_as_a_shell_does() {
        let text = "\u{feff}# comment\nAUTH_PORT=5002\r\nexport SMTP_HOST='mail host'\n\n  A=\"x \\\"y\\\" $HOME\" # why\nB=a\"b c\"'d'\\ e\nC=\nD=x#y\nE= # nothing\nKEY=\"one\ntwo\"\nexport=1\nLAST = 9";
        let variables = read(text).unwrap();
        let expected = [
            ("AUTH_PORT", "5002"),
            ("SMTP_HOST", "mail host"),
            ("A", "x \"y\" $HOME"),
            ("B", "ab cd e"),
            ("C", ""),
            ("D", "x#y"),
            ("E", ""),
            ("KEY", "one\ntwo"),
            ("export", "1"),
            ("LAST", "9"),
        ];
        let found: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn errors_name_the_line_and_the_cure() {
        for (text, line) in [
            ("A=1\nnonsense\n", 2),
            ("A=1\n\nB=two words", 3),
            ("A='open\nB=1", 1),
            ("1A=2", 1),
            ("=x", 1),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.help.is_some());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "[ -~\n\r\té\u{feff}]{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn single_quotes_keep_everything(value in "[^']{0,30}") {
            prop_assert_eq!(read(&format!("A='{value}'")).unwrap(), [("A".to_owned(), value)]);
        }
    }
}

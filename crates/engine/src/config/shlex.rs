//! Splitting text into words, as Python's `shlex` module does it: POSIX mode for command lines, the older mode for
//! `environment=` lists.

use std::collections::VecDeque;
use std::str::Chars;

/// Splits a command line into arguments like a POSIX shell, without comments, variables or globs
/// (Python's `shlex.split`).
///
/// # Errors
/// `No closing quotation` and `No escaped character`, Python's own words.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => single_quoted(&mut chars, word.get_or_insert_default())?,
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => {
                let escaped = chars.next().ok_or("No escaped character")?;
                word.get_or_insert_default().push(escaped);
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(chars: &mut Chars<'_>, word: &mut String) -> Result<(), String> {
    for c in chars {
        if c == '\'' {
            return Ok(());
        }
        word.push(c);
    }
    Err("No closing quotation".to_owned())
}

fn double_quoted(chars: &mut Chars<'_>, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or("No escaped character")? {
                // Within quotes only the quote and the backslash can be escaped.
                escaped @ ('"' | '\\') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            other => word.push(other),
        }
    }
    Err("No closing quotation".to_owned())
}

/// Writes one argument so that [`split`] and every POSIX shell read it back unchanged.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if word.is_empty() {
        "''".to_owned()
    } else if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}

/// Tokens of an `environment=` list: Python's `shlex` in non-POSIX mode with `/.+-():` added to the characters of a
/// word. Quotes stay in the token, `#` starts a comment, any other character is a token of its own.
///
/// # Errors
/// `No closing quotation`.
pub fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut lexer = Lexer {
        chars: text.chars(),
        pushed_back: VecDeque::new(),
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    chars: Chars<'a>,
    pushed_back: VecDeque<String>,
}

impl Lexer<'_> {
    fn next_token(&mut self) -> Result<Option<String>, String> {
        if let Some(token) = self.pushed_back.pop_front() {
            return Ok(Some(token));
        }
        while let Some(c) = self.chars.next() {
            match c {
                ' ' | '\t' | '\r' | '\n' => {}
                '#' => self.skip_line(),
                '\'' | '"' => return self.quoted(c).map(Some),
                c if is_word(c) => return Ok(Some(self.word(c))),
                other => return Ok(Some(other.to_string())),
            }
        }
        Ok(None)
    }

    fn skip_line(&mut self) {
        for c in self.chars.by_ref() {
            if c == '\n' {
                break;
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut token = String::from(quote);
        for c in self.chars.by_ref() {
            token.push(c);
            if c == quote {
                return Ok(token);
            }
        }
        Err("No closing quotation".to_owned())
    }

    fn word(&mut self, first: char) -> String {
        let mut token = String::from(first);
        while let Some(c) = self.chars.next() {
            match c {
                ' ' | '\t' | '\r' | '\n' => break,
                // A comment does not end the word in this mode: it goes on in the next line.
                '#' => self.skip_line(),
                c if is_word(c) || c == '\'' || c == '"' => token.push(c),
                other => {
                    self.pushed_back.push_front(other.to_string());
                    break;
                }
            }
        }
        token
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.+-():".contains(c)
}

#[cfg(test)]
mod tests;

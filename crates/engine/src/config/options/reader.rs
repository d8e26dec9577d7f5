//! Typed values out of [`Options`]; every error is kept.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::{OptionError, Options, Setting, Value};
use crate::config::expand::{self, ExpandError, Names};
use crate::config::model::Warning;
use crate::config::surroundings::Surroundings;
use crate::config::{shlex, values};

/// Takes typed values out of [`Options`]. An error is kept, the default stands in for the value, and reading goes on.
#[derive(Debug)]
pub struct Reader<'a> {
    /// The options.
    pub options: &'a Options,
    /// Shown before the option's name: `program:x`.
    pub label: &'a str,
    /// Names that may be expanded.
    pub names: Names,
    /// The system.
    pub around: Surroundings<'a>,
    /// What is wrong so far.
    pub errors: Vec<OptionError>,
    /// What is worth telling so far.
    pub warnings: Vec<Warning>,
}

impl<'a> Reader<'a> {
    /// A reader that knows `names`.
    pub fn new(options: &'a Options, label: &'a str, names: Names, around: Surroundings<'a>) -> Self {
        Self {
            options,
            label,
            names,
            around,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// An option's text as it stands, not expanded.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        match &self.options.get(key)?.value {
            Value::Text(text) => Some(text),
            Value::Words(_) | Value::Pairs(_) => None,
        }
    }

    /// An option's text, expanded. `None`: absent, or wrong (and then told).
    pub fn text(&mut self, key: &str) -> Option<String> {
        match &self.options.get(key)?.value {
            Value::Text(text) => self.expand(&[key], text),
            Value::Words(words) => {
                let words: Vec<_> = words.iter().map(|word| self.expand(&[key], word)).collect();
                let words: Option<Vec<_>> = words.into_iter().collect();
                Some(
                    words?
                        .iter()
                        .map(|word| shlex::quote(word))
                        .collect::<Vec<_>>()
                        .join(" "),
                )
            }
            Value::Pairs(_) => None,
        }
    }

    /// An option as `parse` reads it; `default` if it is absent or wrong.
    pub fn value<T>(&mut self, key: &str, default: T, parse: impl FnOnce(&str) -> Result<T, String>) -> T {
        self.optional(key, parse).unwrap_or(default)
    }

    /// An option as `parse` reads it; `None` if it is absent or wrong.
    pub fn optional<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.error(key, message);
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, key: &str, default: bool) -> bool {
        self.value(key, default, values::boolean)
    }

    /// A count. supervisord takes negative numbers where they mean nothing; they become 0.
    pub fn count(&mut self, key: &str, default: u32) -> u32 {
        match self.optional(key, values::integer) {
            Some(number) => self.not_negative(key, number).try_into().unwrap_or(u32::MAX),
            None => default,
        }
    }

    /// Bytes, with supervisord's suffixes.
    pub fn bytes(&mut self, key: &str, default: u64) -> u64 {
        match self.optional(key, values::byte_size) {
            Some(number) => self.not_negative(key, number),
            None => default,
        }
    }

    /// A priority; what does not fit is cut to the nearest that does.
    pub fn priority(&mut self, key: &str, default: i32) -> i32 {
        let number = self.value(key, i64::from(default), values::integer);
        number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
    }

    fn not_negative(&mut self, key: &str, number: i64) -> u64 {
        u64::try_from(number).unwrap_or_else(|_| {
            self.warn(key, format!("{key}={number} is taken as 0"));
            0
        })
    }

    /// An `environment` list, expanded once; `again` for what supervisord expands twice.
    pub fn environment(&mut self, key: &str, again: Option<&Names>) -> IndexMap<String, String> {
        match self.options.get(key).map(|setting| &setting.value) {
            None | Some(Value::Words(_)) => IndexMap::new(),
            Some(Value::Pairs(pairs)) => {
                let expanded = pairs
                    .iter()
                    .map(|(name, value)| (name.clone(), self.expand(&[key, name], value)));
                expanded
                    .collect::<Vec<_>>()
                    .into_iter()
                    .map(|(name, value)| (name, value.unwrap_or_default()))
                    .collect()
            }
            Some(Value::Text(_)) => {
                let mut text = self.text(key);
                if let (Some(once), Some(names)) = (&text, again) {
                    text = self.expand_with(&[key], once, names);
                }
                match values::environment(&text.unwrap_or_default()) {
                    Ok(pairs) => pairs,
                    Err(message) => {
                        self.error(key, message);
                        IndexMap::new()
                    }
                }
            }
        }
    }

    /// Expands a text of the option `path`.
    pub fn expand(&mut self, path: &[&str], text: &str) -> Option<String> {
        match expand::expand(text, &self.names) {
            Ok(expanded) => Some(expanded),
            Err(error) => {
                let names = std::mem::take(&mut self.names);
                self.expand_error(path, text, &error, &names);
                self.names = names;
                None
            }
        }
    }

    fn expand_with(&mut self, path: &[&str], text: &str, names: &Names) -> Option<String> {
        expand::expand(text, names)
            .map_err(|error| self.expand_error(path, text, &error, names))
            .ok()
    }

    fn expand_error(&mut self, path: &[&str], text: &str, error: &ExpandError, names: &Names) {
        let message = error.sentence(text, &format!("{}.{}", self.label, path.join(".")), names);
        let help = match error {
            ExpandError::Unknown(name) => values::nearest(name, names.names())
                .map(|near| format!("did you mean `%({near})s`?"))
                .or_else(|| {
                    name.strip_prefix("ENV_")
                        .map(|name| format!("the environment has no variable `{name}`"))
                }),
            ExpandError::Malformed(_) => Some("a percent sign is written `%%`".to_owned()),
        };
        self.push(path, message, help);
    }

    /// A log file of a program or of the daemon: `~` expanded, and its directory must exist.
    pub fn file(&mut self, key: &str, text: &str) -> Option<PathBuf> {
        let path = self.around.expand_user(text);
        let directory = path
            .rsplit_once('/')
            .map(|(directory, _)| if directory.is_empty() { "/" } else { directory });
        if let Some(directory) = directory
            && !self.around.outside.is_directory(&self.around.cwd.join(directory))
        {
            self.push(
                &[key],
                format!("The directory named as part of the path {text} does not exist"),
                Some(format!(
                    "make the directory: mkdir -p {}",
                    shlex::quote(directory)
                )),
            );
            return None;
        }
        Some(PathBuf::from(path))
    }

    /// A directory that must exist, `~` expanded.
    pub fn directory(&mut self, key: &str) -> Option<PathBuf> {
        let text = self.text(key)?;
        let path = self.around.expand_user(&text);
        if self
            .around
            .outside
            .is_directory(&self.around.cwd.join(Path::new(&path)))
        {
            return Some(PathBuf::from(path));
        }
        let help = format!("make the directory: mkdir -p {}", shlex::quote(&path));
        self.push(&[key], format!("{text} is not an existing directory"), Some(help));
        None
    }

    /// A user's name or number.
    pub fn user(&mut self, key: &str) -> Option<String> {
        let outside = self.around.outside;
        self.optional(key, |text| values::user(text, outside))
    }

    /// `user` or `user:group`.
    pub fn owner(&mut self, key: &str) -> Option<(String, Option<String>)> {
        let outside = self.around.outside;
        self.optional(key, |text| {
            values::user_and_group(text, outside).ok_or_else(|| match key {
                "chown" => format!("Invalid sockchown value {text}"),
                _ => format!("Invalid {key} value {text}"),
            })
        })
    }

    /// Keeps an error of an option.
    pub fn error(&mut self, key: &str, message: impl Into<String>) {
        let cut = self.options.get(key).and_then(|setting| setting.cut.as_ref());
        let help = cut
            .map(|cut| format!("` {cut}` is a comment: `;` and `#` after a space start one, also in quotes"));
        self.push(&[key], message.into(), help);
    }

    /// Keeps an error, with help. An empty path means the section.
    pub fn push(&mut self, path: &[&str], message: String, help: Option<String>) {
        let setting = path.first().and_then(|key| self.options.get(key));
        let error = OptionError {
            path: path.iter().map(|&key| key.to_owned()).collect(),
            origin: setting
                .map_or(&self.options.origin, |setting| &setting.origin)
                .clone(),
            text: setting.map(Setting::shown).unwrap_or_default(),
            message,
            help,
        };
        // Options of a program with many processes are read once a process.
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Keeps a warning about an option.
    pub fn warn(&mut self, key: &str, message: impl Into<String>) {
        let warning = Warning {
            origin: self.options.origin_of(key),
            message: format!("[{}] {}", self.label, message.into()),
        };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

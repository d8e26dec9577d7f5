//! The INI dialect of `supervisord.conf`: Python's `RawConfigParser` with `strict=False` and inline comments
//! `;` and `#`, quirk for quirk, but every option remembers where it stands and every error is kept.

use std::path::Path;

use indexmap::IndexMap;

use super::model::Origin;
use super::options::{Options, Setting};

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub origin: Origin,
    /// The line, without its end.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

/// The sections of one file, or of a file and what it includes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    defaults: IndexMap<String, Setting>,
    sections: IndexMap<String, Options>,
    /// By section: settings of `[DEFAULT]` that `%(here)s` has tied to the section's directory.
    tied: IndexMap<String, Options>,
}

impl Document {
    /// Reads a file's text into the document. Sections merge with those that are there, the last key wins.
    ///
    /// # Errors
    /// Every line that is neither section, option, continuation nor comment. All other lines are taken in.
    pub fn read(&mut self, file: &Path, text: &str) -> Result<(), Vec<SyntaxError>> {
        let text = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text)
            .replace("\r\n", "\n")
            .replace('\r', "\n");
        let mut reader = Reader {
            document: self,
            file,
            section: None,
            option: None,
            indent: 0,
            headless: false,
            errors: Vec::new(),
        };
        for (index, line) in text.split('\n').enumerate() {
            reader.line(u32::try_from(index + 1).unwrap_or(u32::MAX), line);
        }
        let errors = reader.errors;
        for setting in self.settings_mut() {
            if let Some(text) = setting.text_mut() {
                text.truncate(text.trim_end_matches(is_space).len());
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn settings_mut(&mut self) -> impl Iterator<Item = &mut Setting> {
        self.defaults
            .values_mut()
            .chain(self.sections.values_mut().flat_map(Options::settings_mut))
    }

    /// Puts `here` for every `%(here)s`. supervisord does so after each file as soon as there is an `[include]`, so
    /// that the name means the directory of the file it stands in; in `[DEFAULT]`, of the section that inherits it.
    pub fn replace_here(&mut self, here: &str) {
        const HERE: &str = "%(here)s";
        for setting in self.sections.values_mut().flat_map(Options::settings_mut) {
            if let Some(text) = setting.text_mut()
                && text.contains(HERE)
            {
                *text = text.replace(HERE, here);
            }
        }
        for (key, setting) in &self.defaults {
            let mut setting = setting.clone();
            match setting.text_mut() {
                Some(text) if text.contains(HERE) => *text = text.replace(HERE, here),
                _ => continue,
            }
            for (section, own) in &self.sections {
                let tied = self.tied.entry(section.clone()).or_default();
                if own.get(key).is_none() && tied.get(key).is_none() {
                    tied.insert(key.clone(), setting.clone());
                }
            }
        }
    }

    /// Names of the sections in the order of their first appearance, without `DEFAULT`.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// True if there is such a section.
    pub fn contains(&self, section: &str) -> bool {
        self.sections.contains_key(section)
    }

    /// Only what stands in the section itself, without `[DEFAULT]`.
    pub fn own_options(&self, section: &str) -> Option<&Options> {
        self.sections.get(section)
    }

    /// Where the section first appears.
    pub fn origin(&self, section: &str) -> Origin {
        self.sections
            .get(section)
            .map(|options| options.origin.clone())
            .unwrap_or_default()
    }

    /// A section's options, with those of `[DEFAULT]` for what it does not say.
    pub fn options(&self, section: &str) -> Option<Options> {
        let mut options = self.sections.get(section)?.clone();
        let tied = self.tied.get(section).into_iter().flat_map(Options::iter);
        let defaults = self.defaults.iter().map(|(key, setting)| (key.as_str(), setting));
        for (key, setting) in tied.chain(defaults) {
            if options.get(key).is_none() {
                options.insert(key, setting.clone());
            }
        }
        Some(options)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Place {
    Defaults,
    Section(String),
}

struct Reader<'a> {
    document: &'a mut Document,
    file: &'a Path,
    section: Option<Place>,
    option: Option<String>,
    indent: usize,
    headless: bool,
    errors: Vec<SyntaxError>,
}

impl Reader<'_> {
    fn line(&mut self, number: u32, line: &str) {
        let comment = comment_start(line);
        let value = strip(line.get(..comment.unwrap_or(line.len())).unwrap_or_default());
        let cut = comment.and_then(|at| line.get(at..)).map(strip);
        if value.is_empty() {
            if comment.is_none()
                && let Some(setting) = self.current()
            {
                setting.continue_with("", None);
            }
            return;
        }
        let indent = line.chars().take_while(|c| is_space(*c)).count();
        if indent > self.indent
            && let Some(setting) = self.current()
        {
            setting.continue_with(value, cut);
            return;
        }
        self.indent = indent;
        if let Some(name) = header(value) {
            self.enter(name, number);
        } else if self.section.is_none() {
            self.without_section(number, line);
        } else if let Some((key, text)) = option(value) {
            self.option(number, line, key, text, cut);
        } else {
            self.error(
                number,
                line,
                "neither `[section]` nor `key=value`",
                "write `key=value`, or start the line with `;` to make it a comment",
            );
        }
    }

    fn current(&mut self) -> Option<&mut Setting> {
        let option = self.option.as_ref()?;
        match self.section.as_ref()? {
            Place::Defaults => self.document.defaults.get_mut(option),
            Place::Section(name) => self.document.sections.get_mut(name)?.get_mut(option),
        }
    }

    fn enter(&mut self, name: &str, number: u32) {
        self.option = None;
        // A section of this name that is no template can't exist: `DEFAULT` never gets into `sections`.
        if name == "DEFAULT" {
            self.section = Some(Place::Defaults);
            return;
        }
        let origin = self.origin(number);
        self.document
            .sections
            .entry(name.to_owned())
            .or_insert_with(|| Options::new(origin));
        self.section = Some(Place::Section(name.to_owned()));
    }

    fn without_section(&mut self, number: u32, line: &str) {
        // One error for the whole head of the file: all its lines have the same cause.
        if !self.headless {
            self.headless = true;
            self.error(
                number,
                line,
                "File contains no section headers: this line stands before the first `[section]`",
                "write `[supervisord]` or `[program:NAME]` above it",
            );
        }
    }

    fn option(&mut self, number: u32, line: &str, key: &str, text: &str, cut: Option<&str>) {
        if key.is_empty() {
            self.error(
                number,
                line,
                "no option name before the `=` or `:`",
                "write `key=value`",
            );
            self.option = None;
            return;
        }
        let key = key.to_lowercase();
        let setting = Setting {
            cut: cut.map(str::to_owned),
            ..Setting::text(text, self.origin(number))
        };
        match &self.section {
            Some(Place::Section(name)) => {
                if let Some(options) = self.document.sections.get_mut(name) {
                    options.insert(key.clone(), setting);
                }
            }
            _ => {
                self.document.defaults.insert(key.clone(), setting);
            }
        }
        self.option = Some(key);
    }

    fn origin(&self, line: u32) -> Origin {
        Origin {
            file: self.file.to_owned(),
            line,
        }
    }

    fn error(&mut self, number: u32, line: &str, message: &str, help: &str) {
        self.errors.push(SyntaxError {
            origin: self.origin(number),
            text: line.to_owned(),
            message: message.to_owned(),
            help: help.to_owned(),
        });
    }
}

/// Where a comment starts: at the line's first character that is no space, or at a `;` or `#` after a space.
///
/// The parser looks for the first `;` and the first `#`, then for the second of each, and stops in the round that
/// finds one: `a;b ; c # d` is cut at the `#`.
fn comment_start(line: &str) -> Option<usize> {
    if line.trim_start_matches(is_space).starts_with([';', '#']) {
        return Some(0);
    }
    let mut searches = [(';', Some(0)), ('#', Some(0))];
    loop {
        let mut start: Option<usize> = None;
        for (prefix, from) in &mut searches {
            let Some(begin) = *from else { continue };
            let found = line
                .get(begin..)
                .and_then(|rest| rest.find(*prefix))
                .map(|offset| begin + offset);
            *from = found.map(|at| at + 1);
            if let Some(at) = found
                && line
                    .get(..at)
                    .and_then(|before| before.chars().next_back())
                    .is_none_or(is_space)
            {
                start = Some(start.map_or(at, |other| other.min(at)));
            }
        }
        if start.is_some() || searches.iter().all(|(_, from)| from.is_none()) {
            return start;
        }
    }
}

/// The name in `[name]`, which reaches to the line's last `]`; what follows is ignored.
fn header(value: &str) -> Option<&str> {
    let rest = value.strip_prefix('[')?;
    let end = rest.rfind(']')?;
    (end > 0).then(|| rest.get(..end)).flatten()
}

fn option(value: &str) -> Option<(&str, &str)> {
    value
        .split_once(['=', ':'])
        .map(|(key, text)| (strip(key), strip(text)))
}

fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Python's idea of white space, which has four control characters more.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests;

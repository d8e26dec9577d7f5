//! Options as both front ends hand them over: ordered, not yet expanded, each with its place. [`Reader`] takes typed
//! values out of them.

use indexmap::IndexMap;

use super::model::Origin;

mod reader;

pub use reader::Reader;

/// What an option says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, as in an INI file.
    Text(String),
    /// Words of a command line, one by one: each is expanded, then quoted.
    Words(Vec<String>),
    /// Names and values: each value is expanded on its own.
    Pairs(IndexMap<String, String>),
}

/// An option: what it says and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What it says.
    pub value: Value,
    /// Where.
    pub origin: Origin,
    /// The comment that was cut off the line, for the errors that come of it.
    pub cut: Option<String>,
}

impl Setting {
    /// A text.
    pub fn text(text: impl Into<String>, origin: Origin) -> Self {
        Self {
            value: Value::Text(text.into()),
            origin,
            cut: None,
        }
    }

    /// Its text, to be changed.
    pub(super) fn text_mut(&mut self) -> Option<&mut String> {
        match &mut self.value {
            Value::Text(text) => Some(text),
            Value::Words(_) | Value::Pairs(_) => None,
        }
    }

    /// Adds a continuation line.
    pub(super) fn continue_with(&mut self, line: &str, cut: Option<&str>) {
        if let Some(text) = self.text_mut() {
            text.push('\n');
            text.push_str(line);
        }
        if let Some(cut) = cut {
            self.cut = Some(cut.to_owned());
        }
    }

    /// What it says, for an error.
    fn shown(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::Words(words) => words.join(" "),
            Value::Pairs(pairs) => pairs
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join(","),
        }
    }
}

/// The options of one program, section or table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Where the section starts.
    pub origin: Origin,
    settings: IndexMap<String, Setting>,
    /// Where single variables of the environment stand, if they have lines of their own.
    variables: IndexMap<String, Origin>,
}

impl Options {
    /// No options yet.
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            settings: IndexMap::new(),
            variables: IndexMap::new(),
        }
    }

    /// Sets an option; one set before keeps its place in the order.
    pub fn insert(&mut self, key: impl Into<String>, setting: Setting) {
        self.settings.insert(key.into(), setting);
    }

    /// An option.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// An option, to be changed.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Setting> {
        self.settings.get_mut(key)
    }

    /// All options, in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(key, setting)| (key.as_str(), setting))
    }

    pub(super) fn settings_mut(&mut self) -> impl Iterator<Item = &mut Setting> {
        self.settings.values_mut()
    }

    /// Tells where a variable of the environment stands.
    pub(super) fn place_variable(&mut self, name: impl Into<String>, origin: Origin) {
        self.variables.insert(name.into(), origin);
    }

    /// The variables of the environment that have lines of their own.
    pub(super) fn placed_variables(&self) -> impl Iterator<Item = (&String, &Origin)> {
        self.variables.iter()
    }

    /// Where a variable of the environment stands; the whole environment's place if it has no line of its own.
    pub(super) fn origin_of_variable(&self, name: &str) -> Origin {
        let own = self.variables.get(name).cloned();
        own.unwrap_or_else(|| self.origin_of("environment"))
    }

    /// Where an option stands; the section's own place if it does not.
    pub fn origin_of(&self, key: &str) -> Origin {
        self.get(key)
            .map_or(&self.origin, |setting| &setting.origin)
            .clone()
    }
}

/// What is wrong with an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionError {
    /// The option, and for an environment table the variable; empty: the section as a whole.
    pub path: Vec<String>,
    /// Where.
    pub origin: Origin,
    /// What the option says; empty if it is absent.
    pub text: String,
    /// What is wrong, in supervisord's words where it has some.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

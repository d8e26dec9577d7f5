//! Where the options of a program were written, option by option: a page or a command that shows a value can then name
//! the file and the line that it comes from.
//!
//! Kept small, since the supervisor holds it as long as it runs: file names once, options as pointers to their static
//! names, one copy for all processes of a program.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::groups::{FASTCGI_KEYS, LISTENER_KEYS};
use super::model::Origin;
use super::options::{Options, Value};
use super::program::KEYS;
use super::values;

/// The option name under which the place of a group's own priority is kept.
pub const GROUP_PRIORITY: &str = "group_priority";

/// File (index) and line.
type At = (u16, u32);

/// Where the options of one program were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    files: Box<[PathBuf]>,
    options: Box<[(&'static str, At)]>,
    /// Environment variables that do not stand where `environment` stands: those with a line of their own, and those
    /// that all programs inherit.
    variables: Box<[(Box<str>, At)]>,
}

impl Places {
    /// Of `options`, as both front ends give them. `group_priority`: where the group's own priority stands.
    /// `shared`: where the variables stand that every program inherits.
    pub(super) fn new(
        options: &Options,
        group_priority: Option<&Origin>,
        shared: &IndexMap<String, Origin>,
    ) -> Self {
        let mut files = Vec::new();
        let known = || KEYS.iter().chain(&LISTENER_KEYS).chain(&FASTCGI_KEYS).copied();
        let written = options.iter().filter_map(|(key, setting)| {
            let key = known().find(|known| *known == key)?;
            Some((key, &setting.origin))
        });
        let written: Vec<_> = written
            .chain(group_priority.map(|origin| (GROUP_PRIORITY, origin)))
            .filter_map(|(key, origin)| Some((key, at(&mut files, origin)?)))
            .collect();
        let names = own_names(options);
        let inherited = shared.iter().filter(|(name, _)| !names.contains(name));
        let variables = options
            .placed_variables()
            .chain(inherited)
            .filter_map(|(name, origin)| Some((name.as_str().into(), at(&mut files, origin)?)))
            .collect();
        Self {
            files: files.into(),
            options: written.into(),
            variables,
        }
    }

    /// File and line of an option; `None` where it was not written and its default is in effect.
    pub fn option(&self, key: &str) -> Option<(&Path, u32)> {
        let (_, at) = self.options.iter().find(|(name, _)| *name == key)?;
        self.resolve(*at)
    }

    /// File and line of an environment variable.
    pub fn variable(&self, name: &str) -> Option<(&Path, u32)> {
        match self.variables.iter().find(|(known, _)| &**known == name) {
            Some((_, at)) => self.resolve(*at),
            None => self.option("environment"),
        }
    }

    fn resolve(&self, (file, line): At) -> Option<(&Path, u32)> {
        Some((self.files.get(usize::from(file))?, line))
    }
}

/// The variables that a program sets itself.
fn own_names(options: &Options) -> Vec<String> {
    match options.get("environment").map(|setting| &setting.value) {
        Some(Value::Pairs(pairs)) => pairs.keys().cloned().collect(),
        // Names are read before anything is expanded: a name that is made of others is not looked for.
        Some(Value::Text(text)) => {
            let pairs = values::environment(text).unwrap_or_default();
            pairs.into_keys().collect()
        }
        Some(Value::Words(_)) | None => Vec::new(),
    }
}

/// `None` for what stands in no file.
fn at(files: &mut Vec<PathBuf>, origin: &Origin) -> Option<At> {
    if origin.file.as_os_str().is_empty() {
        return None;
    }
    let index = files
        .iter()
        .position(|file| *file == origin.file)
        .unwrap_or_else(|| {
            files.push(origin.file.clone());
            files.len() - 1
        });
    Some((u16::try_from(index).ok()?, origin.line))
}

#[cfg(test)]
mod tests;

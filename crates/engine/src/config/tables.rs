//! The front end of `pistack.toml`: typed tables with supervisord's own option names, to [`Model`].
//!
//! Texts are expanded like those of `supervisord.conf` (`%(here)s`, `%(ENV_HOME)s`, `%%` for a percent sign), but
//! once, and each variable of an `environment` table and each word of a `command` array on its own.

use std::path::Path;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expand::Names;
use super::groups::{self, Part, Parts, World};
use super::model::{CtlSettings, Model, Origin, Server, Settings, Warning};
use super::options::{OptionError, Options, Reader, Setting, Value};
use super::surroundings::Surroundings;
use super::{servers, settings};

pub mod lenient;
mod program;
mod supervisor;

pub use program::{ListenerTable, ProgramTable};
pub use supervisor::{InetServerTable, SupervisorTable, UnixServerTable};

/// Writes a table: its fields, and [`Entries`] that turns those that are given into option texts.
macro_rules! table {
    (
        $(#[$meta:meta])*
        $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
        }
        $(plain { $($(#[$plain_meta:meta])* $plain:ident: $plain_type:ty,)* })?
    ) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
            $($(
                $(#[$plain_meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $plain: Option<$plain_type>,
            )*)?
        }

        impl $crate::config::tables::Entries for $name {
            fn entries(&self) -> Vec<(&'static str, $crate::config::options::Value)> {
                let mut entries = Vec::new();
                $(if let Some(value) = &self.$field {
                    entries.push((stringify!($field), $crate::config::tables::lenient::Entry::value(value)));
                })*
                entries
            }
        }
    };
}
use table;

/// What a table says, as option texts.
pub(crate) trait Entries {
    /// Each given key with its value.
    fn entries(&self) -> Vec<(&'static str, Value)>;
}

/// Several programs under one name: `[group.NAME]`. They start and stop together, and are addressed as
/// `NAME:program`; a program in a group has no group of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GroupTable {
    /// Names of the programs, in start order.
    pub programs: Vec<String>,
    /// Order of start: groups with a lower number first, among equals by name. Default: 999.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
}

impl Entries for GroupTable {
    fn entries(&self) -> Vec<(&'static str, Value)> {
        let mut entries = vec![(
            "programs",
            Value::Text(self.programs.join(",").replace('%', "%%")),
        )];
        entries.extend(
            self.priority
                .map(|priority| ("priority", Value::Text(priority.to_string()))),
        );
        entries
    }
}

/// The supervisor's part of a `pistack.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tables {
    /// The supervisor itself: its log, its servers, what all programs share.
    pub supervisor: SupervisorTable,
    /// Programs to keep alive, by name.
    pub program: IndexMap<String, ProgramTable>,
    /// Groups of programs, by name.
    pub group: IndexMap<String, GroupTable>,
    /// Programs that hear the supervisor's events over supervisord's listener protocol, by name.
    pub listener: IndexMap<String, ListenerTable>,
}

/// What the tables are read against.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Directory of the main file, absolute: `%(here)s`.
    pub here: &'a Path,
    /// The system.
    pub around: Surroundings<'a>,
    /// Where a key stands: `["program", "camera", "user"]`. `None`: in no file.
    pub locate: &'a dyn Fn(&[&str]) -> Option<Origin>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("here", &self.here)
            .field("around", &self.around)
            .finish_non_exhaustive()
    }
}

/// Something wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", path.join("."))]
pub struct TableError {
    /// The key: `["program", "camera", "user"]`; a table, if one of its keys is missing.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to write instead, or what to do.
    pub help: Option<String>,
}

impl From<OptionError> for TableError {
    fn from(error: OptionError) -> Self {
        Self {
            path: error.path,
            message: error.message,
            help: error.help,
        }
    }
}

/// Turns the tables into a model.
///
/// # Errors
/// All that is wrong.
pub fn build(tables: &Tables, context: &Context<'_>) -> Result<Model, Vec<TableError>> {
    let here = context.here.display().to_string();
    let mut builder = Builder {
        context,
        here: &here,
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    let settings = builder.settings(&tables.supervisor);
    let mut environment = context.around.environment.clone();
    environment.extend(settings.environment.clone());
    let world = World {
        here: &here,
        environment: &environment,
        shared: &settings.environment,
        shared_places: &settings.environment_places,
        native: true,
        around: context.around,
    };
    let parts = Parts {
        groups: builder.parts("group", &tables.group),
        programs: builder.parts("program", &tables.program),
        listeners: builder.parts("listener", &tables.listener),
        fastcgi: Vec::new(),
    };
    let assembled = groups::assemble(&parts, &world);
    let servers = builder.servers(&tables.supervisor, &environment);
    builder
        .errors
        .extend(assembled.errors.into_iter().map(TableError::from));
    builder.warnings.extend(assembled.warnings);
    if !builder.errors.is_empty() {
        return Err(builder.errors);
    }
    Ok(Model {
        settings,
        servers,
        rpc_enabled: true,
        ctl: CtlSettings::default(),
        groups: assembled.groups,
        warnings: builder.warnings,
    })
}

struct Builder<'a> {
    context: &'a Context<'a>,
    here: &'a str,
    errors: Vec<TableError>,
    warnings: Vec<Warning>,
}

impl Builder<'_> {
    fn settings(&mut self, table: &SupervisorTable) -> Settings {
        let options = self.options(&["supervisor"], table);
        let mut names = self.names(self.context.around.environment);
        names.set("host_node_name", self.context.around.host);
        let mut reader = Reader::new(&options, "supervisor", names, self.context.around);
        let settings = settings::read(&mut reader, None);
        self.take(&["supervisor"], reader);
        settings
    }

    fn servers(&mut self, table: &SupervisorTable, environment: &IndexMap<String, String>) -> Vec<Server> {
        let mut found = Vec::new();
        if let Some(inet) = &table.inet {
            found.extend(self.server("inet", inet, environment, servers::inet));
        }
        if let Some(unix) = &table.unix {
            found.extend(self.server("unix", unix, environment, |reader| servers::unix(reader, None)));
        }
        found
    }

    fn server(
        &mut self,
        kind: &str,
        table: &impl Entries,
        environment: &IndexMap<String, String>,
        read: impl FnOnce(&mut Reader<'_>) -> Option<Server>,
    ) -> Option<Server> {
        let path = ["supervisor", kind];
        let options = self.options(&path, table);
        let label = path.join(".");
        let mut reader = Reader::new(&options, &label, self.names(environment), self.context.around);
        let server = read(&mut reader);
        self.take(&path, reader);
        server
    }

    fn parts<T: Entries>(&self, kind: &str, tables: &IndexMap<String, T>) -> Vec<Part> {
        tables
            .iter()
            .map(|(name, table)| Part {
                path: vec![kind.to_owned(), name.clone()],
                name: name.clone(),
                options: self.options(&[kind, name], table),
            })
            .collect()
    }

    fn options(&self, path: &[&str], table: &impl Entries) -> Options {
        let origin = (self.context.locate)(path).unwrap_or_default();
        let mut options = Options::new(origin);
        for (key, value) in table.entries() {
            let origin = (self.context.locate)(&[path, &[key]].concat());
            let origin = origin.unwrap_or_else(|| options.origin.clone());
            if let Value::Pairs(pairs) = &value {
                for name in pairs.keys() {
                    if let Some(origin) = (self.context.locate)(&[path, &[key, name]].concat()) {
                        options.place_variable(name, origin);
                    }
                }
            }
            options.insert(
                key,
                Setting {
                    value,
                    origin,
                    cut: None,
                },
            );
        }
        options
    }

    fn names(&self, environment: &IndexMap<String, String>) -> Names {
        let mut names = Names::default();
        names.set_environment(environment);
        names.set("here", self.here);
        names
    }

    fn take(&mut self, path: &[&str], reader: Reader<'_>) {
        self.errors.extend(reader.errors.into_iter().map(|mut error| {
            error.path.splice(0..0, path.iter().map(|&part| part.to_owned()));
            TableError::from(error)
        }));
        self.warnings.extend(reader.warnings);
    }
}

#[cfg(test)]
mod tests;

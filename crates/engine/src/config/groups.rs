//! From named programs, groups and listeners to the groups that run: who belongs where, and in which order.

use indexmap::IndexMap;

use super::expand::Names;
use super::model::{GroupKind, GroupSpec, Origin, ProcessSpec, Warning};
use super::options::{OptionError, Options, Reader};
use super::program::{self, Scope};
use super::surroundings::Surroundings;
use super::values;

mod fastcgi;
mod listener;

pub use fastcgi::KEYS as FASTCGI_KEYS;
pub use listener::KEYS as LISTENER_KEYS;

/// Every option of `[group:x]`.
pub const GROUP_KEYS: [&str; 2] = ["programs", "priority"];

/// Priority of a group without one.
const DEFAULT_PRIORITY: i32 = 999;

/// A section or table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its place in the document: `["program:x"]` or `["program", "x"]`.
    pub path: Vec<String>,
    /// Its name: `x`.
    pub name: String,
    /// What it says.
    pub options: Options,
}

impl Part {
    fn label(&self) -> String {
        self.path.join(".")
    }
}

/// All sections that make processes, in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// `[group:x]`
    pub groups: Vec<Part>,
    /// `[program:x]`
    pub programs: Vec<Part>,
    /// `[eventlistener:x]`
    pub listeners: Vec<Part>,
    /// `[fcgi-program:x]`
    pub fastcgi: Vec<Part>,
}

/// What all sections are read against.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// Directory of the configuration.
    pub here: &'a str,
    /// What `%(ENV_x)s` means: the daemon's environment and `[supervisord] environment`.
    pub environment: &'a IndexMap<String, String>,
    /// `[supervisord] environment`.
    pub shared: &'a IndexMap<String, String>,
    /// Where each of its variables stands.
    pub shared_places: &'a IndexMap<String, Origin>,
    /// The native front end: no quirks, and two groups of one name are an error.
    pub native: bool,
    /// The system.
    pub around: Surroundings<'a>,
}

/// The groups, and what was found on the way. Paths of errors are whole: section, then option.
#[derive(Debug, Default)]
pub struct Assembled {
    /// Groups in start order: by priority, then name.
    pub groups: IndexMap<String, GroupSpec>,
    /// What is wrong.
    pub errors: Vec<OptionError>,
    /// What is worth telling.
    pub warnings: Vec<Warning>,
}

/// Puts the groups together.
pub fn assemble(parts: &Parts, world: &World<'_>) -> Assembled {
    let mut assembler = Assembler {
        parts,
        world,
        groups: Vec::new(),
        found: Assembled::default(),
    };
    let mut grouped: Vec<&Part> = Vec::new();
    for part in &parts.groups {
        assembler.group(part, &mut grouped);
    }
    let alone = |part: &&Part| !grouped.iter().any(|member| std::ptr::eq(*member, *part));
    for part in parts.programs.iter().filter(alone) {
        assembler.program(part);
    }
    for part in &parts.listeners {
        assembler.listener(part);
    }
    for part in parts.fastcgi.iter().filter(alone) {
        assembler.fastcgi(part);
    }
    assembler.finish()
}

struct Assembler<'a> {
    parts: &'a Parts,
    world: &'a World<'a>,
    groups: Vec<(&'a Part, GroupSpec)>,
    found: Assembled,
}

impl<'a> Assembler<'a> {
    fn group(&mut self, part: &'a Part, grouped: &mut Vec<&'a Part>) {
        let label = part.label();
        let mut reader = self.reader(part, &label);
        let name = name(&mut reader, &part.name);
        let members = values::list(&reader.text("programs").unwrap_or_default());
        let priority = reader.priority("priority", DEFAULT_PRIORITY);
        if members.is_empty() {
            reader.warn("programs", "the group has no programs");
        }
        let mut processes: IndexMap<String, ProcessSpec> = IndexMap::new();
        let mut read = Vec::new();
        for member in &members {
            let Some(program) = self.member(&mut reader, member) else {
                continue;
            };
            if !grouped.iter().any(|other| std::ptr::eq(*other, program)) {
                grouped.push(program);
            }
            read.push((program, self.processes(program, &name, part)));
        }
        for (program, processes_of) in read {
            self.keep(program, processes_of.errors, processes_of.warnings);
            for process in processes_of.processes {
                if let Some(twin) = processes.insert(process.name.clone(), process) {
                    reader.warn(
                        "programs",
                        format!("several processes are called `{}`: only one runs", twin.name),
                    );
                }
            }
        }
        let (errors, warnings) = (reader.errors, reader.warnings);
        self.keep(part, errors, warnings);
        self.add(
            part,
            name,
            priority,
            GroupKind::Programs,
            processes.into_values().collect(),
        );
    }

    /// The program that a group names.
    fn member(&self, reader: &mut Reader<'_>, member: &str) -> Option<&'a Part> {
        let find = |parts: &'a [Part]| parts.iter().find(|part| part.name == member);
        match (find(&self.parts.programs), find(&self.parts.fastcgi)) {
            (Some(_), Some(_)) => {
                let message = format!(
                    "[{}] name {member} is ambiguous (exists as program and fcgi-program)",
                    reader.label
                );
                reader.error("programs", message);
                None
            }
            (Some(program), None) => Some(program),
            (None, Some(program)) => {
                let message =
                    format!("`{member}` runs without its socket: supervisord gives none in a [group]");
                reader.warn("programs", message);
                Some(program)
            }
            (None, None) => {
                let known = self
                    .parts
                    .programs
                    .iter()
                    .chain(&self.parts.fastcgi)
                    .map(|part| part.name.as_str());
                let help = match values::nearest(member, known.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => match known.collect::<Vec<_>>() {
                        known if known.is_empty() => "there are no programs".to_owned(),
                        known => format!("the programs are: {}", known.join(", ")),
                    },
                };
                let kinds = if self.world.native {
                    "program"
                } else {
                    "program or fcgi-program"
                };
                let message = format!("[{}] names unknown {kinds} {member}", reader.label);
                reader.push(&["programs"], message, Some(help));
                None
            }
        }
    }

    fn program(&mut self, part: &'a Part) {
        let label = part.label();
        let mut reader = self.reader(part, &label);
        let name = name(&mut reader, &part.name);
        let priority = reader.priority("priority", DEFAULT_PRIORITY);
        self.homogeneous(part, reader, name, priority, GroupKind::Programs);
    }

    fn listener(&mut self, part: &'a Part) {
        let label = part.label();
        let mut reader = self.reader(part, &label);
        let name = name(&mut reader, &part.name);
        let (priority, pool) = listener::read(&mut reader);
        self.homogeneous(part, reader, name, priority, GroupKind::Listeners(pool));
    }

    fn fastcgi(&mut self, part: &'a Part) {
        let label = part.label();
        let mut reader = self.reader(part, &label);
        let name = name(&mut reader, &part.name);
        let priority = reader.priority("priority", DEFAULT_PRIORITY);
        let kind = fastcgi::read(&mut reader, &name);
        self.homogeneous(part, reader, name, priority, kind);
    }

    /// A group of one program's processes.
    fn homogeneous(
        &mut self,
        part: &'a Part,
        reader: Reader<'_>,
        name: String,
        priority: i32,
        kind: GroupKind,
    ) {
        let (mut errors, mut warnings) = (reader.errors, reader.warnings);
        let read = self.processes(part, &name, part);
        // Some options are read twice, for the group and for its processes.
        errors.extend(
            read.errors
                .into_iter()
                .filter(|error| !errors.contains(error))
                .collect::<Vec<_>>(),
        );
        warnings.extend(read.warnings);
        self.keep(part, errors, warnings);
        self.add(part, name, priority, kind, read.processes);
    }

    /// The processes of a program in the group `group`, which `owner` makes.
    fn processes(&self, part: &Part, group: &str, owner: &Part) -> program::Read {
        let label = part.label();
        let program = values::name(&part.name).unwrap_or_else(|_| part.name.clone());
        let scope = Scope {
            program: &program,
            group,
            label: &label,
            here: self.world.here,
            environment: self.world.environment,
            shared: self.world.shared,
            shared_places: self.world.shared_places,
            group_priority: owner.options.get("priority").map(|setting| &setting.origin),
            logfile_twice: !self.world.native,
            around: self.world.around,
        };
        program::read(&part.options, &scope)
    }

    fn reader<'r>(&self, part: &'r Part, label: &'r str) -> Reader<'r>
    where
        'a: 'r,
    {
        let mut names = Names::default();
        names.set_environment(self.world.environment);
        names.set("here", self.world.here);
        Reader::new(&part.options, label, names, self.world.around)
    }

    fn keep(&mut self, part: &Part, errors: Vec<OptionError>, warnings: Vec<Warning>) {
        for mut error in errors {
            error.path.splice(0..0, part.path.iter().cloned());
            if !self.found.errors.contains(&error) {
                self.found.errors.push(error);
            }
        }
        for warning in warnings {
            if !self.found.warnings.contains(&warning) {
                self.found.warnings.push(warning);
            }
        }
    }

    fn add(
        &mut self,
        part: &'a Part,
        name: String,
        priority: i32,
        kind: GroupKind,
        processes: Vec<ProcessSpec>,
    ) {
        let origin = part.options.origin.clone();
        self.groups.push((
            part,
            GroupSpec {
                name,
                priority,
                kind,
                processes,
                origin,
            },
        ));
    }

    fn finish(mut self) -> Assembled {
        self.groups
            .sort_by(|(_, one), (_, other)| (one.priority, &one.name).cmp(&(other.priority, &other.name)));
        let mut paths: IndexMap<String, (&Part, Origin)> = IndexMap::new();
        for (part, group) in self.groups {
            let Some((first, origin)) = paths.get(&group.name) else {
                paths.insert(group.name.clone(), (part, group.origin.clone()));
                self.found.groups.insert(group.name.clone(), group);
                continue;
            };
            let message = format!(
                "two groups are called `{}`: [{}] and [{}] ({}:{})",
                group.name,
                part.label(),
                first.label(),
                origin.file.display(),
                origin.line
            );
            if self.world.native {
                self.found.errors.push(OptionError {
                    path: part.path.clone(),
                    origin: group.origin,
                    text: String::new(),
                    message,
                    help: Some("give one of them another name".to_owned()),
                });
            } else {
                let message = format!("{message}; only the latter runs");
                self.found.warnings.push(Warning {
                    origin: group.origin,
                    message,
                });
            }
        }
        self.found
    }
}

/// The name of a group or program, without spaces around it.
fn name(reader: &mut Reader<'_>, text: &str) -> String {
    values::name(text).unwrap_or_else(|message| {
        reader.push(
            &[],
            message,
            Some("use letters, digits, `_`, `-` and `.`".to_owned()),
        );
        text.to_owned()
    })
}

#[cfg(test)]
mod tests;

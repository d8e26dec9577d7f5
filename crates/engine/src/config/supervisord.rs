//! The front end of `supervisord.conf`: sections to [`Model`].

use std::path::Path;

use indexmap::IndexMap;

use super::expand::Names;
use super::groups::{self, FASTCGI_KEYS, GROUP_KEYS, LISTENER_KEYS, Part, Parts, World};
use super::ini::{Document, SyntaxError};
use super::model::{CtlSettings, Model, Origin, Settings, Warning};
use super::options::{OptionError, Options, Reader, Setting};
use super::surroundings::{Surroundings, normalise};
use super::{program, servers, settings};

mod include;
mod unknown;

/// A configuration to be read.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The file; relative to the working directory, or absolute.
    pub file: &'a Path,
    /// Its text.
    pub text: &'a str,
    /// The system.
    pub around: Surroundings<'a>,
}

/// Something wrong in an INI file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {}{message}", origin.file.display(), origin.line, place(section.as_deref(), key.as_deref()))]
pub struct IniError {
    /// File and line.
    pub origin: Origin,
    /// Section.
    pub section: Option<String>,
    /// Option.
    pub key: Option<String>,
    /// The line's or the option's text; empty if it is absent.
    pub text: String,
    /// What is wrong, in supervisord's words where it has some.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

fn place(section: Option<&str>, key: Option<&str>) -> String {
    match (section, key) {
        (Some(section), Some(key)) => format!("[{section}] {key}: "),
        (Some(section), None) => format!("[{section}] "),
        (None, _) => String::new(),
    }
}

impl From<SyntaxError> for IniError {
    fn from(error: SyntaxError) -> Self {
        let SyntaxError {
            origin,
            text,
            message,
            help,
        } = error;
        Self {
            origin,
            section: None,
            key: None,
            text,
            message,
            help: Some(help),
        }
    }
}

impl From<OptionError> for IniError {
    fn from(error: OptionError) -> Self {
        let OptionError {
            path,
            origin,
            text,
            message,
            help,
        } = error;
        let mut path = path.into_iter();
        Self {
            origin,
            section: path.next(),
            key: path.next(),
            text,
            message,
            help,
        }
    }
}

/// Reads a configuration and what it includes.
///
/// # Errors
/// All that is wrong, lines first. What supervisord passes over in silence but hardly anyone means is a warning.
pub fn read(request: &Request<'_>) -> Result<Model, Vec<IniError>> {
    let here = here(request);
    let mut front = Front::new(request, &here);
    let document = front.document(&here);
    if !document.contains("supervisord") {
        front.errors.push(IniError {
            origin: Origin {
                file: request.file.to_owned(),
                line: 0,
            },
            section: None,
            key: None,
            text: String::new(),
            message: ".ini file does not include supervisord section".to_owned(),
            help: Some("add a line `[supervisord]`".to_owned()),
        });
    }
    let settings = front.settings(&document, &here);
    let mut environment = request.around.environment.clone();
    environment.extend(settings.environment.clone());
    let rpc_enabled = front.interfaces(&document, &environment);
    let world = World {
        here: &here,
        environment: &environment,
        shared: &settings.environment,
        shared_places: &settings.environment_places,
        native: false,
        around: request.around,
    };
    let assembled = groups::assemble(&parts(&document), &world);
    front.warnings.extend(assembled.warnings);
    front
        .errors
        .extend(assembled.errors.into_iter().map(IniError::from));
    let servers = front.servers(&document, &world);
    let ctl = match read_ctl(request) {
        Ok(ctl) => ctl,
        Err(errors) => {
            front.warnings.extend(
                errors
                    .into_iter()
                    .filter(|error| error.section.is_some())
                    .map(|error| Warning {
                        origin: error.origin,
                        message: format!("[supervisorctl] {}", error.message),
                    }),
            );
            CtlSettings::default()
        }
    };
    unknown::warn(&document, &mut front.warnings);
    if !front.errors.is_empty() {
        return Err(front.errors);
    }
    Ok(Model {
        settings,
        servers,
        rpc_enabled,
        ctl,
        groups: assembled.groups,
        warnings: front.warnings,
    })
}

/// Reads what `supervisorctl` uses: `[supervisorctl]` of the file itself, without what it includes.
///
/// # Errors
/// All that is wrong in the file's lines and in that section. A file without the section has the defaults.
pub fn read_ctl(request: &Request<'_>) -> Result<CtlSettings, Vec<IniError>> {
    let mut document = Document::default();
    document
        .read(request.file, request.text)
        .map_err(|errors| errors.into_iter().map(IniError::from).collect::<Vec<_>>())?;
    let Some(options) = document.options("supervisorctl") else {
        return Ok(CtlSettings::default());
    };
    let mut names = Names::default();
    names.set_environment(request.around.environment);
    let mut reader = Reader::new(&options, "supervisorctl", names, request.around);
    let ctl = servers::ctl(&mut reader, &here(request));
    if reader.errors.is_empty() {
        Ok(ctl)
    } else {
        Err(located("supervisorctl", reader.errors))
    }
}

/// Directory of the configuration, absolute.
fn here(request: &Request<'_>) -> String {
    let file = normalise(&request.around.cwd.join(request.file));
    file.parent().unwrap_or(Path::new("/")).display().to_string()
}

fn located(section: &str, errors: Vec<OptionError>) -> Vec<IniError> {
    errors
        .into_iter()
        .map(|mut error| {
            error.path.insert(0, section.to_owned());
            IniError::from(error)
        })
        .collect()
}

/// The sections that make processes.
fn parts(document: &Document) -> Parts {
    let of = |prefix: &str| -> Vec<Part> {
        document
            .sections()
            .filter_map(|section| {
                let name = section.strip_prefix(prefix)?;
                let options = document.options(section)?;
                Some(Part {
                    path: vec![section.to_owned()],
                    name: name.to_owned(),
                    options,
                })
            })
            .collect()
    };
    Parts {
        groups: of("group:"),
        programs: of("program:"),
        listeners: of("eventlistener:"),
        fastcgi: of("fcgi-program:"),
    }
}

struct Front<'a> {
    request: &'a Request<'a>,
    /// Names known before `[supervisord] environment` is read: the environment.
    names: Names,
    errors: Vec<IniError>,
    warnings: Vec<Warning>,
    /// `%(here)s` is known everywhere once there is an `[include]`.
    includes: bool,
}

impl<'a> Front<'a> {
    fn new(request: &'a Request<'a>, here: &str) -> Self {
        let mut names = Names::default();
        names.set_environment(request.around.environment);
        names.set("here", here);
        Self {
            request,
            names,
            errors: Vec::new(),
            warnings: Vec::new(),
            includes: false,
        }
    }

    fn take(&mut self, section: &str, reader: Reader<'_>) {
        self.errors.extend(located(section, reader.errors));
        self.warnings.extend(reader.warnings);
    }

    /// `[supervisord]`. Its environment is expanded twice, and only then knows the host's name.
    fn settings(&mut self, document: &Document, here: &str) -> Settings {
        let Some(options) = document.options("supervisord") else {
            return Settings::default();
        };
        let mut again = Names::default();
        again.set("here", here);
        again.set("host_node_name", self.request.around.host);
        again.set_environment(self.request.around.environment);
        let mut reader = Reader::new(&options, "supervisord", self.names.clone(), self.request.around);
        let settings = settings::read(&mut reader, Some(&again));
        self.take("supervisord", reader);
        settings
    }

    /// True if a section asks for supervisord's own XML-RPC interface under its own name.
    fn interfaces(&mut self, document: &Document, environment: &IndexMap<String, String>) -> bool {
        const FACTORY: &str = "supervisor.rpcinterface_factory";
        let mut enabled = false;
        for section in document.sections() {
            let Some((name, options)) = section
                .strip_prefix("rpcinterface:")
                .zip(document.options(section))
            else {
                continue;
            };
            let mut names = Names::default();
            names.set_environment(environment);
            let mut reader = Reader::new(&options, section, names, self.request.around);
            match reader.text(FACTORY).as_deref().map(str::trim) {
                Some("supervisor.rpcinterface:make_main_rpcinterface") if name == "supervisor" => {
                    enabled = true;
                }
                Some("supervisor.rpcinterface:make_main_rpcinterface") => {
                    reader.warn(
                        FACTORY,
                        format!("the interface is not served under the name `{name}`"),
                    );
                }
                Some(factory) => {
                    reader.warn(
                        FACTORY,
                        format!("`{factory}` is Python code and cannot be loaded"),
                    );
                }
                None if reader.errors.is_empty() => {
                    let message = format!("section [{section}] does not specify a {FACTORY}");
                    let help = format!("add `{FACTORY} = supervisor.rpcinterface:make_main_rpcinterface`");
                    reader.push(&[], message, Some(help));
                }
                None => {}
            }
            self.take(section, reader);
        }
        enabled
    }

    /// TCP servers first, as supervisord opens them.
    fn servers(&mut self, document: &Document, world: &World<'_>) -> Vec<super::model::Server> {
        let mut names = Names::default();
        names.set_environment(world.environment);
        if self.includes {
            names.set("here", world.here);
        }
        let mut found = Vec::new();
        for prefix in ["inet_http_server", "unix_http_server"] {
            for section in document.sections().filter(|section| section.starts_with(prefix)) {
                let Some(options) = document.options(section) else {
                    continue;
                };
                let mut reader = Reader::new(&options, section, names.clone(), self.request.around);
                found.extend(match prefix {
                    "inet_http_server" => servers::inet(&mut reader),
                    _ => servers::unix(&mut reader, (!self.includes).then_some(world.here)),
                });
                self.take(section, reader);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;

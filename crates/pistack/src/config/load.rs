//! From the files and the environment to what `up` and `serve` need. Every error is found before anything is done.

use std::path::Path;

use indexmap::IndexMap;
use pistack_daemon::System;
use pistack_engine::config::model::{LogTarget, Model, Origin, Server, ServerAddress, Warning};
use pistack_engine::config::supervisord;
use pistack_engine::config::surroundings::Surroundings;
use pistack_engine::config::tables::{self, Tables};
use pistack_kit::config::{ConfigError, ConfigErrors, Document};
use pistack_kit::paths::StatePaths;

use crate::config::environment::{overlay, with_dotenv};
use crate::config::file::File;
use crate::config::find::{Found, find};
use crate::stack::{self, Launch};

/// A configuration without errors.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// `pistack.toml`, with the environment laid over it.
    pub(crate) file: File,
    /// What the supervisor runs: the user's programs and the stack's own.
    pub(crate) model: Model,
    /// Environment names that are accepted and have nothing left to do.
    pub(crate) idle_names: Vec<String>,
    /// True if the stack's own services run.
    pub(crate) stack: bool,
    /// What `.env` adds to the environment of a supervisord.conf's programs, as the original's launch script did.
    pub(crate) inherited: Vec<(String, String)>,
    /// The files that were read.
    pub(crate) files: Vec<String>,
    /// File and line of every rule.
    pub(crate) rule_places: IndexMap<String, (std::path::PathBuf, u32)>,
}

/// What `serve` needs: the tables alone.
pub(crate) fn load_file(named: Option<&Path>) -> Result<File, ConfigErrors> {
    let found = find(named)?;
    let environment = with_dotenv(&found.base)?;
    let mut file: File = Document::parse(found.tables)?.read()?;
    overlay(&mut file, &environment)?;
    Ok(file)
}

/// Everything. `launch_environment` goes to the stack's own programs.
pub(crate) fn load(
    named: Option<&Path>,
    paths: &StatePaths,
    launch_environment: &IndexMap<String, String>,
) -> Result<Loaded, ConfigErrors> {
    load_with(named, paths, launch_environment, None)
}

/// The same as if a file of `pistack.d` held another text.
pub(crate) fn load_with(
    named: Option<&Path>,
    paths: &StatePaths,
    launch_environment: &IndexMap<String, String>,
    instead: Option<(&Path, &str)>,
) -> Result<Loaded, ConfigErrors> {
    let mut found = find(named)?;
    if let Some((path, text)) = instead {
        found.put(path, text);
    }
    let environment = with_dotenv(&found.base)?;
    let files = found
        .tables
        .iter()
        .chain(&found.ini)
        .map(|source| source.name.clone())
        .collect();
    // With a supervisord.conf alone, only that file's programs run.
    let asks_for_stack = found.ini.is_none() || !found.tables.is_empty();
    let document = Document::parse(found.tables.clone())?;
    let mut file: File = document.read()?;
    let idle_names = overlay(&mut file, &environment)?;
    let mut errors = Vec::new();
    let mut model = read_models(&found, &document, &file, &environment, &mut errors);
    let stack = asks_for_stack && file.services.enabled;
    if found.ini.is_none() {
        native_settings(&mut model, &file, paths);
    }
    let launch = Launch {
        executable: std::env::current_exe().unwrap_or_else(|_| "pistack".into()),
        config: found.main.as_deref(),
        paths,
        environment: launch_environment.clone(),
    };
    if stack {
        for group in stack::groups(&file.services, &launch) {
            add_group(&mut model, group, &document, &mut errors);
        }
    }
    own_socket(&mut model, paths);
    let rule_places = file
        .rule
        .keys()
        .filter_map(|name| Some((name.clone(), document.locate(&["rule", name])?)))
        .collect();
    check_sections(&file, &model, &document, &mut errors);
    check_routes(&file, &mut model, &document, &mut errors);
    let inherited = match &found.ini {
        Some(_) => environment
            .into_iter()
            .filter(|(name, _)| std::env::var_os(name).is_none())
            .collect(),
        None => Vec::new(),
    };
    if errors.is_empty() {
        Ok(Loaded {
            file,
            model,
            idle_names,
            stack,
            inherited,
            files,
            rule_places,
        })
    } else {
        Err(ConfigErrors(errors))
    }
}

/// Both front ends; a group that both define is an error that names both places.
fn read_models(
    found: &Found,
    document: &Document,
    file: &File,
    environment: &IndexMap<String, String>,
    errors: &mut Vec<ConfigError>,
) -> Model {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let cwd = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let around = Surroundings {
        environment,
        host: host.trim(),
        cwd: &cwd,
        outside: &System,
    };
    let locate = |path: &[&str]| document.locate(path).map(|(file, line)| Origin { file, line });
    let here = std::path::absolute(&found.base).unwrap_or_else(|_| cwd.clone());
    let wanted = Tables {
        supervisor: file.supervisor.clone(),
        program: file.program.clone(),
        group: file.group.clone(),
        listener: file.listener.clone(),
    };
    let native = tables::build(
        &wanted,
        &tables::Context {
            here: &here,
            around,
            locate: &locate,
        },
    );
    let native = native.unwrap_or_else(|wrong| {
        errors.extend(wrong.into_iter().map(|error| {
            let path: Vec<&str> = error.path.iter().map(String::as_str).collect();
            document.error_at(&path, error.message, error.help)
        }));
        Model::default()
    });
    let Some(ini) = &found.ini else { return native };
    let request = supervisord::Request {
        file: Path::new(&ini.name),
        text: &ini.text,
        around,
    };
    let mut model = supervisord::read(&request).unwrap_or_else(|wrong| {
        errors.extend(wrong.into_iter().map(|error| ini_error(&error, ini)));
        Model::default()
    });
    for (_, group) in native.groups {
        add_group(&mut model, group, document, errors);
    }
    model.warnings.extend(native.warnings);
    model
}

fn ini_error(error: &supervisord::IniError, ini: &pistack_kit::config::Source) -> ConfigError {
    let mine = Path::new(&ini.name) == error.origin.file;
    let text = if mine { ini.text.clone() } else { String::new() };
    let start: usize = text
        .split_inclusive('\n')
        .take((error.origin.line as usize).saturating_sub(1))
        .map(str::len)
        .sum();
    let length = text
        .get(start..)
        .and_then(|rest| rest.lines().next())
        .map_or(0, str::len);
    let place = match (&error.section, &error.key) {
        (Some(section), Some(key)) => format!("[{section}] {key}: "),
        (Some(section), None) => format!("[{section}]: "),
        _ => String::new(),
    };
    ConfigError {
        message: format!("{place}{}", error.message),
        help: error.help.clone(),
        file: error.origin.file.display().to_string(),
        line: error.origin.line,
        text: text.into(),
        span: start..start + length,
        label: "here".to_owned(),
        other: None,
    }
}

/// Adds a group; a name that is taken, of the group or of a program in it, is an error at both places.
fn add_group(
    model: &mut Model,
    group: pistack_engine::config::model::GroupSpec,
    document: &Document,
    errors: &mut Vec<ConfigError>,
) {
    let Some(taken) = model.groups.get(&group.name) else {
        model.groups.insert(group.name.clone(), group);
        return;
    };
    let (there, here) = (place(&taken.origin), place(&group.origin));
    let kind = ["program", "group", "listener"]
        .into_iter()
        .find(|kind| document.contains(&[kind, &group.name]));
    let mut error = document.error_at(
        &[kind.unwrap_or("program"), &group.name],
        format!("`{}` is defined twice: at {there} and at {here}", group.name),
        Some("give one of them another name; nothing was started".to_owned()),
    );
    error.other = Some((there, taken.origin.line));
    errors.push(error);
}

fn place(origin: &Origin) -> String {
    if origin.file.as_os_str().is_empty() {
        "pistack's own stack ([services])".to_owned()
    } else {
        format!("{}:{}", origin.file.display(), origin.line)
    }
}

/// Defaults of the native configuration: everything lies in the state directory.
fn native_settings(model: &mut Model, file: &File, paths: &StatePaths) {
    let settings = &mut model.settings;
    if file.supervisor.logfile.is_none() {
        settings.logfile = LogTarget::File(paths.logs().join("supervisor.log"));
    }
    if file.supervisor.pidfile.is_none() {
        settings.pidfile = paths.run().join("supervisor.pid");
    }
    if settings.childlogdir.is_none() {
        settings.childlogdir = Some(paths.logs());
    }
    if file.supervisor.minfds.is_none() {
        // The gateway holds a descriptor for each client and one for each request behind it.
        settings.minfds = 4096;
    }
    settings.nodaemon = true;
}

/// The socket in the state directory, by which services and command line find the supervisor, whatever else the
/// configuration asks for. It comes first, so that children get it as `SUPERVISOR_SERVER_URL` only where nothing else
/// is configured.
fn own_socket(model: &mut Model, paths: &StatePaths) {
    let path = paths.supervisor_socket();
    let is_ours = |server: &Server| matches!(&server.address, ServerAddress::Unix { path: known, .. } if *known == path);
    if !model.servers.iter().any(is_ours) {
        model.servers.push(Server {
            address: ServerAddress::Unix {
                path: path.clone(),
                mode: 0o600,
                owner: None,
            },
            credentials: None,
            origin: Origin::default(),
        });
    }
    model.rpc_enabled = true;
}

/// `[route.NAME]`: clashes, dead ends, reserved paths.
fn check_routes(file: &File, model: &mut Model, document: &Document, errors: &mut Vec<ConfigError>) {
    let settings = pistack_gateway::check_settings(&file.gateway);
    for finding in settings
        .into_iter()
        .chain(pistack_gateway::check_routes(&file.gateway, &file.route))
    {
        let path: Vec<&str> = finding.path.iter().map(String::as_str).collect();
        if finding.warning {
            let place = document.locate(&path).map(|(file, line)| Origin { file, line });
            model.warnings.push(Warning {
                origin: place.unwrap_or_default(),
                message: finding.message,
            });
        } else {
            errors.push(document.error_at(&path, finding.message, finding.help));
        }
    }
}

/// All processes, as `name` and as `group:name`.
pub(crate) fn programs_of(model: &Model) -> Vec<String> {
    let processes = model.groups.values().flat_map(|group| &group.processes);
    processes
        .flat_map(|process| {
            [
                process.name.clone(),
                format!("{}:{}", process.group, process.name),
            ]
        })
        .collect()
}

/// `[line.NAME]` with their BCM numbers.
pub(crate) fn lines_of(file: &File) -> Vec<(String, u32)> {
    let lines = file.line.iter();
    lines
        .filter_map(|(name, line)| Some((name.clone(), line.offset()?)))
        .collect()
}

/// What only shows when the sections are seen together: lines, rules, channels.
fn check_sections(file: &File, model: &Model, document: &Document, errors: &mut Vec<ConfigError>) {
    let mut at = |path: &[String], message: String, help: Option<String>| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        errors.push(document.error_at(&path, message, help));
    };
    let services = [
        pistack_io::check(&file.io, &file.line),
        pistack_io::check_sensors(&file.sensor),
        pistack_info::check(&file.info),
        pistack_email::check(&file.email),
        pistack_supervisor::config::check(&file.supervisor_service),
    ];
    for (path, message, help) in services.into_iter().flatten() {
        at(&path, message, help);
    }
    let (programs, lines) = (programs_of(model), lines_of(file));
    let sensors: Vec<String> = file.sensor.keys().cloned().collect();
    let known = pistack_rules::Known {
        config: &file.rules,
        rules: &file.rule,
        channels: &file.channel,
        programs: &programs,
        lines: &lines,
        sensors: &sensors,
    };
    for finding in pistack_rules::check(&known) {
        at(&finding.path, finding.message, finding.help);
    }
    if let Err(error) = file.auth.check() {
        at(&["auth".to_owned()], error.to_string(), None);
    }
}

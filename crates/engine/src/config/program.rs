//! What the options of a program mean: one set of options to its processes. Both front ends come through here.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::expand::Names;
use super::model::{AutoRestart, ChannelSpec, LogTarget, Origin, ProcessSpec, Warning};
use super::options::{OptionError, Options, Reader};
use super::places::Places;
use super::surroundings::Surroundings;
use super::{shlex, values};

/// Most processes of one program. supervisord has no limit, and would take the memory.
const MOST_PROCESSES: i64 = 10_000;

/// Every option of `[program:x]`.
pub const KEYS: [&str; 32] = [
    "command",
    "process_name",
    "numprocs",
    "numprocs_start",
    "priority",
    "autostart",
    "autorestart",
    "startsecs",
    "startretries",
    "exitcodes",
    "stopsignal",
    "stopwaitsecs",
    "stopasgroup",
    "killasgroup",
    "user",
    "redirect_stderr",
    "directory",
    "umask",
    "environment",
    "serverurl",
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_syslog",
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_syslog",
];

/// What a program's options are read against.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The program's name.
    pub program: &'a str,
    /// Its group's name.
    pub group: &'a str,
    /// Shown before an option's name in errors: `program:x`.
    pub label: &'a str,
    /// Directory of the configuration.
    pub here: &'a str,
    /// What `%(ENV_x)s` means: the daemon's environment and `[supervisord] environment`.
    pub environment: &'a IndexMap<String, String>,
    /// `[supervisord] environment`, which every program inherits.
    pub shared: &'a IndexMap<String, String>,
    /// Where each of its variables stands.
    pub shared_places: &'a IndexMap<String, Origin>,
    /// Where the priority of its group stands, if it was written.
    pub group_priority: Option<&'a Origin>,
    /// supervisord expands the names of log files twice.
    pub logfile_twice: bool,
    /// The system.
    pub around: Surroundings<'a>,
}

/// A program as it was read: its processes, and what was found on the way.
#[derive(Debug, Default)]
pub struct Read {
    /// Its processes, by name.
    pub processes: Vec<ProcessSpec>,
    /// What is wrong.
    pub errors: Vec<OptionError>,
    /// What is worth telling.
    pub warnings: Vec<Warning>,
}

/// Reads a program's options.
pub fn read(options: &Options, scope: &Scope<'_>) -> Read {
    let mut names = Names::default();
    names.set_environment(scope.environment);
    names.set("here", scope.here);
    names.set("program_name", scope.program);
    names.set("host_node_name", scope.around.host);
    names.set("group_name", scope.group);
    let mut reader = Reader::new(options, scope.label, names, scope.around);
    let template = template(&mut reader, scope);
    let process_name = process_name(&mut reader);
    let count = number_of_processes(&mut reader, &process_name);
    let first = reader.value("numprocs_start", 0, values::integer);
    let mut processes = Vec::new();
    for number in (0..count).map(|index| first.saturating_add(index)) {
        // In this order: variables of the daemon win over those that the process before has left.
        reader.names.set_environment(scope.environment);
        reader.names.set_number("process_num", number);
        reader.names.set_number("numprocs", count);
        processes.push(process(&mut reader, &template, &process_name, scope));
        if !reader.errors.is_empty() {
            // The others would only say the same.
            break;
        }
    }
    let places = Arc::new(Places::new(options, scope.group_priority, scope.shared_places));
    for process in &mut processes {
        process.places = Arc::clone(&places);
    }
    // All have one priority, so that supervisord's sort is by name.
    processes.sort_by(|one, other| one.name.cmp(&other.name));
    let mut unique: IndexMap<String, ProcessSpec> = IndexMap::new();
    for process in processes {
        if let Some(twin) = unique.insert(process.name.clone(), process) {
            reader.warn(
                "process_name",
                format!("several processes are called `{}`: only one runs", twin.name),
            );
        }
    }
    Read {
        processes: unique.into_values().collect(),
        errors: reader.errors,
        warnings: reader.warnings,
    }
}

/// What does not depend on the process number.
fn template(reader: &mut Reader<'_>, scope: &Scope<'_>) -> ProcessSpec {
    let default = ProcessSpec::new(scope.program, "");
    let stopasgroup = reader.boolean("stopasgroup", default.stopasgroup);
    let killasgroup = reader.boolean("killasgroup", stopasgroup);
    if stopasgroup && !killasgroup {
        let help = "leave `killasgroup` out, or set it to true".to_owned();
        reader.push(
            &["killasgroup"],
            "Cannot set stopasgroup=true and killasgroup=false".to_owned(),
            Some(help),
        );
    }
    let serverurl = reader
        .text("serverurl")
        .filter(|url| !url.trim().eq_ignore_ascii_case("auto") && !url.is_empty());
    let channel = |reader: &mut Reader<'_>, capture: &str, events: &str| ChannelSpec {
        capture_maxbytes: reader.bytes(capture, 0),
        events_enabled: reader.boolean(events, false),
        ..ChannelSpec::default()
    };
    ProcessSpec {
        group: scope.group.to_owned(),
        priority: reader.priority("priority", default.priority),
        autostart: reader.boolean("autostart", default.autostart),
        autorestart: reader.value("autorestart", AutoRestart::Unexpected, values::auto_restart),
        startsecs: reader.count("startsecs", default.startsecs),
        startretries: reader.count("startretries", default.startretries),
        stopsignal: reader.value("stopsignal", default.stopsignal, values::signal),
        stopwaitsecs: reader.count("stopwaitsecs", default.stopwaitsecs),
        exitcodes: reader.value("exitcodes", vec![0], values::exit_codes),
        redirect_stderr: reader.boolean("redirect_stderr", default.redirect_stderr),
        user: reader.user("user"),
        umask: reader.optional("umask", values::octal),
        stdout: channel(reader, "stdout_capture_maxbytes", "stdout_events_enabled"),
        stderr: channel(reader, "stderr_capture_maxbytes", "stderr_events_enabled"),
        stopasgroup,
        killasgroup,
        serverurl,
        origin: reader.options.origin.clone(),
        ..default
    }
}

/// The pattern of the names, checked before it is expanded, as supervisord does.
fn process_name(reader: &mut Reader<'_>) -> String {
    let pattern = reader.raw("process_name").unwrap_or("%(program_name)s");
    values::name(pattern).unwrap_or_else(|message| {
        reader.error("process_name", message);
        pattern.to_owned()
    })
}

fn number_of_processes(reader: &mut Reader<'_>, process_name: &str) -> i64 {
    let count = reader.value("numprocs", 1, values::integer);
    if count > 1 && !process_name.contains("%(process_num)") {
        let help = "write for example `process_name=%(program_name)s_%(process_num)02d`".to_owned();
        let message = "%(process_num) must be present within process_name when numprocs > 1".to_owned();
        let key = if reader.options.get("process_name").is_some() {
            "process_name"
        } else {
            "numprocs"
        };
        reader.push(&[key], message, Some(help));
        return 1;
    }
    if count > MOST_PROCESSES {
        reader.error(
            "numprocs",
            format!("{count} is above upper bound ({MOST_PROCESSES})"),
        );
        return 1;
    }
    if count < 1 {
        reader.warn("numprocs", format!("numprocs={count}: there is no process"));
    }
    count.max(0)
}

fn process(
    reader: &mut Reader<'_>,
    template: &ProcessSpec,
    process_name: &str,
    scope: &Scope<'_>,
) -> ProcessSpec {
    let own = reader.environment("environment", None);
    reader.names.set_environment(&own);
    let directory = reader.text("directory").map(PathBuf::from);
    let mut stdout = channel(reader, &template.stdout, &STDOUT, scope.logfile_twice);
    let mut stderr = channel(reader, &template.stderr, &STDERR, scope.logfile_twice);
    if template.redirect_stderr {
        if let LogTarget::File(_) = stderr.logfile {
            reader.warn(
                "stderr_logfile",
                "redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has been ignored",
            );
        }
        stderr.logfile = LogTarget::None;
    }
    for (channel, keys) in [(&mut stdout, &STDOUT), (&mut stderr, &STDERR)] {
        if channel.logfile == LogTarget::Auto && channel.maxbytes == 0 {
            reader.warn(
                keys.maxbytes,
                format!(
                    "AUTO logging used for {} without rollover, set maxbytes > 0 to avoid filling up filesystem \
                     unintentionally",
                    keys.logfile
                ),
            );
        }
    }
    let mut environment = scope.shared.clone();
    environment.extend(own);
    ProcessSpec {
        name: reader
            .expand(&["process_name"], process_name)
            .unwrap_or_else(|| scope.program.to_owned()),
        command: command(reader),
        directory,
        environment,
        stdout,
        stderr,
        ..template.clone()
    }
}

fn command(reader: &mut Reader<'_>) -> String {
    if reader.options.get("command").is_none() {
        let message = format!("program section {} does not specify a command", reader.label);
        reader.push(
            &[],
            message,
            Some("add `command=`, the program and its arguments".to_owned()),
        );
        return String::new();
    }
    let command = reader.text("command").unwrap_or_default();
    // Not an error for supervisord: the process cannot be started, and becomes FATAL.
    let cut = reader
        .options
        .get("command")
        .and_then(|setting| setting.cut.as_deref());
    match (shlex::split(&command), cut) {
        (Err(why), Some(cut)) => reader.warn(
            "command",
            format!(
                "the command is cut off before `{cut}`, which is a comment although it stands in quotes ({why}): put \
                 the command into a script, or write `;` without a space before it"
            ),
        ),
        (Err(why), None) => reader.warn("command", format!("the command cannot be started: {why}")),
        (Ok(words), _) if words.is_empty() => reader.warn("command", "the command is empty"),
        (Ok(_), _) => {}
    }
    command
}

struct ChannelKeys {
    logfile: &'static str,
    maxbytes: &'static str,
    backups: &'static str,
    syslog: &'static str,
}

const STDOUT: ChannelKeys = ChannelKeys {
    logfile: "stdout_logfile",
    maxbytes: "stdout_logfile_maxbytes",
    backups: "stdout_logfile_backups",
    syslog: "stdout_syslog",
};

const STDERR: ChannelKeys = ChannelKeys {
    logfile: "stderr_logfile",
    maxbytes: "stderr_logfile_maxbytes",
    backups: "stderr_logfile_backups",
    syslog: "stderr_syslog",
};

fn channel(reader: &mut Reader<'_>, template: &ChannelSpec, keys: &ChannelKeys, twice: bool) -> ChannelSpec {
    let mut syslog = reader.boolean(keys.syslog, false);
    let logfile = match logfile(reader, keys.logfile, twice) {
        LogTarget::Syslog => {
            let message = format!(
                "{}=syslog but this is deprecated and will be removed.  Use {}=true to enable syslog instead.",
                keys.logfile, keys.syslog
            );
            reader.warn(keys.logfile, message);
            syslog = true;
            LogTarget::None
        }
        target => target,
    };
    ChannelSpec {
        logfile,
        maxbytes: reader.bytes(keys.maxbytes, template.maxbytes),
        backups: reader.count(keys.backups, template.backups),
        syslog,
        ..template.clone()
    }
}

fn logfile(reader: &mut Reader<'_>, key: &str, twice: bool) -> LogTarget {
    let mut text = reader.text(key);
    if let (Some(once), true) = (&text, twice) {
        text = reader.expand(&[key], once);
    }
    let Some(text) = text else {
        return LogTarget::Auto;
    };
    match values::log_word(&text) {
        Some(target) => target,
        None => reader.file(key, &text).map_or(LogTarget::Auto, LogTarget::File),
    }
}

#[cfg(test)]
mod tests;

//! `[supervisord]`, and `[supervisor]` of the native configuration: the daemon's own settings.

use std::path::PathBuf;

use super::expand::Names;
use super::model::{LogTarget, Settings};
use super::options::Reader;
use super::values;

/// Every option of `[supervisord]`.
pub const KEYS: [&str; 17] = [
    "logfile",
    "logfile_maxbytes",
    "logfile_backups",
    "loglevel",
    "pidfile",
    "umask",
    "nodaemon",
    "silent",
    "minfds",
    "minprocs",
    "nocleanup",
    "childlogdir",
    "user",
    "directory",
    "strip_ansi",
    "environment",
    "identifier",
];

/// Reads the settings. `again`: names of the second expansion that supervisord gives to `environment=` alone.
pub fn read(reader: &mut Reader<'_>, again: Option<&Names>) -> Settings {
    let default = Settings::default();
    let environment = reader.environment("environment", again);
    let environment_places = environment
        .keys()
        .map(|name| (name.clone(), reader.options.origin_of_variable(name)))
        .collect();
    Settings {
        minfds: u64::from(reader.count("minfds", default.minfds as u32)),
        minprocs: u64::from(reader.count("minprocs", default.minprocs as u32)),
        directory: reader.directory("directory"),
        user: reader.user("user"),
        umask: reader.value("umask", default.umask, values::octal),
        logfile: logfile(reader).unwrap_or(default.logfile),
        logfile_maxbytes: reader.bytes("logfile_maxbytes", default.logfile_maxbytes),
        logfile_backups: reader.count("logfile_backups", default.logfile_backups),
        loglevel: reader.value("loglevel", default.loglevel, values::log_level),
        pidfile: pidfile(reader).unwrap_or(default.pidfile),
        identifier: reader.text("identifier").unwrap_or(default.identifier),
        nodaemon: reader.boolean("nodaemon", default.nodaemon),
        silent: reader.boolean("silent", default.silent),
        childlogdir: reader.directory("childlogdir"),
        nocleanup: reader.boolean("nocleanup", default.nocleanup),
        strip_ansi: reader.boolean("strip_ansi", default.strip_ansi),
        environment,
        environment_places,
    }
}

fn logfile(reader: &mut Reader<'_>) -> Option<LogTarget> {
    let text = reader.text("logfile")?;
    // Only this spelling: the daemon's log has none of the other words of a program's log.
    if text == "syslog" {
        return Some(LogTarget::Syslog);
    }
    reader.file("logfile", &text).map(LogTarget::File)
}

fn pidfile(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let text = reader.text("pidfile")?;
    reader.file("pidfile", &text)
}

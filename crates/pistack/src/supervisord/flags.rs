//! supervisord's flags, read and checked in supervisord's order and refused in its words.

use std::path::PathBuf;

use pistack_engine::config::expand::quoted;
use pistack_engine::config::model::{LogLevel, LogTarget, Settings};
use pistack_engine::config::surroundings::Surroundings;
use pistack_engine::config::values;

use super::getopt::{self, Given, Known};

/// A flag's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flag {
    Help,
    Version,
    Configuration,
    Nodaemon,
    User,
    Umask,
    Directory,
    Logfile,
    LogfileMaxbytes,
    LogfileBackups,
    Loglevel,
    Pidfile,
    Identifier,
    Childlogdir,
    Minfds,
    Minprocs,
    Nocleanup,
    StripAnsi,
    ProfileOptions,
    Silent,
}

const fn switch(short: char, long: &'static str) -> Known {
    Known {
        short: Some(short),
        long: Some(long),
        value: false,
    }
}

const fn with_value(short: Option<char>, long: &'static str) -> Known {
    Known {
        short,
        long: Some(long),
        value: true,
    }
}

/// All flags.
const KNOWN: [Known; 21] = [
    switch('h', "help"),
    Known {
        short: Some('?'),
        long: None,
        value: false,
    },
    with_value(Some('c'), "configuration"),
    switch('v', "version"),
    switch('n', "nodaemon"),
    with_value(Some('u'), "user"),
    with_value(Some('m'), "umask"),
    with_value(Some('d'), "directory"),
    with_value(Some('l'), "logfile"),
    with_value(Some('y'), "logfile_maxbytes"),
    with_value(Some('z'), "logfile_backups"),
    with_value(Some('e'), "loglevel"),
    with_value(Some('j'), "pidfile"),
    with_value(Some('i'), "identifier"),
    with_value(Some('q'), "childlogdir"),
    with_value(Some('a'), "minfds"),
    with_value(None, "minprocs"),
    switch('k', "nocleanup"),
    switch('t', "strip_ansi"),
    with_value(None, "profile_options"),
    switch('s', "silent"),
];

fn meaning(known: &Known) -> Flag {
    match known.long.unwrap_or("help") {
        "version" => Flag::Version,
        "configuration" => Flag::Configuration,
        "nodaemon" => Flag::Nodaemon,
        "user" => Flag::User,
        "umask" => Flag::Umask,
        "directory" => Flag::Directory,
        "logfile" => Flag::Logfile,
        "logfile_maxbytes" => Flag::LogfileMaxbytes,
        "logfile_backups" => Flag::LogfileBackups,
        "loglevel" => Flag::Loglevel,
        "pidfile" => Flag::Pidfile,
        "identifier" => Flag::Identifier,
        "childlogdir" => Flag::Childlogdir,
        "minfds" => Flag::Minfds,
        "minprocs" => Flag::Minprocs,
        "nocleanup" => Flag::Nocleanup,
        "strip_ansi" => Flag::StripAnsi,
        "profile_options" => Flag::ProfileOptions,
        "silent" => Flag::Silent,
        _ => Flag::Help,
    }
}

/// What the flags say; each goes over what the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// `-c`, as it was given.
    pub(super) config: Option<String>,
    /// `--profile_options`: nothing to do with it but to tell.
    pub(super) profile: bool,
    nodaemon: bool,
    silent: bool,
    nocleanup: bool,
    strip_ansi: bool,
    user: Option<String>,
    umask: Option<u32>,
    directory: Option<PathBuf>,
    logfile: Option<String>,
    logfile_maxbytes: Option<u64>,
    logfile_backups: Option<u32>,
    loglevel: Option<LogLevel>,
    pidfile: Option<String>,
    identifier: Option<String>,
    childlogdir: Option<PathBuf>,
    minfds: Option<u64>,
    minprocs: Option<u64>,
}

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// `-h`.
    Help,
    /// `-v`.
    Version,
    /// To run.
    Run(Box<Flags>),
}

/// Reads a command line. The error is supervisord's sentence.
pub(super) fn parse(words: &[String], around: Surroundings<'_>) -> Result<Asked, String> {
    let (given, rest) = getopt::read(words, &KNOWN)?;
    if !rest.is_empty() {
        let rest: Vec<String> = rest.iter().map(|word| quoted(word)).collect();
        return Err(format!(
            "positional arguments are not supported: [{}]",
            rest.join(", ")
        ));
    }
    let mut flags = Flags::default();
    let mut seen: Vec<Flag> = Vec::new();
    for one in &given {
        let flag = meaning(one.known);
        match flag {
            Flag::Help => return Ok(Asked::Help),
            Flag::Version => return Ok(Asked::Version),
            _ => {}
        }
        let mut next = flags.clone();
        next.set(flag, &one.value, around)
            .map_err(|reason| wrong(one, &reason))?;
        if seen.contains(&flag) {
            return Err(format!("conflicting command line option {}", quoted(&one.name)));
        }
        seen.push(flag);
        flags = next;
    }
    Ok(Asked::Run(Box::new(flags)))
}

fn wrong(given: &Given<'_>, reason: &str) -> String {
    format!(
        "invalid value for {} {}: {reason}",
        given.name,
        quoted(&given.value)
    )
}

/// A number that means nothing below zero.
fn count(text: &str) -> Result<u64, String> {
    values::integer(text).map(|number| u64::try_from(number).unwrap_or(0))
}

fn directory(text: &str, around: Surroundings<'_>) -> Result<PathBuf, String> {
    let path = PathBuf::from(around.expand_user(text));
    if around.outside.is_directory(&around.cwd.join(&path)) {
        Ok(path)
    } else {
        Err(format!("{text} is not an existing directory"))
    }
}

/// A file whose directory must exist.
fn file(text: &str, around: Surroundings<'_>) -> Result<String, String> {
    let path = around.expand_user(text);
    let directory = path
        .rsplit_once('/')
        .map(|(directory, _)| if directory.is_empty() { "/" } else { directory });
    match directory {
        Some(directory) if !around.outside.is_directory(&around.cwd.join(directory)) => Err(format!(
            "The directory named as part of the path {text} does not exist"
        )),
        _ => Ok(path),
    }
}

impl Flags {
    fn set(&mut self, flag: Flag, value: &str, around: Surroundings<'_>) -> Result<(), String> {
        match flag {
            Flag::Help | Flag::Version => {}
            Flag::Configuration => self.config = Some(value.to_owned()),
            Flag::Nodaemon => self.nodaemon = true,
            Flag::Silent => self.silent = true,
            Flag::Nocleanup => self.nocleanup = true,
            Flag::StripAnsi => self.strip_ansi = true,
            Flag::ProfileOptions => self.profile = true,
            Flag::User => self.user = Some(value.to_owned()),
            Flag::Identifier => self.identifier = Some(value.to_owned()),
            Flag::Umask => self.umask = Some(values::octal(value)?),
            Flag::Directory => self.directory = Some(directory(value, around)?),
            Flag::Childlogdir => self.childlogdir = Some(directory(value, around)?),
            Flag::Logfile => self.logfile = Some(file(value, around)?),
            Flag::Pidfile => self.pidfile = Some(file(value, around)?),
            Flag::LogfileMaxbytes => {
                let bytes = values::byte_size(value)?;
                self.logfile_maxbytes = Some(u64::try_from(bytes).unwrap_or(0));
            }
            Flag::LogfileBackups => {
                self.logfile_backups = Some(u32::try_from(count(value)?).unwrap_or(u32::MAX));
            }
            Flag::Loglevel => self.loglevel = Some(values::log_level(value)?),
            Flag::Minfds => self.minfds = Some(count(value)?),
            Flag::Minprocs => self.minprocs = Some(count(value)?),
        }
        Ok(())
    }

    /// True if `-m` was given.
    pub(super) fn has_umask(&self) -> bool {
        self.umask.is_some()
    }

    /// Lays the flags over the file's settings. The error is supervisord's sentence.
    pub(super) fn lay_over(&self, settings: &mut Settings, around: Surroundings<'_>) -> Result<(), String> {
        let put = |target: &mut bool, given: bool| *target = *target || given;
        put(&mut settings.nodaemon, self.nodaemon);
        put(&mut settings.silent, self.silent);
        put(&mut settings.nocleanup, self.nocleanup);
        put(&mut settings.strip_ansi, self.strip_ansi);
        if let Some(user) = &self.user {
            settings.user = Some(values::user(user, around.outside)?);
        }
        // an empty name is none, as for supervisord
        match self.logfile.as_deref() {
            None | Some("") => {}
            Some("syslog") => settings.logfile = LogTarget::Syslog,
            Some(path) => settings.logfile = LogTarget::File(path.into()),
        }
        if let Some(path) = self.pidfile.as_deref().filter(|path| !path.is_empty()) {
            settings.pidfile = path.into();
        }
        settings.directory = self.directory.clone().or(settings.directory.take());
        settings.childlogdir = self.childlogdir.clone().or(settings.childlogdir.take());
        settings.umask = self.umask.unwrap_or(settings.umask);
        settings.logfile_maxbytes = self.logfile_maxbytes.unwrap_or(settings.logfile_maxbytes);
        settings.logfile_backups = self.logfile_backups.unwrap_or(settings.logfile_backups);
        settings.loglevel = self.loglevel.unwrap_or(settings.loglevel);
        settings.minfds = self.minfds.unwrap_or(settings.minfds);
        settings.minprocs = self.minprocs.unwrap_or(settings.minprocs);
        if let Some(identifier) = &self.identifier {
            settings.identifier.clone_from(identifier);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

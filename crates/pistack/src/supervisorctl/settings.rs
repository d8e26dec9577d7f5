//! What the command line and `[supervisorctl]` make together.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use pistack_daemon::System;
use pistack_engine::config::ini::Document;
use pistack_engine::config::model::CtlSettings;
use pistack_engine::config::supervisord::{Request, read_ctl};
use pistack_engine::config::surroundings::Surroundings;

use super::options::CommandLine;

/// The server of a command line without a configuration.
const DEFAULT_URL: &str = "http://localhost:9001";

/// Reads the configuration that is named or found; none found is none needed. The error is the sentence after
/// `Error: `.
pub(super) fn read(line: &CommandLine) -> Result<CtlSettings, String> {
    let file = line.configuration.as_ref().map(PathBuf::from).or_else(search);
    let mut settings = match file {
        Some(file) => from_file(&file)?,
        None => CtlSettings::default(),
    };
    let given = |ours: &Option<String>, theirs: &mut Option<String>| {
        if ours.is_some() {
            theirs.clone_from(ours);
        }
    };
    given(&line.serverurl, &mut settings.serverurl);
    given(&line.username, &mut settings.username);
    given(&line.password, &mut settings.password);
    if let Some(history) = &line.history {
        settings.history_file = Some(PathBuf::from(history));
    }
    settings.serverurl.get_or_insert_with(|| DEFAULT_URL.to_owned());
    settings.prompt.get_or_insert_with(|| "supervisor".to_owned());
    Ok(settings)
}

fn from_file(file: &Path) -> Result<CtlSettings, String> {
    if !file.exists() {
        return Err(format!("could not find config file {}", file.display()));
    }
    let bytes = std::fs::read(file).map_err(|_| format!("could not read config file {}", file.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut document = Document::default();
    if document.read(file, &text).is_ok() {
        if !document.contains("supervisorctl") {
            return Err(".ini file does not include supervisorctl section".to_owned());
        }
        for section in document.sections() {
            if section.starts_with("ctlplugin:") {
                eprintln!(
                    "Warning: [{section}] is Python code and cannot be loaded; its commands are missing"
                );
            }
        }
    }
    let environment: IndexMap<String, String> = std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect();
    let cwd = std::env::current_dir().map_err(|error| format!("no working directory: {error}"))?;
    let around = Surroundings {
        environment: &environment,
        host: "",
        cwd: &cwd,
        outside: &System,
    };
    let request = Request {
        file,
        text: &text,
        around,
    };
    read_ctl(&request).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|error| match error.section {
                Some(_) => error.message.clone(),
                None => error.to_string(),
            })
            .collect();
        lines.join("\n")
    })
}

/// The places that supervisor's programs look at, from the directory that this program is in.
fn search() -> Option<PathBuf> {
    let program = std::env::args_os().next().unwrap_or_default();
    let near = beside(&installed(&program));
    near.into_iter()
        .chain(
            [
                "supervisord.conf",
                "etc/supervisord.conf",
                "/etc/supervisord.conf",
                "/etc/supervisor/supervisord.conf",
            ]
            .map(PathBuf::from),
        )
        .find(|path| path.exists())
}

/// `../etc/supervisord.conf` and `../supervisord.conf` from the program's directory.
fn beside(program: &Path) -> [PathBuf; 2] {
    let above = program.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    [above.join("etc/supervisord.conf"), above.join("supervisord.conf")]
}

/// The path of the program; a bare name was found by the shell on its search path.
fn installed(program: &OsString) -> PathBuf {
    let given = PathBuf::from(program);
    if given.components().count() > 1 {
        return given;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(configuration: &Path) -> CommandLine {
        CommandLine {
            configuration: Some(configuration.display().to_string()),
            ..CommandLine::default()
        }
    }

    #[test]
    fn the_command_line_wins() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.conf");
        std::fs::write(
            &file,
            "[supervisorctl]\nserverurl=unix://%(here)s/s.sock\nusername=u\nprompt=p\nhistory_file=%(here)s/x/../h\n",
        )
        .unwrap();
        let settings = read(&line(&file)).unwrap();
        let here = dir.path().display();
        assert_eq!(
            settings.serverurl.as_deref(),
            Some(&*format!("unix://{here}/s.sock"))
        );
        assert_eq!(settings.history_file, Some(dir.path().join("h")));
        let settings = read(&CommandLine {
            username: Some("me".into()),
            serverurl: Some("http://a".into()),
            history: Some("h".into()),
            ..line(&file)
        })
        .unwrap();
        assert_eq!(settings.username.as_deref(), Some("me"));
        assert_eq!(settings.serverurl.as_deref(), Some("http://a"));
        assert_eq!(settings.history_file, Some("h".into()));
        assert_eq!(settings.prompt.as_deref(), Some("p"));
    }

    #[test]
    fn unusable_files_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.conf");
        assert_eq!(
            read(&line(&file)),
            Err(format!("could not find config file {}", file.display()))
        );
        std::fs::write(&file, "[supervisord]\n").unwrap();
        assert_eq!(
            read(&line(&file)),
            Err(".ini file does not include supervisorctl section".into())
        );
        std::fs::write(&file, "[supervisorctl]\nserverurl=unix://%(ENV_NO_SUCH)s\n").unwrap();
        let error = read(&line(&file)).unwrap_err();
        assert!(
            error.starts_with(
                "Format string 'unix://%(ENV_NO_SUCH)s' for 'supervisorctl.serverurl' contains names"
            ),
            "{error}"
        );
        std::fs::write(&file, "[supervisorctl]\nnovalue\n").unwrap();
        assert!(read(&line(&file)).unwrap_err().contains("s.conf:2"));
    }

    #[test]
    fn looks_above_the_programs_directory() {
        assert_eq!(
            beside(Path::new("/usr/bin/supervisorctl")),
            [
                PathBuf::from("/usr/etc/supervisord.conf"),
                PathBuf::from("/usr/supervisord.conf")
            ]
        );
        assert_eq!(beside(Path::new("x"))[1], PathBuf::from("supervisord.conf"));
    }
}

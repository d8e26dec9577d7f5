//! From a command line to a file to execute: splitting, PATH lookup, and supervisord's words for what is wrong.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pistack_engine::config::model::ProcessSpec;
use pistack_engine::config::shlex;

use crate::sys::fds::may_execute;

/// A command that can be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The file.
    pub(crate) program: PathBuf,
    /// The arguments, the first one the command's name as written.
    pub(crate) argv: Vec<String>,
}

/// A command that cannot be executed; the text is supervisord's `spawnerr`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// No such file: fault 20.
    #[error("{0}")]
    NotFound(String),
    /// There is something, but it is no program for us: fault 21.
    #[error("{0}")]
    NotExecutable(String),
}

/// Finds out what `spec` would execute, with `path` as the PATH of its environment.
pub(crate) fn resolve(spec: &ProcessSpec, path: Option<OsString>) -> Result<Resolved, CommandError> {
    let argv = shlex::split(&spec.command).map_err(|error| {
        CommandError::NotExecutable(format!("can't parse command {}: {error}", quoted(&spec.command)))
    })?;
    let Some(name) = argv.first().filter(|name| !name.is_empty()) else {
        return Err(CommandError::NotExecutable("command is empty".to_owned()));
    };
    let (program, metadata) = find(name, spec.directory.as_deref(), path);
    let shown = quoted(&program.to_string_lossy());
    let Some(metadata) = metadata else {
        return Err(CommandError::NotFound(format!("can't find command {shown}")));
    };
    let refuse = |text: String| Err(CommandError::NotExecutable(text));
    if metadata.is_dir() {
        return refuse(format!("command at {shown} is a directory"));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return refuse(format!("command at {shown} is not executable"));
    }
    if !may_execute(&seen_from(spec.directory.as_deref(), &program)) {
        return refuse(format!("no permission to run command {shown}"));
    }
    Ok(Resolved { program, argv })
}

/// The file that `name` means, and what is there.
fn find(
    name: &str,
    directory: Option<&Path>,
    path: Option<OsString>,
) -> (PathBuf, Option<std::fs::Metadata>) {
    if name.contains('/') {
        let program = PathBuf::from(name);
        let metadata = std::fs::metadata(seen_from(directory, &program)).ok();
        return (program, metadata);
    }
    let path = path.unwrap_or_else(|| OsString::from("/bin:/usr/bin:/usr/local/bin"));
    for place in std::env::split_paths(&path) {
        let program = place.join(name);
        if let Ok(metadata) = std::fs::metadata(&program) {
            return (program, Some(metadata));
        }
    }
    (PathBuf::from(name), None)
}

/// A relative program is looked at where the child will look: in its working directory.
fn seen_from(directory: Option<&Path>, program: &Path) -> PathBuf {
    directory.map_or_else(|| program.to_owned(), |directory| directory.join(program))
}

/// A text as Python's `%r` writes it, which is how supervisord quotes in messages.
pub(crate) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter == quote => {
                out.push('\\');
                out.push(letter);
            }
            letter if letter.is_ascii_control() => out.push_str(&format!("\\x{:02x}", letter as u32)),
            letter => out.push(letter),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(command: &str, path: Option<&str>) -> String {
        resolve(&ProcessSpec::new("x", command), path.map(OsString::from))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_plain_name_is_looked_up_in_the_path() {
        let resolved = resolve(
            &ProcessSpec::new("x", "sh -c 'a b'"),
            Some("/nowhere:/bin".into()),
        )
        .unwrap();
        assert_eq!(resolved.program, Path::new("/bin/sh"));
        assert_eq!(resolved.argv, ["sh", "-c", "a b"]);
    }

    #[test]
    fn supervisords_words_for_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("plain");
        std::fs::write(&plain, "x").unwrap();
        let plain = plain.to_str().unwrap();
        let folder = dir.path().to_str().unwrap();
        assert_eq!(
            error("no-such-thing", Some("/bin")),
            "can't find command 'no-such-thing'"
        );
        assert_eq!(
            error("/no/such/thing -v", None),
            "can't find command '/no/such/thing'"
        );
        assert_eq!(
            error(plain, None),
            format!("command at '{plain}' is not executable")
        );
        assert_eq!(
            error(folder, None),
            format!("command at '{folder}' is a directory")
        );
        assert_eq!(error("''", None), "command is empty");
        assert!(error("sh 'open", None).starts_with("can't parse command \"sh 'open\": "));
        assert!(matches!(
            resolve(&ProcessSpec::new("x", "/no/such"), None),
            Err(CommandError::NotFound(_))
        ));
        assert!(matches!(
            resolve(&ProcessSpec::new("x", folder), None),
            Err(CommandError::NotExecutable(_))
        ));
    }

    #[test]
    fn a_relative_program_is_seen_from_the_childs_directory() {
        let mut spec = ProcessSpec::new("x", "./sh");
        spec.directory = Some("/bin".into());
        assert_eq!(resolve(&spec, None).unwrap().program, Path::new("./sh"));
    }

    #[test]
    fn quotes_as_python_does() {
        assert_eq!(quoted("a"), "'a'");
        assert_eq!(quoted("it's"), "\"it's\"");
        assert_eq!(quoted("'\"\n\x01\\"), "'\\'\"\\n\\x01\\\\'");
    }
}

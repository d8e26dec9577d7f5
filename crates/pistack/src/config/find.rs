//! Which files are read, and which front end reads them.

use std::path::{Path, PathBuf};

use pistack_kit::config::{ConfigError, ConfigErrors, Source};

/// Where a configuration is looked for when none is named.
const SEARCHED: [&str; 2] = ["pistack.toml", "/etc/pistack/pistack.toml"];

/// The files of one configuration, read.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The main `pistack.toml` and the files of its `pistack.d`, in order.
    pub(crate) tables: Vec<Source>,
    /// A `supervisord.conf`.
    pub(crate) ini: Option<Source>,
    /// The file that `-c` (or the search) named; `None` = built-in defaults.
    pub(crate) main: Option<PathBuf>,
    /// Directory that `.env` and relative includes are looked for in.
    pub(crate) base: PathBuf,
}

impl Found {
    /// Takes `text` as what a file of `pistack.d` holds, whether it is there or not. Does nothing for a configuration
    /// that does not read that directory.
    pub(crate) fn put(&mut self, path: &Path, text: &str) {
        let source = Source {
            name: path.display().to_string(),
            text: text.to_owned(),
        };
        let beside = |main: &Source| Path::new(&main.name).with_file_name("pistack.d");
        match self.tables.split_first_mut() {
            Some((main, others)) if path.parent() == Some(&beside(main)) => {
                if let Some(known) = others.iter_mut().find(|known| known.name == source.name) {
                    *known = source;
                } else {
                    let at = others.partition_point(|other| other.name < source.name);
                    self.tables.insert(at + 1, source);
                }
            }
            _ => {}
        }
    }
}

/// Finds and reads them. `named` is `-c`; an empty path means "built-in defaults, look nowhere".
pub(crate) fn find(named: Option<&Path>) -> Result<Found, ConfigErrors> {
    let main = match named {
        Some(path) if path.as_os_str().is_empty() => None,
        Some(path) => Some(path.to_owned()),
        None => SEARCHED.iter().map(PathBuf::from).find(|path| path.exists()),
    };
    let Some(main) = main else {
        return Ok(Found {
            base: PathBuf::from("."),
            ..Found::default()
        });
    };
    let main = std::path::absolute(&main).map_err(|error| unreadable(&main, &error))?;
    let source = read(&main)?;
    let base = main.parent().unwrap_or(Path::new("/")).to_owned();
    if is_ini(&source.text) {
        let beside = base.join("pistack.toml");
        let tables = if beside.exists() {
            with_directory(&beside)?
        } else {
            Vec::new()
        };
        Ok(Found {
            tables,
            ini: Some(source),
            main: Some(main),
            base,
        })
    } else {
        Ok(Found {
            tables: with_directory(&main)?,
            ini: None,
            main: Some(main),
            base,
        })
    }
}

/// A `pistack.toml` and, sorted by name, `pistack.d/*.toml` beside it.
fn with_directory(main: &Path) -> Result<Vec<Source>, ConfigErrors> {
    let mut sources = vec![read(main)?];
    let directory = main.with_file_name("pistack.d");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .map(|entries| {
            entries
                .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                .collect()
        })
        .unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    for path in files {
        sources.push(read(&path)?);
    }
    Ok(sources)
}

fn read(path: &Path) -> Result<Source, ConfigErrors> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    Ok(Source {
        name: path.display().to_string(),
        text,
    })
}

/// A file that cannot be read, as a configuration error.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> ConfigErrors {
    ConfigErrors(vec![ConfigError {
        message: format!("{}: cannot be read: {error}", path.display()),
        help: Some("check the path after -c and the file's permissions".to_owned()),
        file: path.display().to_string(),
        line: 0,
        text: "".into(),
        span: 0..0,
        label: String::new(),
        other: None,
    }])
}

/// Told apart by content: a section header that only supervisord has.
fn is_ini(text: &str) -> bool {
    const KINDS: [&str; 5] = [
        "program:",
        "group:",
        "eventlistener:",
        "fcgi-program:",
        "rpcinterface:",
    ];
    text.lines()
        .filter_map(|line| line.strip_prefix('['))
        .any(|header| {
            header.starts_with("supervisord]")
                || header.starts_with("unix_http_server")
                || header.starts_with("inet_http_server")
                || KINDS.iter().any(|kind| header.starts_with(kind))
        })
}

#[cfg(test)]
mod tests {
    use super::is_ini;

    #[test]
    fn tells_the_front_ends_apart() {
        assert!(is_ini("; comment\n[supervisord]\n"));
        assert!(is_ini("[program:cat]\ncommand=cat\n"));
        assert!(!is_ini("[supervisor]\n[program.cat]\ncommand = \"cat\"\n"));
        assert!(!is_ini(""));
    }
}

//! Reading the configuration, at the start and again on SIGHUP, `reload` and `reread`: the same way each time, with the
//! flags over it and relative paths from the directory of the start.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use pistack_daemon::System;
use pistack_engine::config::model::{LogTarget, Model, Settings};
use pistack_engine::config::supervisord::{self, IniError};
use pistack_engine::config::surroundings::{Included, Outside, Surroundings};

use super::Refusal;
use super::flags::Flags;
use super::sentence::sentence;

/// What the configuration depends on beside its text, as it was at the start.
#[derive(Debug)]
pub(super) struct World {
    environment: IndexMap<String, String>,
    host: String,
    /// Working directory.
    pub(super) cwd: PathBuf,
    umask: Option<u32>,
}

impl World {
    /// As it is now.
    pub(super) fn here() -> Result<Self, String> {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Ok(Self {
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            host: host.trim().to_owned(),
            cwd: std::env::current_dir().map_err(|error| format!("no working directory: {error}"))?,
            umask: std::fs::read_to_string("/proc/self/status")
                .ok()
                .and_then(|status| inherited_umask(&status)),
        })
    }

    /// For the readers of values.
    pub(super) fn around<'a>(&'a self, outside: &'a dyn Outside) -> Surroundings<'a> {
        Surroundings {
            environment: &self.environment,
            host: &self.host,
            cwd: &self.cwd,
            outside,
        }
    }
}

/// The mask in the kernel's description of a process.
fn inherited_umask(status: &str) -> Option<u32> {
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(mask.trim(), 8).ok()
}

/// The system, with a list of what was included.
#[derive(Debug, Default)]
struct Including {
    files: RefCell<Vec<PathBuf>>,
}

impl Outside for Including {
    fn glob(&self, pattern: &Path) -> Vec<Included> {
        let found = System.glob(pattern);
        let mut paths: Vec<PathBuf> = found.iter().map(|included| included.path.clone()).collect();
        paths.sort();
        self.files.borrow_mut().extend(paths);
        found
    }

    fn is_directory(&self, path: &Path) -> bool {
        System.is_directory(path)
    }

    fn user_exists(&self, user: &str) -> bool {
        System.user_exists(user)
    }

    fn group_exists(&self, group: &str) -> bool {
        System.group_exists(group)
    }

    fn home_of(&self, user: Option<&str>) -> Option<PathBuf> {
        System.home_of(user)
    }
}

/// A configuration that cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// One sentence says it.
    Told(String),
    /// The file has errors.
    File {
        /// The file, as it was named.
        file: String,
        /// All of them, at least one.
        errors: Vec<IniError>,
        /// The number of its last line, if that has no line end.
        unended: Option<u32>,
    },
}

impl Unusable {
    /// For the terminal: the first error in supervisord's words, then all of them with their places.
    pub(super) fn into_refusal(self) -> Refusal {
        match self {
            Self::Told(sentence) => sentence.into(),
            Self::File {
                file,
                errors,
                unended,
            } => Refusal {
                sentence: sentence(&file, &errors, unended),
                more: errors
                    .iter()
                    .filter(|error| error.origin.line > 0)
                    .map(placed)
                    .collect(),
            },
        }
    }

    /// For the log and for callers of `reload` and `reread`.
    pub(super) fn into_line(self) -> String {
        match self {
            Self::Told(sentence) => sentence,
            Self::File {
                file,
                errors,
                unended,
            } => sentence(&file, &errors, unended),
        }
    }
}

/// The number of a text's last line, if that has no line end.
fn last_line_without_end(text: &str) -> Option<u32> {
    let open = !text.is_empty() && !text.ends_with(['\n', '\r']);
    let text = text.replace("\r\n", "\n");
    open.then(|| u32::try_from(text.matches(['\n', '\r']).count() + 1).unwrap_or(u32::MAX))
}

/// `  FILE:LINE: [section] key: message (help)`.
fn placed(error: &IniError) -> String {
    let help = error
        .help
        .as_deref()
        .map(|help| format!(" ({help})"))
        .unwrap_or_default();
    format!("  {error}{help}")
}

/// Reads one configuration again and again.
#[derive(Debug)]
pub(super) struct Loader {
    /// As it was named.
    file: String,
    /// The flags.
    pub(super) flags: Flags,
    world: World,
    included: RefCell<Vec<PathBuf>>,
}

impl Loader {
    /// A loader of `file`, which may be relative.
    pub(super) fn new(file: String, flags: Flags, world: World) -> Self {
        Self {
            file,
            flags,
            world,
            included: RefCell::default(),
        }
    }

    /// The files that the last reading included.
    pub(super) fn included(&self) -> Vec<PathBuf> {
        self.included.borrow().clone()
    }

    /// Reads.
    pub(super) fn read(&self) -> Result<Model, Unusable> {
        let path = self.world.cwd.join(&self.file);
        if self.file.is_empty() || !path.exists() {
            return Err(Unusable::Told(format!(
                "could not find config file {}",
                self.file
            )));
        }
        let bytes = std::fs::read(&path)
            .map_err(|_| Unusable::Told(format!("could not read config file {}", self.file)))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            Unusable::Told(format!(
                "could not read config file {}: its byte {place} is not UTF-8",
                self.file
            ))
        })?;
        let outside = Including::default();
        let around = self.world.around(&outside);
        let request = supervisord::Request {
            file: Path::new(&self.file),
            text: &text,
            around,
        };
        let mut model = supervisord::read(&request).map_err(|errors| Unusable::File {
            file: self.file.clone(),
            errors,
            unended: last_line_without_end(&text),
        })?;
        self.flags
            .lay_over(&mut model.settings, around)
            .map_err(Unusable::Told)?;
        self.fix(&mut model.settings, around);
        self.included.replace(outside.files.into_inner());
        Ok(model)
    }

    /// The daemon's own files stay where they were meant when the working directory changes.
    fn fix(&self, settings: &mut Settings, around: Surroundings<'_>) {
        if let LogTarget::File(path) = &mut settings.logfile {
            *path = around.normalise(&path.display().to_string());
        }
        settings.pidfile = around.normalise(&settings.pidfile.display().to_string());
        // In the foreground supervisord leaves the mask as it finds it. One that was asked for is taken on here.
        let unasked = !self.flags.has_umask() && settings.umask == Settings::default().umask;
        if settings.nodaemon
            && unasked
            && let Some(umask) = self.world.umask
        {
            settings.umask = umask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_line_without_end_is_known() {
        assert_eq!(last_line_without_end("[a]\r\nb\rc"), Some(3));
        assert_eq!(last_line_without_end("[a]\nb\n"), None);
        assert_eq!(last_line_without_end(""), None);
    }

    #[test]
    fn reads_the_mask_of_a_process() {
        assert_eq!(inherited_umask("Name:\tx\nUmask:\t0027\nState:\tR\n"), Some(0o27));
        assert_eq!(inherited_umask("Name:\tx\n"), None);
    }

    fn loader(folder: &Path, file: &str, flags: Flags) -> Loader {
        let world = World {
            cwd: folder.to_owned(),
            ..World::here().unwrap()
        };
        Loader::new(file.to_owned(), flags, world)
    }

    #[test]
    fn the_daemons_files_are_fixed_to_the_directory_of_the_start() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("a.conf"),
            "[supervisord]\nlogfile=x.log\n[include]\nfiles=b.ini c.ini\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("b.ini"), "[program:p]\ncommand=cat\n").unwrap();
        let loader = loader(folder.path(), "a.conf", Flags::default());
        let model = loader.read().unwrap();
        assert_eq!(
            model.settings.logfile,
            LogTarget::File(folder.path().join("x.log"))
        );
        assert_eq!(model.settings.pidfile, folder.path().join("supervisord.pid"));
        assert_eq!(loader.included(), [folder.path().join("b.ini")]);
        assert!(model.groups.contains_key("p"));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("latin.conf"), b"[supervisord]\n;\xe9\n").unwrap();
        std::fs::write(
            folder.path().join("bad.conf"),
            "[supervisord]\n[program:x]\nautostart=maybe\ncommand=cat\n",
        )
        .unwrap();
        let told = |file: &str| {
            let read = loader(folder.path(), file, Flags::default()).read();
            read.unwrap_err().into_refusal()
        };
        assert_eq!(told("none.conf").sentence, "could not find config file none.conf");
        assert_eq!(told(".").sentence, "could not read config file .");
        assert!(told("latin.conf").sentence.ends_with("its byte 15 is not UTF-8"));
        let bad = told("bad.conf");
        assert_eq!(
            bad.sentence,
            "not a valid boolean value: 'maybe' in section 'program:x' (file: 'bad.conf')"
        );
        assert_eq!(bad.more.len(), 1);
        assert!(
            bad.more[0].starts_with("  bad.conf:3: [program:x] autostart: "),
            "{bad:?}"
        );
    }
}

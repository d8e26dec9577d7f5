//! The state directory: where everything that outlives a process lies.

use std::path::{Path, PathBuf};

use pistack_api::service::Service;

/// The layout below the state directory. Holds absolute paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePaths {
    root: PathBuf,
}

impl StatePaths {
    /// The layout below `root`, which must be absolute.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The state directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// Sockets, lock and pid files: emptied at every start.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }
    /// The supervisor's socket.
    pub fn supervisor_socket(&self) -> PathBuf {
        self.run().join("supervisor.sock")
    }
    /// A service's socket.
    pub fn service_socket(&self, service: Service) -> PathBuf {
        self.run().join(format!("{}.sock", service.name()))
    }
    /// Held by the one supervisor that owns this directory.
    pub fn lock(&self) -> PathBuf {
        self.run().join("pistack.lock")
    }
    /// Log files of supervisor and programs.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }
    /// Databases, one a service.
    pub fn database(&self, service: Service) -> PathBuf {
        self.root.join("db").join(format!("{}.sqlite3", service.name()))
    }
    /// The last key set that auth gave out, for starts at which auth is not up yet.
    pub fn cached_keys(&self) -> PathBuf {
        self.run().join("jwks.json")
    }
    /// Private keys and codes, readable by their owner alone.
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }
    /// The one-time setup code; exists only until the first account is made.
    pub fn setup_code(&self) -> PathBuf {
        self.secrets().join("setup_code")
    }
    /// Certificates. `ca.pem` in it is the root to trust.
    pub fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// Makes the directories: `secrets` and `run` for the owner alone, the rest 0750.
    pub fn create(&self) -> Result<(), PathError> {
        todo!()
    }
}

/// A file or directory could not be used; names it and the cure.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {action}: {source}. {cure}", path.display())]
pub struct PathError {
    /// Which.
    pub path: PathBuf,
    /// What was tried: `create the directory`, `write`.
    pub action: &'static str,
    /// What the person can do about it.
    pub cure: &'static str,
    /// Why it failed.
    #[source]
    pub source: std::io::Error,
}

/// Writes a file so that a power cut leaves the old or the new one: temporary file, fsync, rename, fsync
/// of the directory. `mode` is the file's permission bits.
pub fn write_atomic(_path: &Path, _bytes: &[u8], _mode: u32) -> Result<(), PathError> {
    todo!()
}

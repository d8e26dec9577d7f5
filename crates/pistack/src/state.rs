//! The state directory of this run: chosen, made, and held by one supervisor only.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use pistack_kit::paths::StatePaths;

use crate::cli::Place;
use crate::exit::Failure;

/// Where the packaged service keeps its state.
const PACKAGED: &str = "/var/lib/pistack";

/// The state directory: as given, else `/var/lib/pistack` where it exists and is ours, else `./state`.
pub(crate) fn paths(place: &Place) -> Result<StatePaths, Failure> {
    let root = match &place.state_dir {
        Some(dir) => dir.clone(),
        None if owned_by_us(Path::new(PACKAGED)) => PathBuf::from(PACKAGED),
        None => PathBuf::from("state"),
    };
    let absolute = std::path::absolute(&root)
        .map_err(|error| Failure::new(format!("{}: no usable state directory: {error}", root.display())))?;
    Ok(StatePaths::new(absolute))
}

fn owned_by_us(dir: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let me = std::fs::metadata("/proc/self").map(|meta| meta.uid());
    matches!((std::fs::metadata(dir), me), (Ok(meta), Ok(uid)) if meta.is_dir() && meta.uid() == uid)
}

/// Held for the life of a supervisor; a second one in the same directory is refused.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock, or names the pid of the one that holds it.
    pub(crate) fn take(paths: &StatePaths) -> Result<Self, Failure> {
        let path = paths.lock();
        let at = |error: std::io::Error| {
            Failure::new(format!("{}: cannot make the lock file: {error}", path.display()))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                return Err(Failure::new(format!(
                    "a pistack is already running in {} (pid {}). Stop it with `pistack down --state-dir {}`, or \
                     choose another directory with --state-dir",
                    paths.root().display(),
                    pid.trim(),
                    paths.root().display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(at)?;
        writeln!(file, "{}", std::process::id()).map_err(at)?;
        Ok(Self { path, _file: file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while still held: a successor either sees no file or waits for the lock on this one and then
        // finds itself alone; both are right, because only a dying supervisor gets here.
        let _ = std::fs::remove_file(&self.path);
    }
}

//! How the service gets its lines back from `pistack io safe`.

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;

use super::socket_path;

/// The supervisor's word for a holder that may still be on its way.
const HOLDER: &str = "PISTACK_ON_EXIT_PID";
/// How long a holder that lives is waited for. It needs some milliseconds, and 200 where a line is busy; but on a machine
/// that is overloaded its start alone takes seconds, and whoever overtakes it leaves the lines without a safe level.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is knocked.
const AGAIN: Duration = Duration::from_millis(1);

/// Lets the holder bring all lines to their safe levels and let go, if there is one. To be called right before lines
/// are requested. Never fails: a holder that does not answer shows later, as the name of who holds a busy line.
pub fn take_over(paths: &StatePaths, clock: &Clock) {
    let holder = std::env::var(HOLDER)
        .ok()
        .and_then(|pid| pid.parse::<u32>().ok())
        .map(|pid| PathBuf::from(format!("/proc/{pid}")));
    knock(&socket_path(paths), holder.as_deref(), clock);
}

/// `holder` is the directory in /proc that is there while it lives.
fn knock(socket: &Path, holder: Option<&Path>, clock: &Clock) {
    let latest = clock.monotonic() + PATIENCE;
    loop {
        if let Ok(mut stream) = UnixStream::connect(socket) {
            let _ = stream.set_read_timeout(Some(PATIENCE));
            let mut nothing = [0; 1];
            // The end comes when the lines are free.
            match stream.read(&mut nothing) {
                Ok(_) => tracing::info!("the lines were held at their safe levels; they are taken over"),
                Err(error) => tracing::warn!(%error, "who holds the lines does not let go of them"),
            }
            return;
        }
        // No holder, or one that is gone.
        if !holder.is_some_and(Path::exists) {
            return;
        }
        if clock.monotonic() > latest {
            tracing::warn!("`pistack io safe` runs and does not answer");
            return;
        }
        std::thread::sleep(AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn nobody_to_knock_at_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        knock(&folder.path().join("io.safe.sock"), None, &clock);
        knock(
            &folder.path().join("io.safe.sock"),
            Some(&folder.path().join("gone")),
            &clock,
        );
    }

    #[test]
    fn a_holder_that_comes_late_is_waited_for_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("io.safe.sock");
        let (listening, released) = (socket.clone(), folder.path().join("released"));
        let note = released.clone();
        let (ready, go) = std::sync::mpsc::sync_channel::<()>(1);
        let holder = std::thread::spawn(move || {
            go.recv().unwrap();
            let listener = UnixListener::bind(listening).unwrap();
            let (stream, _) = listener.accept().unwrap();
            std::fs::write(note, "").unwrap();
            drop(stream);
        });
        ready.send(()).unwrap();
        knock(&socket, Some(folder.path()), &Clock::system());
        assert!(released.exists(), "it came back before the lines were free");
        holder.join().unwrap();
    }
}

//! A supervisor of a `supervisord.conf` in a directory of its own: the original's, or ours.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use pistack_e2e::clients::supervisor_tool;
use pistack_e2e::stack::signal_process;
use pistack_e2e::{binary, command, until};
use tempfile::TempDir;

/// Whose supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// supervisord 4.3.0 from PyPI.
    Original,
    /// `pistack supervisord`.
    Ours,
}

/// A running supervisor; ended with SIGTERM when dropped.
pub(super) struct Daemon {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Daemon {
    /// Starts it with `conf` as `x.conf`, in which `@PORT@` stands for a free port, and waits for its socket `s.sock`.
    pub(super) fn start(whose: Whose, conf: &str, files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let conf = conf.replace("@PORT@", &port.to_string());
        fs::write(folder.path().join("x.conf"), conf).unwrap();
        let mut program = match whose {
            Whose::Original => command(supervisor_tool("4.3.0", "supervisord")),
            Whose::Ours => {
                let mut program = command(binary());
                program.arg("supervisord");
                program
            }
        };
        let err = fs::File::create(folder.path().join("err")).unwrap();
        let child = program
            .args(["-n", "-s", "-c", "x.conf"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(err)
            .spawn()
            .unwrap();
        let mut daemon = Self {
            folder,
            port,
            child: Some(child),
        };
        until("the supervisor's socket", || {
            let ended = daemon.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", daemon.read("err"));
            daemon.folder().join("s.sock").exists().then_some(())
        });
        daemon
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// A file of the directory, empty where there is none.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder().join(name)).unwrap_or_default()
    }

    /// Waits until it has ended by itself.
    pub(super) fn wait_for_end(&mut self) {
        let mut child = self.child.take().unwrap();
        let status = until("the end of the supervisor", || child.try_wait().unwrap());
        assert!(status.success(), "{status}: {}", self.read("err"));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal_process("TERM", child.id());
            let _ = child.wait();
        }
    }
}

/// A port that nobody listens on at this moment.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

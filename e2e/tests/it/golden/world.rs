//! One daemon, one client, one directory.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use pistack_e2e::clients::{supervisor_tool, with_input};
use pistack_e2e::stack::signal_process;
use pistack_e2e::{binary, command, until};
use tempfile::TempDir;

use super::lines::{CONF, Step};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// supervisorctl 4.3.0.
    Theirs,
    /// `pistack supervisorctl`.
    Ours,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    /// supervisord 4.3.0.
    Theirs,
    /// `pistack supervisord`.
    Ours,
}

/// A running daemon in a directory of its own.
#[derive(Debug)]
pub(super) struct World {
    client: Client,
    folder: TempDir,
    port: u16,
    daemon: Child,
}

impl World {
    /// Starts the daemon and waits until its programs have come to rest.
    pub(super) fn start(client: Client, server: Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plain"), "no program\n").unwrap();
        fs::set_permissions(folder.path().join("plain"), fs::Permissions::from_mode(0o644)).unwrap();
        // What a killed daemon leaves: a socket that nobody listens on.
        drop(UnixListener::bind(folder.path().join("stale.sock")).unwrap());
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let conf = folder.path().join("supervisord.conf");
        fs::write(&conf, CONF.replace("@PORT@", &port.to_string())).unwrap();
        let mut daemon = match server {
            Server::Theirs => command(supervisor_tool("4.3.0", "supervisord")),
            Server::Ours => command(binary()),
        };
        match server {
            Server::Theirs => &mut daemon,
            Server::Ours => daemon.arg("supervisord"),
        };
        daemon.arg("-n").arg("-c").arg(&conf);
        let out = fs::File::create(folder.path().join("daemon.out")).unwrap();
        let daemon = daemon
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(out.try_clone().unwrap())
            .stdout(out)
            .spawn()
            .unwrap();
        let world = Self {
            client,
            folder,
            port,
            daemon,
        };
        world.at_rest();
        world
    }

    /// Waits until the programs of the configuration have started, and those that end have ended.
    fn at_rest(&self) {
        until("the programs", || {
            let (_, text) = self.ctl(&["status"], "");
            let calm = !["STARTING", "STOPPING", "BACKOFF"]
                .iter()
                .any(|state| text.contains(state));
            let is = |name: &str, state: &str| {
                text.lines()
                    .any(|line| line.starts_with(name) && line.contains(state))
            };
            let up = is("cat ", "RUNNING") && is("done ", "EXITED");
            (calm && up).then_some(())
        });
        until("the talker's words", || {
            let spoke = |channel| self.ctl(&["tail", "talker", channel], "").1.contains(" words");
            (spoke("stdout") && spoke("stderr")).then_some(())
        });
    }

    /// What stands for this world's own names in a transcript.
    pub(super) fn names(&self) -> [(String, &'static str); 2] {
        [
            (self.folder.path().display().to_string(), "DIR"),
            (self.port.to_string(), "PORT"),
        ]
    }

    /// A file of this world.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The daemon's process id.
    pub(super) fn pid(&self) -> u32 {
        self.daemon.id()
    }

    /// The client with these words, not yet started.
    pub(super) fn ctl_command(&self, words: &[&str]) -> std::process::Command {
        let mut ctl = match self.client {
            Client::Theirs => command(supervisor_tool("4.3.0", "supervisorctl")),
            Client::Ours => command(binary()),
        };
        if self.client == Client::Ours {
            ctl.arg("supervisorctl");
        }
        let folder = self.folder.path().display().to_string();
        let port = self.port.to_string();
        ctl.current_dir(self.folder.path())
            .env("LANG", "C.UTF-8")
            .args(["-c", "supervisord.conf"])
            .args(
                words
                    .iter()
                    .map(|word| word.replace("DIR", &folder).replace("PORT", &port)),
            );
        ctl
    }

    fn ctl(&self, words: &[&str], input: &str) -> (Option<i32>, String) {
        let output = with_input(self.ctl_command(words), input);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }

    /// Plays one step.
    pub(super) fn step(&mut self, step: &Step) -> (Option<i32>, String) {
        match step {
            Step::Ctl(words) | Step::Sorted(words) | Step::Told(words, _) => self.ctl(words, ""),
            Step::Typed(words, input) => self.ctl(words, input),
            Step::Edit(old, new) => {
                let path = self.file("supervisord.conf");
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.contains(old), "{old:?} is not in the configuration");
                fs::write(&path, text.replace(old, new)).unwrap();
                (None, String::new())
            }
            Step::Rest => {
                self.at_rest();
                (None, String::new())
            }
            Step::Calm(name, state) => {
                until(&format!("{name} to be {state}"), || {
                    self.ctl(&["status", name], "").1.contains(state).then_some(())
                });
                (None, String::new())
            }
            Step::Ended => {
                let code = until("the daemon's end", || self.daemon.try_wait().ok().flatten()).code();
                (code, String::new())
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if matches!(self.daemon.try_wait(), Ok(None)) {
            signal_process("TERM", self.daemon.id());
            let _ = self.daemon.wait();
        }
    }
}

//! `supervisord`, ours, beside supervisord 4.3.0 from PyPI: the same refusals and codes; and what it does once it runs.

mod daemon;
mod first_process;
mod refusals;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pistack_e2e::clients::supervisor_tool;
use pistack_e2e::stack::signal_process;
use pistack_e2e::{binary, command, until};
use tempfile::TempDir;

/// A directory with the binary under its other names.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for name in [
            "supervisord",
            "supervisorctl",
            "echo_supervisord_conf",
            "pidproxy",
        ] {
            symlink(binary(), bin.join(name)).unwrap();
        }
        // AUTO logs of its own: a start removes those of the last one with the same identifier
        let temporary = folder.path().join("tmp");
        fs::create_dir(&temporary).unwrap();
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o777)).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn tool(&self, name: &str) -> Command {
        self.here(&self.path("bin").join(name))
    }

    fn theirs(&self, name: &str) -> Command {
        self.here(&supervisor_tool("4.3.0", name))
    }

    fn here(&self, program: &Path) -> Command {
        let mut command = command(program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("TMPDIR", self.path("tmp"))
            .stdin(Stdio::null());
        command
    }

    /// Starts ours in the background; ended with the guard.
    fn background(&self, arguments: &[&str]) -> Daemon<'_> {
        let output = self.tool("supervisord").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        Daemon { place: self }
    }
}

/// A daemon in the background, known by `supervisord.pid`.
struct Daemon<'p> {
    place: &'p Place,
}

impl Daemon<'_> {
    fn pid(&self) -> u32 {
        self.place.read("supervisord.pid").trim().parse().unwrap()
    }

    fn stop(self) {
        drop(self);
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let Ok(pid) = self.place.read("supervisord.pid").trim().parse::<u32>() else {
            return;
        };
        signal_process("TERM", pid);
        until("the end of the daemon", || (!is_alive(pid)).then_some(()));
    }
}

/// True if a process is there and no zombie.
fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z'))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Exit code, and what was said from `Error:` to the line that names the help, without the program's name.
fn refusal(output: &Output) -> (Option<i32>, String) {
    let said = text(&output.stderr);
    let from = said.find("Error: ").unwrap_or(0);
    let rest = said.get(from..).unwrap_or_default();
    let sentence = match rest.split_once("\nFor help, use ") {
        Some((sentence, rest)) if rest.lines().next().is_some_and(|line| line.ends_with(" -h")) => {
            format!("{sentence}\nFor help, use PROG -h")
        }
        _ => rest.to_owned(),
    };
    (output.status.code(), sentence)
}

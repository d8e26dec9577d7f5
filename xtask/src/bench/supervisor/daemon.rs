//! The two daemons, started and stopped alike.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::client::Client;
use super::kernel::{now, wait_for, wall};
use crate::run;

/// Longest start and longest end of the slower daemon.
const PATIENCE: Duration = Duration::from_secs(90);
const DAY: f64 = 86_400.0;

/// One of the two daemons.
#[derive(Debug)]
pub(super) struct Side {
    /// Program and leading arguments; `-n -s -c FILE` follows.
    pub(super) command: Vec<String>,
    /// Everything of this side is in here.
    pub(super) folder: PathBuf,
    user: String,
}

/// A daemon that runs. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    /// Its own folder, new for each start.
    pub(super) folder: PathBuf,
    /// System time of the start.
    pub(super) begun: Duration,
}

impl Side {
    /// A side whose daemons live below `folder`.
    pub(super) fn new(command: Vec<String>, folder: PathBuf) -> anyhow::Result<Self> {
        let user = run::output(run::command("id").arg("-un"))?.trim().to_owned();
        Ok(Self {
            command,
            folder,
            user,
        })
    }

    /// Starts a daemon with these programs in an empty folder. `DIR` in them stands for the folder.
    pub(super) fn start(&self, programs: &str, descriptors: u32) -> anyhow::Result<Daemon> {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder)?;
        let config = self.folder.join("supervisord.conf");
        let text = format!(
            "[unix_http_server]\nfile=DIR/s.sock\n\
             [supervisord]\nlogfile=DIR/daemon.log\nlogfile_maxbytes=0\npidfile=DIR/daemon.pid\nchildlogdir=DIR\n\
             user={}\nminfds={descriptors}\n\
             [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n{programs}",
            self.user
        );
        fs::write(&config, text.replace("DIR", &self.folder.display().to_string()))?;
        let (program, leading) = self.command.split_first().context("an empty command")?;
        let noise = fs::File::create(self.folder.join("noise"))?;
        let mut command = run::command(program);
        command
            .args(leading)
            .args(["-n", "-s", "-c"])
            .arg(&config)
            // the log's stamps are read as UTC
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(noise.try_clone()?)
            .stderr(noise)
            .current_dir(&self.folder);
        let begun = wall();
        Ok(Daemon {
            child: command
                .spawn()
                .with_context(|| format!("cannot start {program}"))?,
            folder: self.folder.clone(),
            begun,
        })
    }

    /// Starts and waits until `count` programs were said to be RUNNING.
    pub(super) fn start_running(
        &self,
        programs: &str,
        descriptors: u32,
        count: usize,
    ) -> anyhow::Result<Daemon> {
        let mut daemon = self.start(programs, descriptors)?;
        daemon.wait_running(count)?;
        Ok(daemon)
    }
}

impl Daemon {
    /// Its pid.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection to it.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let socket = self.folder.join("s.sock");
        wait_for("the daemon's socket", PATIENCE, || Client::connect(&socket).ok())
    }

    /// The daemon's own log.
    pub(super) fn log(&self) -> String {
        fs::read(self.folder.join("daemon.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Waits until `count` programs were said to be RUNNING; gives the seconds from the daemon's start to the stamp
    /// of the last.
    pub(super) fn wait_running(&mut self, count: usize) -> anyhow::Result<f64> {
        let Self { child, folder, .. } = self;
        let log = folder.join("daemon.log");
        let stamp = wait_for("all programs RUNNING", PATIENCE, || {
            if !matches!(child.try_wait(), Ok(None)) {
                return Some(None);
            }
            let text = fs::read_to_string(&log).ok()?;
            let last = text
                .lines()
                .filter(|line| line.contains("entered RUNNING state"))
                .nth(count - 1)?;
            Some(seconds_of_day(last))
        })?;
        let Some(stamp) = stamp else {
            bail!(
                "the daemon in {} ended, or its log cannot be read:\n{}{}",
                self.folder.display(),
                fs::read_to_string(self.folder.join("noise")).unwrap_or_default(),
                self.log()
            );
        };
        Ok((stamp - self.begun.as_secs_f64()).rem_euclid(DAY))
    }

    /// SIGTERM; gives the seconds until it is gone.
    pub(super) fn stop(mut self) -> anyhow::Result<f64> {
        self.end()
    }

    fn end(&mut self) -> anyhow::Result<f64> {
        let begun = now();
        run::output(run::command("kill").arg(self.child.id().to_string()))?;
        let child = &mut self.child;
        wait_for("the daemon's end", PATIENCE, || child.try_wait().ok().flatten())?;
        Ok(begun.elapsed().as_secs_f64())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) && self.end().is_err() {
            // it did not end in peace; its programs see their pipes close
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Seconds since midnight of a log line's stamp, `2026-11-23 13:06:51,042 INFO ...`.
fn seconds_of_day(line: &str) -> Option<f64> {
    let mut parts = line.get(11..23)?.split([':', ',']).map(str::parse::<f64>);
    let mut next = || parts.next()?.ok();
    Some(next()? * 3600.0 + next()? * 60.0 + next()? + next()? / 1000.0)
}

/// A shell that sends signals without the delay of starting a program.
#[derive(Debug)]
pub(super) struct Killer {
    shell: Child,
    orders: ChildStdin,
}

impl Killer {
    /// Starts the shell.
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut shell = run::command("sh").stdin(Stdio::piped()).spawn()?;
        let orders = shell.stdin.take().context("no pipe to the shell")?;
        Ok(Self { shell, orders })
    }

    /// `kill -9`; gives the system time just before.
    pub(super) fn kill(&mut self, pid: u32) -> anyhow::Result<Duration> {
        let before = wall();
        writeln!(self.orders, "kill -9 {pid}")?;
        Ok(before)
    }

    /// Ends the shell.
    pub(super) fn end(self) -> anyhow::Result<()> {
        let Self { mut shell, orders } = self;
        drop(orders);
        shell.wait()?;
        Ok(())
    }
}

/// Compiles `bench/supervisor/NAME.c` into `folder`.
pub(super) fn compile(name: &str, folder: &Path) -> anyhow::Result<()> {
    let source = run::root().join("bench/supervisor").join(format!("{name}.c"));
    run::output(
        run::command("cc")
            .args(["-O2", "-o"])
            .arg(folder.join(name))
            .arg(source),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::seconds_of_day;

    #[test]
    fn stamps_are_read() {
        assert_eq!(
            seconds_of_day("2026-11-23 01:02:03,250 INFO success: cat"),
            Some(3723.25)
        );
        assert_eq!(seconds_of_day("short"), None);
        assert_eq!(seconds_of_day("2026-11-23 xx:02:03,250 INFO"), None);
    }
}

//! `pidproxy PIDFILE COMMAND...`: stands in, under a supervisor, for a program that puts itself into the background.
//! It runs the command, hands the signals it gets to the process that the pid file names, and ends with the command.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ends quietly, as the original does.
const ENDING: [i32; 3] = [2, 3, 15];

/// Runs `pidproxy`. `arguments` are without the program's name; `program` is how it was called.
pub(crate) fn pidproxy(arguments: Vec<OsString>, program: &str) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let (Some(pid_file), Some(command)) = (arguments.next(), arguments.next()) else {
        println!(
            "pidproxy -- runs a command and passes signals on to the process that a pid file names.\n\n\
             Usage: {program} <pidfile name> <command> [<cmdarg1> ...]"
        );
        return ExitCode::FAILURE;
    };
    match run(&PathBuf::from(pid_file), &command, arguments) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("pidproxy: {reason}");
            // a shell's code of a command that could not be run
            ExitCode::from(127)
        }
    }
}

fn run(
    pid_file: &Path,
    command: &OsString,
    arguments: impl Iterator<Item = OsString>,
) -> Result<ExitCode, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        // before the command: a signal right after its start is not lost
        let mut signals = Signals::open().map_err(|error| error.to_string())?;
        let child = start(command, arguments)?;
        Ok(signals.until_the_end(child, pid_file).await)
    })
}

/// The path is from the working directory, as in the original: the search path is not asked.
#[expect(
    clippy::disallowed_methods,
    reason = "this program is one command's stand-in, not a supervisor"
)]
fn start(command: &OsString, arguments: impl Iterator<Item = OsString>) -> Result<Child, String> {
    let path = std::path::absolute(command).map_err(|error| error.to_string())?;
    std::process::Command::new(&path)
        .arg0(command)
        .args(arguments)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", path.display()))
}

struct Signals {
    child: Signal,
    passed: Vec<(i32, Signal)>,
}

impl Signals {
    fn open() -> std::io::Result<Self> {
        let passed = [
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::interrupt(),
            SignalKind::user_defined1(),
            SignalKind::user_defined2(),
            SignalKind::quit(),
        ];
        Ok(Self {
            child: signal(SignalKind::child())?,
            passed: passed
                .into_iter()
                .map(|kind| Ok((kind.as_raw_value(), signal(kind)?)))
                .collect::<std::io::Result<_>>()?,
        })
    }

    /// The next signal to pass on; `None` when a child has ended.
    async fn next(&mut self) -> Option<i32> {
        std::future::poll_fn(|context| {
            if self.child.poll_recv(context).is_ready() {
                return Poll::Ready(None);
            }
            for (number, signal) in &mut self.passed {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(Some(*number));
                }
            }
            Poll::Pending
        })
        .await
    }

    async fn until_the_end(&mut self, mut child: Child, pid_file: &Path) -> ExitCode {
        loop {
            // anything but "still running": it has ended, or nobody can tell any more
            if !matches!(child.try_wait(), Ok(None)) {
                return ExitCode::SUCCESS;
            }
            let Some(number) = self.next().await else { continue };
            let Some(pid) = pid_in(pid_file) else {
                println!("Can't read child pidfile {}!", pid_file.display());
                continue;
            };
            if let Err(error) = pistack_daemon::send_signal(pid, number, false) {
                eprintln!("pidproxy: cannot send signal {number} to {pid}: {error}");
            }
            if ENDING.contains(&number) {
                return ExitCode::SUCCESS;
            }
        }
    }
}

fn pid_in(pid_file: &Path) -> Option<i32> {
    std::fs::read_to_string(pid_file).ok()?.trim().parse().ok()
}

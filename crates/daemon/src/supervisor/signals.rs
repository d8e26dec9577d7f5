//! Signals to the daemon (supervision.md 1.11, last paragraph).

use pistack_engine::config::model::LogLevel;
use pistack_engine::io::Input;
use pistack_engine::state::SupervisorState;

use super::Supervisor;
use crate::sys::signals;

impl Supervisor {
    /// Acts on a signal.
    pub(super) fn signal(&mut self, signal: i32) {
        let name = signals::name(signal);
        match signal {
            libc::SIGCHLD => {
                self.note(LogLevel::Debug, "received SIGCHLD indicating a child quit");
                self.reap();
            }
            libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => {
                self.note(
                    LogLevel::Warn,
                    &format!("received {name} indicating exit request"),
                );
                self.tell(Input::ShutdownSignal);
            }
            libc::SIGHUP if self.engine.state() == SupervisorState::Shutdown => {
                let text = "ignored SIGHUP indicating restart request (shutdown in progress)";
                self.note(LogLevel::Warn, text);
            }
            libc::SIGHUP => {
                self.note(LogLevel::Warn, "received SIGHUP indicating restart request");
                match self.prepare_restart() {
                    Ok(()) => self.tell(Input::RestartSignal),
                    Err(reason) => {
                        let text = format!(
                            "the configuration cannot be used, everything runs on as it is: {reason}"
                        );
                        self.note(LogLevel::Error, &text);
                    }
                }
            }
            libc::SIGUSR2 => {
                self.note(LogLevel::Info, "received SIGUSR2 indicating log reopen request");
                self.note(LogLevel::Info, "supervisord logreopen");
                self.reopen_logs();
            }
            _ => {}
        }
    }

    fn reopen_logs(&mut self) {
        let mut problems = Vec::new();
        if let Err(error) = self.log.reopen() {
            problems.push(format!("cannot reopen the main log: {error}"));
        }
        for logs in self.logs.values_mut() {
            problems.extend(
                logs.reopen()
                    .err()
                    .map(|error| format!("cannot reopen a log: {error}")),
            );
        }
        for problem in problems {
            self.note(LogLevel::Warn, &problem);
        }
    }
}

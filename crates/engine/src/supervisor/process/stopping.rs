//! Asking a child to end, and making it.

use std::time::Duration;

use super::Process;
use crate::config::model::LogLevel;
use crate::io::Action;
use crate::state::ProcessState;
use crate::supervisor::outbox::Outbox;
use crate::supervisor::signals;

/// SIGKILL is repeated no faster than this, whatever `stopwaitsecs` says.
const LEAST_KILL_INTERVAL: Duration = Duration::from_secs(1);
/// `waiting for x to stop` is said no more often than this.
const STOP_REPORT_INTERVAL: Duration = Duration::from_secs(2);

impl Process {
    /// STARTING, RUNNING -> STOPPING; BACKOFF -> STOPPED. The failure counter stays, as in supervisord: only
    /// RUNNING and FATAL reset it.
    pub(in crate::supervisor) fn stop(&mut self, out: &mut Outbox) {
        self.stop_reported = None;
        if self.state == ProcessState::Backoff {
            let text = format!("Attempted to kill {}, which is in BACKOFF state.", self.name);
            out.log(LogLevel::Debug, text);
            self.change(ProcessState::Stopped, out);
        } else if self.pid.is_some() {
            self.kill(
                self.policy.stopsignal,
                self.policy.stopasgroup,
                self.policy.stopwait,
                out,
            );
        } else if self.state == ProcessState::Starting {
            self.stop_when_spawned = true;
        }
    }

    /// Whether a stop waits for the answer to `Spawn`.
    pub(in crate::supervisor) fn is_stop_pending(&self) -> bool {
        self.stop_when_spawned
    }

    /// Sends a signal without meaning to end the child; `Err` has supervisord's text when there is none.
    pub(in crate::supervisor) fn signal(&mut self, signal: i32, out: &mut Outbox) -> Result<(), String> {
        let signal_name = signals::name(signal);
        let Some(pid) = self.pid else {
            let text = format!(
                "attempted to send {} sig {signal_name} but it wasn't running",
                self.name
            );
            out.log(LogLevel::Debug, text.clone());
            return Err(text);
        };
        out.log(
            LogLevel::Debug,
            format!("sending {} (pid {pid}) sig {signal_name}", self.name),
        );
        out.act(Action::Kill {
            process: self.id,
            pid,
            signal,
            group: false,
        });
        Ok(())
    }

    /// The child did not end in time: SIGKILL, again and again.
    pub(super) fn kill_stubborn(&mut self, out: &mut Outbox) {
        let Some(pid) = self.pid else { return };
        out.log(
            LogLevel::Warn,
            format!("killing '{}' ({pid}) with SIGKILL", self.name),
        );
        let again = self.policy.stopwait.max(LEAST_KILL_INTERVAL);
        self.kill(signals::KILL, self.policy.killasgroup, again, out);
    }

    fn kill(&mut self, signal: i32, group: bool, wait: Duration, out: &mut Outbox) {
        let Some(pid) = self.pid else { return };
        let whole = if group { "process group " } else { "" };
        let signal_name = signals::name(signal);
        out.log(
            LogLevel::Debug,
            format!(
                "killing {} (pid {pid}) {whole}with signal {signal_name}",
                self.name
            ),
        );
        self.killing = true;
        self.change(ProcessState::Stopping, out);
        self.set_deadline(Some(out.now.mono.saturating_add(wait)), out);
        out.act(Action::Kill {
            process: self.id,
            pid,
            signal,
            group,
        });
    }

    /// The signal could not be sent: the state is UNKNOWN from now on. Gives supervisord's text (which
    /// names the process where it means to name the signal).
    pub(in crate::supervisor) fn kill_failed(&mut self, error: &str, out: &mut Outbox) -> Option<String> {
        let pid = self.pid?;
        let text = if self.state == ProcessState::Stopping {
            format!("unknown problem killing {} ({pid}):{error}", self.name)
        } else {
            format!("unknown problem sending sig {} ({pid}):{error}", self.name)
        };
        out.log(LogLevel::Critical, text.clone());
        self.change(ProcessState::Unknown, out);
        Some(text)
    }

    /// Says `waiting for x to stop`, at most every two seconds; for those who wait for it.
    pub(in crate::supervisor) fn report_stopping(&mut self, out: &mut Outbox) {
        if self.state != ProcessState::Stopping {
            return;
        }
        if self.next_stop_report().is_none_or(|due| due <= out.now.mono) {
            out.log(LogLevel::Info, format!("waiting for {} to stop", self.name));
            self.stop_reported = Some(out.now.mono);
        }
    }

    /// When the next [`Process::report_stopping`] has something to say; `None` while nothing was said yet.
    pub(in crate::supervisor) fn next_stop_report(&self) -> Option<Duration> {
        self.stop_reported
            .map(|last| last.saturating_add(STOP_REPORT_INTERVAL))
    }
}

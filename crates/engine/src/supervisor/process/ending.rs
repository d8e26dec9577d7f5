//! The end of a child, and whether another one follows.

use std::time::Duration;

use super::Process;
use crate::config::model::{AutoRestart, LogLevel};
use crate::io::Exit;
use crate::state::ProcessState;
use crate::supervisor::outbox::Outbox;
use crate::supervisor::signals;

/// supervisord's exit status: the code, or -1 after a signal.
fn status(exit: Exit) -> i32 {
    match exit {
        Exit::Code(code) => code,
        Exit::Signal(_) | Exit::Core(_) => -1,
    }
}

/// supervisord's words for how a child ended.
fn cause(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit status {code}"),
        Exit::Signal(signal) => format!("terminated by {}", signals::name(signal)),
        Exit::Core(signal) => format!("terminated by {} (core dumped)", signals::name(signal)),
    }
}

impl Process {
    /// The child ended.
    pub(in crate::supervisor) fn exited(&mut self, exit: Exit, out: &mut Outbox) {
        if self.pid.is_none() {
            return;
        }
        self.ended = Some(out.now.wall);
        let started = self.started.unwrap_or_default().mono;
        let uptime = out.now.mono.saturating_sub(started);
        out.ending = Some(exit);
        let status = status(exit);
        let expected = self.policy.exitcodes.contains(&status);
        if self.killing {
            self.end_of_stop(exit, status, expected, out);
        } else if self.state == ProcessState::Starting && uptime < self.policy.startwait() {
            self.end_too_quick(exit, out);
        } else {
            self.end_of_run(exit, status, expected, out);
            self.plan_restart(uptime, expected, out);
        }
        out.ending = None;
        self.pid = None;
    }

    /// STOPPING -> STOPPED. From UNKNOWN too: there the signal could not be sent, but now the child is gone.
    fn end_of_stop(&mut self, exit: Exit, status: i32, expected: bool, out: &mut Outbox) {
        self.killing = false;
        self.exitstatus = Some(status);
        self.change(ProcessState::Stopped, out);
        let level = if expected { LogLevel::Info } else { LogLevel::Warn };
        out.log(level, format!("stopped: {} ({})", self.name, cause(exit)));
    }

    /// STARTING -> BACKOFF, whatever the exit code and `autorestart` say.
    fn end_too_quick(&mut self, exit: Exit, out: &mut Outbox) {
        self.exitstatus = None;
        self.spawnerr = Some("Exited too quickly (process log may have details)".to_owned());
        self.back_off(out);
        out.log(
            LogLevel::Warn,
            format!("exited: {} ({}; not expected)", self.name, cause(exit)),
        );
    }

    /// RUNNING -> EXITED; through RUNNING where the deadline had come but not been noticed.
    fn end_of_run(&mut self, exit: Exit, status: i32, expected: bool, out: &mut Outbox) {
        self.backoff = 0;
        self.exitstatus = Some(status);
        if self.state == ProcessState::Starting {
            self.change(ProcessState::Running, out);
        }
        if !expected {
            self.spawnerr = Some(format!("Bad exit code {status}"));
        }
        self.change_expected(ProcessState::Exited, expected, out);
        let (level, verdict) = if expected {
            (LogLevel::Info, "expected")
        } else {
            (LogLevel::Warn, "not expected")
        };
        out.log(
            level,
            format!("exited: {} ({}; {verdict})", self.name, cause(exit)),
        );
    }

    /// EXITED -> STARTING, at once or after the delay of [`crate::supervisor::pacing`].
    fn plan_restart(&mut self, uptime: Duration, expected: bool, out: &mut Outbox) {
        let wanted = match self.policy.autorestart {
            AutoRestart::Never => false,
            AutoRestart::Unexpected => !expected,
            AutoRestart::Always => true,
        };
        if !wanted || !out.may_spawn {
            return;
        }
        let delay = self.pacing.after_exit(uptime, expected);
        self.set_deadline(Some(out.now.mono.saturating_add(delay)), out);
        if !delay.is_zero() {
            let seconds = delay.as_secs_f32();
            out.log(
                LogLevel::Info,
                format!(
                    "delaying restart of '{}' by {seconds} seconds, it keeps exiting at once",
                    self.name
                ),
            );
        }
    }
}

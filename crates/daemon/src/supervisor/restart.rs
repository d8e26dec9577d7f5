//! Beginning: at the start, and again in place after SIGHUP or `restart`, with the same pid.
//!
//! A restart has two phases. First the new configuration is read and its addresses are bound; a failure is told and
//! nothing has changed. Then the engine stops everything, and the new configuration takes over.

use pistack_engine::Engine;
use pistack_engine::config::model::{LogLevel, ServerAddress};

use super::{Supervisor, open_log, raise_limits};
use crate::environment::BaseEnvironment;
use crate::http::bind::address_text;
use crate::logs::auto_name;
use crate::logs::process::child_log_dir;
use crate::pidfile::PidFile;

impl Supervisor {
    /// What every beginning does once its log and servers are there.
    pub(super) fn begin(&mut self) {
        for (level, text) in (self.opening)(self.engine.configured()) {
            self.note(level, &text);
        }
        for text in std::mem::take(&mut self.raised_limits) {
            self.note(LogLevel::Info, &text);
        }
        self.remove_old_logs();
        self.tell_of_servers();
        let path = self.settings.pidfile.clone();
        if self.pid_file.as_ref().is_none_or(|file| file.path() != path) {
            // the old one goes first: both may be the same file by another name
            self.pid_file = None;
            match PidFile::write(&path) {
                Ok(file) => self.pid_file = Some(file),
                Err(error) => {
                    let text = format!("could not write pidfile {}: {error}", path.display());
                    self.note(LogLevel::Critical, &text);
                }
            }
        }
        self.note(
            LogLevel::Info,
            &format!("supervisord started with pid {}", std::process::id()),
        );
    }

    fn tell_of_servers(&mut self) {
        let configured = self.engine.configured();
        let open: Vec<String> = configured
            .servers
            .iter()
            .filter(|server| server.credentials.is_none())
            .filter(|server| matches!(server.address, ServerAddress::Inet { .. }))
            .map(|server| address_text(&server.address))
            .collect();
        if configured.rpc_enabled {
            self.note(LogLevel::Info, "RPC interface 'supervisor' initialized");
        }
        for address in open {
            let text = format!(
                "Server 'inet_http_server' ({address}) running without any HTTP authentication checking"
            );
            self.note(LogLevel::Critical, &text);
        }
    }

    fn remove_old_logs(&mut self) {
        if self.settings.nocleanup {
            return;
        }
        let dir = child_log_dir(&self.settings);
        let problem = match auto_name::remove_old(&dir, &self.settings.identifier) {
            Ok(left) if left.is_empty() => return,
            Ok(left) => format!(
                "{} old logs in {} could not be removed",
                left.len(),
                dir.display()
            ),
            Err(error) => format!("could not clear childlogdir {}: {error}", dir.display()),
        };
        self.note(LogLevel::Warn, &problem);
    }

    /// First phase: reads the configuration and binds what is new in it.
    pub(super) fn prepare_restart(&mut self) -> Result<(), String> {
        // sockets of an earlier first phase go before the same ones are bound again
        self.next = None;
        let model = (self.load)()?;
        let prepared = self.front.prepare(&model).map_err(|error| error.to_string())?;
        self.next = Some((model, prepared));
        Ok(())
    }

    /// Second phase: everything is stopped, begin anew.
    pub(super) fn begin_anew(&mut self) {
        if self.next.is_none()
            && let Err(reason) = self.prepare_restart()
        {
            // the engine restarts only after a first phase; should it ever not, the old configuration serves on
            self.note(
                LogLevel::Error,
                &format!("the configuration cannot be used: {reason}"),
            );
        }
        // logs end with their processes, so followers see the end; calls that nobody answered are told of the restart
        self.logs.clear();
        self.requests.clear();
        let serial = self.engine.next_serial();
        let now = self.now();
        let Some((model, prepared)) = self.next.take() else {
            let model = self.engine.configured().clone();
            self.engine = Engine::continuing(model, now, serial);
            return;
        };
        let limits = raise_limits(&model.settings);
        for problem in limits.refused {
            self.note(LogLevel::Warn, &problem);
        }
        self.raised_limits = limits.raised;
        match open_log(&model.settings, self.log_to_stdout, &mut self.sinks) {
            Ok(log) => self.log = log,
            Err(error) => self.note(LogLevel::Error, &format!("{error}. Logging goes on as before")),
        }
        self.environment = BaseEnvironment::new(std::env::vars_os(), &self.added_environment, &model);
        self.settings = model.settings.clone();
        self.front.commit(prepared);
        self.engine = Engine::continuing(model, now, serial);
        self.begin();
    }
}

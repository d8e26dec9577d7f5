//! Start, stop, restart: the order is sent, then the process is watched until it has settled.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::fault;
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::Error;
use crate::events::Watcher;
use crate::names::namespec;
use crate::snapshot::Snapshot;
use crate::state::Supervisor;

const STARTING: i32 = 10;
const RUNNING: i32 = 20;
const BACKOFF: i32 = 30;
const STOPPING: i32 = 40;
const FATAL: i32 = 200;

/// What became of a restart.
#[derive(Debug)]
pub(crate) enum Restarted {
    /// Done: the process afterwards.
    Done(ProcessInfo),
    /// This service restarts itself after the answer: the process before.
    Accepted(ProcessInfo),
}

impl Supervisor {
    /// Starts the process and waits for it to run.
    pub(crate) async fn start(&self, name: &str) -> Result<ProcessInfo, Error> {
        let name = namespec(&self.find(name).await?);
        self.start_and_watch(&name).await
    }

    /// Stops the process and waits for its end; this very service answers first.
    pub(crate) async fn stop(&self, name: &str) -> Result<ProcessInfo, Error> {
        let process = self.find(name).await?;
        let name = namespec(&process);
        let mut watcher = self.events.watch();
        let stopped = self.daemon.stop(&name).await;
        self.events.changed();
        stopped?;
        if self.is_self(&process) {
            return self.daemon.info(&name).await;
        }
        self.settle(&name, &mut watcher, |state| !is_up(state)).await
    }

    /// Stops the process if it runs, then starts it.
    pub(crate) async fn restart(&self, name: &str) -> Result<Restarted, Error> {
        let process = self.find(name).await?;
        let name = namespec(&process);
        if self.is_self(&process) {
            // A stopped service cannot start itself: it asks to be ended and is started again by autorestart.
            self.daemon.signal(&name, "TERM").await?;
            return Ok(Restarted::Accepted(process));
        }
        let mut watcher = self.events.watch();
        let stopped = self.daemon.stop(&name).await;
        self.events.changed();
        match stopped {
            // Also the answer while it is STOPPING already: then its end is waited for all the same.
            Err(Error::Fault(fault)) if fault.code == fault::NOT_RUNNING => {}
            other => other?,
        }
        let process = self.settle(&name, &mut watcher, |state| !is_up(state)).await?;
        if is_up(process.state) {
            return Err(Error::StillStopping {
                name,
                state: process.statename,
                seconds: self.wait.as_secs(),
            });
        }
        self.start_and_watch(&name).await.map(Restarted::Done)
    }

    /// Stops everything but what carries the answer, all at once, and waits for the ends.
    pub(crate) async fn stop_all(&self) -> Result<Arc<Snapshot>, Error> {
        let mut watcher = self.events.watch();
        let mut waiting = HashSet::new();
        for process in &self.snapshot().await?.processes {
            if self.carries_answers(process) || !is_up(process.state) {
                continue;
            }
            let name = namespec(process);
            match self.daemon.stop(&name).await {
                // Ended by itself, is on its way out, or was removed in the meantime.
                Err(Error::Fault(fault)) if matches!(fault.code, fault::NOT_RUNNING | fault::BAD_NAME) => {}
                other => other?,
            }
            waiting.insert(name);
        }
        self.events.changed();
        let deadline = Instant::now() + self.wait;
        loop {
            let all = self.snapshot().await?;
            let busy = all
                .processes
                .iter()
                .any(|info| is_up(info.state) && waiting.contains(&namespec(info)));
            if !busy || Instant::now() >= deadline || self.lifecycle.is_stopping() {
                return Ok(all);
            }
            self.pause(&mut watcher, None, deadline).await;
        }
    }

    async fn start_and_watch(&self, name: &str) -> Result<ProcessInfo, Error> {
        let mut watcher = self.events.watch();
        let started = self.daemon.start(name).await;
        self.events.changed();
        started?;
        let process = self.settle(name, &mut watcher, |state| state != STARTING).await?;
        if matches!(process.state, BACKOFF | FATAL) {
            return Err(Error::StartFailed {
                name: name.to_owned(),
                process: Box::new(process),
            });
        }
        Ok(process)
    }

    /// The process as soon as `settled` says so of its state, or as it is when `wait` is over.
    async fn settle(
        &self,
        name: &str,
        watcher: &mut Watcher,
        settled: impl Fn(i32) -> bool,
    ) -> Result<ProcessInfo, Error> {
        let deadline = Instant::now() + self.wait;
        loop {
            let process = self.daemon.info(name).await?;
            if settled(process.state) || Instant::now() >= deadline || self.lifecycle.is_stopping() {
                return Ok(process);
            }
            self.pause(watcher, Some(&process), deadline).await;
        }
    }

    /// Waits for news of `process` (of any, where there is none), for `deadline` or for the end of this
    /// service. Looks again now and then even so: a supervisord sends no events.
    async fn pause(&self, watcher: &mut Watcher, process: Option<&ProcessInfo>, deadline: Instant) {
        let again = if self.events.generation().is_some() {
            Duration::from_secs(1)
        } else {
            Duration::from_millis(200)
        };
        tokio::select! {
            () = watcher.news_of(process) => {}
            () = sleep(again) => {}
            () = sleep_until(deadline) => {}
            () = self.lifecycle.stopped() => {}
        }
    }
}

/// STARTING, RUNNING, BACKOFF and STOPPING: there is, or soon will be, a process.
fn is_up(state: i32) -> bool {
    matches!(state, STARTING | RUNNING | BACKOFF | STOPPING)
}

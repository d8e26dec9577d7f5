//! What children did: they were started, ended, wrote.

use super::{Engine, payload};
use crate::event::EventKind;
use crate::io::{Channel, Exit, ProcessId};

impl Engine {
    pub(super) fn spawned(&mut self, id: ProcessId, pid: i32) {
        if let Some(process) = self.processes.get_mut(&id) {
            process.spawned(pid, &mut self.out);
            self.requests.promptly = true;
            self.requests.spawned(id);
        }
    }

    pub(super) fn spawn_failed(&mut self, id: ProcessId, error: String) {
        if let Some(process) = self.processes.get_mut(&id) {
            process.spawn_failed(error, &mut self.out);
            self.requests.promptly = true;
        }
    }

    pub(super) fn exited(&mut self, id: ProcessId, exit: Exit) {
        let Some(process) = self.processes.get_mut(&id) else {
            return;
        };
        process.exited(exit, &mut self.out);
        // The event of the end is buffered first, then the one that the listener was busy with goes before it.
        self.distribute();
        if let Some((pool, out)) = self.pool_of(id) {
            pool.died(id, out);
        }
    }

    pub(super) fn kill_failed(&mut self, id: ProcessId, error: &str) {
        let Some(process) = self.processes.get_mut(&id) else {
            return;
        };
        if let Some(text) = process.kill_failed(error, &mut self.out) {
            self.requests.kill_failed(id, &text);
        }
    }

    pub(super) fn listener_wrote(&mut self, id: ProcessId, bytes: &[u8]) {
        let alive = self
            .processes
            .get(&id)
            .is_some_and(|process| process.pid.is_some());
        if alive && let Some((pool, out)) = self.pool_of(id) {
            pool.wrote(id, bytes, out);
        }
    }

    pub(super) fn stopped_listening(&mut self, id: ProcessId) {
        if let Some((pool, out)) = self.pool_of(id) {
            pool.stopped_listening(id, out);
        }
    }

    pub(super) fn logged(&mut self, id: ProcessId, channel: Channel, data: &[u8]) {
        let Some(process) = self.processes.get(&id) else {
            return;
        };
        let kind = match channel {
            Channel::Stdout => EventKind::ProcessLogStdout,
            Channel::Stderr => EventKind::ProcessLogStderr,
        };
        let pid = process.pid.unwrap_or(0);
        self.out.event(
            kind,
            payload::process_log(&process.name, &process.group, pid, channel, data),
        );
    }

    pub(super) fn captured(&mut self, id: ProcessId, channel: Channel, data: &[u8]) {
        let Some(process) = self.processes.get(&id) else {
            return;
        };
        let kind = match channel {
            Channel::Stdout => EventKind::ProcessCommunicationStdout,
            Channel::Stderr => EventKind::ProcessCommunicationStderr,
        };
        let pid = process.pid.unwrap_or(0);
        self.out.event(
            kind,
            payload::process_communication(&process.name, &process.group, pid, data),
        );
    }
}

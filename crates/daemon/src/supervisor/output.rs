//! What children write, and what is written to them.

use std::rc::Rc;

use pistack_engine::config::model::LogLevel;
use pistack_engine::io::{Channel, Input, ProcessId};

use super::Supervisor;
use crate::logs::Notice;
use crate::logs::channel::Output;
use crate::pace::{Next, Read};
use crate::pipes::{End, Pipe, Received};
use crate::stdin::{Progress, StdinError};

impl Supervisor {
    /// A pipe can be read or written.
    pub(super) fn pipe_is_ready(&mut self, pipe: &Rc<Pipe>) {
        match pipe.end {
            End::Stdin => self.flush_stdin(pipe.process),
            End::Output(_) => {
                let mut buffer = std::mem::take(&mut self.buffer);
                let received = pipe.read(&mut buffer);
                if let Received::Bytes(count) = received {
                    self.received(pipe, buffer.get(..count).unwrap_or_default());
                }
                self.buffer = buffer;
                match received {
                    Received::End => {}
                    Received::Nothing => self.waiting.add(Rc::clone(pipe)),
                    Received::Bytes(count) => {
                        let emptied = count < self.buffer.len();
                        match pipe.after_read(self.clock.monotonic(), Read { count, emptied }) {
                            Next::Wait => self.waiting.add(Rc::clone(pipe)),
                            Next::More => self.waiting.add_for_more(Rc::clone(pipe)),
                            Next::Rest => self.waiting.add_after_rest(Rc::clone(pipe)),
                        }
                    }
                }
            }
        }
    }

    /// A child wrote something.
    pub(super) fn received(&mut self, pipe: &Pipe, bytes: &[u8]) {
        let End::Output(channel) = pipe.end else { return };
        let Some(logs) = self.logs.get_mut(&pipe.process) else {
            return;
        };
        let protocol = logs.listener && channel == Channel::Stdout;
        let mut output = Vec::new();
        if let Some(log) = logs.channel(channel) {
            log.take(bytes, &mut output);
        }
        self.pass_on(pipe.process, channel, output);
        if protocol {
            self.tell(Input::ListenerOutput {
                process: pipe.process,
                bytes: bytes.to_vec(),
            });
        }
    }

    /// A child ended: what its logs held back is written, and they are closed.
    pub(super) fn close_logs(&mut self, process: ProcessId) {
        for channel in [Channel::Stdout, Channel::Stderr] {
            let mut output = Vec::new();
            if let Some(log) = self.logs.get_mut(&process).and_then(|logs| logs.channel(channel)) {
                log.finish(&mut output);
            }
            self.pass_on(process, channel, output);
        }
    }

    fn pass_on(&mut self, process: ProcessId, channel: Channel, output: Vec<Output>) {
        for output in output {
            match output {
                Output::Log(bytes) => self.tell(Input::Log {
                    process,
                    channel,
                    bytes,
                }),
                Output::Captured(bytes) => self.tell(Input::Captured {
                    process,
                    channel,
                    bytes,
                }),
                Output::Notice(Notice::Losing(text)) => self.note(LogLevel::Warn, &text),
                Output::Notice(Notice::Resumed(text)) => self.note(LogLevel::Info, &text),
            }
        }
    }

    /// Writes to a child's standard input.
    pub(super) fn write_stdin(&mut self, process: ProcessId, bytes: &[u8]) -> Result<(), StdinError> {
        let child = self.children.get_mut(process).ok_or(StdinError::Closed)?;
        if let Progress::Wait(pipe) = child.stdin.send(bytes)? {
            self.waiting.add(pipe);
        }
        Ok(())
    }

    fn flush_stdin(&mut self, process: ProcessId) {
        let Some(child) = self.children.get_mut(process) else {
            return;
        };
        // a closed input shows at the next write, and by the child's end
        if let Ok(Progress::Wait(pipe)) = child.stdin.flush() {
            self.waiting.add(pipe);
        }
    }
}

//! Requests whose answer waits for processes, and answers that wait to be taken.
//!
//! An answer is given by the state changes themselves, not by the state found later: a program that becomes RUNNING
//! and exits in the same instant has been started.
//!
//! The rows of a group call come in supervisord's order: first what was known at once, in the order of the call,
//! then the others as they were decided.

use std::collections::VecDeque;

use super::outbox::Change;
use super::process::Process;
use crate::io::{Action, Fault, FaultCode, ProcessId, Reply, RequestId, StatusRow};
use crate::state::ProcessState;

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// The attempt to start it was made (`startProcess` with `wait=false`).
    Spawned,
    /// RUNNING.
    Running,
    /// A stopped state.
    Stopped,
}

/// How far a request is with one process.
#[derive(Debug)]
pub(super) enum Progress {
    /// It waits.
    Waits(Want),
    /// It is answered.
    Done(Result<(), Fault>),
    /// It is answered, as the first of those that had to wait.
    Late(Result<(), Fault>),
    /// It is answered, unless the signal just sent turns out to have failed.
    Signalled,
}

/// A process that a request is about.
#[derive(Debug)]
pub(super) struct Target {
    /// Which.
    pub(super) process: ProcessId,
    name: String,
    group: String,
    /// Its name as faults cite it: as the client wrote it, or in full for group calls.
    pub(super) asked: String,
}

impl Target {
    /// `process`, cited as `asked`.
    pub(super) fn new(process: &Process, asked: String) -> Self {
        Self {
            process: process.id,
            name: process.name.clone(),
            group: process.group.clone(),
            asked,
        }
    }
}

#[derive(Debug)]
struct Answered {
    target: Target,
    result: Result<(), Fault>,
    by_signal: bool,
    /// Place in the order of the call for what was known at once, else behind all of those.
    place: usize,
}

/// What the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// True or a fault.
    Single,
    /// A row for each process.
    Rows,
}

#[derive(Debug)]
struct Waiting {
    target: Target,
    want: Want,
    place: usize,
}

#[derive(Debug)]
struct Pending {
    id: RequestId,
    shape: Shape,
    waiting: Vec<Waiting>,
    answered: Vec<Answered>,
}

#[derive(Debug)]
enum Ready {
    Plain(RequestId, Result<Reply, Fault>),
    Members(Pending),
}

/// All requests that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pending: Vec<Pending>,
    ready: VecDeque<Ready>,
    /// What is decided now belongs to what was known at once: it is the direct answer to a spawn.
    pub(super) promptly: bool,
}

impl Requests {
    /// Answers at once.
    pub(super) fn answer(&mut self, id: RequestId, result: Result<Reply, Fault>) {
        self.ready.push_back(Ready::Plain(id, result));
    }

    /// Takes a request about `members`; it is answered when none of them waits any more.
    pub(super) fn add(&mut self, id: RequestId, shape: Shape, members: Vec<(Target, Progress)>) {
        let mut pending = Pending {
            id,
            shape,
            waiting: Vec::new(),
            answered: Vec::new(),
        };
        for (place, (target, progress)) in members.into_iter().enumerate() {
            let (result, by_signal, place) = match progress {
                Progress::Waits(want) => {
                    pending.waiting.push(Waiting { target, want, place });
                    continue;
                }
                Progress::Done(result) => (result, false, place),
                Progress::Late(result) => (result, false, usize::MAX),
                Progress::Signalled => (Ok(()), true, place),
            };
            pending.answered.push(Answered {
                target,
                result,
                by_signal,
                place,
            });
        }
        self.pending.push(pending);
        self.collect();
    }

    /// A process entered a state.
    pub(super) fn changed(&mut self, change: Change) {
        self.decide(change.process, |want, asked| verdict(want, change, asked));
    }

    /// A child was started.
    pub(super) fn spawned(&mut self, process: ProcessId) {
        self.decide(process, |want, _| (want == Want::Spawned).then_some(Ok(())));
    }

    /// A signal could not be sent: also for answers that are ready but not taken.
    pub(super) fn kill_failed(&mut self, process: ProcessId, text: &str) {
        let fault = || Err(FaultCode::Failed.with(text));
        for ready in &mut self.ready {
            let Ready::Members(members) = ready else { continue };
            for answered in &mut members.answered {
                if answered.by_signal && answered.target.process == process {
                    answered.result = fault();
                }
            }
        }
        self.decide(process, |want, _| (want == Want::Stopped).then(fault));
    }

    /// The oldest answer, as an action.
    pub(super) fn next_reply(&mut self) -> Option<Action> {
        Some(match self.ready.pop_front()? {
            Ready::Plain(request, result) => Action::Reply { request, result },
            Ready::Members(pending) => pending.into_reply(),
        })
    }

    /// Processes whose stop somebody waits for.
    pub(super) fn awaited_stops(&self) -> impl Iterator<Item = ProcessId> + '_ {
        self.pending
            .iter()
            .flat_map(|pending| &pending.waiting)
            .filter(|waiting| waiting.want == Want::Stopped)
            .map(|waiting| waiting.target.process)
    }

    fn decide(&mut self, process: ProcessId, verdict: impl Fn(Want, &str) -> Option<Result<(), Fault>>) {
        for pending in &mut self.pending {
            let mut index = 0;
            while let Some(Waiting { target, want, .. }) = pending.waiting.get(index) {
                let decided = if target.process == process {
                    verdict(*want, &target.asked)
                } else {
                    None
                };
                if let Some(result) = decided {
                    let Waiting { target, place, .. } = pending.waiting.remove(index);
                    let place = if self.promptly { place } else { usize::MAX };
                    pending.answered.push(Answered {
                        target,
                        result,
                        by_signal: false,
                        place,
                    });
                } else {
                    index += 1;
                }
            }
        }
        self.collect();
    }

    fn collect(&mut self) {
        let complete = self.pending.extract_if(.., |pending| pending.waiting.is_empty());
        self.ready.extend(complete.map(Ready::Members));
    }
}

impl Pending {
    fn into_reply(self) -> Action {
        let request = self.id;
        let mut answered = self.answered;
        answered.sort_by_key(|answered| answered.place);
        let result = match self.shape {
            Shape::Single => match answered.pop() {
                Some(only) => only.result.map(|()| Reply::True),
                None => Ok(Reply::True),
            },
            Shape::Rows => Ok(Reply::Rows(
                answered.into_iter().map(Answered::into_row).collect(),
            )),
        };
        Action::Reply { request, result }
    }
}

impl Answered {
    fn into_row(self) -> StatusRow {
        let (status, description) = match self.result {
            Ok(()) => (FaultCode::Success.code(), "OK".to_owned()),
            Err(fault) => (fault.code, fault.text),
        };
        StatusRow {
            name: self.target.name,
            group: self.target.group,
            status,
            description,
        }
    }
}

/// What a state change means for somebody who waits; `None`: wait on.
fn verdict(want: Want, change: Change, asked: &str) -> Option<Result<(), Fault>> {
    let failure = || {
        let code = if change.failed {
            FaultCode::SpawnError
        } else {
            FaultCode::AbnormalTermination
        };
        Some(Err(code.with(asked)))
    };
    match (want, change.state) {
        (Want::Stopped, state) => state.is_stopped().then_some(Ok(())),
        (Want::Running, ProcessState::Running) => Some(Ok(())),
        (Want::Running | Want::Spawned, ProcessState::Starting) => None,
        (Want::Running | Want::Spawned, _) => failure(),
    }
}

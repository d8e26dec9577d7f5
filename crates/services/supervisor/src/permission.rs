//! Rights to single processes: a grant may name a process as any client may.

use pistack_api::process::ProcessInfo;
use pistack_api::right::Right;
use pistack_api::token::AccessClaims;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;

use crate::error::Error;
use crate::names::{namespec, resolve};
use crate::state::Supervisor;

impl Supervisor {
    /// The caller, if the right extends to the process that is meant by `name`. Somebody without a right to every
    /// process does not learn either which ones there are.
    pub(crate) async fn permit<'c, R: Right>(
        &self,
        caller: &'c MayOn<R>,
        name: &str,
    ) -> Result<&'c AccessClaims, Problem> {
        if caller.covers_all() {
            return caller.on(name);
        }
        let snapshot = self.snapshot().await?;
        match resolve(&snapshot.processes, name) {
            Ok(process) => {
                let names = names_of(&snapshot.processes, process);
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                caller.on_any(&names)
            }
            Err(Error::Ambiguous { .. } | Error::Unknown(_)) => caller.on(name),
            Err(other) => Err(other.into()),
        }
    }
}

/// The processes that the caller may see.
pub(crate) fn visible<R: Right>(caller: &MayOn<R>, processes: &[ProcessInfo]) -> Vec<ProcessInfo> {
    let is_visible = |process: &&ProcessInfo| {
        names_of(processes, process)
            .iter()
            .any(|name| caller.covers(name))
    };
    processes.iter().filter(is_visible).cloned().collect()
}

/// By what a process goes: its own name where no other is meant by it, and `group:process`.
fn names_of(processes: &[ProcessInfo], process: &ProcessInfo) -> Vec<String> {
    let mut names = vec![namespec(process)];
    if resolve(processes, &process.name).is_ok_and(|found| found == process) {
        names.insert(0, process.name.clone());
    }
    names
}

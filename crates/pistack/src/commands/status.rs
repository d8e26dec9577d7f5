//! `pistack status`: one line a process; exit code 8 if something is not in its wanted state.

use pistack_api::process::ProcessInfo;

use crate::cli::{Place, StatusOptions};
use crate::commands::peer::{Peer, block_on, select};
use crate::exit::{Code, Failure};
use crate::output;

/// Prints the table.
pub(crate) fn status(place: &Place, options: &StatusOptions) -> Result<Code, Failure> {
    let peer = Peer::new(place)?;
    let rows = select(block_on(peer.processes())?, &options.names)?;
    if options.json {
        output::processes_json(&rows);
    } else {
        output::processes(&rows);
    }
    Ok(if rows.iter().all(is_as_wanted) {
        Code::Ok
    } else {
        Code::NotAsWanted
    })
}

/// A stopped process was stopped on purpose, an expected exit ends in 0; what failed is not as wanted.
fn is_as_wanted(process: &ProcessInfo) -> bool {
    match process.statename.as_str() {
        "FATAL" | "BACKOFF" | "UNKNOWN" => false,
        "EXITED" => process.exitstatus == 0,
        _ => true,
    }
}

//! `pistack` alone: one line on the state and the next useful command.

use crate::cli::Place;
use crate::commands::peer::{Peer, block_on};
use crate::exit::{Code, Failure};

/// Says how things stand.
pub(crate) fn overview(place: &Place) -> Result<Code, Failure> {
    let peer = Peer::new(place)?;
    match block_on(peer.processes()) {
        Ok(rows) => {
            let up = rows.iter().filter(|row| row.statename == "RUNNING").count();
            println!(
                "{up} of {} programs are running. `pistack status` lists them.",
                rows.len()
            );
        }
        Err(Failure::Message(Code::Unreachable, _)) => {
            println!(
                "Nothing is running here. `pistack up` starts the stack; `pistack help` tells the rest."
            );
        }
        Err(failure) => return Err(failure),
    }
    Ok(Code::Ok)
}

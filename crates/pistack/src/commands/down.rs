//! `pistack down`: stops everything and waits until it is gone.

use std::time::Duration;

use pistack_kit::config::Span;

use crate::cli::Place;
use crate::commands::peer::{Peer, block_on};
use crate::exit::{Code, Failure};
use crate::state;

/// How often the end is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// Asks for the shutdown and waits for it.
pub(crate) fn down(place: &Place, timeout: Span) -> Result<Code, Failure> {
    let peer = Peer::new(place)?;
    let lock = state::paths(place)?.lock();
    block_on(async {
        peer.call("supervisor.shutdown", Vec::new()).await?;
        let gone = async {
            while peer.socket().exists() || lock.exists() {
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(timeout.0, gone).await {
            Ok(()) => {
                println!("Everything is stopped.");
                Ok(Code::Ok)
            }
            Err(_) => Err(Failure::Message(
                Code::TimedOut,
                format!("still stopping after {timeout}; `pistack status` shows what is left"),
            )),
        }
    })
}

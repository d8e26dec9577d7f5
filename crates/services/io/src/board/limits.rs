//! The limits of a line, asked before it goes on.

use super::Board;
use crate::error::Error;
use crate::limits::{Blocked, Peer, Since, may_go_on, must_go_off_at};

impl Board {
    /// Whether a line may go on now. `others` says what the same call makes of other lines.
    pub(super) fn may_go_on(&self, index: usize, others: &[(usize, bool)]) -> Result<(), Error> {
        let now = self.now();
        let line = &self.lines[index];
        let peers = line.limits.interlock.as_ref().map(|group| {
            self.lines
                .iter()
                .enumerate()
                .filter(|(other, peer)| *other != index && peer.limits.interlock.as_ref() == Some(group))
                .map(|(other, peer)| {
                    let wanted = others
                        .iter()
                        .find(|(index, _)| *index == other)
                        .map(|(_, level)| *level);
                    let since = match (wanted, peer.since) {
                        (Some(true), Since::Off(_)) => Since::On(now),
                        (Some(false), Since::On(_)) => Since::Off(now),
                        (_, since) => since,
                    };
                    let by_itself = peer
                        .action
                        .as_ref()
                        .and_then(|action| Some(action.started + action.plan.length()?));
                    let forced = must_go_off_at(&peer.limits, since);
                    Peer {
                        name: peer.name.clone().unwrap_or_default(),
                        since,
                        was_on: peer.was_on,
                        off_at: [by_itself, forced].into_iter().flatten().min(),
                    }
                })
        });
        may_go_on(&line.limits, line.since, peers.into_iter().flatten(), now).map_err(|blocked| {
            let line = line.name.clone().unwrap_or_default();
            match blocked {
                Blocked::MinOff { retry } => Error::MinOff { line, retry },
                Blocked::Interlock { blocked_by, retry } => Error::Interlock {
                    line,
                    blocked_by,
                    retry,
                },
            }
        })
    }
}

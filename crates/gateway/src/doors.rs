//! Ports of their own, opened and closed as the configuration says, while everything else goes on.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use pistack_kit::listen::{self, ListenError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::listeners::everywhere;
use crate::plan::Door;

/// The open ones.
#[derive(Debug, Default)]
pub(crate) struct Doors(Mutex<HashMap<Door, Open>>);

#[derive(Debug)]
struct Open {
    /// The port that was bound.
    port: u16,
    close: CancellationToken,
}

/// A port that was bound and accepts nobody yet.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) door: Door,
    pub(crate) port: u16,
    pub(crate) listeners: Vec<TcpListener>,
}

impl Doors {
    /// Binds those of `wanted` that are not open. None is opened when one cannot be bound.
    pub(crate) async fn bind(&self, wanted: &[Door]) -> Result<Vec<Bound>, ListenError> {
        let mut all = Vec::new();
        for door in wanted {
            if self.port(*door).is_some() {
                continue;
            }
            let setting = "listen";
            let listeners = match door.address() {
                Some(address) => vec![listen::tcp(address, setting).await?],
                None => everywhere(door.port(), setting).await?,
            };
            let port = listeners
                .first()
                .and_then(|listener| listener.local_addr().ok())
                .map_or(door.port(), |address: SocketAddr| address.port());
            all.push(Bound {
                door: *door,
                port,
                listeners,
            });
        }
        Ok(all)
    }

    /// Notes a port as open; it accepts until the token is cancelled.
    pub(crate) fn opened(&self, bound: &Bound, stop: &CancellationToken) -> CancellationToken {
        let close = stop.child_token();
        let open = Open {
            port: bound.port,
            close: close.clone(),
        };
        self.lock().insert(bound.door, open);
        close
    }

    /// Closes all but these. Connections that are open go on.
    pub(crate) fn keep(&self, wanted: &[Door]) {
        self.lock().retain(|door, open| {
            let stays = wanted.contains(door);
            if !stays {
                open.close.cancel();
            }
            stays
        });
    }

    /// The port that was bound for a door.
    pub(crate) fn port(&self, door: Door) -> Option<u16> {
        self.lock().get(&door).map(|open| open.port)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Door, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

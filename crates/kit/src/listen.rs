//! Listening sockets: TCP and unix, bound so that a stale socket is replaced and a live one is respected.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener};

/// An address cannot be listened on; names the address, the reason and the cure.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has it.
    #[error("{address} is in use{holder}. Stop it, or choose another address with `{setting}`")]
    InUse {
        /// `127.0.0.1:5002` or a path.
        address: String,
        /// ` by nginx (pid 611)`, when /proc tells; else empty.
        holder: String,
        /// The option or key that moves it.
        setting: String,
    },
    /// Ports below 1024 need rights.
    #[error("{address} may not be bound by this user. Run as root, or choose another address with `{setting}`")]
    Forbidden {
        /// The address.
        address: String,
        /// The option or key that moves it.
        setting: String,
    },
    /// Anything else.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Binds a TCP address. `setting` is named in the error as the way to move it.
pub async fn tcp(_address: SocketAddr, _setting: &str) -> Result<TcpListener, ListenError> {
    todo!()
}

/// Binds a unix socket with permission bits `mode`: under a temporary name, chmod, then renamed into
/// place. A socket that answers is [`ListenError::InUse`]; a dead one is replaced.
pub fn unix(_path: &Path, _mode: u32) -> Result<UnixSocket, ListenError> {
    todo!()
}

/// A bound unix socket whose file is removed when dropped (if it is still ours).
#[derive(Debug)]
pub struct UnixSocket {
    /// The listener.
    pub listener: UnixListener,
    /// Its path.
    pub path: PathBuf,
}

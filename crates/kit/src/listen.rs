//! Listening sockets: TCP and unix, bound so that a stale socket is replaced and a live one is respected.

mod holder;

use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpSocket, UnixListener};

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
    #[error(
        "{address} may not be bound by this user. Run as root, or choose another address with `{setting}`"
    )]
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
        source: io::Error,
    },
}

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Binds a TCP address. `setting` is named in the error as the way to move it.
#[expect(
    clippy::unused_async,
    reason = "callers await it; a bind that resolves names may come"
)]
pub async fn tcp(address: SocketAddr, setting: &str) -> Result<TcpListener, ListenError> {
    bind_tcp(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse {
            address: address.to_string(),
            holder: holder::of_port(address).map_or_else(String::new, |holder| format!(" by {holder}")),
            setting: setting.to_owned(),
        },
        io::ErrorKind::PermissionDenied => ListenError::Forbidden {
            address: address.to_string(),
            setting: setting.to_owned(),
        },
        _ => ListenError::Other {
            address: address.to_string(),
            source,
        },
    })
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Without it a restart would have to wait until old connections have left TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Binds a unix socket with permission bits `mode`: under a temporary name, chmod, then renamed into
/// place. A socket that answers is [`ListenError::InUse`]; a dead one is replaced. Anything else of that
/// name is left alone and an error.
pub fn unix(path: &Path, mode: u32) -> Result<UnixSocket, ListenError> {
    let address = || path.display().to_string();
    let other = |source| ListenError::Other {
        address: address(),
        source,
    };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(other(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(other(io::Error::other(
                "something that is no socket has this name; move it aside",
            )));
        }
        Ok(_) => {
            if let Ok(peer) = std::os::unix::net::UnixStream::connect(path) {
                let holder = holder::of_peer(peer).map_or_else(String::new, |holder| format!(" by {holder}"));
                return Err(ListenError::InUse {
                    address: address(),
                    holder,
                    setting: "--state-dir".to_owned(),
                });
            }
        }
    }
    bind_unix(path, mode).map_err(other)
}

fn bind_unix(path: &Path, mode: u32) -> io::Result<UnixSocket> {
    if path.as_os_str().len() > MAX_SOCKET_PATH {
        let text = "the path is longer than the 107 bytes that a unix socket may have; choose a shorter state \
                    directory with --state-dir";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // The shortest name that nobody guesses: it counts towards the same limit.
    let temporary = directory.join(format!(".{}", crate::random::token(3)));
    let listener = UnixListener::bind(&temporary)?;
    let placed = place(&temporary, path, mode);
    if placed.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    Ok(UnixSocket {
        listener,
        path: path.to_owned(),
        file: placed?,
    })
}

/// Longest path of a unix socket: `sun_path` less its closing zero (unix(7)).
const MAX_SOCKET_PATH: usize = 107;

/// Renames the finished socket into place; gives its device and inode.
fn place(temporary: &Path, path: &Path, mode: u32) -> io::Result<(u64, u64)> {
    std::fs::set_permissions(temporary, Permissions::from_mode(mode))?;
    if let Some(directory) = temporary.parent() {
        crate::paths::like_directory(temporary, directory)?;
    }
    std::fs::rename(temporary, path)?;
    let metadata = std::fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// A bound unix socket whose file is removed when dropped (if it is still ours).
#[derive(Debug)]
pub struct UnixSocket {
    /// The listener.
    pub listener: UnixListener,
    /// Its path.
    pub path: PathBuf,
    /// Device and inode of the file, to know it again.
    file: (u64, u64),
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.file);
        if ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_names_its_holder_and_the_setting() {
        let first = tcp("127.0.0.1:0".parse().unwrap(), "AUTH_PORT").await.unwrap();
        let address = first.local_addr().unwrap();
        let error = tcp(address, "AUTH_PORT").await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ListenError::InUse { .. }));
        assert!(
            text.contains(&address.to_string()) && text.contains("AUTH_PORT"),
            "{text}"
        );
        assert!(text.contains(&format!("(pid {})", std::process::id())), "{text}");
    }

    #[tokio::test]
    async fn an_address_of_another_host_is_named() {
        let error = tcp("192.0.2.1:0".parse().unwrap(), "AUTH_BIND")
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("192.0.2.1:0"), "{error}");
    }

    #[tokio::test]
    async fn a_live_socket_is_respected_and_a_dead_one_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("auth.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a listener of std leaves its file behind");
        let socket = unix(&path, 0o600).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let error = unix(&path, 0o600).unwrap_err();
        assert!(
            matches!(&error, ListenError::InUse { holder, .. } if holder.contains("pid")),
            "{error}"
        );
        drop(socket);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_socket_that_took_our_place_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("auth.sock");
        let first = unix(&path, 0o600).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _second = unix(&path, 0o600).unwrap();
        drop(first);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn files_and_long_paths_are_refused_with_the_reason() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        std::fs::write(&file, "mine").unwrap();
        assert!(unix(&file, 0o600).unwrap_err().to_string().contains("no socket"));
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
        let long = home.path().join("x".repeat(120));
        assert!(unix(&long, 0o600).unwrap_err().to_string().contains("107"));
    }
}

//! Listening: unix sockets that appear complete and vanish with their daemon, and TCP.

use std::fs::{File, TryLockError};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pistack_engine::config::model::{Server, ServerAddress};
use tokio::net::{TcpListener, UnixListener};

use super::stream::Stream;
use crate::sys::{errno, identity, limits};

/// An address cannot be listened on; names it, where it was written, and why.
#[derive(Debug, thiserror::Error)]
#[error("{address}: {reason}{}", origin(.file, *.line))]
pub struct BindError {
    /// Socket path or `host:port`.
    pub address: String,
    /// Why, and what to do about it.
    pub reason: String,
    /// The system's answer as supervisord reports it, `errno.EADDRNOTAVAIL (99)`; empty when the system was not asked.
    pub reported: String,
    /// File of the configuration; empty when it was not written in one.
    pub file: PathBuf,
    /// Line in it.
    pub line: u32,
}

fn origin(file: &Path, line: u32) -> String {
    if file.as_os_str().is_empty() {
        String::new()
    } else {
        format!(" ({}:{line})", file.display())
    }
}

/// What is said about a port or socket that is taken; supervisord's words.
const TAKEN: &str =
    "Another program is already listening on this address. Shut it down first, or choose another address";

/// Why there is no socket.
#[derive(Debug)]
pub(crate) struct Trouble {
    reason: String,
    reported: String,
}

impl From<String> for Trouble {
    fn from(reason: String) -> Self {
        Self {
            reason,
            reported: String::new(),
        }
    }
}

impl Trouble {
    /// What the system says, in its own words.
    fn of(error: &io::Error) -> Self {
        Self::told(error, error.to_string())
    }

    /// What the system says, in better words.
    fn told(error: &io::Error, reason: impl Into<String>) -> Self {
        let reported = match error.raw_os_error() {
            Some(code) => match errno::name(code) {
                Some(name) => format!("errno.{name} ({code})"),
                None => code.to_string(),
            },
            None => error.to_string(),
        };
        Self {
            reason: reason.into(),
            reported,
        }
    }
}

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    /// A unix socket.
    Unix {
        /// The socket.
        listener: UnixListener,
        /// Removes the file when the socket goes.
        _file: SocketFile,
    },
    /// TCP.
    Tcp(TcpListener),
}

impl Listener {
    /// Waits for a client.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Unix { listener, .. } => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
            Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                // answers are small and clients wait for them; a socket without the option works too
                let _ = stream.set_nodelay(true);
                Stream::Tcp(stream)
            }),
        }
    }
}

/// The file of a unix socket; removed when dropped, if it is still this socket's.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|now| now.dev() == self.device && now.ino() == self.inode);
        if ours {
            // one that cannot be removed is found stale by the next daemon
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Listens on a server's address.
pub(crate) fn bind(server: &Server) -> Result<Listener, BindError> {
    let bound = match &server.address {
        ServerAddress::Unix { path, mode, owner } => unix(path, *mode, owner.as_ref()),
        ServerAddress::Inet { host, port } => tcp(host, *port),
    };
    bound.map_err(|trouble| error(server, trouble))
}

/// An error about a server's address.
pub(crate) fn error(server: &Server, trouble: impl Into<Trouble>) -> BindError {
    let Trouble { reason, reported } = trouble.into();
    BindError {
        address: address_text(&server.address),
        reason,
        reported,
        file: server.origin.file.clone(),
        line: server.origin.line,
    }
}

/// `/run/supervisor.sock` or `127.0.0.1:9001`.
pub(crate) fn address_text(address: &ServerAddress) -> String {
    match address {
        ServerAddress::Unix { path, .. } => path.display().to_string(),
        ServerAddress::Inet { host, port } if host.is_empty() => format!("*:{port}"),
        ServerAddress::Inet { host, port } => format!("{host}:{port}"),
    }
}

fn tcp(host: &str, port: u16) -> Result<Listener, Trouble> {
    let host = if host.is_empty() || host == "*" {
        "0.0.0.0"
    } else {
        host
    };
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| {
            // what Python's `getaddrinfo` fails with; std keeps the words only
            let again = error.to_string().contains("Temporary failure");
            let code = if again { libc::EAI_AGAIN } else { libc::EAI_NONAME };
            Trouble {
                reason: format!("the host is not known: {error}"),
                reported: code.to_string(),
            }
        })?
        .filter(SocketAddr::is_ipv4)
        .collect();
    let listener = std::net::TcpListener::bind(addresses.as_slice()).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Trouble::told(&error, TAKEN),
        io::ErrorKind::PermissionDenied => Trouble::told(
            &error,
            "this user may not listen here. Run as root, or choose a port above 1023",
        ),
        _ => Trouble::of(&error),
    })?;
    let registered = listener
        .set_nonblocking(true)
        .and_then(|()| TcpListener::from_std(listener));
    registered.map(Listener::Tcp).map_err(|error| Trouble::of(&error))
}

type Owner = (String, Option<String>);

fn unix(path: &Path, mode: u32, owner: Option<&Owner>) -> Result<Listener, Trouble> {
    let _turn = turn(path);
    if is_alive(path)? {
        return Err(TAKEN.to_owned().into());
    }
    // made under another name, so that nobody meets it before it has its permissions
    let made = path.with_file_name(format!(".{}", std::process::id()));
    // what is there is a leftover of a process with the same number
    let _ = std::fs::remove_file(&made);
    let listener = bind_privately(&made).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Trouble::told(
            &error,
            "its directory does not exist. Make it, or choose another path",
        ),
        io::ErrorKind::PermissionDenied => Trouble::told(&error, "this user may not write its directory"),
        io::ErrorKind::InvalidInput => Trouble {
            reason: "the path is too long for a socket".to_owned(),
            reported: "AF_UNIX path too long".to_owned(),
        },
        _ => Trouble::of(&error),
    })?;
    let finished = dress(&made, mode, owner)
        .map_err(Trouble::from)
        .and_then(|()| std::fs::symlink_metadata(&made).map_err(|error| Trouble::of(&error)))
        .and_then(|metadata| {
            put_in_place(&made, path)?;
            Ok(SocketFile {
                path: path.to_owned(),
                device: metadata.dev(),
                inode: metadata.ino(),
            })
        });
    let file = match finished {
        Ok(file) => file,
        Err(reason) => {
            // nothing half-made stays behind
            let _ = std::fs::remove_file(&made);
            return Err(reason);
        }
    };
    let registered = listener
        .set_nonblocking(true)
        .and_then(|()| UnixListener::from_std(listener));
    registered
        .map(|listener| Listener::Unix {
            listener,
            _file: file,
        })
        .map_err(|error| Trouble::of(&error))
}

/// Makes daemons that start together look for a stale socket, and replace it, one after the other: the lock of the
/// directory, as long as the file lives. A stranger who keeps it is not waited for.
fn turn(path: &Path) -> Option<File> {
    const TRIES: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(10);
    let directory = File::open(path.parent()?).ok()?;
    for _ in 0..TRIES {
        match directory.try_lock() {
            Ok(()) => return Some(directory),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// Gives a finished socket its name. A link, unlike a rename, never takes the name from a daemon that got there first.
fn put_in_place(made: &Path, path: &Path) -> Result<(), Trouble> {
    /// Rounds of removing a stale socket and linking again: supervisord itself may do the same at this moment.
    const TRIES: usize = 8;
    for _ in 0..TRIES {
        match std::fs::hard_link(made, path) {
            Ok(()) => {
                // the second name has served; one that stays is replaced by the next process with this number
                let _ = std::fs::remove_file(made);
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if is_alive(path)? {
                    return Err(TAKEN.to_owned().into());
                }
                // whoever else removed it comes to the same end
                let _ = std::fs::remove_file(path);
            }
            // a file system without links
            Err(_) => return std::fs::rename(made, path).map_err(|error| Trouble::of(&error)),
        }
    }
    Err(TAKEN.to_owned().into())
}

fn bind_privately(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    let before = limits::set_umask(0o177);
    let bound = std::os::unix::net::UnixListener::bind(path);
    limits::set_umask(before);
    bound
}

/// Gives a socket its owner and permissions.
pub(crate) fn dress(path: &Path, mode: u32, owner: Option<&Owner>) -> Result<(), String> {
    if let Some((user, group)) = owner {
        let account = identity::account(user)?;
        let gid = group
            .as_deref()
            .map(identity::group)
            .transpose()?
            .unwrap_or(account.gid);
        std::os::unix::fs::chown(path, Some(account.uid), Some(gid))
            .map_err(|error| format!("cannot give it to {user}: {error}"))?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(|error| error.to_string())
}

/// Whether somebody listens at `path`. Something there that is no socket is an error: it is not ours to replace.
fn is_alive(path: &Path) -> Result<bool, Trouble> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Trouble::of(&error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            let reason = "there is a file that is no socket. Remove it, or choose another path";
            return Err(reason.to_owned().into());
        }
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(true),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pistack_engine::config::model::Origin;

    fn server(address: ServerAddress) -> Server {
        Server {
            address,
            credentials: None,
            origin: Origin {
                file: "x.conf".into(),
                line: 7,
            },
        }
    }

    fn at(path: &Path) -> Server {
        server(ServerAddress::Unix {
            path: path.to_owned(),
            mode: 0o640,
            owner: None,
        })
    }

    #[tokio::test]
    async fn a_socket_has_its_mode_and_goes_with_its_listener() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sock");
        let listener = bind(&at(&path)).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        let error = bind(&at(&path)).unwrap_err().to_string();
        assert!(
            error.contains("s.sock: Another program is already listening") && error.ends_with("(x.conf:7)"),
            "{error}"
        );
        drop(listener);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_strangers_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = bind(&at(&path)).unwrap();
        // somebody else's socket at the same place stays when ours goes
        std::fs::remove_file(&path).unwrap();
        let _other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(first);
        assert!(path.exists());

        let plain = dir.path().join("plain");
        std::fs::write(&plain, "precious").unwrap();
        assert!(bind(&at(&plain)).unwrap_err().reason.contains("no socket"));
        assert_eq!(std::fs::read_to_string(&plain).unwrap(), "precious");
    }

    #[tokio::test]
    async fn errors_name_the_cure() {
        let error = bind(&at(Path::new("/no/such/dir/s.sock"))).unwrap_err();
        assert!(error.reason.contains("directory does not exist"), "{error}");
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = bind(&server(ServerAddress::Inet {
            host: "127.0.0.1".into(),
            port,
        }))
        .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("127.0.0.1:{port}: Another program")),
            "{error}"
        );
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sock");
        let owner = Some(("no-such-user".to_owned(), None));
        let error = bind(&server(ServerAddress::Unix {
            path,
            mode: 0o700,
            owner,
        }))
        .unwrap_err();
        assert_eq!(error.reason, "Can't find username 'no-such-user'");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

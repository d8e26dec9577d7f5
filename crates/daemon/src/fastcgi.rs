//! Listening sockets of FastCGI groups: the children's standard input, open while one of them lives.

use std::collections::HashMap;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use pistack_engine::config::model::{GroupKind, GroupSpec};

use crate::http::bind::dress;
use crate::sys::fds;

/// The sockets of all FastCGI groups that have a living child.
#[derive(Debug, Default)]
pub(crate) struct FastCgiSockets(HashMap<String, Open>);

#[derive(Debug)]
struct Open {
    socket: OwnedFd,
    /// Removed when the socket is closed.
    path: Option<PathBuf>,
    users: usize,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // a leftover is replaced at the next start
            let _ = std::fs::remove_file(path);
        }
    }
}

impl FastCgiSockets {
    /// The group's socket, bound if it is not; the caller counts as a user until [`FastCgiSockets::release`].
    /// `None` for groups of other kinds.
    pub(crate) fn acquire(&mut self, group: &GroupSpec) -> Option<Result<OwnedFd, String>> {
        let GroupKind::FastCgi {
            socket,
            owner,
            mode,
            backlog,
        } = &group.kind
        else {
            return None;
        };
        if !self.0.contains_key(&group.name) {
            let opened = open(socket, *mode, owner.as_ref()).and_then(|open| {
                let Some(backlog) = backlog else { return Ok(open) };
                fds::set_backlog(open.socket.as_fd(), *backlog).map_err(|error| error.to_string())?;
                Ok(open)
            });
            match opened {
                Ok(open) => self.0.insert(group.name.clone(), open),
                Err(reason) => return Some(Err(format!("cannot listen on {socket}: {reason}"))),
            };
        }
        let open = self.0.get_mut(&group.name)?;
        Some(
            open.socket
                .try_clone()
                .map_err(|error| error.to_string())
                .inspect(|_| open.users += 1),
        )
    }

    /// One user fewer; the last one closes the socket.
    pub(crate) fn release(&mut self, group: &str) {
        if let Some(open) = self.0.get_mut(group) {
            open.users = open.users.saturating_sub(1);
            if open.users == 0 {
                self.0.remove(group);
            }
        }
    }
}

fn open(address: &str, mode: u32, owner: Option<&(String, Option<String>)>) -> Result<Open, String> {
    if let Some(path) = address.strip_prefix("unix://") {
        let path = Path::new(path);
        // what a former child's socket left behind
        let _ = std::fs::remove_file(path);
        let listener = std::os::unix::net::UnixListener::bind(path).map_err(|error| error.to_string())?;
        let open = Open {
            socket: listener.into(),
            path: Some(path.to_owned()),
            users: 0,
        };
        dress(path, mode, owner)?;
        return Ok(open);
    }
    let Some(address) = address.strip_prefix("tcp://") else {
        return Err("an address begins with unix:// or tcp://".to_owned());
    };
    let listener = std::net::TcpListener::bind(address).map_err(|error| error.to_string())?;
    Ok(Open {
        socket: listener.into(),
        path: None,
        users: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pistack_engine::config::model::Origin;

    fn group(socket: String) -> GroupSpec {
        let kind = GroupKind::FastCgi {
            socket,
            owner: None,
            mode: 0o700,
            backlog: Some(7),
        };
        GroupSpec {
            name: "web".into(),
            priority: 1,
            kind,
            processes: Vec::new(),
            origin: Origin::default(),
        }
    }

    #[test]
    fn the_socket_lives_as_long_as_its_users() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f.sock");
        let group = group(format!("unix://{}", path.display()));
        let mut sockets = FastCgiSockets::default();
        let first = sockets.acquire(&group).unwrap().unwrap();
        let second = sockets.acquire(&group).unwrap().unwrap();
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        sockets.release("web");
        assert!(path.exists());
        drop((first, second));
        sockets.release("web");
        assert!(!path.exists());
    }

    #[test]
    fn errors_name_the_address() {
        let mut sockets = FastCgiSockets::default();
        let error = sockets
            .acquire(&group("unix:///no/such/dir/x".into()))
            .unwrap()
            .unwrap_err();
        assert!(
            error.starts_with("cannot listen on unix:///no/such/dir/x: "),
            "{error}"
        );
        assert!(sockets.acquire(&group("x".into())).unwrap().is_err());
        let mut plain = group(String::new());
        plain.kind = GroupKind::Programs;
        assert!(sockets.acquire(&plain).is_none());
    }
}

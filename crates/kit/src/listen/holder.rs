//! Who holds an address: read from /proc, as far as this user may look.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

/// A process, for people.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Holder {
    name: String,
    pid: u32,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

impl Holder {
    fn of_pid(pid: u32) -> Option<Self> {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        Some(Self {
            name: name.trim().to_owned(),
            pid,
        })
    }
}

/// The process that listens on a TCP port. `None` when /proc does not tell, as for other users' processes.
pub(super) fn of_port(address: SocketAddr) -> Option<Holder> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|table| listening_inodes(&table, address.port()))
        .collect();
    let targets: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .find(|pid: &u32| has_descriptor(*pid, &targets))
        .and_then(Holder::of_pid)
}

/// The process that listens at the other end of a unix connection (`SO_PEERCRED`, unix(7)).
pub(super) fn of_peer(peer: std::os::unix::net::UnixStream) -> Option<Holder> {
    peer.set_nonblocking(true).ok()?;
    let pid = tokio::net::UnixStream::from_std(peer)
        .ok()?
        .peer_cred()
        .ok()?
        .pid()?;
    Holder::of_pid(u32::try_from(pid).ok()?)
}

/// Inodes of the sockets in state LISTEN (0A) on `port`, whatever their address: a wildcard holds all of them.
/// The table's form: proc(5), `/proc/net/tcp`.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let local = fields.nth(1)?;
            let state = fields.nth(1)?;
            let inode = fields.nth(5)?;
            (local.ends_with(&suffix) && state == "0A").then(|| inode.to_owned())
        })
        .collect()
}

fn has_descriptor(pid: u32, targets: &[String]) -> bool {
    let Ok(descriptors) = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")) else {
        return false;
    };
    descriptors
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .any(|link| {
            link.to_str()
                .is_some_and(|link| targets.iter().any(|target| target == link))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0100007F:138A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n   \
             1: 0100007F:138A 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0\n";
        assert_eq!(listening_inodes(table, 5002), ["4711"]);
        assert!(listening_inodes(table, 5003).is_empty());
        assert!(listening_inodes("", 1).is_empty());
    }
}

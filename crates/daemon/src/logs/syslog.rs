//! The system's log, over its datagram socket: a line that it does not take at once is lost.

use std::os::unix::net::UnixDatagram;

/// Facility "user", severity "informational" (RFC 3164), as supervisord's.
const PRIORITY: u8 = 14;

/// The way to syslog. Connects when first used, and again after syslog was restarted.
#[derive(Debug)]
pub(crate) struct Syslog {
    path: &'static str,
    socket: std::cell::RefCell<Option<UnixDatagram>>,
    pid: u32,
}

impl Default for Syslog {
    fn default() -> Self {
        Self {
            path: "/dev/log",
            socket: std::cell::RefCell::default(),
            pid: std::process::id(),
        }
    }
}

impl Syslog {
    /// Sends each line of `text`, with `program` in front where there is one.
    pub(crate) fn send(&self, program: Option<&str>, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        for line in text.lines().filter(|line| !line.is_empty()) {
            let message = match program {
                Some(program) => format!("<{PRIORITY}>supervisord[{}]: {program} {line}", self.pid),
                None => format!("<{PRIORITY}>supervisord[{}]: {line}", self.pid),
            };
            if !self.try_send(message.as_bytes()) {
                // syslog may have been restarted: one new connection, then the line is lost
                self.socket.replace(None);
                self.try_send(message.as_bytes());
            }
        }
    }

    fn try_send(&self, message: &[u8]) -> bool {
        let mut socket = self.socket.borrow_mut();
        if socket.is_none() {
            *socket = UnixDatagram::unbound()
                .and_then(|fresh| {
                    fresh.set_nonblocking(true)?;
                    fresh.connect(self.path)?;
                    Ok(fresh)
                })
                .ok();
        }
        socket.as_ref().is_some_and(|socket| socket.send(message).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_message() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let server = UnixDatagram::bind(&path).unwrap();
        let path: &'static str = path.to_str().unwrap().to_owned().leak();
        let syslog = Syslog {
            path,
            socket: std::cell::RefCell::default(),
            pid: 7,
        };
        syslog.send(Some("cat"), b"one\ntwo\n");
        syslog.send(None, b"three");
        let mut buffer = [0; 200];
        let mut next = || {
            let count = server.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..count].to_vec()).unwrap()
        };
        assert_eq!(next(), "<14>supervisord[7]: cat one");
        assert_eq!(next(), "<14>supervisord[7]: cat two");
        assert_eq!(next(), "<14>supervisord[7]: three");
    }

    #[test]
    fn without_a_syslog_nothing_happens() {
        let syslog = Syslog {
            path: "/no/such/socket",
            socket: std::cell::RefCell::default(),
            pid: 7,
        };
        syslog.send(None, b"lost");
    }
}

//! The socket: a request and its answers, and the groups that tell of changes.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};
use tokio::net::UnixDatagram;

use super::message::{self, DONE, Message};

/// The kernel answers while it is asked; longer than this, something is wrong.
const PATIENCE: Duration = Duration::from_secs(1);
/// As large as the kernel makes its datagrams of a dump (netlink(7)).
const DATAGRAM: usize = 32 * 1024;
/// Links, IPv4 addresses, IPv4 routes, IPv6 addresses, IPv6 routes (`RTMGRP_*` of rtnetlink(7)).
const ROUTE_GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// Which part of the kernel is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Links, addresses and routes.
    Route,
    /// Families by name; wireless is one.
    Generic,
}

/// An open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    descriptor: OwnedFd,
    sequence: u32,
}

fn open(family: Family, flags: SocketFlags, groups: u32) -> io::Result<OwnedFd> {
    let protocol: Option<Protocol> = match family {
        Family::Route => None,
        Family::Generic => Some(netlink::GENERIC),
    };
    let descriptor = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        flags | SocketFlags::CLOEXEC,
        protocol,
    )?;
    rustix::net::bind(&descriptor, &SocketAddrNetlink::new(0, groups))?;
    Ok(descriptor)
}

impl Socket {
    /// A socket to ask with.
    pub(crate) fn open(family: Family) -> io::Result<Self> {
        let descriptor = open(family, SocketFlags::empty(), 0)?;
        set_socket_timeout(&descriptor, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self {
            descriptor,
            sequence: 0,
        })
    }

    /// Asks for everything of a kind; `each` gets the answers one by one.
    pub(crate) fn dump(&mut self, kind: u16, body: &[u8], each: impl FnMut(&Message<'_>)) -> io::Result<()> {
        self.sequence += 1;
        let request = message::dump(kind, self.sequence, body);
        self.exchange(&request, true, each)
    }

    /// Asks for one thing.
    pub(crate) fn single(
        &mut self,
        kind: u16,
        body: &[u8],
        each: impl FnMut(&Message<'_>),
    ) -> io::Result<()> {
        self.sequence += 1;
        let request = message::single(kind, self.sequence, body);
        self.exchange(&request, false, each)
    }

    fn exchange(&self, request: &[u8], is_dump: bool, mut each: impl FnMut(&Message<'_>)) -> io::Result<()> {
        rustix::net::sendto(
            &self.descriptor,
            request,
            SendFlags::empty(),
            &SocketAddrNetlink::new(0, 0),
        )?;
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let (length, _) = rustix::net::recv(&self.descriptor, &mut *buffer, RecvFlags::empty())?;
            let mut answered = false;
            for message in message::messages(&buffer[..length]) {
                if message.sequence != self.sequence {
                    continue;
                }
                if message.kind == DONE {
                    return Ok(());
                }
                match message.error() {
                    Some(0) => return Ok(()),
                    Some(code) => return Err(io::Error::from_raw_os_error(code.saturating_neg())),
                    None => each(&message),
                }
                answered = true;
            }
            if answered && !is_dump {
                return Ok(());
            }
        }
    }
}

/// Hears of every change to links, addresses and routes.
#[derive(Debug)]
pub(crate) struct Monitor(UnixDatagram);

impl Monitor {
    /// Joins the groups.
    pub(crate) fn open() -> io::Result<Self> {
        let descriptor = open(Family::Route, SocketFlags::NONBLOCK, ROUTE_GROUPS)?;
        // To wait and to read, a datagram socket is a datagram socket, of whatever family: nothing else is done with it.
        UnixDatagram::from_std(descriptor.into()).map(Self)
    }

    /// Returns after something has changed. What has come is thrown away: that it came is all that counts.
    pub(crate) async fn changed(&self) -> io::Result<()> {
        self.0.readable().await?;
        let mut buffer = [0; 4096];
        loop {
            match self.0.try_recv(&mut buffer) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // More news than the socket holds: something changed, whatever it was.
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOBUFS.raw_os_error()) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_the_loopback() {
        use crate::netlink::route;
        let mut socket = Socket::open(Family::Route).unwrap();
        let mut names = Vec::new();
        socket
            .dump(route::GET_LINK, &[0; route::LINK_HEADER], |message| {
                names.extend(route::link(message.body).map(|link| link.name));
            })
            .unwrap();
        assert!(names.contains(&"lo".to_owned()), "{names:?}");
        let refused = socket.dump(9999, &[0; 16], |_| {});
        assert!(refused.is_err(), "no such request");
    }

    #[tokio::test]
    async fn news_are_waited_for() {
        let monitor = Monitor::open().unwrap();
        let none = tokio::time::timeout(Duration::from_millis(20), monitor.changed()).await;
        assert!(none.is_err() || none.is_ok_and(|news| news.is_ok()));
    }
}

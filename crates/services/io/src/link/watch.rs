//! The task that follows the link.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use rustix::fd::OwnedFd;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};
use tokio::io::unix::AsyncFd;

use super::decide::{Order, Watchman};
use super::state::is_up;
use crate::error::Error;
use crate::state::Gpio;

/// Groups of rtnetlink: interfaces, IPv4 routes, IPv6 routes (the kernel's `RTMGRP_*`).
const GROUPS: u32 = 0x1 | 0x40 | 0x400;
/// How often files are looked at where the kernel does not tell: a copy of `/sys`, or no netlink.
const LOOK: Duration = Duration::from_millis(200);
/// How long a line that may not go on yet is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// A line to get its level back.
#[derive(Debug)]
struct Owed {
    name: String,
    level: bool,
    /// Its state after it was put to its level; another one means that somebody wrote it since.
    seq: u64,
}

/// Puts lines to their levels while the link is down, until the service stops. Ends at once where no line asks for it.
pub(crate) async fn follow(gpio: Gpio, sysroot: PathBuf, clock: Clock, lifecycle: Lifecycle) {
    let lines = gpio.board().link_losses();
    if lines.is_empty() {
        return;
    }
    let mut watchman = Watchman::new(lines);
    let kernel = Kernel::open(&sysroot);
    let mut owed: Vec<Owed> = Vec::new();
    let mut restoring = false;
    loop {
        let now = clock.monotonic();
        for order in watchman.step(is_up(&sysroot), now) {
            match order {
                Order::Lose(name) => {
                    restoring = false;
                    owed.extend(lose(&gpio, name));
                }
                Order::Restore => {
                    tracing::info!("the link is back");
                    gpio.board().link_back();
                    restoring = true;
                }
            }
        }
        if restoring {
            owed.retain(|owed| !restore(&gpio, owed));
        }
        let wait = watchman.deadline().map(|deadline| deadline.saturating_sub(now));
        let wait = match (wait, restoring && !owed.is_empty()) {
            (Some(wait), _) => Some(wait),
            (None, true) => Some(AGAIN),
            (None, false) => None,
        };
        tokio::select! {
            () = kernel.changed() => {}
            () = sleep(wait) => {}
            () = lifecycle.stopped() => return,
        }
    }
}

async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time.max(Duration::from_millis(1))).await,
        None => std::future::pending().await,
    }
}

/// Puts a line to its level, and says what it is owed.
fn lose(gpio: &Gpio, name: String) -> Option<Owed> {
    let mut board = gpio.board();
    let level = board.read(&name).ok();
    match board.link_lost(&name) {
        Ok(()) => tracing::warn!(line = name, "the link is down: the line is put to its level"),
        Err(error) => {
            tracing::error!(line = name, %error, "the link is down, and the line cannot be put to its level");
        }
    }
    let place = board.find(&name).ok()?;
    let seq = board.view(place).seq;
    Some(Owed {
        name,
        level: level?,
        seq,
    })
}

/// Gives a line its level back; true if there is nothing more to do about it.
fn restore(gpio: &Gpio, owed: &Owed) -> bool {
    let mut board = gpio.board();
    let Ok(place) = board.find(&owed.name) else {
        return true;
    };
    // Somebody wrote it since. (What link_back itself did to a line that was let go is no such write.)
    let view = board.view(place);
    if view.seq != owed.seq && view.changed_by.as_deref() != Some("link") {
        return true;
    }
    match board.set(&owed.name, owed.level, None, "link") {
        Ok(_) => true,
        Err(Error::MinOff { .. } | Error::Interlock { .. }) => false,
        Err(error) => {
            tracing::error!(line = owed.name, %error, "the line cannot get its level back");
            true
        }
    }
}

/// Where changes are heard of.
#[derive(Debug)]
struct Kernel {
    socket: Option<AsyncFd<OwnedFd>>,
}

impl Kernel {
    fn open(sysroot: &Path) -> Self {
        if sysroot != Path::new("/") {
            return Self { socket: None };
        }
        let socket = subscribe();
        if let Err(error) = &socket {
            tracing::warn!(%error, "the kernel does not tell of links; they are looked at");
        }
        Self { socket: socket.ok() }
    }

    /// Something changed, or it is time to look.
    async fn changed(&self) {
        let Some(socket) = &self.socket else {
            tokio::time::sleep(LOOK).await;
            return;
        };
        let Ok(mut ready) = socket.readable().await else {
            tokio::time::sleep(LOOK).await;
            return;
        };
        // What changed is looked up anew; the messages only have to go.
        let mut message = [0; 8192];
        // NOBUFS: more was told than the socket holds, also a change.
        while let Ok(_) | Err(rustix::io::Errno::NOBUFS | rustix::io::Errno::INTR) =
            rustix::net::recv(socket.get_ref(), &mut message[..], RecvFlags::DONTWAIT)
        {}
        ready.clear_ready();
    }
}

#[expect(
    deprecated,
    reason = "what takes its place is unsafe; the socket is open as long as it is registered"
)]
fn subscribe() -> std::io::Result<AsyncFd<OwnedFd>> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    AsyncFd::new(socket)
}

//! Three low descriptors that are kept free for what a child takes over.
//!
//! A child that shares the daemon's table of descriptors gets a table of its own by `close_range` with
//! `CLOSE_RANGE_UNSHARE`, which copies only what is below the range that it closes. A supervisor of 1,000 programs has
//! 5,000 descriptors, and the pipes of the next child have the highest numbers: so they are put into three slots among
//! the lowest numbers first, and the copy is short however many programs there are.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// Three descriptors that lead nowhere between two starts, so that nobody else gets their numbers.
#[derive(Debug)]
pub(super) struct Slots {
    nowhere: OwnedFd,
    slots: [OwnedFd; 3],
}

/// The slots while they hold what a child takes over.
#[derive(Debug)]
pub(super) struct Placed<'a>(&'a Slots);

impl Slots {
    /// Reserves three. `None` where there is no `close_range` (kernels before 5.9, some sandboxes), or no descriptor
    /// left.
    pub(super) fn reserve() -> Option<Self> {
        // SAFETY: it takes integers; there is no descriptor in this range.
        let known = unsafe { libc::syscall(libc::SYS_close_range, libc::c_uint::MAX, libc::c_uint::MAX, 0) };
        if known != 0 {
            return None;
        }
        let nowhere = File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .ok()?
            .into();
        let slot = || duplicate(&nowhere);
        let slots = [slot().ok()?, slot().ok()?, slot().ok()?];
        Some(Self { nowhere, slots })
    }

    /// The numbers of the slots.
    pub(super) fn numbers(&self) -> [RawFd; 3] {
        self.slots.each_ref().map(OwnedFd::as_raw_fd)
    }

    /// Puts a child's three ends into the slots until `Placed` is dropped.
    pub(super) fn place(&self, ends: [BorrowedFd<'_>; 3]) -> io::Result<Placed<'_>> {
        let placed = Placed(self);
        for (end, slot) in ends.iter().zip(&self.slots) {
            put(end.as_raw_fd(), slot)?;
        }
        Ok(placed)
    }
}

impl Placed<'_> {
    /// Standard input, output and error, in this process's numbers.
    pub(super) fn descriptors(&self) -> [RawFd; 3] {
        self.0.numbers()
    }

    /// The first number above all slots.
    pub(super) fn end(&self) -> RawFd {
        self.descriptors().into_iter().max().unwrap_or(2) + 1
    }
}

impl Drop for Placed<'_> {
    /// The daemon must not hold a child's ends: their readers would never see their end.
    fn drop(&mut self) {
        for slot in &self.0.slots {
            // it cannot fail: both are open, and neither is above the limit
            let _ = put(self.0.nowhere.as_raw_fd(), slot);
        }
    }
}

/// A second number for the same file, above standard error, closed on exec.
fn duplicate(fd: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes an open descriptor and an integer.
    let number = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) };
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made it; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Makes `slot` mean what `source` means.
fn put(source: RawFd, slot: &OwnedFd) -> io::Result<()> {
    // SAFETY: both are open descriptors, and what `slot` meant before is owned by `Slots` alone.
    if unsafe { libc::dup3(source, slot.as_raw_fd(), libc::O_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

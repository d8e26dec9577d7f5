//! Starting a child by hand, because the order of the steps matters and because it must be cheap.
//!
//! Everything that needs memory is prepared before there is a child; the child only makes async-signal-safe calls.
//! All signals are blocked meanwhile and opened in the child after their handlers are back to default: a stop signal
//! sent the moment after the start is neither lost nor caught by somebody else's handler.
//!
//! A fork copies the page tables of the daemon and then, page by page, what both sides write; that was half of the
//! time that a start of 1,000 programs took. So the child lives in the daemon's memory until it executes its program,
//! on a stack of its own, while this thread waits (`CLONE_VM | CLONE_VFORK`, what `posix_spawn` does). It allocates
//! nothing, takes no lock and changes nothing but its stack and `errno`. It also shares the daemon's table of
//! descriptors until it has taken the few lowest ones into a table of its own (see [`slots`]).
//!
//! A child that becomes another user is forked instead: a process that runs in the memory of a supervisor that is root
//! must not be one to which that user may send signals (a SIGSTOP would stop the supervisor with it), and the C
//! library's way to change the user reaches for the other threads of what it takes to be the same process.

mod image;
mod slots;

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::path::Path;

use self::image::Image;
use self::slots::Slots;
use super::identity::Account;
use super::priority::Raised;
use super::signals;

/// Bytes of a child's stack until it executes its program; a test measures how much of it is used.
const STACK: usize = 64 << 10;

/// As whom a child runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunAs {
    /// As this process.
    Same,
    /// As another user.
    User(Account),
    /// Not possible: the child writes this to its standard error and exits with 127, as supervisord's does.
    Refused(String),
}

/// A child to start.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// The program's file.
    pub(crate) program: &'a Path,
    /// Its arguments, the first one its name as written.
    pub(crate) argv: &'a [String],
    /// Its whole environment.
    pub(crate) environment: &'a [(OsString, OsString)],
    /// Its working directory.
    pub(crate) directory: Option<&'a Path>,
    /// Its file mask.
    pub(crate) umask: Option<u32>,
    /// As whom it runs.
    pub(crate) run_as: RunAs,
    /// Its standard input.
    pub(crate) stdin: BorrowedFd<'a>,
    /// Its standard output.
    pub(crate) stdout: BorrowedFd<'a>,
    /// Its standard error.
    pub(crate) stderr: BorrowedFd<'a>,
}

/// Starts children.
#[derive(Debug)]
pub(crate) struct Spawner {
    /// For one child at a time: this thread waits until it has executed its program.
    stack: Box<[MaybeUninit<u8>]>,
    /// `None` where the kernel cannot part tables of descriptors (before 5.9): then the child gets a copy.
    slots: Option<Slots>,
    /// This thread's priority over the children; `None` where it may have none.
    priority: Option<Raised>,
}

impl Spawner {
    /// Wants to be made early, while low descriptors are free.
    pub(crate) fn new() -> Self {
        Self {
            stack: Box::new_uninit_slice(STACK),
            slots: Slots::reserve(),
            priority: Raised::new(),
        }
    }

    /// Starts the child and gives its pid. Errors of the start itself and of unusable texts (a NUL byte) come back;
    /// what fails later is written to the child's standard error, and the child exits with 127.
    pub(crate) fn spawn(&mut self, launch: &Launch<'_>) -> io::Result<i32> {
        let nice = self.priority.as_ref().map(Raised::for_children);
        let mut image = Image::prepare(launch, nice)?;
        if let RunAs::User(_) = launch.run_as {
            return forked(&image);
        }
        let Some(slots) = &self.slots else {
            return within_this_memory(&mut self.stack, &image, 0);
        };
        let placed = slots.place([launch.stdin, launch.stdout, launch.stderr])?;
        image.take_from(placed.descriptors(), placed.end());
        within_this_memory(&mut self.stack, &image, libc::CLONE_FILES)
    }
}

/// Starts a child in this process's memory, and waits until it has left it.
fn within_this_memory(stack: &mut [MaybeUninit<u8>], image: &Image, flags: libc::c_int) -> io::Result<i32> {
    extern "C" fn child(image: *mut libc::c_void) -> libc::c_int {
        // SAFETY: it is the `Image` that `clone` was given below; it lives while the parent waits.
        unsafe { &*image.cast::<Image>() }.become_program()
    }
    // the stack grows downwards, from an address that every ABI calls aligned
    let top = stack.as_mut_ptr_range().end.cast::<libc::c_void>();
    let top = top.map_addr(|address| address & !63);
    let _blocked = signals::AllBlocked::new();
    // SAFETY: `top` ends memory that nobody else uses. With CLONE_VFORK this thread goes on only after the child has
    // executed its program or is gone, so the child uses stack and image while they live. It never returns, and it
    // calls only what neither allocates nor locks, so other threads do not mind its being stopped anywhere.
    let pid = unsafe {
        libc::clone(
            child,
            top,
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD | flags,
            std::ptr::from_ref(image).cast_mut().cast(),
        )
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(pid)
}

/// Starts a child with a copy of this process's memory.
fn forked(image: &Image) -> io::Result<i32> {
    let _blocked = signals::AllBlocked::new();
    // SAFETY: the child calls `Image::become_program`, which allocates nothing, takes no lock and never returns.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => image.become_program(),
        pid => {
            // also here, so that the group exists before the first signal to it, whoever runs first
            // SAFETY: setpgid takes integers. It fails once the child has exec'd; then the child has done it.
            unsafe { libc::setpgid(pid, pid) };
            Ok(pid)
        }
    }
}

#[cfg(test)]
mod tests;

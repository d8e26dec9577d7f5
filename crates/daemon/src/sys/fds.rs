//! File descriptors: registration with tokio, access checks, the listen backlog.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Makes `fd` nonblocking and watches it for `interest`. Needs a tokio runtime.
pub(crate) fn watch(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<File>> {
    set_nonblocking(&fd)?;
    let file = File::from(fd);
    // SAFETY: `File` owns its descriptor: it stays open, and stays the same one, until the `AsyncFd` is dropped.
    unsafe { AsyncFd::register_with_interest(file, interest) }.map_err(io::Error::from)
}

/// Watches a file that was watched before. Needs a tokio runtime.
///
/// # Errors
/// The file, where it cannot be watched.
pub(crate) fn watch_again(file: File, interest: Interest) -> Result<AsyncFd<File>, File> {
    // SAFETY: as above.
    unsafe { AsyncFd::register_with_interest(file, interest) }.map_err(|error| error.into_parts().0)
}

fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    // SAFETY: `fd` is an open descriptor; F_GETFL and F_SETFL take and give plain integers.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    if flags < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as above.
    if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Makes a pipe hold `bytes`. Fails where the user has too many large pipes already (`fs.pipe-user-pages-soft`).
pub(crate) fn widen_pipe(pipe: &File, bytes: usize) -> io::Result<()> {
    let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    // SAFETY: `pipe` is an open descriptor; F_SETPIPE_SZ takes an integer.
    if unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, bytes) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Bytes that a pipe holds.
pub(crate) fn waiting_bytes(pipe: &File) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: `pipe` is an open descriptor; FIONREAD writes an integer to the place that is given.
    if unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut count) } < 0 {
        return 0;
    }
    usize::try_from(count).unwrap_or(0)
}

/// True when this process may execute `path`.
pub(crate) fn may_execute(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
        return false;
    };
    // SAFETY: `path` is a terminated string that outlives the call.
    unsafe { libc::access(path.as_ptr(), libc::X_OK) == 0 }
}

/// Sets the backlog of a listening socket anew.
pub(crate) fn set_backlog(socket: BorrowedFd<'_>, backlog: u32) -> io::Result<()> {
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    // SAFETY: listen takes a descriptor, open while borrowed, and an integer.
    if unsafe { libc::listen(socket.as_raw_fd(), backlog) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_may_be_executed() {
        assert!(may_execute(Path::new("/bin/sh")));
        assert!(!may_execute(Path::new("/etc/passwd")));
        assert!(!may_execute(Path::new("/no/such/file")));
        assert!(!may_execute(Path::new("/bin/sh\0x")));
    }
}

//! Symbolic names of error numbers, as supervisord prints them (`ENOENT`).

use std::io;

/// `ENOENT` and so on for the errors that starting a child or listening can give; `None` for rarer ones.
pub(crate) const fn name(code: i32) -> Option<&'static str> {
    Some(match code {
        libc::E2BIG => "E2BIG",
        libc::EACCES => "EACCES",
        libc::EADDRINUSE => "EADDRINUSE",
        libc::EADDRNOTAVAIL => "EADDRNOTAVAIL",
        libc::EAFNOSUPPORT => "EAFNOSUPPORT",
        libc::EAGAIN => "EAGAIN",
        libc::EBADF => "EBADF",
        libc::EBUSY => "EBUSY",
        libc::EFAULT => "EFAULT",
        libc::EINVAL => "EINVAL",
        libc::EIO => "EIO",
        libc::EISDIR => "EISDIR",
        libc::ELIBBAD => "ELIBBAD",
        libc::ELOOP => "ELOOP",
        libc::EMFILE => "EMFILE",
        libc::ENAMETOOLONG => "ENAMETOOLONG",
        libc::ENFILE => "ENFILE",
        libc::ENOENT => "ENOENT",
        libc::ENOEXEC => "ENOEXEC",
        libc::ENOMEM => "ENOMEM",
        libc::ENOTDIR => "ENOTDIR",
        libc::ENXIO => "ENXIO",
        libc::EPERM => "EPERM",
        libc::EROFS => "EROFS",
        libc::ESRCH => "ESRCH",
        libc::ETXTBSY => "ETXTBSY",
        _ => return None,
    })
}

/// The name of an error's number, else the number, else the error's text.
pub(crate) fn of(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => name(code).map_or_else(|| code.to_string(), str::to_owned),
        None => error.to_string(),
    }
}

//! Limits of the process: open files (`minfds`), processes (`minprocs`), the file mask.

use std::io;

/// Lets this process open at least `least` files. Gives the limit that holds now.
pub(crate) fn raise_open_files(least: u64) -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place to write to.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let Some(wanted) = raised(limit, least) else {
        return Ok(limit.rlim_cur);
    };
    // SAFETY: `wanted` is a valid limit to read from.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(wanted.rlim_cur)
}

/// Lets this user have at least `least` processes. Gives the limit that holds now.
pub(crate) fn raise_processes(least: u64) -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place to write to.
    if unsafe { libc::getrlimit(libc::RLIMIT_NPROC, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let Some(wanted) = raised(limit, least) else {
        return Ok(limit.rlim_cur);
    };
    // SAFETY: `wanted` is a valid limit to read from.
    if unsafe { libc::setrlimit(libc::RLIMIT_NPROC, &raw const wanted) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(wanted.rlim_cur)
}

/// The limit to set, or `None` when `least` already holds.
fn raised(limit: libc::rlimit, least: u64) -> Option<libc::rlimit> {
    let least = libc::rlim_t::try_from(least).unwrap_or(libc::RLIM_INFINITY);
    (limit.rlim_cur < least).then(|| libc::rlimit {
        rlim_cur: least,
        rlim_max: limit.rlim_max.max(least),
    })
}

/// Sets the file mask of this process and gives the one before.
pub(crate) fn set_umask(mask: u32) -> u32 {
    // SAFETY: umask takes an integer and cannot fail.
    unsafe { libc::umask(mask as libc::mode_t) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raises_and_never_lowers() {
        let limit = libc::rlimit {
            rlim_cur: 1024,
            rlim_max: 4096,
        };
        assert!(raised(limit, 1000).is_none());
        let wanted = raised(limit, 2000).unwrap();
        assert_eq!((wanted.rlim_cur, wanted.rlim_max), (2000, 4096));
        let wanted = raised(limit, 8000).unwrap();
        assert_eq!((wanted.rlim_cur, wanted.rlim_max), (8000, 8000));
    }

    #[test]
    fn the_limit_that_holds_is_told() {
        let now = raise_open_files(1).unwrap();
        assert_eq!(raise_open_files(now).unwrap(), now);
    }
}

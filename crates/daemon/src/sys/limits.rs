//! Limits of the process: open files (`minfds`), processes (`minprocs`), the file mask.

use std::io;

/// A limit that cannot be raised.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The most that this process may have.
    pub(crate) hard: u64,
    /// Why.
    pub(crate) error: io::Error,
}

/// The limit that holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// The limit.
    pub(crate) limit: u64,
    /// Whether it had to be raised.
    pub(crate) raised: bool,
}

/// Lets this process open at least `least` files.
pub(crate) fn raise_open_files(least: u64) -> Result<Held, Refused> {
    raise(libc::RLIMIT_NOFILE, least)
}

/// Lets this user have at least `least` processes.
pub(crate) fn raise_processes(least: u64) -> Result<Held, Refused> {
    raise(libc::RLIMIT_NPROC, least)
}

fn raise(resource: libc::__rlimit_resource_t, least: u64) -> Result<Held, Refused> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    let refused = |limit: libc::rlimit| Refused {
        hard: limit.rlim_max,
        error: io::Error::last_os_error(),
    };
    // SAFETY: `limit` is a valid place to write to.
    if unsafe { libc::getrlimit(resource, &raw mut limit) } != 0 {
        return Err(refused(limit));
    }
    let Some(wanted) = raised(limit, least) else {
        return Ok(Held {
            limit: limit.rlim_cur,
            raised: false,
        });
    };
    // SAFETY: `wanted` is a valid limit to read from.
    if unsafe { libc::setrlimit(resource, &raw const wanted) } != 0 {
        return Err(refused(limit));
    }
    Ok(Held {
        limit: wanted.rlim_cur,
        raised: true,
    })
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
        assert!(!now.raised);
        assert_eq!(raise_open_files(now.limit).unwrap(), now);
        // more than any kernel gives
        let refused = raise_open_files(1 << 40).unwrap_err();
        assert!(refused.hard >= now.limit && refused.error.kind() == io::ErrorKind::PermissionDenied);
    }
}

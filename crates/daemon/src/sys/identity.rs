//! Users and groups: looking them up, and becoming one.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// What it takes to run as a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// User id.
    pub(crate) uid: libc::uid_t,
    /// Primary group.
    pub(crate) gid: libc::gid_t,
    /// All groups, the primary one first.
    pub(crate) groups: Vec<libc::gid_t>,
    /// Home directory.
    pub(crate) home: PathBuf,
}

/// The real user id of this process.
pub fn current_uid() -> libc::uid_t {
    // SAFETY: getuid cannot fail and touches no memory.
    unsafe { libc::getuid() }
}

/// Looks up a user by name or number. The error is supervisord's text.
pub(crate) fn account(user: &str) -> Result<Account, String> {
    // SAFETY (both): `password_entry` passes pointers that are valid for the call; the name is terminated.
    let found = if let Ok(uid) = user.parse::<libc::uid_t>() {
        password_entry(|entry, buffer, length, result| unsafe {
            libc::getpwuid_r(uid, entry, buffer, length, result)
        })
    } else {
        let name = CString::new(user).map_err(|_| format!("Can't find username '{user}'"))?;
        password_entry(|entry, buffer, length, result| unsafe {
            libc::getpwnam_r(name.as_ptr(), entry, buffer, length, result)
        })
    };
    match found {
        Some((name, uid, gid, home)) => Ok(Account {
            uid,
            gid,
            groups: groups_of(&name, gid),
            home,
        }),
        None if user.parse::<libc::uid_t>().is_ok() => Err(format!("Can't find uid {user}")),
        None => Err(format!("Can't find username '{user}'")),
    }
}

type Lookup<T> = (*mut T, *mut libc::c_char, libc::size_t, *mut *mut T);

/// Calls a `getpw*_r` function with growing buffers; gives name, uid, primary gid and home.
fn password_entry(
    call: impl Fn(*mut libc::passwd, *mut libc::c_char, libc::size_t, *mut *mut libc::passwd) -> libc::c_int,
) -> Option<(CString, libc::uid_t, libc::gid_t, PathBuf)> {
    with_buffer(
        |(entry, buffer, length, result)| call(entry, buffer, length, result),
        |entry: &libc::passwd| {
            // SAFETY (both): after success the pointers lead to terminated strings in the buffer, which still lives.
            let (name, home) = unsafe { (CStr::from_ptr(entry.pw_name), CStr::from_ptr(entry.pw_dir)) };
            let home = PathBuf::from(OsStr::from_bytes(home.to_bytes()));
            (name.to_owned(), entry.pw_uid, entry.pw_gid, home)
        },
    )
}

/// Looks up a group by name or number.
pub(crate) fn group(name: &str) -> Result<libc::gid_t, String> {
    if let Ok(gid) = name.parse() {
        return Ok(gid);
    }
    let wanted = CString::new(name).map_err(|_| format!("Can't find groupname '{name}'"))?;
    with_buffer(
        // SAFETY: `with_buffer` passes pointers that are valid for the call; `wanted` is terminated.
        |(entry, buffer, length, result)| unsafe {
            libc::getgrnam_r(wanted.as_ptr(), entry, buffer, length, result)
        },
        |entry: &libc::group| entry.gr_gid,
    )
    .ok_or_else(|| format!("Can't find groupname '{name}'"))
}

/// The shape that all reentrant lookups share: an entry, a buffer for its strings, a pointer that tells success.
fn with_buffer<T, R>(call: impl Fn(Lookup<T>) -> libc::c_int, take: impl Fn(&T) -> R) -> Option<R> {
    let mut length = 1024;
    loop {
        let mut entry = std::mem::MaybeUninit::<T>::uninit();
        let mut buffer = vec![0 as libc::c_char; length];
        let mut result = std::ptr::null_mut();
        let code = call((entry.as_mut_ptr(), buffer.as_mut_ptr(), length, &raw mut result));
        if code == libc::ERANGE && length < 1 << 20 {
            length *= 2;
            continue;
        }
        if code != 0 || result.is_null() {
            return None;
        }
        // SAFETY: code 0 and a result that is not null mean that the entry was filled in.
        return Some(take(unsafe { entry.assume_init_ref() }));
    }
}

/// All groups of a user, the primary one first.
fn groups_of(user: &CStr, primary: libc::gid_t) -> Vec<libc::gid_t> {
    let mut count: libc::c_int = 64;
    loop {
        let mut groups = vec![0; count as usize];
        let offered = count;
        // SAFETY: `groups` has room for `count` ids, as getgrouplist is told; `user` is terminated.
        let code = unsafe { libc::getgrouplist(user.as_ptr(), primary, groups.as_mut_ptr(), &raw mut count) };
        if code >= 0 {
            groups.truncate(count as usize);
            let mut ordered = vec![primary];
            ordered.extend(groups.into_iter().filter(|gid| *gid != primary));
            return ordered;
        }
        // too few offered: `count` says how many there are (older C libraries leave it alone)
        if offered >= 65536 {
            return vec![primary];
        }
        count = count.max(offered * 2);
    }
}

/// Makes this process the user's, for good. The error is supervisord's text.
pub(crate) fn become_user(account: &Account) -> Result<(), String> {
    let uid = current_uid();
    if uid == account.uid {
        return Ok(());
    }
    if uid != 0 {
        return Err("Can't drop privilege as nonroot user".to_owned());
    }
    // SAFETY: the group list outlives the call; the others take integers.
    let failed = unsafe {
        if libc::setgroups(account.groups.len(), account.groups.as_ptr()) != 0 {
            Some("Could not set groups of effective user")
        } else if libc::setgid(account.gid) != 0 {
            Some("Could not set group id of effective user")
        } else if libc::setuid(account.uid) != 0 {
            Some("Could not set user id")
        } else {
            None
        }
    };
    match failed {
        Some(text) => Err(format!("{text}: {}", io::Error::last_os_error())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_root_by_name_and_number() {
        let by_name = account("root").unwrap();
        assert_eq!((by_name.uid, by_name.gid), (0, 0));
        assert_eq!(by_name.groups.first(), Some(&0));
        assert_eq!(account("0").unwrap(), by_name);
        assert_eq!(group("root").unwrap(), 0);
    }

    #[test]
    fn says_who_is_missing() {
        assert_eq!(
            account("no-such-user").unwrap_err(),
            "Can't find username 'no-such-user'"
        );
        assert_eq!(account("987654").unwrap_err(), "Can't find uid 987654");
        assert_eq!(
            group("no-such-group").unwrap_err(),
            "Can't find groupname 'no-such-group'"
        );
        assert!(account("ro\0ot").is_err());
    }
}

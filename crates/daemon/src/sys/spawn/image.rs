//! What a child needs to become a program, and how it becomes it.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::ffi::OsStrExt as _;

use super::{Launch, RunAs};
use crate::sys::{errno, priority, signals};

/// supervisord's exit code of a child that could not be made a program.
const NOT_SPAWNED: libc::c_int = 127;

/// All that the child needs, ready before the fork.
pub(super) struct Image {
    program: CString,
    argv: Pointers,
    environment: Pointers,
    directory: Option<CString>,
    umask: Option<u32>,
    /// The nice value that it gets, where the supervisor has another one.
    nice: Option<libc::c_int>,
    run_as: RunAs,
    descriptors: [RawFd; 3],
    /// The table of descriptors is the daemon's: the child's own one holds those below this.
    shared_up_to: Option<RawFd>,
    could_not_exec: Vec<u8>,
    could_not_chdir: Vec<u8>,
    could_not_setuid: Vec<u8>,
}

/// C strings and the null-terminated array of pointers to them.
struct Pointers {
    pointers: Vec<*const libc::c_char>,
    _strings: Vec<CString>,
}

impl Pointers {
    fn new(strings: Vec<CString>) -> Self {
        let pointers = strings
            .iter()
            .map(|text| text.as_ptr())
            .chain([std::ptr::null()])
            .collect();
        Self {
            pointers,
            _strings: strings,
        }
    }
}

impl Image {
    /// Makes every text and table that the child needs.
    pub(super) fn prepare(launch: &Launch<'_>, nice: Option<libc::c_int>) -> io::Result<Self> {
        let argv: Vec<CString> = launch
            .argv
            .iter()
            .map(|text| c_string(OsStr::new(text)))
            .collect::<Result<_, _>>()?;
        let environment = launch
            .environment
            .iter()
            .map(|(key, value)| {
                let mut pair = key.clone();
                pair.push("=");
                pair.push(value);
                c_string(&pair)
            })
            .collect::<Result<_, _>>()?;
        let name = launch.argv.first().map_or("", String::as_str);
        let directory = launch
            .directory
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        let could_not_setuid = match &launch.run_as {
            RunAs::User(account) => format!("supervisor: couldn't setuid to {}: ", account.uid),
            RunAs::Refused(reason) => format!("supervisor: {reason}"),
            RunAs::Same => String::new(),
        };
        Ok(Self {
            program: c_string(launch.program.as_os_str())?,
            argv: Pointers::new(argv),
            environment: Pointers::new(environment),
            directory: launch
                .directory
                .map(|path| c_string(path.as_os_str()))
                .transpose()?,
            umask: launch.umask,
            nice,
            run_as: launch.run_as.clone(),
            descriptors: [
                launch.stdin.as_raw_fd(),
                launch.stdout.as_raw_fd(),
                launch.stderr.as_raw_fd(),
            ],
            shared_up_to: None,
            could_not_exec: format!("supervisor: couldn't exec {name}: ").into_bytes(),
            could_not_chdir: format!("supervisor: couldn't chdir to {directory}: ").into_bytes(),
            could_not_setuid: could_not_setuid.into_bytes(),
        })
    }

    /// The child will share the daemon's table of descriptors: its three ends are `descriptors` there, and it keeps
    /// those below `first` in a table of its own.
    pub(super) fn take_from(&mut self, descriptors: [RawFd; 3], first: RawFd) {
        self.descriptors = descriptors;
        self.shared_up_to = Some(first);
    }

    /// The child's side; supervision.md 1.10 gives the order.
    pub(super) fn become_program(&self) -> ! {
        if let Some(first) = self.shared_up_to
            && !own_descriptors_below(first)
        {
            let code = last_error();
            // still the daemon's table: 2 is the daemon's own standard error
            let [.., stderr] = self.descriptors;
            give_up(
                stderr,
                b"supervisor: couldn't have descriptors of its own: ",
                code,
            );
        }
        // SAFETY: every call is async-signal-safe; all pointers lead into `self`, which lives until exec or exit.
        unsafe {
            libc::setpgid(0, 0);
            for (target, source) in (0..).zip(self.descriptors) {
                if source == target {
                    libc::fcntl(source, libc::F_SETFD, 0); // dup2 onto itself would leave close-on-exec set
                } else {
                    libc::dup2(source, target);
                }
            }
        }
        close_from(3);
        if let Some(nice) = self.nice {
            priority::set(nice);
        }
        signals::reset_dispositions();
        self.switch_user();
        // SAFETY: as above.
        unsafe {
            if let Some(directory) = &self.directory
                && libc::chdir(directory.as_ptr()) != 0
            {
                give_up(2, &self.could_not_chdir, last_error());
            }
            if let Some(mask) = self.umask {
                libc::umask(mask as libc::mode_t);
            }
            signals::unblock_all();
            libc::execve(
                self.program.as_ptr(),
                self.argv.pointers.as_ptr(),
                self.environment.pointers.as_ptr(),
            );
        }
        give_up(2, &self.could_not_exec, last_error());
    }

    fn switch_user(&self) {
        match &self.run_as {
            RunAs::Same => {}
            RunAs::Refused(_) => give_up(2, &self.could_not_setuid, 0),
            RunAs::User(account) => {
                // SAFETY: the list of groups lives in `self`; the other calls take integers. Such a child was forked: it
                // has one thread, so the C library has nobody to tell.
                let switched = unsafe {
                    libc::setgroups(account.groups.len(), account.groups.as_ptr()) == 0
                        && libc::setgid(account.gid) == 0
                        && libc::setuid(account.uid) == 0
                };
                if !switched {
                    give_up(2, &self.could_not_setuid, last_error());
                }
            }
        }
    }
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    CString::new(text.as_bytes()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

fn last_error() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Closes every descriptor from `first` on: also those that the daemon itself inherited without close-on-exec.
fn close_from(first: RawFd) {
    // SAFETY: close_range and close take integers, and nothing of the parent's is used after this point.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) == 0 {
            return;
        }
        // a kernel before 5.9: one by one, as supervisord does
        for fd in first..4096 {
            libc::close(fd);
        }
    }
}

/// Leaves the table of descriptors that is shared with the daemon for a copy that ends below `first`. Copying all of
/// them would cost as much as they are many: five a program, at every start.
fn own_descriptors_below(first: RawFd) -> bool {
    // SAFETY: both take integers only.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_UNSHARE,
        ) == 0
            || libc::unshare(libc::CLONE_FILES) == 0
    }
}

/// Writes supervisord's two lines to the descriptor `to` and exits. `code` 0: the text is complete.
fn give_up(to: RawFd, text: &[u8], code: i32) -> ! {
    let mut digits = [0_u8; 12];
    let reason: &[u8] = match (code, errno::name(code)) {
        (0, _) => &[],
        (_, Some(name)) => name.as_bytes(),
        (_, None) => decimal(code, &mut digits),
    };
    for part in [text, reason, b"\nsupervisor: child process was not spawned\n"] {
        // SAFETY: the part lives and has this length. Nothing can be done about a failed write here.
        unsafe { libc::write(to, part.as_ptr().cast(), part.len()) };
    }
    // SAFETY: _exit runs no handlers of the parent's.
    unsafe { libc::_exit(NOT_SPAWNED) }
}

/// A number's digits without allocating.
fn decimal(number: i32, buffer: &mut [u8; 12]) -> &[u8] {
    let mut rest = number.unsigned_abs();
    let mut start = buffer.len();
    for place in buffer.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        start -= 1;
        if rest == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn numbers_are_written_without_allocating() {
        let mut buffer = [0; 12];
        assert_eq!(decimal(0, &mut buffer), b"0");
        assert_eq!(decimal(1234, &mut buffer), b"1234");
    }
}

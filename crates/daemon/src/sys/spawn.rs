//! Starting a child by fork and exec, by hand, because the order of the steps matters.
//!
//! Everything that needs memory is prepared before the fork; the child only makes async-signal-safe calls.
//! All signals are blocked over the fork and opened in the child after their handlers are back to default: a stop
//! signal sent the moment after the start is neither lost nor caught by somebody else's handler.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::identity::Account;
use super::{errno, signals};

/// supervisord's exit code of a child that could not be made a program.
const NOT_SPAWNED: libc::c_int = 127;

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

/// Starts the child and gives its pid. Errors of fork and of unusable texts (a NUL byte) come back; what fails later
/// is written to the child's standard error, and the child exits with 127.
pub(crate) fn spawn(launch: &Launch<'_>) -> io::Result<i32> {
    let image = Image::prepare(launch)?;
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

/// All that the child needs, ready before the fork.
struct Image {
    program: CString,
    argv: Pointers,
    environment: Pointers,
    directory: Option<CString>,
    umask: Option<u32>,
    run_as: RunAs,
    descriptors: [RawFd; 3],
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
    fn prepare(launch: &Launch<'_>) -> io::Result<Self> {
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
            run_as: launch.run_as.clone(),
            descriptors: [
                launch.stdin.as_raw_fd(),
                launch.stdout.as_raw_fd(),
                launch.stderr.as_raw_fd(),
            ],
            could_not_exec: format!("supervisor: couldn't exec {name}: ").into_bytes(),
            could_not_chdir: format!("supervisor: couldn't chdir to {directory}: ").into_bytes(),
            could_not_setuid: could_not_setuid.into_bytes(),
        })
    }

    /// The child's side; supervision.md 1.10 gives the order.
    fn become_program(&self) -> ! {
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
        signals::reset_dispositions();
        self.switch_user();
        // SAFETY: as above.
        unsafe {
            if let Some(directory) = &self.directory
                && libc::chdir(directory.as_ptr()) != 0
            {
                give_up(&self.could_not_chdir, last_error());
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
        give_up(&self.could_not_exec, last_error());
    }

    fn switch_user(&self) {
        match &self.run_as {
            RunAs::Same => {}
            RunAs::Refused(_) => give_up(&self.could_not_setuid, 0),
            RunAs::User(account) => {
                // SAFETY: the list of groups lives in `self`; the other calls take integers. This process has one
                // thread, so the C library has nobody to tell.
                let switched = unsafe {
                    libc::setgroups(account.groups.len(), account.groups.as_ptr()) == 0
                        && libc::setgid(account.gid) == 0
                        && libc::setuid(account.uid) == 0
                };
                if !switched {
                    give_up(&self.could_not_setuid, last_error());
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

/// Writes supervisord's two lines to standard error and exits. `code` 0: the text is complete.
fn give_up(text: &[u8], code: i32) -> ! {
    let mut digits = [0_u8; 12];
    let reason: &[u8] = match (code, errno::name(code)) {
        (0, _) => &[],
        (_, Some(name)) => name.as_bytes(),
        (_, None) => decimal(code, &mut digits),
    };
    for part in [text, reason, b"\nsupervisor: child process was not spawned\n"] {
        // SAFETY: the part lives and has this length. Nothing can be done about a failed write here.
        unsafe { libc::write(2, part.as_ptr().cast(), part.len()) };
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
mod tests;

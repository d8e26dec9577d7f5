//! Signals: taken from a descriptor instead of by handlers, and sent to children.

use std::fs::File;
use std::io;
use std::io::Read as _;
use std::os::fd::{FromRawFd as _, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The signals that the daemon takes from its descriptor.
pub(crate) const TAKEN: [i32; 6] = [
    libc::SIGCHLD,
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGHUP,
    libc::SIGUSR2,
];

fn set_of(signals: &[i32]) -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set before anything reads it; sigaddset only changes it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        set.assume_init()
    }
}

/// Blocks the daemon's signals in this thread and in every thread that it starts from now on, so that they
/// reach the daemon's descriptor only. Call it first thing in `main`, before any thread exists: the kernel hands
/// a signal to any thread that does not block it. [`crate::run`] calls it again, which does no harm.
pub fn block_signals() {
    let set = set_of(&TAKEN);
    // SAFETY: `set` is initialised; the old mask is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
}

/// The blocked signals that arrived.
#[derive(Debug)]
pub(crate) struct Signals(AsyncFd<File>);

impl Signals {
    /// Opens the descriptor. Needs a tokio runtime.
    pub(crate) fn open() -> io::Result<Self> {
        block_signals();
        let set = set_of(&TAKEN);
        // SAFETY: `set` is initialised; -1 asks for a new descriptor.
        let fd = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: signalfd just made this descriptor; nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        super::fds::watch(fd, Interest::READABLE).map(Self)
    }

    /// Waits for a signal and gives its number. Equal signals that arrive together count once.
    pub(crate) async fn next(&self) -> io::Result<i32> {
        const RECORD: usize = size_of::<libc::signalfd_siginfo>();
        self.0
            .async_io(Interest::READABLE, |mut file| {
                let mut record = [0_u8; RECORD];
                file.read_exact(&mut record)?;
                // the number is the record's first field, in native byte order (signalfd(2))
                let [a, b, c, d, ..] = record;
                Ok(i32::from_ne_bytes([a, b, c, d]))
            })
            .await
    }
}

/// Sends `signal` to a process, or to its whole process group.
pub fn send(pid: i32, signal: i32, group: bool) -> io::Result<()> {
    // 0, 1 and negative numbers mean much more than one child to kill(2)
    if pid <= 1 {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    // SAFETY: kill takes integers.
    if unsafe { libc::kill(if group { -pid } else { pid }, signal) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `SIGTERM` of 15; `signal 64` for rarer ones.
pub(crate) fn name(signal: i32) -> String {
    let name = match signal {
        libc::SIGABRT => "SIGABRT",
        libc::SIGALRM => "SIGALRM",
        libc::SIGBUS => "SIGBUS",
        libc::SIGCHLD => "SIGCHLD",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGKILL => "SIGKILL",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGSYS => "SIGSYS",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGTERM => "SIGTERM",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGHUP => "SIGHUP",
        libc::SIGUSR2 => "SIGUSR2",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// All signals blocked in this thread while it lives: between fork and the child's reset of its handlers no signal
/// may reach the child, or it would be lost (a stop right after a start).
pub(super) struct AllBlocked {
    before: libc::sigset_t,
}

impl AllBlocked {
    pub(super) fn new() -> Self {
        let mut all = set_of(&[]);
        let mut before = set_of(&[]);
        // SAFETY: both sets are initialised and live through the calls.
        unsafe {
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        }
        Self { before }
    }
}

impl Drop for AllBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` was filled in by pthread_sigmask.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

/// In the child: every signal back to its default, nothing ignored.
pub(super) fn reset_dispositions() {
    // SAFETY: a zeroed sigaction with SIG_DFL is valid; sigaction is async-signal-safe. It refuses SIGKILL, SIGSTOP
    // and the C library's own signals, which is right.
    unsafe {
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        for signal in 1..=64 {
            libc::sigaction(signal, &raw const default, std::ptr::null_mut());
        }
    }
}

/// In the child: no signal blocked any more. What arrived since the fork takes effect now.
pub(super) fn unblock_all() {
    // SAFETY: sigemptyset initialises the set; both calls are async-signal-safe.
    unsafe {
        let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}

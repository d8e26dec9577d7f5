//! Reaping: children that ended, known or not.

use pistack_engine::io::Exit;

/// The next child that ended, with how it did; `None` when all others live. Never waits.
pub(crate) fn next_ended() -> Option<(i32, Exit)> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place to write to.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if pid > 0 {
            // stopped and continued children are not reported without WUNTRACED and WCONTINUED
            return Some((pid, decode(status)));
        }
        let interrupted = pid < 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR);
        if !interrupted {
            return None;
        }
    }
}

/// How a child ended, from its wait status.
fn decode(status: libc::c_int) -> Exit {
    if libc::WIFEXITED(status) {
        Exit::Code(libc::WEXITSTATUS(status))
    } else if libc::WCOREDUMP(status) {
        Exit::Core(libc::WTERMSIG(status))
    } else {
        Exit::Signal(libc::WTERMSIG(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_codes_and_signals() {
        assert_eq!(decode(3 << 8), Exit::Code(3));
        assert_eq!(decode(0), Exit::Code(0));
        assert_eq!(decode(libc::SIGKILL), Exit::Signal(libc::SIGKILL));
        assert_eq!(decode(libc::SIGSEGV | 0x80), Exit::Core(libc::SIGSEGV));
    }
}

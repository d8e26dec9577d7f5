//! The names of Linux's signals, as supervisord prints them: where a number has two, the one that Python's `signal`
//! module ends up with. (Reading names is [`crate::config::values::signal`].)

const NAMES: [(&str, i32); 33] = [
    ("SIGHUP", 1),
    ("SIGINT", 2),
    ("SIGQUIT", 3),
    ("SIGILL", 4),
    ("SIGTRAP", 5),
    ("SIGABRT", 6),
    ("SIGBUS", 7),
    ("SIGFPE", 8),
    ("SIGKILL", 9),
    ("SIGUSR1", 10),
    ("SIGSEGV", 11),
    ("SIGUSR2", 12),
    ("SIGPIPE", 13),
    ("SIGALRM", 14),
    ("SIGTERM", 15),
    ("SIGSTKFLT", 16),
    ("SIGCHLD", 17),
    ("SIGCONT", 18),
    ("SIGSTOP", 19),
    ("SIGTSTP", 20),
    ("SIGTTIN", 21),
    ("SIGTTOU", 22),
    ("SIGURG", 23),
    ("SIGXCPU", 24),
    ("SIGXFSZ", 25),
    ("SIGVTALRM", 26),
    ("SIGPROF", 27),
    ("SIGWINCH", 28),
    ("SIGPOLL", 29),
    ("SIGPWR", 30),
    ("SIGSYS", 31),
    ("SIGRTMIN", 34),
    ("SIGRTMAX", 64),
];

/// SIGKILL.
pub(super) const KILL: i32 = 9;

/// `SIGTERM`, or `signal 40` where there is no name.
pub(super) fn name(number: i32) -> String {
    NAMES
        .iter()
        .find(|(_, candidate)| *candidate == number)
        .map_or_else(|| format!("signal {number}"), |(name, _)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_usual_name() {
        assert_eq!(name(6), "SIGABRT");
        assert_eq!(name(17), "SIGCHLD");
        assert_eq!(name(29), "SIGPOLL");
        assert_eq!(name(40), "signal 40");
    }
}

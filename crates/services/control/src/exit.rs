//! How a run of a program ended, in words.

use crate::upstream::runs::Run;
use crate::words::Words;

/// The end in words: exit code or signal, and what it usually means. Empty while it runs.
pub(crate) fn in_words(run: &Run, t: &Words) -> String {
    match (run.signal, run.exitstatus) {
        (Some(signal), _) => by_signal(signal, t),
        (None, Some(code)) => by_code(code, t),
        (None, None) => match run.state.as_str() {
            "LOST" => t.exit_lost.to_owned(),
            "FATAL" | "BACKOFF" => t.exit_too_quick.to_owned(),
            "STOPPED" => t.exit_stopped.to_owned(),
            _ => String::new(),
        },
    }
}

fn by_signal(signal: i64, t: &Words) -> String {
    let name = signal_name(signal);
    match signal {
        1 => t.signal_hangup(name),
        2 | 15 => t.signal_asked(name),
        4 => t.signal_instruction(name),
        6 => t.signal_abort(name),
        7 | 11 => t.signal_memory(name),
        8 => t.signal_arithmetic(name),
        9 => t.signal_killed(name),
        13 => t.signal_pipe(name),
        _ => t.signal_other(name),
    }
}

fn by_code(code: i64, t: &Words) -> String {
    match code {
        0 => t.exit_fine.to_owned(),
        126 => t.exit_not_executable.to_owned(),
        127 => t.exit_not_found.to_owned(),
        // A shell reports the signal that ended its command this way.
        137 => t.exit_killed.to_owned(),
        129..=192 => t.exit_signal_of_shell(code.to_string(), signal_name(code - 128)),
        2 => t.exit_usage.to_owned(),
        _ => t.exit_code(code.to_string()),
    }
}

/// The name of a signal by its number (Linux, the same on every board we run on).
fn signal_name(number: i64) -> String {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
        "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
        "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let name = usize::try_from(number - 1).ok().and_then(|at| NAMES.get(at));
    name.map_or_else(|| number.to_string(), |name| format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn ends_are_told_in_words() {
        let words = |exitstatus: Option<i64>, signal: Option<i64>, state: &str| {
            let run = Run {
                exitstatus,
                signal,
                state: state.to_owned(),
                ..Run::default()
            };
            Lang::ALL
                .iter()
                .map(|lang| in_words(&run, lang.words()))
                .collect::<Vec<_>>()
        };
        for (code, signal, state, english) in [
            (Some(127), None, "EXITED", "command not found"),
            (Some(126), None, "EXITED", "could not be executed"),
            (Some(137), None, "EXITED", "memory"),
            (Some(139), None, "EXITED", "SIGSEGV"),
            (Some(3), None, "EXITED", "exit code 3"),
            (None, Some(9), "EXITED", "SIGKILL"),
            (None, Some(64), "EXITED", "64"),
            (None, None, "LOST", "not seen"),
        ] {
            let said = words(code, signal, state);
            assert!(said[0].contains(english), "{said:?}");
            assert_ne!(said[0], said[1]);
        }
        assert_eq!(words(None, None, "RUNNING"), ["", ""]);
    }
}

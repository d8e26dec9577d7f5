//! `help`: what there is to do.

use super::ACTIONS;
use crate::supervisorctl::controller::Controller;

/// Width that the list of actions fits into.
const WIDTH: usize = 79;
const HEADER: &str = "default commands (type help <topic>):";

/// Each action with its lines.
const TOPICS: [(&str, &[&str]); 22] = [
    (
        "help",
        &[
            "help\t\tPrint a list of available actions",
            "help <action>\tPrint help for <action>",
        ],
    ),
    (
        "add",
        &["add <name> [...]\tActivates any updates in config for process/group"],
    ),
    ("avail", &["avail\t\t\tDisplay all configured processes"]),
    (
        "clear",
        &[
            "clear <name>\t\tClear a process' log files.",
            "clear <name> <name>\tClear multiple process' log files",
            "clear all\t\tClear all process' log files",
        ],
    ),
    ("exit", &["exit\tExit the supervisor shell."]),
    (
        "fg",
        &[
            "fg <process>\tConnect to a process in foreground mode",
            "\t\tCtrl-C to exit",
        ],
    ),
    (
        "maintail",
        &[
            "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)",
            "maintail -100\tlast 100 *bytes* of supervisord main log file",
            "maintail\tlast 1600 *bytes* of supervisor main log file",
            "",
        ],
    ),
    (
        "open",
        &[
            "open <url>\tConnect to a remote supervisord process.",
            "\t\t(for UNIX domain socket, use unix:///socket/path)",
        ],
    ),
    (
        "pid",
        &[
            "pid\t\t\tGet the PID of supervisord.",
            "pid <name>\t\tGet the PID of a single child process by name.",
            "pid all\t\t\tGet the PID of every child process, one per line.",
        ],
    ),
    ("quit", &["quit\tExit the supervisor shell."]),
    ("reload", &["reload \t\tRestart the remote supervisord."]),
    (
        "remove",
        &["remove <name> [...]\tRemoves process/group from active config"],
    ),
    (
        "reread",
        &["reread \t\t\tReload the daemon's configuration files without add/remove"],
    ),
    (
        "restart",
        &[
            "restart <name>\t\tRestart a process",
            "restart <gname>:*\tRestart all processes in a group",
            "restart <name> <name>\tRestart multiple processes or groups",
            "restart all\t\tRestart all processes",
            "Note: restart does not reread config files. For that, see reread and update.",
        ],
    ),
    ("shutdown", &["shutdown \tShut the remote supervisord down."]),
    (
        "signal",
        &[
            "signal <signal name> <name>\t\tSignal a process",
            "signal <signal name> <gname>:*\t\tSignal all processes in a group",
            "signal <signal name> <name> <name>\tSignal multiple processes or groups",
            "signal <signal name> all\t\tSignal all processes",
        ],
    ),
    (
        "start",
        &[
            "start <name>\t\tStart a process",
            "start <gname>:*\t\tStart all processes in a group",
            "start <name> <name>\tStart multiple processes or groups",
            "start all\t\tStart all processes",
        ],
    ),
    (
        "status",
        &[
            "status <name>\t\tGet status for a single process",
            "status <gname>:*\tGet status for all processes in a group",
            "status <name> <name>\tGet status for multiple named processes",
            "status\t\t\tGet all process status info",
        ],
    ),
    (
        "stop",
        &[
            "stop <name>\t\tStop a process",
            "stop <gname>:*\t\tStop all processes in a group",
            "stop <name> <name>\tStop multiple processes or groups",
            "stop all\t\tStop all processes",
        ],
    ),
    (
        "tail",
        &[
            "tail [-f] <name> [stdout|stderr] (default stdout)",
            "Ex:",
            "tail -f <name>\t\tContinuous tail of named process stdout",
            "\t\t\tCtrl-C to exit.",
            "tail -100 <name>\tlast 100 *bytes* of process stdout",
            "tail <name> stderr\tlast 1600 *bytes* of process stderr",
        ],
    ),
    (
        "update",
        &[
            "update\t\t\tReload config and add/remove as necessary, and will restart affected programs",
            "update all\t\tReload config and add/remove as necessary, and will restart affected programs",
            "update <gname> [...]\tUpdate specific groups",
        ],
    ),
    (
        "version",
        &["version\t\t\tShow the version of the remote supervisord process"],
    ),
];

/// The lines of one action.
pub(super) fn of(controller: &mut Controller, action: &str) {
    let lines = TOPICS
        .iter()
        .find(|(name, _)| *name == action)
        .map_or(&[][..], |(_, lines)| lines);
    for line in lines {
        controller.say(line);
    }
}

/// `help [ACTION]`.
pub(super) fn help(controller: &mut Controller, argument: &str) {
    if TOPICS.iter().any(|(name, _)| *name == argument) {
        of(controller, argument);
    } else if !argument.is_empty() {
        controller.say(&format!("*** No help on {argument}"));
    } else {
        controller.say("");
        controller.say(HEADER);
        controller.say(&"=".repeat(HEADER.len()));
        for line in columns(&ACTIONS, WIDTH) {
            controller.say(&line);
        }
        controller.say("");
    }
}

/// Words in as few rows as fit, sorted down the columns, two spaces between them.
fn columns(words: &[&str], width: usize) -> Vec<String> {
    for rows in 1..=words.len() {
        let columns: Vec<&[&str]> = words.chunks(rows).collect();
        let widths: Vec<usize> = columns
            .iter()
            .map(|column| column.iter().map(|word| word.len()).max().unwrap_or_default())
            .collect();
        let total = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
        if total > width && rows < words.len() {
            continue;
        }
        return (0..rows)
            .map(|row| {
                let cells: Vec<String> = columns
                    .iter()
                    .zip(&widths)
                    .filter_map(|(column, width)| Some(format!("{:<width$}", column.get(row)?)))
                    .collect();
                cells.join("  ")
            })
            .collect();
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_supervisorctls() {
        assert_eq!(
            columns(&ACTIONS, WIDTH),
            [
                "add    exit      open  reload  restart   start   tail   ",
                "avail  fg        pid   remove  shutdown  status  update ",
                "clear  maintail  quit  reread  signal    stop    version",
            ]
        );
        assert_eq!(columns(&["aaaa", "bbbb"], 5), ["aaaa", "bbbb"]);
    }

    #[test]
    fn every_action_has_help() {
        for action in ACTIONS {
            assert!(TOPICS.iter().any(|(name, _)| *name == action), "{action}");
        }
    }
}

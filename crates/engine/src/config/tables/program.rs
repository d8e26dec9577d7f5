//! `[program.NAME]` and `[listener.NAME]`.

use indexmap::IndexMap;

use super::lenient::{ByteSize, Command, Events, ExitCodes, Octal, Restart, Signal, Variable};
use super::table;

/// The keys that programs and listeners have in common, and further ones.
macro_rules! program_table {
    ($(#[$meta:meta])* $name:ident { $($further:tt)* }) => {
        table! {
            $(#[$meta])*
            $name {
                /// The program and its arguments: a line, split like a POSIX shell does but without a shell, or an
                /// array of words. Required.
                command: Command,
                $($further)*
                /// Name of its process, or pattern of the names if there are several: it must then contain
                /// `%(process_num)`. Default: `%(program_name)s`.
                process_name: String,
                /// How many processes. Default: 1.
                numprocs: u32,
                /// First `%(process_num)`. Default: 0.
                numprocs_start: i32,
                /// Start it together with the supervisor. Default: true.
                autostart: bool,
                /// Start it again after it exits: `true`, `false`, or `"unexpected"` for an exit code that `exitcodes`
                /// does not name. Default: `"unexpected"`.
                autorestart: Restart,
                /// Seconds it has to live to count as started. Default: 1.
                startsecs: u32,
                /// Further attempts to start it before it counts as FATAL. Default: 3.
                startretries: u32,
                /// Exit codes that are expected: `[0, 2]` or `"0,2"`. Default: 0.
                exitcodes: ExitCodes,
                /// Signal that asks it to stop: a name or a number. Default: `"TERM"`.
                stopsignal: Signal,
                /// Seconds it has to stop before it is killed. Default: 10.
                stopwaitsecs: u32,
                /// Send the stop signal to all that it started. Default: false.
                stopasgroup: bool,
                /// Kill all that it started. Default: as `stopasgroup`.
                killasgroup: bool,
                /// User it runs as: a name or number; needs a supervisor that runs as root. Default: the supervisor's.
                user: String,
                /// Write its standard error where its standard output goes. Default: false.
                redirect_stderr: bool,
                /// Its working directory. Default: the supervisor's.
                directory: String,
                /// Its file mask, octal: `"022"`. Default: the supervisor's.
                umask: Octal,
                /// Variables added to its environment.
                environment: IndexMap<String, Variable>,
                /// What it finds in `SUPERVISOR_SERVER_URL`. Default: `"AUTO"`, the supervisor's first server.
                serverurl: String,
                /// File for its standard output; `"AUTO"` makes one in `childlogdir`, `"NONE"` keeps nothing.
                /// Default: `"AUTO"`.
                stdout_logfile: String,
                /// Size at which that file is rotated; 0 = never. Default: `"50MB"`.
                stdout_logfile_maxbytes: ByteSize,
                /// Old files kept. Default: 10.
                stdout_logfile_backups: u32,
                /// Size of the buffer for text between communication marks; 0 = none. Default: 0.
                stdout_capture_maxbytes: ByteSize,
                /// Send an event for everything it writes. Default: false.
                stdout_events_enabled: bool,
                /// Write it to syslog too. Default: false.
                stdout_syslog: bool,
                /// File for its standard error; `"AUTO"` makes one in `childlogdir`, `"NONE"` keeps nothing.
                /// Default: `"AUTO"`.
                stderr_logfile: String,
                /// Size at which that file is rotated; 0 = never. Default: `"50MB"`.
                stderr_logfile_maxbytes: ByteSize,
                /// Old files kept. Default: 10.
                stderr_logfile_backups: u32,
                /// Size of the buffer for text between communication marks; 0 = none. Default: 0.
                stderr_capture_maxbytes: ByteSize,
                /// Send an event for everything it writes there. Default: false.
                stderr_events_enabled: bool,
                /// Write it to syslog too. Default: false.
                stderr_syslog: bool,
            }
        }
    };
}

program_table! {
    /// A program to keep alive: `[program.NAME]`. The keys are supervisord's own.
    ProgramTable {
        /// Order of start: lower first, among equals by name. Default: 999.
        priority: i32,
    }
}

program_table! {
    /// A program that hears the supervisor's events over supervisord's listener protocol: `[listener.NAME]`.
    ListenerTable {
        /// Events it hears: names such as `"PROCESS_STATE_EXITED"`, or `"PROCESS_STATE"` for all of a kind. Required.
        events: Events,
        /// Events kept while it is busy; at least 1. Default: as many as needed for state changes.
        buffer_size: u32,
        /// Kept for clients that ask for it; not run. Default: `"supervisor.dispatchers:default_handler"`.
        result_handler: String,
        /// Order of start: lower first, among equals by name. Default: -1, before all programs.
        priority: i32,
    }
}

//! `[supervisor]` and its servers.

use indexmap::IndexMap;

use super::lenient::{ByteSize, Octal, Port, Variable};
use super::table;

table! {
    /// The supervisor itself: `[supervisor]`. The keys are those of supervisord's `[supervisord]`.
    SupervisorTable {
        /// Its own log. Default: `supervisord.log`.
        logfile: String,
        /// Size at which that file is rotated; 0 = never. Default: `"50MB"`.
        logfile_maxbytes: ByteSize,
        /// Old files kept. Default: 10.
        logfile_backups: u32,
        /// Least level written: critical, error, warn, info, debug, trace or blather. Default: `"info"`.
        loglevel: String,
        /// File with its process id. Default: `supervisord.pid`.
        pidfile: String,
        /// File mask, octal, its own and that of programs without one. Default: `"022"`.
        umask: Octal,
        /// Stay in the foreground. Default: false; `pistack up` always stays.
        nodaemon: bool,
        /// Do not copy the log to standard output in the foreground. Default: false.
        silent: bool,
        /// Least number of file descriptors it must be able to have. Default: 1024.
        minfds: u32,
        /// Least number of processes it must be able to start. Default: 200.
        minprocs: u32,
        /// Keep old AUTO logs of programs at start. Default: false.
        nocleanup: bool,
        /// Directory of AUTO logs. Default: the system's directory for temporary files.
        childlogdir: String,
        /// User it changes to when started by root. Default: none.
        user: String,
        /// Working directory it changes to in the background. Default: none.
        directory: String,
        /// Remove colours and other terminal codes from the logs of programs. Default: false.
        strip_ansi: bool,
        /// Variables added to the environment of every program.
        environment: IndexMap<String, Variable>,
        /// Its name in the events' headers. Default: `"supervisor"`.
        identifier: String,
    }
    plain {
        /// A further unix socket for XML-RPC, for example for `supervisorctl`.
        unix: UnixServerTable,
        /// A TCP port for XML-RPC.
        inet: InetServerTable,
    }
}

table! {
    /// A unix socket for XML-RPC: `[supervisor.unix]`.
    UnixServerTable {
        /// The socket's file. Required.
        file: String,
        /// Its permission bits, octal. Default: `"0700"`.
        chmod: Octal,
        /// Its owner: `"user"` or `"user:group"`. Default: whoever starts the supervisor.
        chown: String,
        /// User name that clients must send; needs `password`. Default: none.
        username: String,
        /// Password that clients must send: plain, or `{SHA}` and the hexadecimal SHA-1 of it. Default: none.
        password: String,
    }
}

table! {
    /// A TCP port for XML-RPC: `[supervisor.inet]`. Whoever reaches it controls every program.
    InetServerTable {
        /// Where it listens: `9001` or `"*:9001"` (every address), `"127.0.0.1:9001"`. Required.
        port: Port,
        /// User name that clients must send; needs `password`. Default: none.
        username: String,
        /// Password that clients must send: plain, or `{SHA}` and the hexadecimal SHA-1 of it. Default: none.
        password: String,
    }
}

//! The script: what is typed, in order.

/// One thing that happens in each world.
#[derive(Debug)]
pub(super) enum Step {
    /// A command line; `DIR` and `PORT` are the world's.
    Ctl(&'static [&'static str]),
    /// A command line that stops several: their order is that of their ends, which is chance.
    Sorted(&'static [&'static str]),
    /// A command line whose output says more than can be compared; it must hold these words.
    Told(&'static [&'static str], &'static str),
    /// A command line with a text on its standard input.
    Typed(&'static [&'static str], &'static str),
    /// The configuration file changes: this becomes that.
    Edit(&'static str, &'static str),
    /// Waits for the state that the daemon has after its start.
    Rest,
    /// Waits for one program's state.
    Calm(&'static str, &'static str),
    /// Waits for the daemon's end; its exit code.
    Ended,
}

use Step::{Calm, Ctl, Edit, Ended, Rest, Sorted, Told, Typed};

/// The configuration of all worlds.
pub(super) const CONF: &str = "
[supervisord]
logfile=%(here)s/main.log
pidfile=%(here)s/main.pid
childlogdir=%(here)s

[unix_http_server]
file=%(here)s/s.sock

[inet_http_server]
port=127.0.0.1:@PORT@
username=user
password=secret

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/s.sock
prompt=golden

[program:cat]
command=cat
startsecs=0
stdout_logfile=%(here)s/cat.log

[program:talker]
command=sh -c \"echo many words; echo bad words >&2; exec sleep 1000\"
startsecs=0
priority=5

[program:a_program_with_a_very_long_name]
command=sleep 1000
startsecs=0

[program:off]
command=sleep 1000
autostart=false
startsecs=0

; Ends after its start has been told: what ends sooner is chance in the original.
[program:done]
command=sleep 5
startsecs=0
autorestart=false

[program:nolog]
command=cat
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE

[program:missing]
command=/no/such/program
autostart=false
startretries=0

[program:plain]
command=%(here)s/plain
autostart=false
startretries=0

[program:brief]
command=false
autostart=false
startretries=0

[program:many]
command=sleep 1000
numprocs=2
process_name=%(program_name)s_%(process_num)02d
startsecs=0

[program:one]
command=sleep 1000
startsecs=0
priority=7

[group:g]
programs=many,one
priority=20

[eventlistener:ear]
command=sleep 1000
events=TICK_3600
startsecs=0
";

/// Every line of supervision.md 1.12, with good, bad, several and no names.
pub(super) const LINES: &[Step] = &[
    // status
    Ctl(&["status"]),
    Ctl(&["status", "all"]),
    Ctl(&["status", "cat"]),
    Ctl(&["status", "cat", "talker"]),
    Ctl(&["status", "g:*"]),
    Ctl(&["status", "g:"]),
    Ctl(&["status", "g:one"]),
    Ctl(&["status", "g:many_00", "g:*"]),
    Ctl(&["status", "g"]),
    Ctl(&["status", "nosuch"]),
    Ctl(&["status", "nosuch:*"]),
    Ctl(&["status", "g:nosuch"]),
    Ctl(&["status", "nosuch", "cat"]),
    Ctl(&["status", "nosuch", "off"]),
    Ctl(&["status", "off"]),
    Ctl(&["status", "done"]),
    Ctl(&["status;"]),
    // pid, version, help
    Ctl(&["pid"]),
    Ctl(&["pid", "cat"]),
    Ctl(&["pid", "off"]),
    Ctl(&["pid", "all"]),
    Ctl(&["pid", "nosuch"]),
    Ctl(&["pid", "g:*"]),
    Ctl(&["pid", "nosuch", "off", "cat"]),
    Ctl(&["version"]),
    Ctl(&["version", "x"]),
    Ctl(&["help"]),
    Ctl(&["?"]),
    Ctl(&["help", "help"]),
    Ctl(&["help", "add"]),
    Ctl(&["help", "avail"]),
    Ctl(&["help", "clear"]),
    Ctl(&["help", "exit"]),
    Ctl(&["help", "fg"]),
    Ctl(&["help", "maintail"]),
    Ctl(&["help", "open"]),
    Ctl(&["help", "pid"]),
    Ctl(&["help", "quit"]),
    Ctl(&["help", "reload"]),
    Ctl(&["help", "remove"]),
    Ctl(&["help", "reread"]),
    Ctl(&["help", "restart"]),
    Ctl(&["help", "shutdown"]),
    Ctl(&["help", "signal"]),
    Ctl(&["help", "start"]),
    Ctl(&["help", "status"]),
    Ctl(&["help", "stop"]),
    Ctl(&["help", "tail"]),
    Ctl(&["help", "update"]),
    Ctl(&["help", "version"]),
    Ctl(&["help", "EOF"]),
    Ctl(&["help", "nosuch"]),
    Ctl(&["help", "start", "stop"]),
    Ctl(&["nosuch", "x"]),
    Ctl(&["!ls"]),
    Ctl(&[""]),
    Ctl(&["quit"]),
    Ctl(&["exit"]),
    Ctl(&["EOF"]),
    // start and stop
    Ctl(&["start"]),
    Ctl(&["start", "cat"]),
    Ctl(&["start", "nosuch"]),
    Ctl(&["start", "nosuch:*"]),
    Ctl(&["start", "g:nosuch"]),
    Ctl(&["start", "off"]),
    Ctl(&["stop", "off"]),
    Ctl(&["stop", "off"]),
    Ctl(&["start", "off", "cat", "nosuch"]),
    Ctl(&["start", "missing"]),
    Ctl(&["start", "plain"]),
    Ctl(&["start", "brief"]),
    Calm("brief", "FATAL"),
    Ctl(&["start", "nosuch:*", "plain"]),
    Ctl(&["status", "missing", "plain", "brief"]),
    Ctl(&["start", "g:*"]),
    Ctl(&["stop"]),
    Ctl(&["stop", "nosuch"]),
    Ctl(&["stop", "nosuch:*"]),
    Sorted(&["stop", "g:*"]),
    Ctl(&["stop", "g:*"]),
    Ctl(&["start", "g:one"]),
    Ctl(&["start", "g:*"]),
    Ctl(&["stop", "cat", "g:one", "nosuch"]),
    Ctl(&["start", "cat", "g:one"]),
    // restart
    Ctl(&["restart"]),
    Ctl(&["restart", "cat"]),
    Ctl(&["restart", "off"]),
    Ctl(&["restart", "nosuch"]),
    Ctl(&["restart", "nosuch:*"]),
    Sorted(&["restart", "g:*"]),
    Ctl(&["restart", "g:one", "nosuch", "cat"]),
    Ctl(&["stop", "off"]),
    // signal
    Ctl(&["signal"]),
    Ctl(&["signal", "HUP"]),
    Ctl(&["signal", "CONT", "cat"]),
    Ctl(&["signal", "18", "cat"]),
    Ctl(&["signal", "SIGCONT", "cat", "nosuch", "off"]),
    Ctl(&["signal", "BOGUS", "cat"]),
    Ctl(&["signal", "BOGUS", "nosuch"]),
    Ctl(&["signal", "BOGUS", "off"]),
    Ctl(&["signal", "CONT", "off"]),
    Ctl(&["signal", "CONT", "g:*"]),
    Ctl(&["signal", "BOGUS", "g:*"]),
    Ctl(&["signal", "CONT", "nosuch:*"]),
    Ctl(&["signal", "CONT", "all"]),
    // logs
    Ctl(&["tail"]),
    Ctl(&["tail", "a", "b", "c", "d"]),
    Ctl(&["tail", "talker"]),
    Ctl(&["tail", "-6", "talker"]),
    Ctl(&["tail", "-1_0", "talker"]),
    Ctl(&["tail", "--4", "talker"]),
    Ctl(&["tail", "talker", "stderr"]),
    Ctl(&["tail", "talker", "STDOUT"]),
    Ctl(&["tail", "-4", "talker", "stderr"]),
    Ctl(&["tail", "talker", "bogus"]),
    Ctl(&["tail", "a", "b", "stderr"]),
    Ctl(&["tail", "-x", "talker"]),
    Ctl(&["tail", "-5"]),
    Ctl(&["tail", "-99999999999", "talker"]),
    Ctl(&["tail", "nosuch"]),
    Ctl(&["tail", "nolog"]),
    Ctl(&["tail", "off"]),
    Ctl(&["tail", "missing"]),
    Ctl(&["tail", "g:*"]),
    Ctl(&["tail", "-f", "nosuch"]),
    Ctl(&["tail", "-f", "nolog"]),
    Told(&["maintail"], "entered RUNNING state"),
    Ctl(&["maintail", "-1"]),
    Ctl(&["maintail", "x"]),
    Ctl(&["maintail", "-x"]),
    Ctl(&["maintail", "-1", "-2"]),
    Ctl(&["clear"]),
    Ctl(&["clear", "nosuch"]),
    Ctl(&["clear", "talker"]),
    Ctl(&["tail", "talker"]),
    Ctl(&["clear", "cat", "nosuch", "nolog"]),
    Ctl(&["clear", "off"]),
    Ctl(&["clear", "g:*"]),
    Ctl(&["clear", "nosuch:*"]),
    Ctl(&["clear", "all"]),
    // fg
    Ctl(&["fg"]),
    Ctl(&["fg", "nosuch"]),
    Ctl(&["fg", "g:*"]),
    Ctl(&["fg", "off"]),
    Ctl(&["fg", "cat", "talker"]),
    // configuration
    Ctl(&["avail"]),
    Ctl(&["avail", "x"]),
    Ctl(&["reread"]),
    Ctl(&["reread", "x"]),
    Ctl(&["update"]),
    Ctl(&["add", "cat"]),
    Ctl(&["add", "nosuch"]),
    Ctl(&["add"]),
    Ctl(&["remove", "cat"]),
    Ctl(&["remove", "nosuch"]),
    Ctl(&["remove", "off"]),
    Ctl(&["status", "off"]),
    Ctl(&["avail"]),
    Ctl(&["add", "off", "cat", "nosuch"]),
    Ctl(&["remove", "missing", "brief"]),
    Edit(
        "[program:done]",
        "[program:fresh]\ncommand=sleep 1000\nstartsecs=0\n[program:done]",
    ),
    Edit("echo many words", "echo other words"),
    Edit("[eventlistener:ear]", "[eventlistener:nose]"),
    Ctl(&["reread"]),
    Ctl(&["reread"]),
    Ctl(&["avail"]),
    Ctl(&["update", "nosuch"]),
    Ctl(&["update", "fresh", "nosuch"]),
    Ctl(&["status", "fresh", "ear"]),
    Ctl(&["update", "talker"]),
    Ctl(&["update", "all"]),
    Ctl(&["update"]),
    Ctl(&["status"]),
    Edit("autorestart=false", "autorestart=perhaps"),
    Ctl(&["reread"]),
    Ctl(&["update"]),
    Edit("autorestart=perhaps", "autorestart=false"),
    Ctl(&["reread"]),
    // everything
    Sorted(&["stop", "all"]),
    Ctl(&["stop", "all"]),
    Ctl(&["status"]),
    Ctl(&["signal", "CONT", "all"]),
    Ctl(&["start", "cat", "off", "nolog"]),
    Sorted(&["restart", "cat", "all"]),
    Calm("done", "EXITED"),
    Ctl(&["status"]),
    // other servers
    Ctl(&["open", "ftp://x"]),
    Ctl(&["open"]),
    Ctl(&["open", "unix:///no/such.sock"]),
    Ctl(&["open", "http://127.0.0.1:1"]),
    Ctl(&["open", "unix://DIR/s.sock"]),
    Ctl(&["-s", "unix:///no/such.sock", "status"]),
    Ctl(&["-s", "unix:///no/such.sock", "pid"]),
    Ctl(&["-s", "unix:///no/such.sock", "start", "cat"]),
    Ctl(&["-s", "unix:///no/such.sock", "stop"]),
    Ctl(&["-s", "unix:///no/such.sock", "restart", "cat"]),
    Ctl(&["-s", "unix:///no/such.sock", "signal", "HUP", "cat"]),
    Ctl(&["-s", "unix:///no/such.sock", "tail", "cat"]),
    Ctl(&["-s", "unix:///no/such.sock", "maintail"]),
    Ctl(&["-s", "unix:///no/such.sock", "clear", "cat"]),
    Ctl(&["-s", "unix:///no/such.sock", "fg", "cat"]),
    Ctl(&["-s", "unix:///no/such.sock", "version"]),
    Ctl(&["-s", "unix:///no/such.sock", "avail"]),
    Ctl(&["-s", "unix:///no/such.sock", "reread"]),
    Ctl(&["-s", "unix:///no/such.sock", "update"]),
    Ctl(&["-s", "unix:///no/such.sock", "add", "x"]),
    Ctl(&["-s", "unix:///no/such.sock", "remove", "x"]),
    Ctl(&["-s", "unix:///no/such.sock", "reload"]),
    Ctl(&["-s", "unix:///no/such.sock", "shutdown"]),
    Ctl(&["-s", "unix:///no/such.sock", "help", "quit"]),
    Ctl(&["-s", "unix:///no/such.sock", "nosuch"]),
    Ctl(&["-s", "unix://DIR/stale.sock", "status"]),
    Ctl(&["-s", "unix://DIR/stale.sock", "pid"]),
    Ctl(&["-s", "unix://DIR/stale.sock", "start", "cat"]),
    Ctl(&["-s", "unix://DIR/stale.sock", "avail"]),
    Ctl(&["-s", "unix://DIR/stale.sock", "shutdown"]),
    Ctl(&["-s", "unix://DIR/plain", "status"]),
    Ctl(&["-s", "unix://DIR", "status"]),
    Ctl(&["-s", "http://127.0.0.1:1", "status"]),
    Ctl(&["-s", "http://127.0.0.1:1", "version"]),
    Ctl(&["-s", "http://127.0.0.1:1", "update"]),
    Ctl(&["-s", "http://127.0.0.1:1", "shutdown"]),
    Ctl(&["-s", "http://127.0.0.1:x", "version"]),
    Ctl(&["-s", "ftp://127.0.0.1", "version"]),
    Ctl(&["-s", "http://127.0.0.1:PORT", "version"]),
    Ctl(&["-s", "http://127.0.0.1:PORT", "-u", "user", "version"]),
    Ctl(&[
        "-s",
        "http://127.0.0.1:PORT",
        "-u",
        "user",
        "-p",
        "wrong",
        "status",
    ]),
    Ctl(&[
        "-s",
        "http://127.0.0.1:PORT",
        "-u",
        "user",
        "-p",
        "secret",
        "status",
        "cat",
    ]),
    Ctl(&[
        "--serverurl=http://127.0.0.1:PORT/",
        "--user",
        "user",
        "--pass=secret",
        "version",
    ]),
    Ctl(&[
        "-s",
        "http://127.0.0.1:PORT",
        "-u",
        "user",
        "-p",
        "wrong",
        "tail",
        "-f",
        "cat",
    ]),
    // usage
    Ctl(&["-x"]),
    Ctl(&["--nosuch"]),
    Ctl(&["-s"]),
    Ctl(&["-s", "x", "status"]),
    Ctl(&["-c", "other.conf", "status"]),
    Ctl(&["--interactive=1", "status"]),
    Ctl(&["--", "version"]),
    Ctl(&["version", "-x"]),
    // the shell
    Typed(&[], ""),
    Typed(
        &[],
        "status cat\nstop cat\n\n   \nnosuch\nhelp stop\nstart cat nosuch\n?version\nquit\nversion\n",
    ),
    Typed(&[], "pid nosuch\nopen unix:///no/such.sock\npid\nexit"),
    Typed(&[], "shutdown\nno\nreload\n\nreload x\nversion\n"),
    Typed(&[], "shutdown\n"),
    Typed(&["-i"], "version"),
    Typed(&["-i", "version"], "version\n"),
    Typed(&["-i", "shutdown"], "n\n"),
    Typed(&["-s", "unix:///no/such.sock"], "status\navail\n"),
    // the daemon
    Ctl(&["reload", "x"]),
    // Runs again only when the daemon has started anew.
    Ctl(&["stop", "cat"]),
    Ctl(&["reload"]),
    Rest,
    Ctl(&["status"]),
    Ctl(&["shutdown", "x"]),
    Ctl(&["shutdown"]),
    Ended,
    Ctl(&["status"]),
    Ctl(&["shutdown"]),
    Ctl(&["start", "cat"]),
];

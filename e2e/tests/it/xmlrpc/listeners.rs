//! superlance's and supervisor-checks' listeners doing their work: they hear events, call back over XML-RPC while
//! they are busy, and mail.

use std::fs;

use pistack_e2e::clients::supervisor_tool;
use pistack_e2e::{command, until};

use super::daemon::{Daemon, Whose};
use crate::email::Smtp;

const SERVERS: &str = "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/pid\nchildlogdir=%(here)s\n\
    [unix_http_server]\nfile=%(here)s/s.sock\n\
    [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";

/// A web server that is ill in its first life and well in all others.
const WEB: &str = "import http.server, os, sys\n\
well = os.path.exists('lived')\n\
open('lived', 'w').close()\n\
class Handler(http.server.BaseHTTPRequestHandler):\n\
\x20   def do_GET(self):\n\
\x20       self.send_response(200 if well else 500)\n\
\x20       self.send_header('Content-Length', '2')\n\
\x20       self.end_headers()\n\
\x20       self.wfile.write(b'ok')\n\
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n";

fn tool(name: &str) -> String {
    supervisor_tool("4.2.5", name).display().to_string()
}

fn start(programs: &str, files: &[(&str, &str)]) -> Daemon {
    let programs = programs.replace("PYTHON", &tool("python"));
    Daemon::start(Whose::Ours, &format!("{SERVERS}{programs}"), files)
}

/// `supervisorctl status`, one line a process.
fn status(daemon: &Daemon, name: &str) -> String {
    let output = command(supervisor_tool("4.2.5", "supervisorctl"))
        .args(["-s", "unix://s.sock", "status", name])
        .current_dir(daemon.folder())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// How often the daemon's log tells of something.
fn told(daemon: &Daemon, text: &str) -> usize {
    daemon.read("main.log").matches(text).count()
}

fn mailed(daemon: &Daemon, file: &str, text: &str) -> String {
    until(&format!("a mail in {file}"), || {
        Some(daemon.read(file)).filter(|mail| mail.contains(text))
    })
}

/// Waits until `web` has been restarted once, and runs.
fn web_is_restarted(daemon: &Daemon) {
    until("a restart of web", || {
        (told(daemon, "spawned: 'web'") == 2).then_some(())
    });
    assert_eq!(told(daemon, "stopped: web (terminated by SIGTERM)"), 1);
    until("web to run", || {
        status(daemon, "web").contains("RUNNING").then_some(())
    });
}

#[test]
fn httpok_restarts_what_answers_badly() {
    let httpok = tool("httpok");
    let conf = format!(
        "[program:web]\ncommand=PYTHON web.py @PORT@\nstartsecs=0\ndirectory=%(here)s\n\
         [eventlistener:httpok]\ncommand={httpok} -p web -t 3 -m me@example.org -s \"cat > mail.txt\" \
         http://127.0.0.1:@PORT@/\nevents=TICK_5\ndirectory=%(here)s\n"
    );
    let daemon = start(&conf, &[("web.py", WEB)]);
    web_is_restarted(&daemon);
    let mail = mailed(&daemon, "mail.txt", "web restarted");
    assert!(mail.contains("bad status returned"), "{mail}");
    assert!(status(&daemon, "httpok").contains("RUNNING"));
}

#[test]
fn supervisor_checks_restart_what_answers_badly() {
    let check = tool("supervisor_http_check");
    let conf = format!(
        "[program:web]\ncommand=PYTHON web.py @PORT@\nstartsecs=0\ndirectory=%(here)s\n\
         [eventlistener:check]\ncommand={check} -n health -g web -u / -p @PORT@ -t 3 -r 1\nevents=TICK_5\n\
         stderr_logfile=%(here)s/check.err\n"
    );
    let daemon = start(&conf, &[("web.py", WEB)]);
    web_is_restarted(&daemon);
    until("a check that is content", || {
        daemon
            .read("check.err")
            .contains("check succeeded for process web")
            .then_some(())
    });
    assert_eq!(told(&daemon, "spawned: 'web'"), 2, "it is left alone from now on");
}

#[test]
fn memmon_restarts_what_is_too_large() {
    let memmon = tool("memmon");
    // large in its first life only
    let hog = "import os, time\nlarge = not os.path.exists('lived')\nopen('lived', 'w').close()\n\
        ballast = bytearray(os.urandom(1 << 20) * (60 if large else 1))\nwhile True: time.sleep(1000)\n";
    let conf = format!(
        "[program:hog]\ncommand=PYTHON hog.py\nstartsecs=0\ndirectory=%(here)s\n\
         [eventlistener:memmon]\ncommand={memmon} -p hog=40MB -m me@example.org -s \"cat > mail.txt\"\n\
         events=TICK_5\ndirectory=%(here)s\n"
    );
    let daemon = start(&conf, &[("hog.py", hog)]);
    let mail = mailed(&daemon, "mail.txt", "hog");
    assert!(mail.contains("memmon") && mail.contains("restarted"), "{mail}");
    until("hog to run again", || {
        status(&daemon, "hog").contains("RUNNING").then_some(())
    });
    assert_eq!(told(&daemon, "spawned: 'hog'"), 2);
}

#[test]
fn batches_of_crashes_and_failures_are_mailed() {
    let smtp = Smtp::start();
    let listener = |name: &str, to: &str| {
        format!(
            "[eventlistener:{name}]\ncommand={} --toEmail={to}@example.org --fromEmail=pi@example.org \
             --smtpHost=127.0.0.1:{} --interval=0.05 --tickEvent=TICK_5\nevents=PROCESS_STATE,TICK_5\n",
            tool(name),
            smtp.port
        )
    };
    let conf = format!(
        "[program:victim]\ncommand=sh -c \"while [ ! -e crash ]; do sleep 0.05; done; exit 3\"\nstartsecs=0\n\
         autorestart=false\ndirectory=%(here)s\n\
         [program:hopeless]\ncommand=sh -c \"exit 3\"\nautostart=false\nstartretries=0\n{}{}",
        listener("crashmailbatch", "crash"),
        listener("fatalmailbatch", "fatal"),
    );
    let daemon = start(&conf, &[]);
    for name in ["crashmailbatch", "fatalmailbatch"] {
        until(&format!("{name} to listen"), || {
            status(&daemon, name).contains("RUNNING").then_some(())
        });
    }
    fs::write(daemon.folder().join("crash"), "").unwrap();
    let started = command(supervisor_tool("4.2.5", "supervisorctl"))
        .args(["-s", "unix://s.sock", "start", "hopeless"])
        .current_dir(daemon.folder())
        .output()
        .unwrap();
    assert!(!started.status.success(), "it cannot be started");
    let mails = [smtp.mail(1), smtp.mail(2)];
    let to = |who: &str| {
        mails
            .iter()
            .find(|mail| mail.contains(&format!("{who}@example.org")))
            .unwrap_or_else(|| panic!("no mail to {who}: {mails:?}"))
    };
    let crash = to("crash");
    assert!(
        crash.contains("Process victim:victim") && crash.contains("died unexpectedly"),
        "{crash}"
    );
    assert!(!crash.contains("hopeless"), "it never ran: {crash}");
    let fatal = to("fatal");
    assert!(
        fatal.contains("Process hopeless:hopeless failed to start too many times"),
        "{fatal}"
    );
}

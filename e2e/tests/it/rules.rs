//! The rules listener in the running stack: it logs each event and acts.

use std::fs;

use pistack_e2e::stack::signal_process;
use pistack_e2e::{Stack, until};

use crate::email::Smtp;

fn crash(stack: &Stack, name: &str) {
    let pid = stack.wait_state(name, "RUNNING")["pid"].as_u64().unwrap();
    signal_process("KILL", u32::try_from(pid).unwrap());
}

#[test]
fn logs_events_runs_commands_starts_programs_and_mails() {
    let smtp = Smtp::start();
    let config = format!(
        "[program.cam]\ncommand = \"sleep 1000\"\nstartsecs = 0\nautorestart = false\n\
         [program.helper]\ncommand = \"sleep 1000\"\nstartsecs = 0\nautostart = false\n\
         [email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {}\nca_file = \"{}\"\n\
         [channel.me]\nemail = {{ to = \"me@example.org\" }}\n\
         [rule.cam-down]\n\
         when = {{ event = \"PROCESS_STATE_EXITED\", process = \"cam\", expected = false }}\n\
         then = [{{ log = \"{{process}} is gone\" }}, {{ run = {{ command = [\"sh\", \"-c\", \"echo $PISTACK_PROCESSNAME > crashed.txt\"] }} }}, \
         {{ start = \"helper\" }}, {{ notify = {{ channels = [\"me\"], text = \"{{process}} crashed\" }} }}]\n",
        smtp.port,
        smtp.certificate().display()
    );
    let stack = Stack::builder().config("pistack.toml", &config).start();
    stack.wait_state("event_listener", "RUNNING");
    crash(&stack, "cam");
    let file = until("the command's file", || {
        fs::read_to_string(stack.folder().join("crashed.txt"))
            .ok()
            .filter(|text| !text.is_empty())
    });
    assert_eq!(file, "cam\n");
    stack.wait_state("helper", "RUNNING");
    let mail = smtp.mail(1);
    assert!(
        mail.contains("me@example.org") && mail.contains("cam crashed"),
        "{mail}"
    );
    let log = until("the listener's log", || {
        fs::read_to_string(stack.state().join("logs/event_listener.log"))
            .ok()
            .filter(|text| text.contains("cam is gone"))
    });
    assert!(
        log.contains("PROCESS_STATE_EXITED processname:cam groupname:cam from_state:RUNNING expected:0"),
        "{log}"
    );
}

#[test]
fn a_fatal_program_may_shut_the_supervisor_down() {
    let config = "[program.doomed]\ncommand = \"false\"\nstartretries = 0\n\
                  [rule.any-fatal]\nwhen = { event = \"PROCESS_STATE_*\", to_state = \"FATAL\" }\nthen = [{ shutdown = true }]\npriority = 80\n";
    let mut stack = Stack::builder().config("pistack.toml", config).prepare();
    stack.spawn();
    assert_eq!(stack.ended(), Some(0));
}

/// A channel that writes each message to a file, below a line of its own.
const TO_FILE: &str =
    "[channel.file]\nexec = { command = [\"sh\", \"-c\", \"(cat; echo; echo ----) >> messages.txt\"] }\n";

fn messages(stack: &Stack) -> Vec<String> {
    fs::read_to_string(stack.folder().join("messages.txt"))
        .unwrap_or_default()
        .split("----\n")
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

/// Bytes of everything below a directory.
fn size(directory: &std::path::Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) if found.is_file() => found.len(),
            _ => 0,
        })
        .sum()
}

/// Starts `loop` again and again over XML-RPC until it has died a thousand times; the supervisor itself would wait
/// longer and longer between two starts.
const CRASHES: &str = r#"
import http.client, socket, sys, time, xmlrpc.client
class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])
class Transport(xmlrpc.client.Transport):
    def make_connection(self, host):
        return Connection("localhost")
server = xmlrpc.client.ServerProxy("http://localhost", transport=Transport())
crashes = 0
while crashes < 1000:
    try:
        server.supervisor.startProcess("loop", False)
        crashes += 1
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != 60:
            raise
        time.sleep(0.001)
"#;

#[test]
fn a_thousand_crashes_are_two_messages_and_little_writing() {
    let script = "test -e well && exec sleep 1000; echo x >> crashes; exit 1";
    let config = format!(
        "[program.loop]\ncommand = ['sh', '-c', '{script}']\nstartsecs = 0\nautostart = false\nautorestart = false\n{TO_FILE}\
         [rule.down]\nwhen = {{ program = \"loop\", event = \"crashed\" }}\nthen = [{{ notify = \"file\" }}]\n\
         policy = {{ resolve_after = \"2s\" }}\n"
    );
    let stack = Stack::builder().config("pistack.toml", &config).start();
    stack.wait_state("event_listener", "RUNNING");
    let before = size(&stack.state());
    let socket = stack.state().join("run/supervisor.sock");
    let crashed = pistack_e2e::command("python3")
        .args(["-c", CRASHES])
        .arg(socket)
        .status()
        .unwrap();
    assert!(crashed.success());
    until("the last crash", || {
        let text = fs::read_to_string(stack.folder().join("crashes")).ok()?;
        (text.lines().count() == 1000).then_some(())
    });
    assert_eq!(messages(&stack).len(), 1, "{:#?}", messages(&stack));
    fs::write(stack.folder().join("well"), "").unwrap();
    until("the start", || {
        stack.cli(&["start", "loop"]).status.success().then_some(())
    });
    let said = until("the word that it is over", || {
        Some(messages(&stack)).filter(|all| all.len() >= 2)
    });
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[1].contains("1000 times"), "{said:#?}");
    let written = size(&stack.state()).saturating_sub(before);
    eprintln!("{written} bytes written");
    assert!(written < 1024 * 1024, "{written} bytes");
    let list = stack.cli(&["rules", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(list["running"], true);
    assert_eq!(list["rules"][0]["active"], serde_json::json!([]), "{list}");
}

#[test]
fn log_lines_lines_of_the_board_and_figures_set_rules_off() {
    let config = format!(
        "[program.talker]\ncommand = ['sh', '-c', 'echo started; until test -e go; do sleep 0.1; done; echo error 42 came; sleep 1000']\n\
         startsecs = 0\n[line.lamp]\nbcm = 17\ndirection = \"output\"\n[io]\nbackend = \"simulated\"\n{TO_FILE}\
         [rule.words]\nwhen = {{ program = \"talker\", log = 'error (?P<code>\\d+)' }}\n\
         then = [{{ notify = \"file\", text = \"line with {{code}}\" }}, {{ gpio = \"lamp\", blink = \"2Hz\", until = \"resolved\" }}]\n\
         [rule.edge]\nwhen = {{ gpio = \"lamp\", edge = \"rising\", hold = \"100ms\" }}\nthen = [{{ notify = \"file\", text = \"lamp is {{level}}\" }}]\n\
         [rule.figure]\nwhen = {{ metric = \"uptime\", above = 1 }}\nthen = [{{ notify = \"file\", text = \"{{metric}} seen\" }}]\n"
    );
    let stack = Stack::builder().config("pistack.toml", &config).start();
    stack.wait_state("event_listener", "RUNNING");
    stack.wait_state("talker", "RUNNING");
    // The first look at a log begins at its end: the figure tells that the followers run.
    until("the figure", || {
        messages(&stack)
            .iter()
            .any(|text| text.contains("uptime seen"))
            .then_some(())
    });
    until("the edges' stream", || {
        let log = fs::read_to_string(stack.state().join("logs/io_service.log")).ok()?;
        (!log.is_empty()).then_some(())
    });
    fs::write(stack.folder().join("go"), "").unwrap();
    until("the log line", || {
        messages(&stack)
            .iter()
            .any(|text| text.contains("line with 42"))
            .then_some(())
    });
    until("the edge", || {
        messages(&stack)
            .iter()
            .any(|text| text.contains("lamp is 1"))
            .then_some(())
    });
}

#[test]
fn the_command_line_lists_tries_switches_and_shows_the_log() {
    let config = format!(
        "[program.cam]\ncommand = \"sleep 1000\"\nstartsecs = 0\n{TO_FILE}\
         [rule.down]\nwhen = {{ program = \"cam\", event = \"crashed\" }}\nthen = [{{ notify = \"file\", text = \"{{program}} is down\" }}]\n"
    );
    let event =
        r#"{"name":"PROCESS_STATE_EXITED","fields":{"processname":"cam","groupname":"cam","expected":"0"}}"#;
    let stack = Stack::builder()
        .config("pistack.toml", &config)
        .file("event.json", event)
        .start();
    stack.wait_state("event_listener", "RUNNING");
    let text = |arguments: &[&str]| {
        let output = stack.cli(arguments);
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    let tried = text(&[
        "rules",
        "test",
        "down",
        "--event",
        stack.folder().join("event.json").to_str().unwrap(),
    ]);
    assert!(
        tried.contains("fires") && tried.contains("would notify file: cam is down"),
        "{tried}"
    );
    assert!(messages(&stack).is_empty(), "a try does nothing");
    assert!(text(&["rules", "disable", "dwon"]).contains("Did you mean `down`?"));
    assert!(text(&["rules", "disable", "down"]).contains("is off"));
    until("the rule is off", || {
        text(&["rules", "list"]).contains("off").then_some(())
    });
    crash(&stack, "cam");
    let log = || fs::read_to_string(stack.state().join("logs/event_listener.log")).unwrap_or_default();
    until("the crash is heard", || {
        log()
            .contains("PROCESS_STATE_EXITED processname:cam")
            .then_some(())
    });
    assert!(text(&["rules", "enable", "down"]).contains("is on"));
    until("the rule is on", || {
        (!text(&["rules", "list"]).contains(" off ")).then_some(())
    });
    crash(&stack, "cam");
    until("the message", || {
        messages(&stack)
            .iter()
            .any(|text| text.contains("cam is down"))
            .then_some(())
    });
    assert_eq!(messages(&stack).len(), 1);
    until("the log", || {
        text(&["rules", "log"])
            .contains("PROCESS_STATE_EXITED of cam")
            .then_some(())
    });
    assert!(text(&["notify", "list"]).contains("file"));
}

#[test]
fn what_is_wrong_with_rules_is_told_all_at_once() {
    let config = "[program.cam]\ncommand = \"sleep 1000\"\n\
        [rule.a]\nwhen = { program = \"cma\", event = \"crashed\" }\nthen = [{ notify = \"nobody\" }]\n\
        [rule.b]\nwhen = { program = \"cam\", log = \"(\" }\nthen = [{ log = \"x\" }]\n\
        [rule.c]\nwhen = { cron = \"99 * * * *\" }\nthen = [{ gpio = \"lamp\", set = true }]\n\
        [rule.d]\nwhen = { program = \"cam\", event = \"running\" }\nthen = [{ restart = \"cam\" }, { log = \"{nope}\" }]\n";
    let stack = Stack::builder().config("pistack.toml", config).prepare();
    let output = stack.cli(&["config", "check"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for wanted in [
        "no program `cma`",
        "no channel `nobody`",
        "no regular expression",
        "`{nope}` stands for nothing",
        "no schedule",
        "no line `lamp`",
        "d -> d",
        "pistack.toml:4",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

//! supervisor's own client, versions 4.2.5 and 4.3.0, against a running stack.

use pistack_e2e::clients::supervisor_tool;
use pistack_e2e::{Stack, command, until};

const PROGRAMS: &str = "[program.cat]\ncommand = \"cat\"\nstartsecs = 0\n\
    [program.talker]\ncommand = [\"sh\", \"-c\", \"echo hello; echo oops >&2; exec sleep 1000\"]\nstartsecs = 0\n";

fn ctl(stack: &Stack, version: &str, arguments: &[&str]) -> (i32, String) {
    let output = command(supervisor_tool(version, "supervisorctl"))
        .current_dir(stack.folder())
        .args([
            "-s",
            &format!("unix://{}", stack.state().join("run/supervisor.sock").display()),
        ])
        .args(arguments)
        .output()
        .unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.code().unwrap_or(-1), text)
}

fn conversation(version: &str) {
    let mut stack = Stack::builder().config("pistack.toml", PROGRAMS).start();
    stack.wait_state("talker", "RUNNING");
    let run = |arguments: &[&str]| ctl(&stack, version, arguments);
    let (code, text) = run(&["status"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("RaspberryPiSystem:auth_service") && text.contains("RUNNING   pid "),
        "{text}"
    );
    assert_eq!(run(&["stop", "cat"]), (0, "cat: stopped\n".to_owned()));
    let (code, text) = run(&["status", "cat"]);
    assert_eq!(code, 3, "{text}");
    assert_eq!(run(&["start", "cat"]), (0, "cat: started\n".to_owned()));
    assert_eq!(run(&["start", "cat"]).1, "cat: ERROR (already started)\n");
    assert_eq!(
        run(&["restart", "cat"]),
        (0, "cat: stopped\ncat: started\n".to_owned())
    );
    assert_eq!(
        run(&["start", "nosuch"]),
        (1, "nosuch: ERROR (no such process)\n".to_owned())
    );
    until("the program's words", || {
        run(&["tail", "talker"]).1.contains("hello\n").then_some(())
    });
    assert!(run(&["tail", "talker", "stderr"]).1.contains("oops\n"));
    assert!(run(&["maintail"]).1.contains("spawned: 'cat' with pid"));
    assert_eq!(run(&["version"]).1, "4.3.0\n");
    assert_eq!(run(&["pid"]).1.trim(), stack.pid().to_string());
    assert_eq!(run(&["avail"]).0, 0);
    assert_eq!(run(&["reread"]).1.trim(), "No config updates to processes");
    assert_eq!(run(&["signal", "HUP", "cat"]), (0, "cat: signalled\n".to_owned()));
    assert_eq!(run(&["clear", "talker"]), (0, "talker: cleared\n".to_owned()));
    assert_eq!(run(&["shutdown"]), (0, "Shut down\n".to_owned()));
    assert_eq!(stack.ended(), Some(0));
}

#[test]
fn version_4_2_5() {
    conversation("4.2.5");
}

#[test]
fn version_4_3_0() {
    conversation("4.3.0");
}

#[test]
fn superlance_hears_a_crash() {
    let crashmail = supervisor_tool("4.2.5", "crashmail");
    let config = format!(
        "[program.victim]\ncommand = \"sleep 1000\"\nstartsecs = 0\nautorestart = true\n\
         [listener.crashmail]\ncommand = [\"{}\", \"-p\", \"victim\", \"-m\", \"me@example.org\", \"-s\", \"cat > mail.txt\"]\n\
         events = [\"PROCESS_STATE_EXITED\"]\nstdout_logfile = \"none\"\n",
        crashmail.display()
    );
    let stack = Stack::builder().config("pistack.toml", &config).start();
    stack.wait_state("crashmail", "RUNNING");
    let pid = stack.wait_state("victim", "RUNNING")["pid"].as_u64().unwrap();
    pistack_e2e::stack::signal_process("KILL", u32::try_from(pid).unwrap());
    let mail = until("crashmail's mail", || {
        std::fs::read_to_string(stack.folder().join("mail.txt"))
            .ok()
            .filter(|text| text.contains("victim"))
    });
    assert!(mail.contains("exited unexpectedly"), "{mail}");
}

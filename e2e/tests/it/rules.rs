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

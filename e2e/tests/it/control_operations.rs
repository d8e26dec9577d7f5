//! The pages of logs, events, rules and mail in Chromium, with real programs, a real mail server and a log of 100,000
//! lines.

use std::fs;
use std::io::Write as _;

use pistack_e2e::stack::signal_process;
use pistack_e2e::{Stack, browser, root, until};

use crate::email::Smtp;

/// Lines of the long log.
const LINES: usize = 100_000;

fn long_log(stack: &Stack) {
    let mut file = fs::File::create(stack.folder().join("long.log")).unwrap();
    let mut text = String::new();
    for number in 0..LINES {
        text.push_str(&format!(
            "2026-01-{:02}T{:02}:{:02}:{:02}Z \u{1b}[32mINFO\u{1b}[0m line {number} of many in this log\n",
            1 + number / 86_400,
            number / 3600 % 24,
            number / 60 % 60,
            number % 60
        ));
    }
    file.write_all(text.as_bytes()).unwrap();
}

/// The camera dies as soon as the rule that waits for it is there.
fn kill_once_watched(stack: &Stack, is_over: impl Fn() -> bool) {
    let overlay = stack.folder().join("pistack.d/90-ui.toml");
    while !is_over() && !overlay.exists() {
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    if !overlay.exists() {
        return;
    }
    until("the rule in force", || {
        let rules = stack.get_as(&stack.root_token(), "/api/rules/list").json();
        rules["rules"]
            .as_array()?
            .iter()
            .any(|rule| rule["name"] == "camera-down")
            .then_some(())
    });
    let pid = stack.wait_state("camera", "RUNNING")["pid"].as_u64().unwrap();
    signal_process("KILL", u32::try_from(pid).unwrap());
}

#[test]
fn a_live_log_with_search_a_rule_made_in_the_form_and_a_log_of_100_000_lines() {
    let smtp = Smtp::start();
    // Both programs write to a file that the test writes to as well.
    let config = format!(
        "[program.camera]\ncommand = [\"sh\", \"-c\", \"exec tail -n +1 -F live.txt\"]\nstartsecs = 0\nredirect_stderr = true\n\
         [program.long]\ncommand = [\"sh\", \"-c\", \"cat long.log; exec sleep 1000\"]\nstartsecs = 0\nautostart = false\n\
         stdout_logfile_maxbytes = \"100MB\"\n\
         [email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {}\nca_file = \"{}\"\n\
         [channel.me]\nemail = {{ to = \"me@example.org\" }}\n",
        smtp.port,
        smtp.certificate().display()
    );
    let stack = Stack::builder()
        .config("pistack.toml", &config)
        .file("live.txt", "first light\n")
        .start();
    long_log(&stack);
    stack.wait_state("event_listener", "RUNNING");
    stack.cli(&["start", "long"]);
    stack.wait_state("long", "RUNNING");
    let token = stack.root_token();
    until("the long log", || {
        let piece = stack
            .get_as(&token, "/api/supervisor/processes/long/log?tail=200")
            .json();
        let whole = piece["data"]
            .as_str()?
            .contains(&format!("line {} of", LINES - 1));
        whole.then_some(())
    });
    let pictures = root().join("e2e/artifacts");
    fs::create_dir_all(&pictures).unwrap();
    let live = stack.folder().join("live.txt");
    let crash = std::thread::scope(|scope| {
        let script = scope.spawn(|| {
            browser::run(
                "operations.mjs",
                &[
                    stack.https(),
                    &pictures.display().to_string(),
                    &live.display().to_string(),
                    &LINES.to_string(),
                ],
            )
        });
        kill_once_watched(&stack, || script.is_finished());
        script.join()
    });
    let said = match crash {
        Ok(said) => said,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    assert!(said.contains("all steps done"), "{said}");
    println!("{said}");
    let mail = smtp.mail(1);
    assert!(
        mail.contains("me@example.org") && mail.contains("camera is gone"),
        "{mail}"
    );
    let overlay = fs::read_to_string(stack.folder().join("pistack.d/90-ui.toml")).unwrap();
    assert!(overlay.contains("[rule.camera-down]"), "{overlay}");
    let main = fs::read_to_string(stack.folder().join("pistack.toml")).unwrap();
    assert_eq!(main, config, "the person's own file is as it was");
}

#[test]
fn mail_that_the_outbox_gives_up_goes_to_the_fallback_and_switching_lasts() {
    let smtp = Smtp::start();
    let config = format!(
        "[program.cam]\ncommand = \"sleep 1000\"\nstartsecs = 0\nautorestart = false\n\
         [email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {}\nca_file = \"{}\"\n\
         [channel.me]\nemail = {{ to = \"nobody@example.org\" }}\nfallback = \"file\"\n\
         [channel.file]\nexec = {{ command = [\"sh\", \"-c\", \"cat > fallback.txt\"] }}\n\
         [rule.cam-down]\nwhen = {{ event = \"crashed\", program = \"cam\" }}\nthen = [{{ notify = \"me\", text = \"cam is gone\" }}]\n",
        smtp.port,
        smtp.certificate().display()
    );
    let mut stack = Stack::builder().config("pistack.toml", &config).start();
    stack.wait_state("event_listener", "RUNNING");
    let pid = stack.wait_state("cam", "RUNNING")["pid"].as_u64().unwrap();
    signal_process("KILL", u32::try_from(pid).unwrap());
    let told = until("the fallback's file", || {
        fs::read_to_string(stack.folder().join("fallback.txt"))
            .ok()
            .filter(|text| text.contains("cam is gone"))
    });
    assert!(told.contains("cam is gone"), "{told}");
    let token = stack.root_token();
    let deliveries = stack.get_as(&token, "/api/notify/deliveries?channel=me").json();
    assert_eq!(
        deliveries["deliveries"][0]["state"], "handed_over",
        "{deliveries}"
    );
    assert!(
        deliveries["deliveries"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("no such user"),
        "{deliveries}"
    );
    // What happened is told after a restart too, and the rule that is switched off stays so.
    let off = stack.post(&token, "/api/rules/rule/cam-down/disable", &serde_json::json!({}));
    assert_eq!(
        (off.status, &off.json()["lasting"]),
        (200, &serde_json::json!(true)),
        "{off:?}"
    );
    stack.stop("TERM");
    stack.up();
    stack.wait_state("event_listener", "RUNNING");
    let token = stack.root_token();
    let rules = stack.get_as(&token, "/api/rules/list").json();
    assert_eq!(rules["rules"][0]["enabled"], false, "{rules}");
    assert!(rules["rules"][0]["last_fired"].is_i64(), "{rules}");
    let events = stack
        .get_as(&token, "/api/rules/events?names=PROCESS_STATE_EXITED&limit=5000")
        .json();
    let crashed = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .any(|event| event["fields"]["processname"] == "cam");
    assert!(crashed, "{events}");
}

//! XML-RPC, log tails and pages, asked in the same words of supervisord 4.3.0 and of ours, by Python's own
//! `xmlrpc.client` over both kinds of socket and by raw requests: every answer has to be the same, value by value.

mod daemon;
mod listeners;
mod pages;

use pistack_e2e::clients::supervisor_tool;
use pistack_e2e::{command, root};
use serde_json::Value;

use self::daemon::{Daemon, Whose};

/// One question of the script, and what was answered, as Python shows it.
#[derive(Debug)]
struct Step {
    label: String,
    answer: String,
}

/// A difference that is meant: why, and how to know it. It gets the question, the original's answer and ours.
type Meant = (&'static str, fn(&str, &str, &str) -> bool);

const MEANT: &[Meant] = &[
    (
        "where the original fails with an exception of its own (500), ours says what is wrong with the call",
        |_, theirs, ours| {
            let failed = theirs == "('http', 500)" || theirs.starts_with("(500,");
            let refused = ["('fault', 2, ", "[{'faultCode': 2, ", "(400,", "(401,"];
            failed && refused.iter().any(|start| ours.starts_with(start))
        },
    ),
    (
        "a log with a byte that is no UTF-8, a cut character or a control character can be read",
        |label, theirs, ours| {
            let broken = theirs == "('http', 500)" || theirs == "('unreadable',)";
            let of_garbled = ["'garbled'", "'control'", "'utf', 0, 10"]
                .iter()
                .any(|name| label.contains(name));
            broken && of_garbled && ours.contains(" end") && !ours.contains("fault")
        },
    ),
    (
        "so in multicall, where the original answers with the exception's Python text",
        |_, theirs, ours| {
            theirs.contains("FAILED: <class 'AttributeError'>") && ours.starts_with("[{'faultCode': 2, ")
        },
    ),
    (
        "a call without a body is refused; the original waits for a body for ever",
        |label, theirs, ours| {
            label == "raw: empty" && theirs == "TimeoutError" && ours.starts_with("(400, 'Bad Request'")
        },
    ),
    (
        "proxies are told not to collect the main log's lines either",
        |label, theirs, ours| {
            label == "raw: mainlogtail" && ours.replace(", ('x-accel-buffering', 'no')", "") == theirs
        },
    ),
];

/// Asks everything.
fn ask(daemon: &Daemon) -> Vec<Step> {
    let output = command(supervisor_tool("4.3.0", "python"))
        .arg(root().join("e2e/tests/data/xmlrpc_compare.py"))
        .arg(daemon.folder())
        .arg(daemon.port().to_string())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "the script failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|line: Value| Step {
            label: text(&line, "step"),
            answer: text(&line, "answer"),
        })
        .collect()
}

#[test]
fn every_answer_is_the_originals() {
    const CONF: &str = include_str!("../data/xmlrpc_compare.conf");
    let run = |whose| {
        move || {
            let files = [("plain.txt", "text\n"), ("utf.txt", "zażółć end\n")];
            let mut daemon = Daemon::start(whose, CONF, &files);
            let steps = ask(&daemon);
            daemon.wait_for_end();
            steps
        }
    };
    let theirs = std::thread::spawn(run(Whose::Original));
    let ours = run(Whose::Ours)();
    let theirs = theirs.join().unwrap();

    let mut used = vec![0; MEANT.len()];
    let mut different = Vec::new();
    for (theirs, ours) in theirs.iter().zip(&ours) {
        assert_eq!(theirs.label, ours.label, "the script went another way");
        let in_vain = theirs.label.starts_with("wait for ") || ours.answer == "TimeoutError";
        assert!(!in_vain, "waited in vain: {theirs:?}");
        if theirs.answer == ours.answer {
            continue;
        }
        let meant = MEANT
            .iter()
            .position(|(_, is)| is(&theirs.label, &theirs.answer, &ours.answer));
        match meant {
            Some(index) => used[index] += 1,
            None => different.push(format!(
                "{}\n  supervisord: {}\n  pistack:     {}",
                theirs.label, theirs.answer, ours.answer
            )),
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(theirs.len(), ours.len(), "both were asked everything");
    assert!(ours.len() > 900, "{} questions", ours.len());
    for ((why, _), used) in MEANT.iter().zip(used) {
        assert!(used > 0, "this difference is gone: {why}");
    }
}

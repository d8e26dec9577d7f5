//! Channels in the running stack: a signed webhook and an ntfy server over HTTPS with an authority of their own, mail
//! through aiosmtpd, and a channel that hangs beside them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use pistack_e2e::clients::supervisor_tool;
use pistack_e2e::{Stack, command, root, until};
use serde_json::{Value, json};

use crate::email::Smtp;

/// The server of webhooks and of ntfy.
struct Hooks {
    child: Child,
    port: u16,
    seen: Arc<Mutex<Vec<Value>>>,
    folder: tempfile::TempDir,
}

fn openssl(arguments: &[&str], folder: &Path) {
    let made = command("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// `ca.pem`, and `leaf.pem` with `leaf.key` that it has signed for `localhost`.
fn certificates(folder: &Path) {
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ];
    let root = [
        "req",
        "-x509",
        "-subj",
        "/CN=Test root",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ];
    openssl(&[root.as_slice(), &key].concat(), folder);
    let leaf = [
        "req",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "leaf.key",
        "-out",
        "leaf.csr",
    ];
    openssl(&[leaf.as_slice(), &key[..5]].concat(), folder);
    fs::write(
        folder.join("leaf.cnf"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n",
    )
    .unwrap();
    openssl(
        &[
            "x509",
            "-req",
            "-in",
            "leaf.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "leaf.cnf",
            "-out",
            "leaf.pem",
        ],
        folder,
    );
}

impl Hooks {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        fs::write(folder.path().join("secret"), "hush\n").unwrap();
        let mut child = command(supervisor_tool("4.2.5", "python"))
            .arg(root().join("e2e/tests/data/hook_server.py"))
            .args([folder.path().join("leaf.pem"), folder.path().join("leaf.key")])
            .arg("hush")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("the server said {line:?}"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self {
            child,
            port,
            seen,
            folder,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn at(&self, path: &str) -> Vec<Value> {
        let all = self.seen.lock().unwrap();
        all.iter()
            .filter(|request| request["path"] == path)
            .cloned()
            .collect()
    }

    /// A `webhook = { ... }` to a path.
    fn webhook(&self, path: &str) -> String {
        format!(
            "webhook = {{ url = \"https://localhost:{}{path}\", secret_file = \"{}\", ca_file = \"{}\", private = true }}\n",
            self.port,
            self.file("secret").display(),
            self.file("ca.pem").display()
        )
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that dies when it is started, and a rule that tells it on four channels, of which the first hangs.
fn four_channels(smtp: &Smtp, hooks: &Hooks) -> String {
    format!(
        "[program.cam]\ncommand = [\"sh\", \"-c\", \"echo no such device >&2; exit 3\"]\n\
         startsecs = 0\nautostart = false\nautorestart = false\n\
         [email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {smtp_port}\nca_file = \"{smtp_ca}\"\n\
         [channel.stuck]\n{stuck}timeout = \"1m\"\n\
         [channel.hook]\n{hook}\
         [channel.phone]\nntfy = {{ topic = \"pi\", server = \"https://localhost:{port}/\", ca_file = \"{ca}\", private = true }}\n\
         [channel.me]\nemail = {{ to = \"me@example.org\" }}\n\
         [rule.cam-down]\nwhen = {{ event = \"crashed\", process = \"cam\" }}\n\
         then = [{{ notify = {{ channels = [\"stuck\", \"hook\", \"phone\", \"me\"] }} }}]\n",
        smtp_port = smtp.port,
        smtp_ca = smtp.certificate().display(),
        stuck = hooks.webhook("/hang"),
        hook = hooks.webhook("/moved"),
        port = hooks.port,
        ca = hooks.file("ca.pem").display(),
    )
}

#[test]
fn a_program_that_dies_is_told_once_on_every_channel_with_the_reason_though_one_channel_hangs() {
    let (smtp, hooks) = (Smtp::start(), Hooks::start());
    let config = four_channels(&smtp, &hooks);
    let stack = Stack::builder().config("pistack.toml", &config).start();
    stack.wait_state("event_listener", "RUNNING");
    stack.cli(&["start", "cam"]);
    let hook = until("the webhook", || hooks.at("/hook").first().cloned());
    let text = hook["body"]["text"].as_str().unwrap();
    assert!(
        hook["signed"] == true && hook["body"]["rule"] == "cam-down",
        "{hook}"
    );
    assert!(
        text.contains("no such device") && text.contains("exit 3"),
        "{text}"
    );
    let push = until("the push message", || hooks.at("/").first().cloned());
    assert_eq!(
        (&push["body"]["topic"], &push["body"]["priority"]),
        (&json!("pi"), &json!(4))
    );
    assert!(
        push["body"]["message"]
            .as_str()
            .unwrap()
            .contains("no such device"),
        "{push}"
    );
    let mail = smtp.mail(1);
    assert!(
        mail.contains("me@example.org") && mail.contains("no such device"),
        "{mail}"
    );
    until("the attempt that hangs", || hooks.at("/hang").first().cloned());

    let token = stack.root_token();
    let deliveries = stack.get_as(&token, "/api/notify/deliveries").json();
    let states: Vec<(&str, &str)> = deliveries["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delivery| {
            (
                delivery["channel"].as_str().unwrap(),
                delivery["state"].as_str().unwrap(),
            )
        })
        .collect();
    let wanted = [
        ("me", "sent"),
        ("phone", "sent"),
        ("hook", "sent"),
        ("stuck", "waiting"),
    ];
    assert_eq!(states, wanted);
    assert_eq!(
        (hooks.at("/hook").len(), hooks.at("/").len(), smtp.count()),
        (1, 1, 1)
    );
    let log = stack.get_as(&token, "/api/rules/log").json();
    assert_eq!(log["firings"][0]["rule"], "cam-down", "{log}");
    let firing = stack.get_as(&token, "/api/rules/log/1").json();
    assert_eq!(firing["deliveries"].as_array().unwrap().len(), 4, "{firing}");
    let channels = stack.get_as(&token, "/api/notify/channels").json();
    let phone = &channels["channels"][2];
    assert_eq!(
        (&phone["name"], &phone["last_state"]),
        (&json!("phone"), &json!("sent")),
        "{channels}"
    );
}

#[test]
fn calls_from_outside_tests_and_messages_by_hand() {
    let hooks = Hooks::start();
    let config = format!(
        "[channel.hook]\n{}\
         [rule.door]\nwhen = {{ webhook = \"door\", secret_file = \"{}\" }}\n\
         then = [{{ run = {{ command = [\"sh\", \"-c\", \"echo $PISTACK_WHO > called.txt\"] }} }}]\n\
         [rule.login]\nwhen = {{ stack = \"login.*\" }}\nthen = [{{ notify = {{ channels = [\"hook\"] }} }}]\n",
        hooks.webhook("/hook"),
        hooks.file("secret").display(),
    );
    let stack = Stack::builder().config("pistack.toml", &config).start();
    stack.wait_state("event_listener", "RUNNING");
    let call = |secret: &str| {
        let field = format!("X-Hook-Secret: {secret}");
        stack.request(
            &["-X", "POST", "-H", &field, "-d", r#"{"who":"anna"}"#],
            "/api/rules/hook/door",
        )
    };
    assert_eq!(call("wrong").status, 401);
    let right = call("hush");
    assert_eq!(right.status, 204, "{right:?}");
    let file = until("the command's file", || {
        fs::read_to_string(stack.folder().join("called.txt"))
            .ok()
            .filter(|text| text.ends_with('\n'))
    });
    assert_eq!(file, "anna\n");

    let token = stack.root_token();
    let tested = stack.post(&token, "/api/notify/channels/hook/test", &json!({}));
    assert_eq!(
        (tested.status, &tested.json()["ok"]),
        (200, &json!(true)),
        "{tested:?}"
    );
    let sent = stack.post(
        &token,
        "/api/notify/send",
        &json!({ "channels": ["hook"], "title": "by hand" }),
    );
    assert_eq!(sent.status, 202, "{sent:?}");
    until("both messages", || (hooks.at("/hook").len() == 2).then_some(()));
    assert_eq!(stack.get("/api/notify/channels").status, 401);
    assert_eq!(stack.get_as(&token, "/internal/rules/list").status, 404);

    // A process of the stack reports what it saw, over the socket alone.
    let event = json!({ "kind": "login.new_place", "summary": "anna signed in from a new place", "fields": { "user": "anna" } });
    let socket = stack.state().join("run/rules.sock");
    let said = command("curl")
        .args(["-sS", "--fail", "--unix-socket"])
        .arg(socket)
        .args(["-d", &event.to_string(), "http://localhost/internal/event"])
        .output()
        .unwrap();
    assert!(said.status.success(), "{said:?}");
    let told = until("the third message", || hooks.at("/hook").get(2).cloned());
    assert!(
        told["body"]["text"]
            .as_str()
            .unwrap()
            .contains("anna signed in from a new place"),
        "{told}"
    );
}

#[test]
fn channels_are_tried_and_used_on_the_command_line() {
    let hooks = Hooks::start();
    let config = format!("[channel.hook]\n{}", hooks.webhook("/hook"));
    let mut stack = Stack::builder().config("pistack.toml", &config).start();
    stack.wait_state("event_listener", "RUNNING");
    let tested = stack.cli(&["notify", "test", "hook"]);
    assert!(tested.status.success(), "{tested:?}");
    assert_eq!(hooks.at("/hook").len(), 1);
    let sent = stack.cli(&["notify", "send", "hook", "the", "cellar", "is", "wet"]);
    assert!(sent.status.success(), "{sent:?}");
    let told = until("the message", || hooks.at("/hook").get(1).cloned());
    assert!(told["body"].to_string().contains("the cellar is wet"), "{told}");
    let unknown = stack.cli(&["notify", "send", "nowhere", "x"]);
    let complaint = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        !unknown.status.success() && complaint.contains("nowhere"),
        "{unknown:?}"
    );
    let reloaded = stack.cli(&["rules", "reload"]);
    let said = String::from_utf8_lossy(&reloaded.stdout).into_owned();
    assert!(said.contains("1 channels are in force"), "{reloaded:?}");

    // Without the stack the lists come from the configuration, and what needs it says so.
    stack.stop("TERM");
    let list = stack.cli(&["notify", "list", "--json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(
        (&list["running"], &list["channels"][0]["name"]),
        (&json!(false), &json!("hook"))
    );
    let tested = stack.cli(&["notify", "test", "hook"]);
    let complaint = String::from_utf8_lossy(&tested.stderr).into_owned();
    assert!(
        !tested.status.success() && complaint.contains("pistack up"),
        "{tested:?}"
    );
}

#[test]
fn wrong_channels_are_refused_with_place_and_reason() {
    let config = "[channel.inside]\nwebhook = { url = \"https://10.0.0.1/x\" }\n\
                  [channel.key]\nwebhook = { url = \"https://example.org/\", secret_file = \"/does/not/exist\" }\n\
                  [channel.title]\nntfy = { topic = \"a\\r\\nX-Evil: 1\" }\n\
                  [channel.round]\nemail = { to = \"a@example.org\" }\nfallback = \"round\"\n";
    let stack = Stack::builder().config("pistack.toml", config).prepare();
    let checked = stack.cli(&["config", "check"]);
    assert!(!checked.status.success());
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    for wanted in [
        "pistack.toml:2",
        "10.0.0.1 is on a private network",
        "pistack.toml:4",
        "/does/not/exist",
        "is no topic",
        "pistack.toml:9",
        "circle",
    ] {
        assert!(said.contains(wanted), "{wanted} is not in:\n{said}");
    }
}

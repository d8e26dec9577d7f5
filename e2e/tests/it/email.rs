//! Mail through a real SMTP server (aiosmtpd), and what is said when there is none.

mod disk;
mod kill;
mod postfix;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use pistack_e2e::clients::supervisor_tool;
use pistack_e2e::{Stack, command, root, until};
use serde_json::json;

/// A running SMTP server; its mails lie in `folder`.
pub(crate) struct Smtp {
    child: Child,
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

impl Smtp {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Words: `implicit`, `auth` (user `user`, password `secret`), `plain`.
    pub(crate) fn start_with(words: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let made = command("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout",
            ])
            .arg(&key)
            .arg("-out")
            .arg(&cert)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let mut child = command(supervisor_tool("4.2.5", "python"))
            .arg(root().join("e2e/tests/data/smtp_server.py"))
            .args([folder.path(), &cert, &key])
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("the SMTP server said {line:?}"));
        Self { child, port, folder }
    }

    pub(crate) fn key(&self) -> std::path::PathBuf {
        self.folder.path().join("key.pem")
    }

    pub(crate) fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// The Nth mail (from 1): `tls` or `plain`, recipients, text.
    pub(crate) fn mail(&self, number: usize) -> String {
        let path = self.folder.path().join(format!("{number}.mail"));
        until("a mail", || fs::read_to_string(&path).ok())
    }

    pub(crate) fn count(&self) -> usize {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        entries
            .filter(|entry| {
                Path::new(&entry.as_ref().unwrap().file_name()).extension() == Some("mail".as_ref())
            })
            .count()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn sends_over_starttls_and_passes_refusals_on() {
    let smtp = Smtp::start();
    let config = format!(
        "[email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {}\nsmtp_from = \"pi@example.org\"\nca_file = \"{}\"\n",
        smtp.port,
        smtp.certificate().display()
    );
    let stack = Stack::builder().config("pistack.toml", &config).start();
    let mail = json!({ "to": "anna@example.org", "subject": "Zażółć", "text": "gęślą jaźń" });
    assert_eq!(stack.post("", "/api/email/send", &mail).status, 401);
    let token = stack.root_token();
    let sent = stack.post(&token, "/api/email/send", &mail);
    assert_eq!(sent.status, 200, "{sent:?}");
    let got = smtp.mail(1);
    assert!(
        got.starts_with("tls\nanna@example.org\n"),
        "STARTTLS was offered and must be used: {got}"
    );
    assert!(got.contains("Subject: ") && got.contains("From: "), "{got}");
    let refused = stack.post(
        &token,
        "/api/email/send",
        &json!({ "to": "nobody@example.org", "subject": "s", "text": "t" }),
    );
    assert_eq!(refused.status, 502, "{refused:?}");
    assert!(refused.body.contains("no such user"), "{refused:?}");
    for bad in [
        json!({ "to": "not an address", "subject": "s", "text": "t" }),
        json!({ "to": "a@example.org", "subject": "s\r\nBcc: evil@example.org", "text": "t" }),
        json!({ "subject": "s", "text": "t" }),
    ] {
        assert_eq!(stack.post(&token, "/api/email/send", &bad).status, 400, "{bad}");
    }
    assert_eq!(
        smtp.count(),
        1,
        "the server sees exactly the mails that were accepted"
    );
}

#[test]
fn says_where_no_server_answers() {
    let config = "[email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = 9\n";
    let stack = Stack::builder().config("pistack.toml", config).start();
    let token = stack.root_token();
    let answer = stack.post(
        &token,
        "/api/email/send",
        &json!({ "to": "a@example.org", "subject": "s", "text": "t" }),
    );
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(
        answer.body.contains("127.0.0.1:9"),
        "it names the server: {answer:?}"
    );
}

/// The mail of this id, once it has one of these states.
fn until_state(stack: &Stack, token: &str, id: &str, states: &[&str]) -> serde_json::Value {
    until(&format!("a mail that is {states:?}"), || {
        let mail = stack.get_as(token, &format!("/api/email/messages/{id}")).json();
        states.iter().any(|state| mail["state"] == *state).then_some(mail)
    })
}

fn put(stack: &Stack, token: &str, to: &str) -> String {
    let mail = json!({ "to": to, "subject": "Door", "text": "open", "html": "<p>open</p>" });
    let accepted = stack.post(token, "/api/email/messages", &mail);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    accepted.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_outbox_delivers_over_starttls_and_implicit_tls_with_a_login() {
    for (tls, words) in [("required", &["auth"][..]), ("implicit", &["implicit", "auth"])] {
        let smtp = Smtp::start_with(words);
        let config = format!(
            "[email]\nsmtp_host = \"localhost\"\nsmtp_port = {}\nsmtp_from = \"pi@example.org\"\nca_file = \"{}\"\n\
             tls = \"{tls}\"\nusername = \"user\"\npassword_file = \"smtp.password\"\n[email.retry]\nfirst = \"200ms\"\n",
            smtp.port,
            smtp.certificate().display()
        );
        let stack = Stack::builder()
            .config("pistack.toml", &config)
            .file("smtp.password", "wrong\n")
            .start();
        let token = stack.root_token();
        let first = put(&stack, &token, "anna@example.org");
        let status = until("a pause", || {
            let status = stack.get_as(&token, "/api/email/status").json();
            (status["channel"]["state"] == "paused").then_some(status)
        });
        assert!(
            status["channel"]["error"].as_str().unwrap().contains("535"),
            "{status}"
        );
        assert_eq!(stack.get("/api/email/health").json()["status"], "degraded");
        fs::write(stack.folder().join("smtp.password"), "secret\n").unwrap();
        assert_eq!(stack.post(&token, "/api/email/resume", &json!({})).status, 202);
        until_state(&stack, &token, &first, &["sent"]);
        assert!(
            smtp.mail(1).starts_with("tls as user\nanna@example.org\n"),
            "{}",
            smtp.mail(1)
        );
        let grey = put(&stack, &token, "grey@example.org");
        let read = until_state(&stack, &token, &grey, &["sent"]);
        assert_eq!(read["tries"], 2, "greylisted first: {read}");
        let refused = put(&stack, &token, "nobody@example.org");
        let read = until_state(&stack, &token, &refused, &["dead"]);
        assert!(read["error"].as_str().unwrap().contains("no such user"), "{read}");
        let lost = put(&stack, &token, "lost@example.org");
        until_state(&stack, &token, &lost, &["undecided"]);
        assert_eq!(
            smtp.count(),
            2,
            "the server sees exactly the mails that were accepted"
        );
        for log in ["email_service.err", "email_service.out"] {
            let log = fs::read_to_string(stack.state().join("logs").join(log)).unwrap_or_default();
            assert!(!log.contains("secret") && !log.contains("anna@"), "{log}");
        }
    }
}

#[test]
fn bad_mails_are_refused_with_place_and_reason_through_the_gateway() {
    let smtp = Smtp::start();
    let config = format!("[email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {}\n", smtp.port);
    let stack = Stack::builder().config("pistack.toml", &config).start();
    let token = stack.root_token();
    let crowd = vec!["a@b.c"; 10_000];
    let base = json!({ "to": "a@example.org", "subject": "s", "text": "t" });
    for (key, value, place) in [
        ("to", json!(crowd), "`to` has more than 50 addresses"),
        ("to", json!("a@example.org\r\nBcc: e@example.org"), "`to`"),
        ("cc", json!("no address"), "`cc`"),
        ("subject", json!("s\nBcc: e@example.org"), "`subject`"),
        ("text", json!("a\nb\rc"), "`text` line 2"),
        ("reply_to", json!("a\r@example.org"), "`reply_to`"),
        (
            "attachments",
            json!([{ "name": "a\r\nb", "content": "" }]),
            "`attachments[0].name`",
        ),
        (
            "template",
            json!({ "text": "a\n{{ nobody }}" }),
            "`template.text` line 2",
        ),
    ] {
        let mut mail = base.clone();
        mail[key] = value;
        let refused = stack.post(&token, "/api/email/messages", &mail);
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(
            refused.json()["detail"].as_str().unwrap().contains(place),
            "{place}: {refused:?}"
        );
    }
    let id = put(&stack, &token, "anna@example.org");
    until_state(&stack, &token, &id, &["sent"]);
    assert_eq!(smtp.count(), 1);
}

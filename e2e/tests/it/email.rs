//! Mail through a real SMTP server (aiosmtpd), and what is said when there is none.

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

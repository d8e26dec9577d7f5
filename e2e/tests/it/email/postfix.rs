//! Through Postfix, the relay that most boards speak to: a private instance on a loopback port, with its own
//! configuration and queue, that hands every mail on to aiosmtpd.

use std::fs;
use std::path::{Path, PathBuf};

use pistack_e2e::{Stack, command, until};
use serde_json::json;

use super::{Smtp, put, until_state};

/// A running Postfix. Ended when dropped.
struct Postfix {
    folder: tempfile::TempDir,
    port: u16,
}

impl Postfix {
    /// Relays to `next`, whose certificate it shows as its own.
    fn start(next: &Smtp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Its own user has to reach its data.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path(), open).unwrap();
        for name in ["conf", "queue", "data"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let owned = command("chown")
            .arg("postfix")
            .arg(folder.path().join("data"))
            .status()
            .unwrap();
        assert!(owned.success());
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let postfix = Self { folder, port };
        fs::write(postfix.conf().join("main.cf"), postfix.main_cf(next)).unwrap();
        fs::write(postfix.conf().join("master.cf"), master_cf(port)).unwrap();
        let started = postfix.run("start");
        assert!(started, "postfix does not start: {}", postfix.log());
        until("Postfix", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        postfix
    }

    fn conf(&self) -> PathBuf {
        self.folder.path().join("conf")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn run(&self, what: &str) -> bool {
        let done = command("/usr/sbin/postfix")
            .arg("-c")
            .arg(self.conf())
            .arg(what)
            .output();
        done.unwrap().status.success()
    }

    fn main_cf(&self, next: &Smtp) -> String {
        let at = |path: &Path| path.display().to_string();
        let home = at(self.folder.path());
        format!(
            "compatibility_level = 3.6\nqueue_directory = {home}/queue\ndata_directory = {home}/data\n\
             daemon_directory = /usr/lib/postfix/sbin\ncommand_directory = /usr/sbin\nmail_owner = postfix\n\
             setgid_group = postdrop\nmaillog_file = {home}/log\nmaillog_file_prefixes = {home}\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = relay.test\nmydestination =\n\
             local_recipient_maps =\nalias_maps =\nalias_database =\nmynetworks = 127.0.0.0/8\n\
             relayhost = [127.0.0.1]:{}\nsmtpd_tls_security_level = encrypt\nsmtpd_tls_cert_file = {}\n\
             smtpd_tls_key_file = {}\nsmtpd_recipient_restrictions = check_recipient_access \
             inline:{{nobody@example.org=REJECT}}, permit_mynetworks, reject\n",
            next.port,
            at(&next.certificate()),
            at(&next.key()),
        )
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.run("stop");
    }
}

/// Postfix's own set of parts (master(5)), without chroot.
fn master_cf(port: u16) -> String {
    let mut text = format!("127.0.0.1:{port} inet n - n - - smtpd\n");
    text.push_str(
        "pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n",
    );
    text.push_str("tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\n");
    for name in ["bounce", "defer", "trace"] {
        text.push_str(&format!("{name} unix - - n - 0 bounce\n"));
    }
    for (name, program) in [
        ("verify", "verify"),
        ("flush", "flush"),
        ("proxymap", "proxymap"),
        ("smtp", "smtp"),
        ("relay", "smtp"),
        ("showq", "showq"),
        ("error", "error"),
        ("retry", "error"),
        ("discard", "discard"),
        ("anvil", "anvil"),
        ("scache", "scache"),
    ] {
        text.push_str(&format!("{name} unix - - n - - {program}\n"));
    }
    text + "postlog unix-dgram n - n - 1 postlogd\n"
}

fn fingerprint(certificate: &Path) -> String {
    let shown = command("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(certificate)
        .output()
        .unwrap();
    String::from_utf8(shown.stdout).unwrap().trim().to_owned()
}

#[test]
fn postfix_relays_what_the_outbox_hands_over() {
    if std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) != 0 {
        // Its master process refuses every other user.
        return println!("not run: Postfix starts as root alone");
    }
    let next = Smtp::start_with(&["plain"]);
    let postfix = Postfix::start(&next);
    let config = format!(
        "[email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {}\nsmtp_from = \"Board <pi@example.org>\"\ntls = \"required\"\n\
         fingerprint = \"{}\"\n",
        postfix.port,
        fingerprint(&next.certificate())
    );
    let stack = Stack::builder().config("pistack.toml", &config).start();
    let token = stack.root_token();
    let mail = json!({ "to": ["anna@example.org", "nobody@example.org"], "cc": "Żółw <b@example.org>", "subject": "Zażółć",
                       "text": ".\n..\n.", "attachments": [{ "name": "ż.txt", "content": "YQ==" }] });
    let accepted = stack.post(&token, "/api/email/messages", &mail);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    let read = until_state(&stack, &token, &id, &["partial"]);
    let states: Vec<_> = read["recipients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["sent", "dead", "sent"], "{read}");
    let got = next.mail(1);
    assert!(
        got.starts_with("plain\nanna@example.org,b@example.org\n"),
        "{got}"
    );
    assert!(got.contains(read["message_id"].as_str().unwrap()), "{got}");
    assert!(
        got.contains("\r\n\r\n.\r\n..\r\n.") || got.contains("\r\n.\r\n..\r\n."),
        "dots stay: {got}"
    );
    let ids: Vec<_> = (0..20).map(|_| put(&stack, &token, "anna@example.org")).collect();
    for id in &ids {
        until_state(&stack, &token, id, &["sent"]);
    }
    until("all relayed", || (next.count() == 21).then_some(()));
    let connections = postfix.log().matches(": connect from ").count();
    assert!(
        (1..=5).contains(&connections),
        "one connection carries a burst: {}",
        postfix.log()
    );
}

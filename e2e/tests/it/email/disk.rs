//! A full disk: new mails are refused with 507, accepted ones are delivered as soon as there is room.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use pistack_e2e::{Stack, command, until};
use serde_json::json;

use super::kill::{Taken, ask, faultless_server, start};

/// A small file system in memory. Unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where mounting is not allowed.
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mounted = command("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "pistack-test"])
            .arg(&at)
            .output()
            .ok()?;
        mounted.status.success().then_some(Self(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = command("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_new_mails_and_loses_no_accepted_one() {
    let taken = Taken::default();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .unwrap()
        .port();
    let config = format!(
        "[services]\ntcp = false\n[email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {port}\ntls = \"off\"\n\
         [email.retry]\nfirst = \"100ms\"\ncap = \"500ms\"\n"
    );
    let stack = Stack::builder()
        .config("pistack.toml", &config)
        .no_account()
        .prepare();
    let Some(disk) = SmallDisk::mount(stack.state()) else {
        return println!("not run: this machine allows no mounts");
    };
    let filler = disk.0.join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let service = start(&stack);
    let socket = stack.state().join("run/email_service.sock");
    until("the service", || ask(&socket, "GET", "/api/email/health", ""));
    let mut accepted = 0;
    let refused = loop {
        let mail =
            json!({ "to": format!("a{accepted}@example.org"), "subject": "s", "text": "x".repeat(50_000) });
        let (status, answer) = ask(&socket, "POST", "/internal/send", &mail.to_string()).unwrap();
        if status != 202 {
            break (status, answer);
        }
        accepted += 1;
        assert!(accepted < 200, "4 MB cannot hold more");
    };
    assert_eq!(
        (refused.0, &refused.1["code"]),
        (507, &json!("disk_full")),
        "{refused:?}"
    );
    assert!(accepted > 3, "{accepted}");
    // A restart on the full disk finds them all.
    service.kill();
    fs::remove_file(&filler).unwrap();
    let service = start(&stack);
    let (_, health) = until("the service", || ask(&socket, "GET", "/api/email/health", ""));
    assert_eq!(health["outbox"]["waiting"], accepted);
    faultless_server(port, &taken);
    until("every accepted mail at the server", || {
        let (_, health) = ask(&socket, "GET", "/api/email/health", "")?;
        (health["outbox"]["waiting"] == 0).then_some(())
    });
    let counts: Vec<_> = Arc::clone(&taken).lock().unwrap().values().copied().collect();
    assert_eq!(counts, vec![1; accepted], "each once, and no refused one");
    service.kill();
}

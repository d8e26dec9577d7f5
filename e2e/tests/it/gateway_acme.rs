//! A certificate from a public authority: pebble, made by those who make Let's Encrypt, and a DNS that knows what a hook
//! has set.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pistack_e2e::clients::curl;
use pistack_e2e::{Stack, command, until};

use crate::gateway_tls::{s_client, socket, somebody_elses};

/// Answers A with 127.0.0.1, and TXT with what a hook wrote into a file (`NAME VALUE` a line). One question a packet,
/// as resolvers send them (RFC 1035).
struct Dns {
    port: u16,
    over: Arc<AtomicBool>,
}

impl Dns {
    fn start(records: PathBuf) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(std::time::Duration::from_millis(200)))
            .unwrap();
        let port = socket.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let ended = over.clone();
        std::thread::spawn(move || {
            let mut packet = [0; 1500];
            while !ended.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut packet)
                    && let Some(answer) = answer(&packet[..length], &records)
                {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { port, over }
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn answer(question: &[u8], records: &Path) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut name = Vec::new();
    while *question.get(at)? != 0 {
        let length = usize::from(question[at]);
        name.push(String::from_utf8_lossy(question.get(at + 1..at + 1 + length)?).into_owned());
        at += 1 + length;
    }
    let kind = u16::from_be_bytes([*question.get(at + 1)?, *question.get(at + 2)?]);
    let end = at + 5;
    let name = name.join(".").to_ascii_lowercase();
    let data: Vec<Vec<u8>> = match kind {
        1 => vec![vec![127, 0, 0, 1]],
        16 => fs::read_to_string(records)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(known, _)| *known == name)
            .map(|(_, value)| [&[value.len() as u8], value.as_bytes()].concat())
            .collect(),
        _ => Vec::new(),
    };
    let mut packet = question[..2].to_vec();
    packet.extend([0x85, 0x80, 0, 1, 0, data.len() as u8, 0, 0, 0, 0]);
    packet.extend(&question[12..end]);
    for data in data {
        packet.extend([0xc0, 12]);
        packet.extend(kind.to_be_bytes());
        packet.extend([0, 1, 0, 0, 0, 1]);
        packet.extend((data.len() as u16).to_be_bytes());
        packet.extend(data);
    }
    Some(packet)
}

/// pebble, the test authority of Let's Encrypt's makers. It validates for real.
struct Pebble {
    child: Child,
}

impl Pebble {
    fn start(folder: &Path, port: u16, http_port: &str, dns: &Dns) -> Self {
        let config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "certificate": "directory.pem",
            "privateKey": "directory.key",
            "httpPort": http_port.parse::<u16>().unwrap(),
            "tlsPort": 5001,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        fs::write(folder.join("pebble.json"), config.to_string()).unwrap();
        let log = fs::File::create(folder.join("pebble.log")).unwrap();
        let child = command("pebble")
            .args([
                "-config",
                "pebble.json",
                "-dnsserver",
                &format!("127.0.0.1:{}", dns.port),
            ])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "5")
            .current_dir(folder)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .expect("pebble (Debian package pebble) starts");
        let pebble = Self { child };
        until("pebble to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        pebble
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with what pebble and the DNS need, and the tables that lead there.
struct Authority {
    folder: tempfile::TempDir,
    records: PathBuf,
    dns: Dns,
    port: u16,
}

impl Authority {
    fn prepare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        somebody_elses(folder.path(), "directory", "IP:127.0.0.1", "20");
        let records = folder.path().join("records");
        let script = "[ \"$1\" = present ] && echo \"$2 $3\" >> RECORDS || : > RECORDS\n";
        let script = script.replace("RECORDS", records.to_str().unwrap());
        fs::write(folder.path().join("hook.sh"), script).unwrap();
        // Known only once it listens, and the gateway has to know it before.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            dns: Dns::start(records.clone()),
            port: listener.local_addr().unwrap().port(),
            records,
            folder,
        }
    }

    fn table(&self, domains: &str, more: &str) -> String {
        format!(
            "[gateway.acme]\ndomains = [{domains}]\ndirectory = \"https://127.0.0.1:{}/dir\"\nagree_to_terms = true\n\
             ca_file = \"{}\"\n{more}",
            self.port,
            self.folder.path().join("root.pem").display()
        )
    }

    fn start(&self, stack: &Stack) -> Pebble {
        let http_port = stack.http().rsplit(':').next().unwrap().to_owned();
        Pebble::start(self.folder.path(), self.port, &http_port, &self.dns)
    }
}

/// Who signed what is shown under `name`.
fn issuer(stack: &Stack, name: &str) -> String {
    let said = s_client(stack, &["-servername", name]);
    let line = said.lines().find(|line| line.starts_with("issuer="));
    line.unwrap_or_default().to_owned()
}

/// All that a program printed.
fn told(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_public_authority_signs_after_it_has_fetched_the_proof() {
    let authority = Authority::prepare();
    let stack = Stack::builder()
        .config("pistack.toml", &authority.table("\"board.example.test\"", ""))
        .start();
    let refused = stack.cli(&["tls", "acme"]);
    let address = format!("127.0.0.1:{}", authority.port);
    assert!(
        !refused.status.success() && told(&refused).contains(&address),
        "{}",
        told(&refused)
    );

    let _pebble = authority.start(&stack);
    let obtained = stack.cli(&["tls", "acme"]);
    assert!(obtained.status.success(), "{}", told(&obtained));
    until("the public certificate to be shown", || {
        issuer(&stack, "board.example.test")
            .contains("Pebble")
            .then_some(())
    });
    assert!(
        issuer(&stack, "localhost").contains("pistack CA"),
        "at home, the local authority's"
    );
    let answer = curl(&[
        "-k".to_owned(),
        "--connect-to".to_owned(),
        format!("::{}", socket(stack.https())),
        "https://board.example.test/api/auth/health".to_owned(),
    ]);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("strict-transport-security"),
        None,
        "no browser trusts pebble"
    );
    let left = fs::read_dir(stack.state().join("tls/acme/challenges"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "what was shown is taken back");
}

#[test]
fn a_public_authority_signs_for_a_wildcard_by_dns() {
    let authority = Authority::prepare();
    let hook = authority.folder.path().join("hook.sh");
    let more = format!(
        "challenge = \"dns-01\"\nhook = [\"/bin/sh\", \"{}\"]\npropagation = \"0s\"\n",
        hook.display()
    );
    let table = authority.table("\"*.example.test\", \"example.test\"", &more);
    let stack = Stack::builder().config("pistack.toml", &table).start();
    let _pebble = authority.start(&stack);
    let obtained = stack.cli(&["tls", "acme"]);
    assert!(obtained.status.success(), "{}", told(&obtained));
    until("the public certificate to be shown", || {
        issuer(&stack, "any.example.test")
            .contains("Pebble")
            .then_some(())
    });
    assert!(issuer(&stack, "example.test").contains("Pebble"));
    assert!(
        issuer(&stack, "a.b.example.test").contains("pistack CA"),
        "a wildcard is for one label"
    );
    let records = fs::read_to_string(&authority.records).unwrap();
    assert_eq!(records, "", "the records are taken back");
}

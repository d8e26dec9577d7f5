//! Certificates with real peers: openssl as client and as somebody else's authority, pebble as a public authority,
//! testssl.sh as the judge.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pistack_e2e::clients::{curl, with_input};
use pistack_e2e::{Stack, command, until};
use serde_json::Value;

/// `127.0.0.1:PORT` of an address with scheme.
fn socket(address: &str) -> &str {
    address.split("://").last().unwrap()
}

/// Where the gateway listens for HTTPS; `None` while it does not.
fn bound(stack: &Stack) -> Option<String> {
    let text = fs::read_to_string(stack.state().join("run/gateway.json")).ok()?;
    let told: Value = serde_json::from_str(&text).ok()?;
    told["https"].as_str().map(str::to_owned)
}

/// What `openssl s_client` says after a request.
fn s_client(stack: &Stack, arguments: &[&str]) -> String {
    let mut client = command("openssl");
    client.args(["s_client", "-connect", &bound(stack).unwrap(), "-ign_eof"]);
    let root = stack.state().join("tls/ca.pem");
    if root.exists() {
        client.arg("-CAfile").arg(root);
    }
    client.args(arguments);
    let output = with_input(
        client,
        "GET /api/auth/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn openssl(arguments: &[&str], folder: &Path) {
    let output = command("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// An authority and a leaf for `name`, as `NAME.pem` and `NAME.key`, made by openssl.
fn somebody_elses(folder: &Path, name: &str, san: &str, days: &str) {
    let root = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "30",
    ];
    let root_files = [
        "-subj",
        "/CN=somebody's root",
        "-keyout",
        "root.key",
        "-out",
        "root.pem",
    ];
    if !folder.join("root.pem").exists() {
        openssl(&[&root[..], &root_files[..]].concat(), folder);
    }
    let (key, csr, pem) = (
        format!("{name}.key"),
        format!("{name}.csr"),
        format!("{name}.pem"),
    );
    let request = [
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=leaf",
    ];
    openssl(&[&request[..], &["-keyout", &key, "-out", &csr]].concat(), folder);
    fs::write(
        folder.join("leaf.ext"),
        format!("subjectAltName={san}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"),
    )
    .unwrap();
    let sign = [
        "x509",
        "-req",
        "-CA",
        "root.pem",
        "-CAkey",
        "root.key",
        "-CAcreateserial",
        "-extfile",
        "leaf.ext",
    ];
    openssl(
        &[&sign[..], &["-in", &csr, "-out", &pem, "-days", days]].concat(),
        folder,
    );
}

#[test]
fn sessions_are_resumed_and_old_versions_refused() {
    let stack = Stack::start();
    let kept = stack.folder().join("session.pem");
    let kept = kept.to_str().unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        let first = s_client(&stack, &[version, "-sess_out", kept]);
        assert!(first.contains("Verify return code: 0 (ok)"), "{version}: {first}");
        assert!(first.contains("New, TLSv1."), "{version}: {first}");
        let second = s_client(&stack, &[version, "-sess_in", kept]);
        assert!(second.contains("Reused, TLSv1."), "{version}: {second}");
        assert!(second.contains("200 OK"), "{version}: {second}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let refused = s_client(&stack, &[version, "-cipher", "ALL:@SECLEVEL=0"]);
        assert!(!refused.contains("200 OK"), "{version}: {refused}");
    }
    for (protocol, said) in [
        ("h2", "ALPN protocol: h2"),
        ("http/1.1", "ALPN protocol: http/1.1"),
    ] {
        let answer = s_client(&stack, &["-alpn", protocol]);
        assert!(answer.contains(said), "{protocol}: {answer}");
    }
}

#[test]
fn the_root_is_there_for_every_device() {
    let stack = Stack::start();
    let get = |path: &str| curl(&[format!("{}{path}", stack.http())]);
    let page = get("/ca/");
    let fingerprint = {
        let root = stack.state().join("tls/ca.pem");
        let output = command("openssl")
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(root)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        text.split('=').next_back().unwrap().to_owned()
    };
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains(&fingerprint) && page.body.contains("<svg"),
        "{}",
        page.body
    );
    assert_eq!(
        get("/ca/pistack-ca.pem").body.trim(),
        fs::read_to_string(stack.state().join("tls/ca.pem"))
            .unwrap()
            .trim()
    );
    assert_eq!(
        get("/ca/pistack-ca.mobileconfig").header("content-type"),
        Some("application/x-apple-aspen-config")
    );
    // The DER form is one that openssl reads, and it is the same certificate.
    let der = stack.folder().join("got.crt");
    let got = command("curl")
        .args(["-sS", "-o"])
        .arg(&der)
        .arg(format!("{}/ca/pistack-ca.crt", stack.http()))
        .status()
        .unwrap();
    assert!(got.success());
    openssl(&["verify", "-CAfile", "got.pem", "state/tls/leaf.pem"], {
        openssl(
            &["x509", "-inform", "DER", "-in", "got.crt", "-out", "got.pem"],
            stack.folder(),
        );
        stack.folder()
    });
    assert_eq!(stack.get("/ca/").status, 200, "on the secure side too");
    assert_eq!(
        stack.get("/").header("strict-transport-security"),
        None,
        "nobody is locked out"
    );

    let told = stack.cli(&["tls", "trust"]);
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(
        told.contains(&fingerprint) && told.contains("/ca/") && told.contains('▀'),
        "{told}"
    );
    let status: Value = serde_json::from_slice(&stack.cli(&["tls", "status", "--json"]).stdout).unwrap();
    let kinds: Vec<&str> = status["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|found| found["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["local", "root"]);
}

#[test]
fn an_imported_certificate_is_shown_at_once_and_given_back() {
    let stack = Stack::start();
    let folder = stack.folder();
    somebody_elses(folder, "mine", "DNS:board.example.test,DNS:localhost", "20");
    somebody_elses(folder, "other", "DNS:board.example.test", "20");
    somebody_elses(folder, "old", "DNS:board.example.test", "-1");
    for (certificate, key, reason) in [
        ("mine.pem", "other.key", "not the private key of"),
        ("old.pem", "old.key", "expired"),
        ("mine.pem", "none.key", "no such file"),
        ("leaf.ext", "mine.key", "no certificate"),
    ] {
        let refused = stack.cli(&["tls", "import", certificate, key]);
        let told = String::from_utf8_lossy(&refused.stderr);
        assert!(
            !refused.status.success() && told.contains(reason),
            "{certificate} {key}: {told}"
        );
    }
    let issuer = |arguments: &[&str]| {
        let said = s_client(&stack, arguments);
        said.lines()
            .find(|line| line.starts_with("issuer="))
            .unwrap_or_default()
            .to_owned()
    };
    assert!(issuer(&[]).contains("pistack CA"), "nothing was taken over");
    let done = stack.cli(&["tls", "import", "mine.pem", "mine.key"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(issuer(&[]).contains("somebody's root"), "{}", issuer(&[]));
    let mode = {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(stack.state().join("tls/imported.pem"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode, 0o600);
    // The certificate's names are the board's names.
    let answer = curl(&[
        "--cacert".to_owned(),
        folder.join("root.pem").display().to_string(),
        "--connect-to".to_owned(),
        format!("::{}", socket(stack.https())),
        "https://board.example.test/api/auth/health".to_owned(),
    ]);
    assert_eq!(answer.status, 200);
    assert!(stack.cli(&["tls", "self"]).status.success());
    assert!(issuer(&[]).contains("pistack CA"));
}

#[test]
fn own_files_are_checked_with_file_and_line_and_reloaded() {
    let folder = tempfile::tempdir().unwrap();
    somebody_elses(folder.path(), "mine", "DNS:localhost", "20");
    somebody_elses(folder.path(), "next", "DNS:localhost,DNS:next.example.test", "20");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let config = format!(
        "[gateway]\ncertificate = \"{}\"\nkey = \"{}\"\n",
        path("mine.pem"),
        path("mine.key")
    );
    let stack = Stack::builder().config("pistack.toml", &config).prepare();
    let check = || {
        let output = stack.cli(&["config", "check"]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), told)
    };
    assert!(check().0, "{}", check().1);
    fs::rename(path("mine.key"), path("kept.key")).unwrap();
    fs::copy(path("next.key"), path("mine.key")).unwrap();
    let (good, told) = check();
    assert!(
        !good && told.contains("pistack.toml:3") && told.contains("not the private key"),
        "{told}"
    );
    fs::rename(path("kept.key"), path("mine.key")).unwrap();

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut busy = stack.command(&["config", "check"]);
    busy.env("PISTACK_HTTPS", taken.local_addr().unwrap().to_string());
    let busy = busy.output().unwrap();
    let told = String::from_utf8_lossy(&busy.stderr);
    assert!(!busy.status.success() && told.contains("in use"), "{told}");

    let mut stack = stack;
    stack.spawn();
    until("the gateway to listen", || bound(&stack));
    fs::copy(path("next.key"), path("mine.key")).unwrap();
    fs::copy(path("next.pem"), path("mine.pem")).unwrap();
    let shown = until("the renewed certificate to be shown", || {
        let said = s_client(&stack, &["-showcerts"]);
        let text = with_input(
            {
                let mut show = command("openssl");
                show.args(["x509", "-noout", "-ext", "subjectAltName"]);
                show
            },
            &said,
        );
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        if text.contains("next.example.test") {
            return Some(text);
        }
        // The gateway looks once a minute; a reload makes it look now.
        let _ = command("curl")
            .args([
                "-sS",
                "-X",
                "POST",
                "http://localhost/internal/reload",
                "--unix-socket",
            ])
            .arg(stack.state().join("run/gateway.sock"))
            .output();
        None
    });
    assert!(shown.contains("next.example.test"));
}

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
            .env("PEBBLE_WFE_NONCEREJECT", "20")
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

/// Findings of testssl.sh that are no fault of the gateway: what a certificate of a private authority has to be.
const PRIVATE: [&str; 6] = [
    // It names no service that says what was revoked; it is replaced instead.
    "cert_revocation",
    "cert_crlDistributionPoints",
    "cert_ocspURL",
    "cert_chain_of_trust",
    // Asked of the address by number, for which there is no name to send.
    "cert_trust",
    "DNS_CAArecord",
];

#[test]
fn testssl_finds_nothing_above_low() {
    let stack = Stack::start();
    let report = stack.folder().join("testssl.json");
    let output = command("testssl")
        .args([
            "--quiet",
            "--color",
            "0",
            "--warnings",
            "off",
            "--fast",
            "--ip",
            "one",
        ])
        .args(["-p", "-s", "-f", "-S", "-U", "-h"])
        .arg("--add-ca")
        .arg(stack.state().join("tls/ca.pem"))
        .arg("--jsonfile")
        .arg(&report)
        .arg(socket(stack.https()))
        .stdin(Stdio::null())
        .output()
        .expect("testssl (Debian package testssl.sh) runs");
    let text = fs::read_to_string(&report).unwrap_or_default();
    let findings: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}\n{}", String::from_utf8_lossy(&output.stdout)));
    let findings = findings.as_array().unwrap();
    assert!(findings.len() > 50, "it looked at little: {text}");
    let bad: Vec<&Value> = findings
        .iter()
        .filter(|finding| {
            matches!(
                finding["severity"].as_str(),
                Some("MEDIUM" | "HIGH" | "CRITICAL" | "FATAL")
            )
        })
        .filter(|finding| {
            !PRIVATE
                .iter()
                .any(|id| finding["id"].as_str().is_some_and(|found| found.starts_with(id)))
        })
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

//! Certificates with real peers: openssl as client and as somebody else's authority, testssl.sh as the judge.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use pistack_e2e::clients::{curl, with_input};
use pistack_e2e::{Stack, command, until};
use serde_json::Value;

/// `127.0.0.1:PORT` of an address with scheme.
pub(crate) fn socket(address: &str) -> &str {
    address.split("://").last().unwrap()
}

/// Where the gateway listens for HTTPS; `None` while it does not.
pub(crate) fn bound(stack: &Stack) -> Option<String> {
    let text = fs::read_to_string(stack.state().join("run/gateway.json")).ok()?;
    let told: Value = serde_json::from_str(&text).ok()?;
    told["https"].as_str().map(str::to_owned)
}

/// What `openssl s_client` says after a request.
pub(crate) fn s_client(stack: &Stack, arguments: &[&str]) -> String {
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
pub(crate) fn somebody_elses(folder: &Path, name: &str, san: &str, days: &str) {
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

/// The one finding of testssl.sh above "low" that is no fault of the gateway. A certificate of the local authority names
/// no service that says what was revoked: there is none, and it would have to be reachable by every device. The
/// certificate is replaced instead.
const PRIVATE: &str = "cert_revocation";

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
        .filter(|finding| finding["id"] != PRIVATE)
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

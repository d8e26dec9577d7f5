//! What clients are shown, and what happens when files are missing, broken or of somebody else.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pistack_gateway::fingerprint;
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::harness::{Stack, config, connect, refused, state, status};

async fn shown(stack: &Stack) -> CertificateDer<'static> {
    let stream = stack.tls(b"http/1.1").await;
    stream.get_ref().1.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_client_that_trusts_the_root_alone_gets_through_by_every_name() {
    let stack = Stack::start().await;
    let tls = stack.paths.tls();
    for name in ["localhost", "127.0.0.1", &stack.addresses.name] {
        connect(&stack.addresses, &tls.join("ca.pem"), name, b"http/1.1")
            .await
            .unwrap();
    }
    let error = connect(&stack.addresses, &tls.join("ca.pem"), "example.com", b"http/1.1")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("example.com"), "{error}");
    assert_eq!(
        (mode(&tls.join("ca.key")), mode(&tls.join("leaf.pem"))),
        (0o600, 0o600)
    );
    let text = fingerprint(&tls.join("ca.pem")).unwrap();
    assert!(
        text.len() == 95 && text.split(':').all(|pair| u8::from_str_radix(pair, 16).is_ok()),
        "{text}"
    );
}

#[tokio::test]
async fn the_leaf_is_what_phones_ask_for() {
    let stack = Stack::start().await;
    let leaf = shown(&stack).await;
    let (_, parsed) = X509Certificate::from_der(&leaf).unwrap();
    let days = (parsed.validity().not_after.timestamp() - parsed.validity().not_before.timestamp()) / 86_400;
    assert!(days <= 825, "{days}");
    let now = Clock::system().unix();
    let age = (now - parsed.validity().not_before.timestamp()) / 86_400;
    assert!(age >= 364, "a device whose clock is {age} days behind refuses it");
    assert!(parsed.extended_key_usage().unwrap().unwrap().value.server_auth);
    assert!(!parsed.is_ca());
    let root = CertificateDer::from_pem_file(stack.paths.tls().join("ca.pem")).unwrap();
    let (_, root) = X509Certificate::from_der(&root).unwrap();
    assert!(root.name_constraints().unwrap().unwrap().critical);
    let years =
        (root.validity().not_after.timestamp() - root.validity().not_before.timestamp()) / 86_400 / 365;
    assert!((20..=22).contains(&years), "{years}");
}

#[tokio::test]
async fn certificates_outlive_the_gateway_and_follow_its_names() {
    let stack = Stack::start().await;
    let (first, root) = (
        shown(&stack).await,
        std::fs::read(stack.paths.tls().join("ca.pem")).unwrap(),
    );
    let (directory, paths) = stack.into_state().await;
    let stack = Stack::within(config(), directory, paths).await;
    assert_eq!(shown(&stack).await, first, "nothing changed");
    let (directory, paths) = stack.into_state().await;
    let mut renamed = config();
    renamed.names = vec!["board.home.arpa".to_owned()];
    let stack = Stack::within(renamed, directory, paths).await;
    assert_ne!(shown(&stack).await, first);
    assert_eq!(
        std::fs::read(stack.paths.tls().join("ca.pem")).unwrap(),
        root,
        "the root stays"
    );
    let ca = stack.paths.tls().join("ca.pem");
    connect(&stack.addresses, &ca, "board.home.arpa", b"http/1.1")
        .await
        .unwrap();
    let request = "GET / HTTP/1.1\r\nHost: board.home.arpa\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&stack.raw(request.as_bytes()).await), 302);
}

#[tokio::test]
async fn public_names_need_an_authority_that_was_made_for_them() {
    let (directory, paths) = state();
    let mut public = config();
    public.names = vec!["board.example.org".to_owned(), "203.0.113.7".to_owned()];
    let stack = Stack::within(public.clone(), directory, paths).await;
    let ca = stack.paths.tls().join("ca.pem");
    for name in ["board.example.org", "203.0.113.7"] {
        connect(&stack.addresses, &ca, name, b"http/1.1").await.unwrap();
    }
    let stack = Stack::start().await;
    let (_directory, paths) = stack.into_state().await;
    let error = refused(public, &paths).await;
    assert!(
        error.contains("board.example.org") && error.contains("ca.pem") && error.contains("remove"),
        "{error}"
    );
}

/// Starts once, spoils the files, and gives the error of the second start.
async fn after(spoil: impl FnOnce(&StatePaths)) -> String {
    let (_directory, paths) = Stack::start().await.into_state().await;
    spoil(&paths);
    refused(config(), &paths).await
}

#[tokio::test]
async fn a_broken_authority_is_named_with_its_cure() {
    let other = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .self_signed(&other)
        .unwrap()
        .pem();
    let cut = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, &text[..text.len() / 2]).unwrap();
    };
    let errors = [
        after(|paths| cut(&paths.tls().join("ca.pem"))).await,
        after(|paths| cut(&paths.tls().join("ca.key"))).await,
        after(|paths| std::fs::write(paths.tls().join("ca.pem"), "").unwrap()).await,
        after(|paths| std::fs::write(paths.tls().join("ca.key"), [0xff, 0xfe]).unwrap()).await,
        after(|paths| std::fs::remove_file(paths.tls().join("ca.key")).unwrap()).await,
        after(|paths| std::fs::write(paths.tls().join("ca.key"), other.serialize_pem()).unwrap()).await,
        after(|paths| std::fs::write(paths.tls().join("ca.pem"), &leaf).unwrap()).await,
    ];
    let files = [
        "ca.pem", "ca.key", "ca.pem", "ca.key", "ca.key", "ca.pem", "ca.pem",
    ];
    for (error, file) in errors.iter().zip(files) {
        assert!(
            error.contains(&format!("tls/{file}: ")) && error.contains("Restore"),
            "{file}: {error}"
        );
    }
}

#[tokio::test]
async fn a_leaf_of_somebody_else_is_not_overwritten() {
    let other = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .self_signed(&other)
        .unwrap()
        .pem();
    let theirs = leaf.clone() + &other.serialize_pem();
    let error = after(|paths| std::fs::write(paths.tls().join("leaf.pem"), &theirs).unwrap()).await;
    assert!(
        error.contains("leaf.pem") && error.contains("[gateway] certificate"),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_leaf_and_a_new_authority_lead_to_a_new_leaf() {
    let stack = Stack::start().await;
    let (directory, paths) = stack.into_state().await;
    std::fs::write(paths.tls().join("leaf.pem"), "-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    let stack = Stack::within(config(), directory, paths).await;
    let first = shown(&stack).await;
    let (directory, paths) = stack.into_state().await;
    for file in ["ca.pem", "ca.key"] {
        std::fs::remove_file(paths.tls().join(file)).unwrap();
    }
    let stack = Stack::within(config(), directory, paths).await;
    assert_ne!(
        shown(&stack).await,
        first,
        "trusted through the new root, as `shown` checks"
    );
}

#[tokio::test]
async fn own_certificates_are_used_and_checked() {
    let (directory, paths) = state();
    let place = |name: &str| paths.root().join(name);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["own.example".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    std::fs::write(place("own.pem"), certificate.pem()).unwrap();
    std::fs::write(place("own.key"), key.serialize_pem()).unwrap();
    std::fs::write(place("wrong.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    std::fs::write(place("empty"), "").unwrap();
    let mut old = CertificateParams::new(["own.example".to_owned()]).unwrap();
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    std::fs::write(place("old.pem"), old.self_signed(&key).unwrap().pem()).unwrap();

    let own = |certificate: Option<&str>, key: Option<&str>| {
        let mut own = config();
        own.certificate = certificate.map(place);
        own.key = key.map(place);
        own
    };
    for (certificate, key, expected) in [
        (
            Some("own.pem"),
            Some("wrong.key"),
            ["wrong.key", "not the private key of"],
        ),
        (Some("own.pem"), Some("none.key"), ["none.key", "no such file"]),
        (Some("none.pem"), Some("own.key"), ["none.pem", "no such file"]),
        (Some("empty"), Some("own.key"), ["empty", "no certificate"]),
        (Some("own.pem"), Some("empty"), ["empty", "no whole private key"]),
        (Some("old.pem"), Some("own.key"), ["old.pem", "expired"]),
        (Some("own.pem"), None, ["`certificate`", "`key`"]),
        (None, Some("own.key"), ["`key`", "`certificate`"]),
    ] {
        let error = refused(own(certificate, key), &paths).await;
        assert!(
            expected.iter().all(|part| error.contains(part)),
            "{expected:?}: {error}"
        );
    }
    let config = own(Some("own.pem"), Some("own.key"));
    let root = place("own.pem");
    let stack = Stack::within(config, directory, paths.clone()).await;
    // A self-signed leaf is its own root for this client; rustls takes it for what it is.
    let error = connect(&stack.addresses, &root, "elsewhere.example", b"http/1.1")
        .await
        .unwrap_err();
    assert!(!error.to_string().is_empty());
    assert!(
        !paths.tls().join("ca.pem").exists(),
        "no authority is made that nobody needs"
    );
    let request = "GET / HTTP/1.1\r\nHost: own.example\r\nConnection: close\r\n\r\n";
    let answer = stack.raw_plain(request.as_bytes()).await;
    assert_eq!(
        status(&answer),
        301,
        "the certificate's names are the board's names: {answer}"
    );
}

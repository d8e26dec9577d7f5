//! Authority and leaf without a gateway around them: constraints, renewal, clocks.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::sign::CertifiedKey;
use rustls_pki_types::ServerName;

use super::authority::Authority;
use super::{days, leaf, provider, unix_time};
use crate::names::Names;

const NOW: i64 = 1_800_000_000;

fn names(host: &str, addresses: &[&str], configured: &[&str]) -> Names {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let configured: Vec<String> = configured.iter().map(|&text| text.to_owned()).collect();
    Names::new(host, &addresses, &configured).unwrap()
}

fn pi() -> Names {
    names("pi", &["127.0.0.1", "::1", "192.168.1.7", "198.51.100.4"], &[])
}

fn authority(directory: &Path) -> Authority {
    Authority::open_or_make(directory, NOW, &pi()).unwrap().0
}

fn leaf(directory: &Path, authority: &Authority, names: &Names, now: i64) -> CertifiedKey {
    leaf::open_or_issue(directory, authority, false, names, now).unwrap()
}

/// What a client says that trusts the root alone.
fn verdict(
    authority: &Authority,
    der: &rustls_pki_types::CertificateDer<'_>,
    name: &str,
) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier
        .verify_server_cert(der, &[], &name, &[], unix_time(NOW))
        .map(drop)
        .map_err(|error| format!("{error:?}"))
}

#[test]
fn the_root_vouches_for_this_board_and_for_nothing_on_the_internet() {
    let directory = tempfile::tempdir().unwrap();
    let authority = authority(directory.path());
    let sign = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        verdict(
            &authority,
            params.signed_by(&key, authority.issuer()).unwrap().der(),
            name,
        )
    };
    for name in [
        "pi",
        "pi.local",
        "other.local",
        "a.lan",
        "a.home.arpa",
        "a.internal",
        "localhost",
        "192.168.9.9",
        "10.1.2.3",
        "172.16.0.1",
        "169.254.1.1",
        "100.64.0.1",
        "127.0.0.1",
        "fd00::1",
        "fe80::1",
        "::1",
        "198.51.100.4",
    ] {
        assert_eq!(sign(name), Ok(()), "{name}");
    }
    for name in [
        "example.com",
        "nas",
        "evil-pi",
        "93.184.216.34",
        "198.51.100.5",
        "172.32.0.1",
        "2001:db8::1",
        "evillocal",
    ] {
        let verdict = sign(name).unwrap_err();
        assert!(verdict.contains("NameConstraintViolation"), "{name}: {verdict}");
    }
}

#[test]
fn the_leaf_changes_with_names_addresses_and_time_only() {
    let directory = tempfile::tempdir().unwrap();
    let authority = authority(directory.path());
    let first = leaf(directory.path(), &authority, &pi(), NOW);
    let again = |names: &Names, now| leaf(directory.path(), &authority, names, now).cert != first.cert;
    assert!(!again(&pi(), NOW));
    assert!(!again(&pi(), NOW + days(300)));
    assert!(again(&pi(), NOW + days(380)), "within thirty days of its end");
    let moved = names("pi", &["127.0.0.1", "::1", "192.168.1.8"], &[]);
    assert!(again(&moved, NOW));
    let leaf = leaf(directory.path(), &authority, &moved, NOW);
    assert_eq!(verdict(&authority, &leaf.cert[0], "192.168.1.8"), Ok(()));
    assert!(verdict(&authority, &leaf.cert[0], "192.168.1.7").is_err());
}

#[test]
fn found_names_that_the_root_cannot_vouch_for_are_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let authority = authority(directory.path());
    let renamed = names("nas", &["192.168.1.7", "2001:db8::7", "203.0.113.9"], &[]);
    let leaf = leaf(directory.path(), &authority, &renamed, NOW);
    for name in ["nas.local", "localhost", "192.168.1.7"] {
        assert_eq!(verdict(&authority, &leaf.cert[0], name), Ok(()), "{name}");
    }
    for name in ["nas", "2001:db8::7", "203.0.113.9"] {
        assert!(verdict(&authority, &leaf.cert[0], name).is_err(), "{name}");
    }
}

#[test]
fn a_key_without_a_certificate_gets_one_and_keeps_the_trust() {
    let directory = tempfile::tempdir().unwrap();
    let before = authority(directory.path());
    let leaf = leaf(directory.path(), &before, &pi(), NOW);
    std::fs::remove_file(directory.path().join("ca.pem")).unwrap();
    let (after, made) = Authority::open_or_make(directory.path(), NOW, &pi()).unwrap();
    assert!(made);
    assert_eq!(
        verdict(&after, &leaf.cert[0], "pi.local"),
        Ok(()),
        "the same key signs for both"
    );
}

#[test]
fn an_expired_root_is_named() {
    let directory = tempfile::tempdir().unwrap();
    drop(authority(directory.path()));
    let error = Authority::open_or_make(directory.path(), NOW + days(21 * 365), &pi())
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("ca.pem: it expired"), "{error}");
}

#[test]
fn a_clock_that_lost_its_time_dates_from_the_floor() {
    let clock = pistack_kit::clock::Clock::manual(0);
    assert_eq!(super::now(&clock), super::FLOOR);
    let clock = pistack_kit::clock::Clock::manual(NOW);
    assert_eq!(super::now(&clock), NOW);
}

//! Whether every browser trusts a certificate: only then may browsers be told to come by HTTPS alone.

use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::sign::CertifiedKey;
use rustls_pki_types::ServerName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{presented, provider, unix_time};
use crate::names::Name;

/// The authorities that browsers trust.
pub(super) fn web() -> &'static Arc<RootCertStore> {
    static WEB: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    WEB.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Arc::new(roots)
    })
}

/// The host names for which a client that trusts `roots` accepts the certificate now.
pub(super) fn trusted_names(key: &CertifiedKey, roots: &Arc<RootCertStore>, now: i64) -> Vec<String> {
    let Some((leaf, chain)) = key.cert.split_first() else {
        return Vec::new();
    };
    let Ok((_, parsed)) = X509Certificate::from_der(leaf) else {
        return Vec::new();
    };
    // What signs itself is in no browser's list; the roots need not be looked at.
    if parsed.issuer().as_raw() == parsed.subject().as_raw() {
        return Vec::new();
    }
    let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider()).build() else {
        return Vec::new();
    };
    let accepted = |host: &str| {
        ServerName::try_from(host.to_owned()).is_ok_and(|name| {
            verifier
                .verify_server_cert(leaf, chain, &name, &[], unix_time(now))
                .is_ok()
        })
    };
    presented(&parsed)
        .into_iter()
        .filter_map(|name| match name {
            Name::Dns(host) if accepted(&host) => Some(host),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls_pki_types::PrivateKeyDer;

    #[test]
    fn only_a_chain_to_a_trusted_root_counts() {
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::new([]).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(rcgen::DnType::CommonName, "root");
        let root_certificate = root.self_signed(&root_key).unwrap();
        let issuer = Issuer::new(root, root_key);
        let key = KeyPair::generate().unwrap();
        let names = ["board.example.org".to_owned(), "198.51.100.7".to_owned()];
        let leaf = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let certified = CertifiedKey::from_der(vec![leaf.der().clone()], private, &provider()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(root_certificate.der().clone()).unwrap();
        let now = 1_800_000_000;
        assert_eq!(
            trusted_names(&certified, &Arc::new(roots), now),
            ["board.example.org"]
        );
        assert!(trusted_names(&certified, web(), now).is_empty());
    }
}

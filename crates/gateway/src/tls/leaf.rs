//! The certificate of the board itself, signed by the local authority: made when there is none, when names or
//! addresses change, and thirty days before it expires.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pistack_kit::paths::write_atomic;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::authority::{Authority, COMMON_NAME};
use super::{TlsError, days, moment, presented, provider, read, unix_time};
use crate::names::{Name, Names};

/// How far before the present a leaf is dated. With [`LIFE`] it stays below the 825 days that Apple allows.
const BACK_DATED: i64 = days(365);
/// Days ahead.
const LIFE: i64 = days(397);
/// A leaf is made again this long before its end.
const RENEWAL: i64 = days(30);

/// What lies in `leaf.pem`.
enum Found {
    Good(CertifiedKey),
    /// Ours, or nothing of value, and to be replaced; says why.
    Stale(String),
    /// Somebody else's work, which is not ours to overwrite.
    Foreign,
}

/// The leaf from the file if it is still right, else a new one.
pub(super) fn open_or_issue(
    directory: &Path,
    authority: &Authority,
    new_authority: bool,
    names: &Names,
    now: i64,
) -> Result<CertifiedKey, TlsError> {
    let path = directory.join("leaf.pem");
    let wanted = authority.leaf_names(names)?;
    let found = match read(&path)? {
        None => Found::Stale("there was none".to_owned()),
        Some(_) if new_authority => Found::Stale("the authority is new".to_owned()),
        Some(pem) => examine(&pem, authority, &wanted, now).unwrap_or_else(Found::Stale),
    };
    match found {
        Found::Good(key) => Ok(key),
        Found::Stale(reason) => {
            tracing::info!(path = %path.display(), reason, "making a certificate for this board");
            issue(&path, authority, names, &wanted, now)
        }
        Found::Foreign => Err(TlsError::File {
            path,
            problem: "its certificate was not made by this gateway".to_owned(),
            cure: "Name your own certificate in `[gateway] certificate` and `key`, at another place, and remove \
                   this file"
                .to_owned(),
        }),
    }
}

/// `Err` says why the file is of no use.
fn examine(pem: &[u8], authority: &Authority, wanted: &[Name], now: i64) -> Result<Found, String> {
    let damaged = |error: &dyn std::fmt::Display| format!("the file was damaged: {error}");
    let der = CertificateDer::from_pem_slice(pem).map_err(|error| damaged(&error))?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|error| damaged(&error))?;
    let (_, root) = X509Certificate::from_der(authority.der()).map_err(|error| damaged(&error))?;
    if parsed.issuer().as_raw() != root.subject().as_raw() {
        let ours = parsed
            .issuer()
            .iter_common_name()
            .any(|name| name.as_str().is_ok_and(|name| name.starts_with(COMMON_NAME)));
        return if ours {
            Err("it came from an earlier authority".to_owned())
        } else {
            Ok(Found::Foreign)
        };
    }
    if presented(&parsed) != wanted.iter().cloned().collect() {
        return Err("names or addresses changed".to_owned());
    }
    if parsed.validity().not_after.timestamp() - now < RENEWAL {
        return Err(format!("it ends on {}", parsed.validity().not_after));
    }
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| damaged(&error))?;
    let key =
        CertifiedKey::from_der(vec![der.into_owned()], key, &provider()).map_err(|error| damaged(&error))?;
    verify(&key, authority, wanted, now)?;
    Ok(Found::Good(key))
}

/// Checks the leaf as a client would that trusts nothing but the root.
fn verify(key: &CertifiedKey, authority: &Authority, wanted: &[Name], now: i64) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| format!("a client would refuse it: {error}");
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).map_err(|error| text(&error))?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| text(&error))?;
    let leaf = key.end_entity_cert().map_err(|error| text(&error))?;
    let Some(first) = wanted.first() else {
        return Err("it has no name".to_owned());
    };
    let name = ServerName::try_from(first.to_string()).map_err(|error| text(&error))?;
    verifier
        .verify_server_cert(leaf, &[], &name, &[], unix_time(now))
        .map_err(|error| text(&error))?;
    Ok(())
}

fn issue(
    path: &Path,
    authority: &Authority,
    names: &Names,
    wanted: &[Name],
    now: i64,
) -> Result<CertifiedKey, TlsError> {
    let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(wanted.iter().map(Name::to_string).collect::<Vec<_>>())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, names.primary.clone());
    params.not_before = moment(now - BACK_DATED);
    params.not_after = moment(now + LIFE);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&pair, authority.issuer())?;
    let refused = |problem: String| TlsError::File {
        path: PathBuf::from(path),
        problem,
        cure: "Check ca.pem and ca.key beside it: the authority must be allowed to sign for this board"
            .to_owned(),
    };
    let private = PrivateKeyDer::try_from(pair.serialize_der()).map_err(|error| refused(error.to_owned()))?;
    let key = CertifiedKey::from_der(vec![certificate.der().clone()], private, &provider())
        .map_err(|error| refused(error.to_string()))?;
    // An authority brought along by the operator may forbid what ours allows: told before anything is written.
    verify(&key, authority, wanted, now).map_err(refused)?;
    let left_out: Vec<String> = names
        .found
        .iter()
        .filter(|name| !wanted.contains(name))
        .map(Name::to_string)
        .collect();
    if !left_out.is_empty() {
        tracing::info!(
            ?left_out,
            "the authority may not vouch for these names, so the certificate lacks them"
        );
    }
    write_atomic(
        path,
        format!("{}{}", certificate.pem(), pair.serialize_pem()).as_bytes(),
        0o600,
    )?;
    Ok(key)
}

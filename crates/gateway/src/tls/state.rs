//! What the certificates in `tls/` are, for people: `pistack tls status`, `import` and the way back.

use std::path::{Path, PathBuf};

use pistack_kit::clock::Clock;
use pistack_kit::paths::{StatePaths, write_atomic};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Serialize;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::own::{self, IMPORTED, OwnFiles};
use super::{TlsError, address, colons, now};
use crate::config::Config;

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The local authority's root.
    Root,
    /// The board's, signed by the local authority.
    Local,
    /// From the files that `[gateway] certificate` and `key` name.
    Configured,
    /// Taken over by `pistack tls import`.
    Imported,
    /// From a public authority, by ACME.
    Acme,
}

/// One certificate.
#[derive(Debug, Clone, Serialize)]
pub struct Certificate {
    /// Where it comes from.
    pub kind: Kind,
    /// Its file.
    pub path: PathBuf,
    /// Names and addresses in it.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// From when, seconds since 1970.
    pub not_before: i64,
    /// Until when, seconds since 1970.
    pub not_after: i64,
    /// SHA-256, `AB:CD:...`.
    pub fingerprint: String,
    /// Whether clients are shown it.
    pub shown: bool,
    /// What is wrong with it; absent when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// All that there are.
#[derive(Debug, Clone, Serialize)]
pub struct State {
    /// The certificates, those that are shown first.
    pub certificates: Vec<Certificate>,
}

/// Looks at the files. Makes nothing and changes nothing.
pub fn state(config: &Config, paths: &StatePaths, clock: &Clock) -> State {
    let tls = paths.tls();
    let now = now(clock);
    let (configured, imported) = (config.certificate.clone(), tls.join(IMPORTED));
    let own = configured.is_some() || imported.exists();
    let mut certificates = Vec::new();
    let mut add = |kind, path: PathBuf, key: &Path, shown: bool| {
        if let Some(mut found) = describe(kind, &path, shown) {
            let pair = || own::pair(&path, &own::present(&path)?, key, &own::present(key)?, now);
            found.problem = match kind {
                Kind::Root if found.not_after <= now => Some("it has run out".to_owned()),
                Kind::Root => None,
                _ => pair().err().map(|error| error.to_string()),
            };
            certificates.push(found);
        }
    };
    if let Some(path) = configured.clone() {
        let key = config.key.clone().unwrap_or_default();
        add(Kind::Configured, path, &key, true);
    }
    add(Kind::Imported, imported.clone(), &imported, configured.is_none());
    let acme = tls.join("acme.pem");
    add(Kind::Acme, acme.clone(), &acme, !config.acme.domains.is_empty());
    let leaf = tls.join("leaf.pem");
    add(Kind::Local, leaf.clone(), &leaf, !own);
    add(Kind::Root, tls.join("ca.pem"), &tls.join("ca.key"), !own);
    certificates.sort_by_key(|certificate| !certificate.shown);
    State { certificates }
}

fn describe(kind: Kind, path: &Path, shown: bool) -> Option<Certificate> {
    let der = CertificateDer::from_pem_file(path).ok()?;
    let (_, parsed) = X509Certificate::from_der(&der).ok()?;
    Some(Certificate {
        kind,
        path: path.to_owned(),
        names: names(&parsed),
        issuer: parsed.issuer().to_string(),
        not_before: parsed.validity().not_before.timestamp(),
        not_after: parsed.validity().not_after.timestamp(),
        fingerprint: colons(ring::digest::digest(&ring::digest::SHA256, &der).as_ref()),
        shown,
        problem: None,
    })
}

/// All names of the certificate as text, wildcards too.
fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let found = parsed.subject_alternative_name().ok().flatten();
    found
        .into_iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
            _ => None,
        })
        .collect()
}

/// Takes over a certificate with its chain and key: both are checked, then lie in one file, which is shown from then on
/// (a running gateway notices within a minute).
///
/// # Errors
/// When a file cannot be read, the key does not fit, or the certificate has run out; nothing changes then.
pub fn import(
    certificate: &Path,
    key: &Path,
    paths: &StatePaths,
    clock: &Clock,
) -> Result<Certificate, TlsError> {
    let chain = own::present(certificate)?;
    let private = own::present(key)?;
    own::pair(certificate, &chain, key, &private, now(clock))?;
    let path = paths.tls().join(IMPORTED);
    let mut whole = chain;
    whole.push(b'\n');
    whole.extend(private);
    write_atomic(&path, &whole, 0o600)?;
    // Read back: what was written is what will be shown.
    OwnFiles::one(&path).load(now(clock))?;
    describe(Kind::Imported, &path, true).ok_or_else(|| TlsError::File {
        path,
        problem: "it cannot be read back".to_owned(),
        cure: "Import it again".to_owned(),
    })
}

/// Goes back to the local authority. True if something had been imported. The file is kept as `imported.pem.old`.
///
/// # Errors
/// When the file cannot be moved.
pub fn remove_imported(paths: &StatePaths) -> Result<bool, std::io::Error> {
    let path = paths.tls().join(IMPORTED);
    match std::fs::rename(&path, path.with_extension("pem.old")) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// For whom and until when a certificate is.
#[derive(Debug)]
pub(crate) struct Validity {
    names: Vec<String>,
    /// Seconds since 1970.
    pub(crate) not_before: i64,
    /// Seconds since 1970.
    pub(crate) not_after: i64,
}

impl Validity {
    /// Whether `name`, which may be a wildcard, is in it as it stands.
    pub(crate) fn covers(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether a client that asks for `host` accepts it: by name, or by a wildcard for its first label (RFC 9525
    /// section 6.3).
    pub(crate) fn covers_host(&self, host: &str) -> bool {
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.covers(host)
            || parent.is_some_and(|parent| {
                self.names.iter().any(|known| {
                    known
                        .strip_prefix("*.")
                        .is_some_and(|known| known.eq_ignore_ascii_case(parent))
                })
            })
    }
}

/// Of the first certificate in `path`; `None` when there is none that can be read.
pub(crate) fn validity(path: &Path) -> Option<Validity> {
    let der = CertificateDer::from_pem_file(path).ok()?;
    let (_, parsed) = X509Certificate::from_der(&der).ok()?;
    Some(Validity {
        names: names(&parsed),
        not_before: parsed.validity().not_before.timestamp(),
        not_after: parsed.validity().not_after.timestamp(),
    })
}

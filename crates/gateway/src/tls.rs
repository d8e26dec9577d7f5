//! Certificates: a local authority and the leaf that it signs, or the operator's own files.
//!
//! Everything lies in `tls/` of the state directory: `ca.pem` (the root to trust), `ca.key` (0600) and
//! `leaf.pem` (0600; certificate and key in one file, so that a power cut cannot part them).

mod authority;
mod leaf;
mod own;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use pistack_kit::clock::Clock;
use pistack_kit::paths::{PathError, StatePaths};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;

use crate::config::Config;
use crate::names::{BadName, Name, Names};
use authority::Authority;
use own::OwnFiles;

/// The earliest time that can be true: 2026-01-01. A board without a clock of its own may believe in less
/// after a power loss; certificates made at such a moment are dated from here.
const FLOOR: i64 = 1_767_225_600;

/// What is wrong with keys, certificates or names; each text names the file and the cure.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is there and cannot be used.
    #[error("{}: {problem}. {cure}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What the person can do.
        cure: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Path(#[from] PathError),
    /// An entry of `[gateway] names` is no name.
    #[error("[gateway] names: {0}")]
    Name(#[from] BadName),
    /// The authority was made before this name was configured.
    #[error(
        "[gateway] names: {} may not vouch for `{name}`. Remove the name, or remove ca.pem and ca.key to have a new \
         authority made that covers it (every device then has to trust the new ca.pem)",
        authority.display()
    )]
    Outside {
        /// The entry.
        name: String,
        /// Path of the authority's certificate.
        authority: PathBuf,
    },
    /// `certificate` without `key`, or the other way round.
    #[error("[gateway] `{given}` needs `{missing}` beside it: a certificate and its key go together")]
    Half {
        /// The key that is set.
        given: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// Making a certificate failed.
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// SHA-256 of the certificate in `path` (PEM), as people compare it: `AB:CD:...`.
pub fn fingerprint(path: &Path) -> Result<String, TlsError> {
    let pem = read(path)?.ok_or_else(|| TlsError::File {
        path: path.to_owned(),
        problem: "there is no such file".to_owned(),
        cure: "It is made when the gateway starts for the first time".to_owned(),
    })?;
    let der = CertificateDer::from_pem_slice(&pem).map_err(|error| TlsError::File {
        path: path.to_owned(),
        problem: format!("it holds no certificate in PEM form ({error})"),
        cure: "Put the right file in place".to_owned(),
    })?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &der);
    let pairs: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(pairs.join(":"))
}

/// The certificate that is shown now. Swapped while connections go on.
#[derive(Debug)]
pub(crate) struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn set(&self, key: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Where the certificate comes from.
enum Source {
    Local(Box<Authority>),
    Own(OwnFiles),
}

/// Keeps the shown certificate right.
pub(crate) struct Certificates {
    directory: PathBuf,
    clock: Clock,
    configured: Vec<String>,
    source: Source,
    shown: Arc<Shown>,
}

impl Certificates {
    /// Opens or makes what is needed.
    pub(crate) fn open(
        config: &Config,
        paths: &StatePaths,
        clock: &Clock,
    ) -> Result<(Self, Names), TlsError> {
        let directory = paths.tls();
        let own = OwnFiles::from_config(config)?;
        let names = gather(&config.names, own.as_ref())?;
        let (source, key) = if let Some(files) = own {
            let key = files.load(now(clock))?;
            (Source::Own(files), key)
        } else {
            let (authority, made) = Authority::open_or_make(&directory, now(clock), &names)?;
            let key = leaf::open_or_issue(&directory, &authority, made, &names, now(clock))?;
            (Source::Local(Box::new(authority)), key)
        };
        let shown = Arc::new(Shown(RwLock::new(Arc::new(key))));
        Ok((
            Self {
                directory,
                clock: clock.clone(),
                configured: config.names.clone(),
                source,
                shown,
            },
            names,
        ))
    }

    /// Looks at names, addresses, dates and files again, and shows another certificate where that is needed.
    /// What is shown stays as it is when this fails.
    pub(crate) fn refresh(&mut self) -> Result<Names, TlsError> {
        let now = now(&self.clock);
        match &mut self.source {
            Source::Local(authority) => {
                let names = gather(&self.configured, None)?;
                self.shown.set(leaf::open_or_issue(
                    &self.directory,
                    authority,
                    false,
                    &names,
                    now,
                )?);
                Ok(names)
            }
            Source::Own(files) => {
                if let Some(key) = files.reload(now)? {
                    self.shown.set(key);
                }
                gather(&self.configured, Some(files))
            }
        }
    }

    /// The root that clients trust; `None` with the operator's own certificate.
    pub(crate) fn root(&self) -> Option<Bytes> {
        match &self.source {
            Source::Local(authority) => Some(authority.pem()),
            Source::Own(_) => None,
        }
    }

    /// TLS 1.2 and 1.3, HTTP/2 first.
    pub(crate) fn server_config(&self) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.shown.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Tickets instead of a table: nothing to hold in memory for clients that do not come back.
        config.ticketer = rustls::crypto::ring::Ticketer::new()?;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 1;
        Ok(config)
    }
}

/// The board's names, with those of the operator's certificate among the configured ones.
fn gather(configured: &[String], own: Option<&OwnFiles>) -> Result<Names, TlsError> {
    let mut all = configured.to_vec();
    if let Some(files) = own {
        all.extend(files.names()?);
    }
    Ok(Names::gather(&all)?)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Seconds since 1970, never before [`FLOOR`].
fn now(clock: &Clock) -> i64 {
    clock.unix().max(FLOOR)
}

/// The same moment in the form that certificates are made with.
fn moment(unix: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(unix).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

const fn days(count: i64) -> i64 {
    count * 24 * 60 * 60
}

/// The file's bytes; `None` when there is no such file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, TlsError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PathError {
            path: path.to_owned(),
            action: "read",
            cure: "Make it readable for the user that runs the gateway",
            source,
        }
        .into()),
    }
}

/// The moment in rustls's form.
fn unix_time(unix: i64) -> rustls_pki_types::UnixTime {
    rustls_pki_types::UnixTime::since_unix_epoch(Duration::from_secs(unix.unsigned_abs()))
}

/// The names in the certificate.
fn presented(certificate: &X509Certificate<'_>) -> BTreeSet<Name> {
    let names = certificate.subject_alternative_name().ok().flatten();
    names
        .into_iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            // A wildcard names no single host; such hosts belong into `[gateway] names`.
            GeneralName::DNSName(name) => name.parse().ok(),
            GeneralName::IPAddress(bytes) => address(bytes).map(Name::Address),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

//! Certificates: a local authority and the leaf that it signs, or the operator's own files.
//!
//! Everything lies in `tls/` of the state directory: `ca.pem` (the root to trust), `ca.key` (0600) and
//! `leaf.pem` (0600; certificate and key in one file, so that a power cut cannot part them). `imported.pem` and
//! `acme.pem` have the same form: what `pistack tls import` took over, and what a public authority signed.

mod authority;
mod leaf;
mod own;
mod public;
mod state;
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
pub use state::{Certificate, Kind, State, import, remove_imported, state};
pub(crate) use state::{Validity, validity};

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
    Ok(colons(ring::digest::digest(&ring::digest::SHA256, &der).as_ref()))
}

/// A digest as people compare it.
pub(crate) fn colons(digest: &[u8]) -> String {
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// Whether `pem` holds a certificate that is valid now, with its key. `path` is named in the error.
pub(crate) fn check_pair(path: &Path, pem: &[u8], now: i64) -> Result<(), TlsError> {
    own::pair(path, pem, path, pem, now).map(drop)
}

/// Whether two files are a pair that can be shown now.
pub(crate) fn check_files(certificate: &Path, key: &Path, now: i64) -> Result<(), TlsError> {
    let (chain, private) = (own::present(certificate)?, own::present(key)?);
    own::pair(certificate, &chain, key, &private, now).map(drop)
}

/// The certificates that are shown now. Swapped while connections go on.
#[derive(Debug)]
pub(crate) struct Shown(RwLock<Choice>);

/// Which certificate for which name.
#[derive(Debug, Clone)]
struct Choice {
    /// For the board, by any name and address.
    board: Arc<CertifiedKey>,
    /// For the names of the public DNS that ACME has proven.
    domains: Option<Arc<Public>>,
}

/// A certificate from a public authority.
#[derive(Debug)]
struct Public {
    covers: Validity,
    key: Arc<CertifiedKey>,
}

impl Shown {
    fn set(&self, choice: Choice) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = choice;
    }

    fn get(&self) -> Choice {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let choice = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let domains = choice.domains.as_ref().filter(|domains| {
            hello
                .server_name()
                .is_some_and(|name| domains.covers.covers_host(name))
        });
        Some(domains.map_or_else(|| choice.board.clone(), |domains| domains.key.clone()))
    }
}

/// Where the board's certificate comes from.
enum Source {
    Local(Box<Authority>),
    Own(OwnFiles),
}

/// Keeps the shown certificates right.
pub(crate) struct Certificates {
    config: Config,
    directory: PathBuf,
    clock: Clock,
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
        let now = now(clock);
        let (source, key) = if let Some(files) = OwnFiles::find(config, &directory)? {
            let key = files.load(now)?;
            (Source::Own(files), key)
        } else {
            let names = Names::gather(&config.names)?;
            let (authority, made) = Authority::open_or_make(&directory, now, &names)?;
            let key = leaf::open_or_issue(&directory, &authority, made, &names, now)?;
            (Source::Local(Box::new(authority)), key)
        };
        let choice = Choice {
            board: Arc::new(key),
            domains: domains(config, &directory, now),
        };
        let names = known(config, &source, &choice, now)?;
        let certificates = Self {
            config: config.clone(),
            directory,
            clock: clock.clone(),
            source,
            shown: Arc::new(Shown(RwLock::new(choice))),
        };
        Ok((certificates, names))
    }

    /// Other configured names. What is shown stays as it is when this fails.
    pub(crate) fn rename(&mut self, names: Vec<String>) -> Result<Names, TlsError> {
        let before = std::mem::replace(&mut self.config.names, names);
        self.refresh().inspect_err(|_| self.config.names = before)
    }

    /// Looks at names, addresses, dates and files again, and shows other certificates where that is needed. What is
    /// shown stays as it is when this fails.
    pub(crate) fn refresh(&mut self) -> Result<Names, TlsError> {
        let now = now(&self.clock);
        let board = self.board(now)?;
        let choice = Choice {
            board: board.unwrap_or_else(|| self.shown.get().board),
            domains: domains(&self.config, &self.directory, now),
        };
        let names = known(&self.config, &self.source, &choice, now)?;
        self.shown.set(choice);
        Ok(names)
    }

    /// The board's certificate if it is another one now.
    fn board(&mut self, now: i64) -> Result<Option<Arc<CertifiedKey>>, TlsError> {
        let found = OwnFiles::find(&self.config, &self.directory)?;
        match (&mut self.source, found) {
            (Source::Own(files), Some(found)) if files.are(&found) => Ok(files.reload(now)?.map(Arc::new)),
            (_, Some(found)) => {
                let key = found.load(now)?;
                tracing::info!("the certificate is your own from now on");
                self.source = Source::Own(found);
                Ok(Some(Arc::new(key)))
            }
            (Source::Local(authority), None) => {
                let names = Names::gather(&self.config.names)?;
                let key = leaf::open_or_issue(&self.directory, authority, false, &names, now)?;
                Ok(Some(Arc::new(key)))
            }
            (Source::Own(_), None) => {
                let names = Names::gather(&self.config.names)?;
                let (authority, made) = Authority::open_or_make(&self.directory, now, &names)?;
                let key = leaf::open_or_issue(&self.directory, &authority, made, &names, now)?;
                tracing::info!("the certificate is the local authority's from now on");
                self.source = Source::Local(Box::new(authority));
                Ok(Some(Arc::new(key)))
            }
        }
    }

    /// The root that clients trust, in PEM and DER; `None` with the operator's own certificate.
    pub(crate) fn root(&self) -> Option<(Bytes, Vec<u8>)> {
        match &self.source {
            Source::Local(authority) => Some((authority.pem(), authority.der().to_vec())),
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

/// ACME's certificate, if one is asked for and there; whatever is wrong with it, the board's own is shown.
fn domains(config: &Config, directory: &Path, now: i64) -> Option<Arc<Public>> {
    if config.acme.domains.is_empty() {
        return None;
    }
    let path = directory.join("acme.pem");
    let covers = validity(&path)?;
    match OwnFiles::one(&path).load(now) {
        Ok(key) => Some(Arc::new(Public {
            covers,
            key: Arc::new(key),
        })),
        Err(error) => {
            tracing::error!(%error, "the certificate of the public authority cannot be used");
            None
        }
    }
}

/// All names that the board answers to, and those under which browsers may be told to come by HTTPS alone.
fn known(config: &Config, source: &Source, choice: &Choice, now: i64) -> Result<Names, TlsError> {
    let mut all = config.names.clone();
    if let Source::Own(files) = source {
        all.extend(files.names()?);
    }
    let plain = config
        .acme
        .domains
        .iter()
        .filter(|domain| !domain.starts_with("*."));
    all.extend(plain.cloned());
    let mut names = Names::gather(&all)?;
    if config.tls.hsts.0.is_zero() {
        return Ok(names);
    }
    let domains = choice.domains.as_ref().map(|domains| &*domains.key);
    let own = matches!(source, Source::Own(_)).then_some(&*choice.board);
    let shown = [own, domains];
    let public = shown
        .into_iter()
        .flatten()
        .flat_map(|key| public::trusted_names(key, public::web(), now));
    names.come_by_https_alone(public.collect(), config.tls.hsts.0);
    Ok(names)
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

//! The operator's own certificate and key, from the files that `[gateway] certificate` and `key` name.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{TlsError, presented, provider, read};
use crate::config::Config;
use crate::names::Name;

/// What `pistack tls import` writes, in `tls/`.
pub(super) const IMPORTED: &str = "imported.pem";

/// Two files of the operator's.
pub(super) struct OwnFiles {
    certificate: PathBuf,
    key: PathBuf,
    /// When the two were last changed, as of the last successful reading.
    read_at: [Option<SystemTime>; 2],
}

impl OwnFiles {
    /// The configured ones, else what `pistack tls import` took over; `None` when there is neither.
    pub(super) fn find(config: &Config, directory: &Path) -> Result<Option<Self>, TlsError> {
        match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => Ok(Some(Self::new(certificate, key))),
            (Some(_), None) => Err(TlsError::Half {
                given: "certificate",
                missing: "key",
            }),
            (None, Some(_)) => Err(TlsError::Half {
                given: "key",
                missing: "certificate",
            }),
            (None, None) => {
                let imported = directory.join(IMPORTED);
                Ok(imported.exists().then(|| Self::one(&imported)))
            }
        }
    }

    /// Certificate, chain and key in one file.
    pub(super) fn one(path: &Path) -> Self {
        Self::new(path, path)
    }

    fn new(certificate: &Path, key: &Path) -> Self {
        let mut files = Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            read_at: [None; 2],
        };
        files.read_at = files.changed_at();
        files
    }

    /// Whether these are the same files.
    pub(super) fn are(&self, other: &Self) -> bool {
        (&self.certificate, &self.key) == (&other.certificate, &other.key)
    }

    /// Reads both files and checks that they belong together and are not expired.
    pub(super) fn load(&self, now: i64) -> Result<CertifiedKey, TlsError> {
        let certificate = present(&self.certificate)?;
        let key = present(&self.key)?;
        pair(&self.certificate, &certificate, &self.key, &key, now)
    }

    /// A new pair if the files changed since the last reading.
    pub(super) fn reload(&mut self, now: i64) -> Result<Option<CertifiedKey>, TlsError> {
        let changed_at = self.changed_at();
        if changed_at == self.read_at {
            return Ok(None);
        }
        let key = self.load(now)?;
        self.read_at = changed_at;
        tracing::info!(path = %self.certificate.display(), "the certificate changed");
        Ok(Some(key))
    }

    /// The DNS names and addresses in the certificate.
    pub(super) fn names(&self) -> Result<Vec<String>, TlsError> {
        let chain = self.chain()?;
        Ok(presented(&parse(&self.certificate, &chain)?)
            .iter()
            .map(Name::to_string)
            .collect())
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        chain(&self.certificate, &present(&self.certificate)?)
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key]
            .map(|path| std::fs::metadata(path).and_then(|data| data.modified()).ok())
    }
}

/// Certificate and key as the server shows them, if they belong together and are not expired. The paths are named in
/// errors.
pub(super) fn pair(
    certificate: &Path,
    certificate_pem: &[u8],
    key: &Path,
    key_pem: &[u8],
    now: i64,
) -> Result<CertifiedKey, TlsError> {
    let chain = chain(certificate, certificate_pem)?;
    let ends = parse(certificate, &chain)?.validity().not_after;
    if ends.timestamp() <= now {
        let problem = format!("it expired on {ends}");
        return Err(wrong(certificate, problem, "Renew the certificate"));
    }
    let private = PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| {
        let problem = format!("it holds no whole private key in PEM form ({error})");
        wrong(key, problem, "Name the key's file in `[gateway] key`")
    })?;
    CertifiedKey::from_der(chain, private, &provider()).map_err(|error| {
        let problem = match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("it is not the private key of {}", certificate.display())
            }
            other => format!("it cannot be used ({other})"),
        };
        let cure = "Set `[gateway] certificate` and `key` to a pair that belongs together";
        wrong(key, problem, cure)
    })
}

/// All certificates of a file, the board's first.
pub(super) fn chain(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let cure = "Name a PEM file in `[gateway] certificate`, the board's certificate first, then its chain";
    let chain = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            let problem = format!("it holds no whole certificate in PEM form ({error})");
            wrong(path, problem, cure)
        })?;
    if chain.is_empty() {
        return Err(wrong(
            path,
            "it holds no certificate in PEM form".to_owned(),
            cure,
        ));
    }
    Ok(chain)
}

fn parse<'a>(path: &Path, chain: &'a [CertificateDer<'static>]) -> Result<X509Certificate<'a>, TlsError> {
    X509Certificate::from_der(&chain[0])
        .map(|(_, parsed)| parsed)
        .map_err(|error| {
            wrong(
                path,
                format!("the certificate in it is damaged ({error})"),
                "Put the right file in place",
            )
        })
}

pub(super) fn present(path: &Path) -> Result<Vec<u8>, TlsError> {
    read(path)?.ok_or_else(|| {
        let cure = "Correct `[gateway] certificate` and `key`, or remove both to use the local authority";
        wrong(path, "there is no such file".to_owned(), cure)
    })
}

fn wrong(path: &Path, problem: String, cure: &str) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        problem,
        cure: cure.to_owned(),
    }
}

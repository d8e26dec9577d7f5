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

/// Two files of the operator's.
pub(super) struct OwnFiles {
    certificate: PathBuf,
    key: PathBuf,
    /// When the two were last changed, as of the last successful reading.
    read_at: [Option<SystemTime>; 2],
}

impl OwnFiles {
    /// `None` when neither is configured.
    pub(super) fn from_config(config: &Config) -> Result<Option<Self>, TlsError> {
        match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => {
                let mut files = Self {
                    certificate: certificate.clone(),
                    key: key.clone(),
                    read_at: [None; 2],
                };
                files.read_at = files.changed_at();
                Ok(Some(files))
            }
            (Some(_), None) => Err(TlsError::Half {
                given: "certificate",
                missing: "key",
            }),
            (None, Some(_)) => Err(TlsError::Half {
                given: "key",
                missing: "certificate",
            }),
            (None, None) => Ok(None),
        }
    }

    /// Reads both files and checks that they belong together and are not expired.
    pub(super) fn load(&self, now: i64) -> Result<CertifiedKey, TlsError> {
        let chain = self.chain()?;
        let ends = parse(&self.certificate, &chain)?.validity().not_after;
        if ends.timestamp() <= now {
            return Err(wrong(
                &self.certificate,
                format!("it expired on {ends}"),
                "Renew the certificate",
            ));
        }
        let key = PrivateKeyDer::from_pem_slice(&present(&self.key)?).map_err(|error| {
            let problem = format!("it holds no whole private key in PEM form ({error})");
            wrong(&self.key, problem, "Name the key's file in `[gateway] key`")
        })?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
            let problem = match error {
                rustls::Error::InconsistentKeys(_) => {
                    format!("it is not the private key of {}", self.certificate.display())
                }
                other => format!("it cannot be used ({other})"),
            };
            wrong(
                &self.key,
                problem,
                "Set `[gateway] certificate` and `key` to a pair that belongs together",
            )
        })
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
        let cure =
            "Name a PEM file in `[gateway] certificate`, the board's certificate first, then its chain";
        let pem = present(&self.certificate)?;
        let chain = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| {
                wrong(
                    &self.certificate,
                    format!("it holds no whole certificate in PEM form ({error})"),
                    cure,
                )
            })?;
        if chain.is_empty() {
            return Err(wrong(
                &self.certificate,
                "it holds no certificate in PEM form".to_owned(),
                cure,
            ));
        }
        Ok(chain)
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key]
            .map(|path| std::fs::metadata(path).and_then(|data| data.modified()).ok())
    }
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

fn present(path: &Path) -> Result<Vec<u8>, TlsError> {
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

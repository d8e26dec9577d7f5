//! TLS towards the outside: the public roots, or those of a file.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Failure;

/// The handshake with `name`. Made anew each time: a few messages an hour are not worth the memory of a session.
pub(super) async fn handshake(
    name: &str,
    stream: TcpStream,
    ca_file: Option<&Path>,
) -> Result<TlsStream<TcpStream>, Failure> {
    let roots = roots(ca_file)?;
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::permanent(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let bare = name.trim_start_matches('[').trim_end_matches(']').to_owned();
    let server = ServerName::try_from(bare)
        .map_err(|_| Failure::permanent(format!("`{name}` is no name of a server")))?;
    TlsConnector::from(Arc::new(config))
        .connect(server, stream)
        .await
        .map_err(|error| Failure::later(format!("no trusted TLS with {name}: {error}")))
}

/// Reads the file and gives up what it holds.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    roots(Some(path)).map(drop)
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, Failure> {
    let Some(path) = ca_file else {
        return Ok(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        });
    };
    let bad = |reason: String| Failure::permanent(format!("ca_file {}: {reason}", path.display()));
    let pem = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("holds no PEM certificate".into()));
    }
    Ok(roots)
}

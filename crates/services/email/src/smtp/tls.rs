//! TLS towards the mail server: whom to believe.
//!
//! A certificate in `ca_file` is believed as a root and, if the server shows the very same one, for itself: the
//! self-signed certificate that `openssl req -x509` makes is marked as a CA's, and rustls takes no such
//! certificate from a server otherwise. With `fingerprint` one certificate is believed for itself, and no other.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::StartError;

/// Whom to believe.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trust<'a> {
    /// The certificates in this file.
    File(&'a Path),
    /// The certificate with this SHA-256 fingerprint.
    Pinned([u8; 32]),
    /// Those that browsers believe.
    Public,
    /// Every one.
    Any,
}

/// Encrypts connections to one server.
#[derive(Clone)]
pub(super) struct Connector {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Connector {
    /// Believes whom `trust` names.
    pub(super) fn new(host: &str, trust: Trust<'_>) -> Result<Self, StartError> {
        let failed = |reason: String| StartError::Tls(reason);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (own, pinned, roots) = match trust {
            Trust::File(path) => {
                let own = certificates(path)?;
                let roots = own_roots(&own);
                (own, None, Some(roots))
            }
            Trust::Pinned(pinned) => (Vec::new(), Some(pinned), None),
            Trust::Any => (Vec::new(), None, None),
            Trust::Public => (
                Vec::new(),
                None,
                Some(RootCertStore {
                    roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
                }),
            ),
        };
        let inner = roots
            .map(|roots| {
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()
            })
            .transpose()
            .map_err(|error| failed(error.to_string()))?;
        let verifier = Verifier {
            own,
            pinned,
            inner,
            provider: Arc::clone(&provider),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            failed(format!(
                "`{host}` is no name of a server; correct `smtp_host` in [email]"
            ))
        })?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        })
    }

    /// The handshake.
    pub(super) async fn connect(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let bad = |reason: String| StartError::Certificate {
        path: path.to_owned(),
        reason,
    };
    let pem = super::read(path, "ca_file")?;
    let read: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| bad(error.to_string()))?;
    if read.is_empty() {
        return Err(bad("nothing in it begins with -----BEGIN CERTIFICATE-----".into()));
    }
    if let Some(error) = read
        .iter()
        .find_map(|one| RootCertStore::empty().add(one.clone()).err())
    {
        return Err(bad(error.to_string()));
    }
    Ok(read)
}

fn own_roots(own: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Each was read once already.
    roots.add_parsable_certificates(own.iter().cloned());
    roots
}

/// Decides about the server's certificate. The handshake's signatures are always verified.
#[derive(Debug)]
struct Verifier {
    /// Believed for themselves.
    own: Vec<CertificateDer<'static>>,
    /// The only one believed.
    pinned: Option<[u8; 32]>,
    /// Chains, names and dates; `None` = any certificate will do.
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(pinned) = self.pinned {
            let shown = ring::digest::digest(&ring::digest::SHA256, end_entity);
            if shown.as_ref() == pinned {
                return Ok(ServerCertVerified::assertion());
            }
            return Err(rustls::Error::General(
                "the certificate is not the one of `fingerprint`".to_owned(),
            ));
        }
        match &self.inner {
            None => Ok(ServerCertVerified::assertion()),
            Some(_) if self.own.iter().any(|own| own == end_entity) => Ok(ServerCertVerified::assertion()),
            Some(inner) => {
                inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

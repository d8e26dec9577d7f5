//! A gateway in a temporary state directory, services that tell what they saw, and clients.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request as Received;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use pistack_api::service::Service;
use pistack_gateway::{Addresses, Config, GatewayContext, Reload, Routes};
use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use pistack_kit::service::RunError;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A request as a service saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A gateway and its services.
pub(crate) struct Stack {
    pub(crate) paths: StatePaths,
    pub(crate) addresses: Addresses,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    /// What a reload reads.
    pub(crate) next: Arc<Mutex<Result<(Config, Routes), String>>>,
    services: Mutex<HashMap<Service, JoinHandle<()>>>,
    lifecycle: Lifecycle,
    running: Option<JoinHandle<Result<(), RunError>>>,
    directory: tempfile::TempDir,
}

/// A configuration for tests: loopback, any port, little patience.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.https = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.http = config.https;
    config.hold.0 = Duration::from_secs(2);
    config
}

pub(crate) fn state() -> (tempfile::TempDir, StatePaths) {
    let directory = tempfile::tempdir().unwrap();
    let paths = StatePaths::new(directory.path());
    paths.create().unwrap();
    (directory, paths)
}

/// Runs a gateway that must fail, and gives its error.
pub(crate) async fn refused(config: Config, paths: &StatePaths) -> String {
    let context = GatewayContext {
        config,
        routes: Routes::default(),
        reload: None,
        paths: paths.clone(),
        clock: Clock::system(),
        lifecycle: Lifecycle::new(),
    };
    let result = tokio::time::timeout(PATIENCE, pistack_gateway::run(context)).await;
    let error = result
        .expect("it listens instead of failing")
        .unwrap_err()
        .to_string();
    assert!(
        !Addresses::path(paths).exists(),
        "a gateway that failed must not say that it listens"
    );
    error
}

impl Stack {
    /// With a service behind every route that answers what it saw.
    pub(crate) async fn start() -> Self {
        let stack = Self::bare(config()).await;
        for service in Service::ALL {
            stack.serve(service, stack.echo());
        }
        stack
    }

    /// Without services.
    pub(crate) async fn bare(config: Config) -> Self {
        let (directory, paths) = state();
        Self::within(config, directory, paths).await
    }

    pub(crate) async fn within(config: Config, directory: tempfile::TempDir, paths: StatePaths) -> Self {
        Self::routed(config, Routes::default(), directory, paths).await
    }

    /// With routes of the user's, and services that answer what they saw.
    pub(crate) async fn with_routes(routes: Routes) -> Self {
        Self::configured(config(), routes).await
    }

    /// The same with a configuration of the test's.
    pub(crate) async fn configured(config: Config, routes: Routes) -> Self {
        let (directory, paths) = state();
        let stack = Self::routed(config, routes, directory, paths).await;
        for service in Service::ALL {
            stack.serve(service, stack.echo());
        }
        stack
    }

    async fn routed(config: Config, routes: Routes, directory: tempfile::TempDir, paths: StatePaths) -> Self {
        let lifecycle = Lifecycle::new();
        let next: Arc<Mutex<Result<(Config, Routes), String>>> =
            Arc::new(Mutex::new(Ok((config.clone(), routes.clone()))));
        let read = next.clone();
        let context = GatewayContext {
            config,
            routes,
            reload: Some(Reload::new(move || read.lock().unwrap().clone())),
            paths: paths.clone(),
            clock: Clock::system(),
            lifecycle: lifecycle.clone(),
        };
        let mut running = tokio::spawn(pistack_gateway::run(context));
        let addresses = tokio::select! {
            ended = &mut running => panic!("the gateway ended: {ended:?}"),
            addresses = pistack_kit::testing::eventually("the gateway to listen", || async { Addresses::read(&paths) }) => addresses,
        };
        Self {
            paths,
            addresses,
            seen: Arc::default(),
            next,
            services: Mutex::default(),
            lifecycle,
            running: Some(running),
            directory,
        }
    }

    /// Puts a service behind its socket.
    pub(crate) fn serve(&self, service: Service, router: Router) {
        let path = self.paths.service_socket(service);
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(path).unwrap();
        let serving = tokio::spawn(async move {
            // Dropped with the task: a killed service takes its connections with it.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = TowerToHyperService::new(router.clone());
                connections.spawn(async move {
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .with_upgrades()
                        .await;
                });
            }
        });
        self.services.lock().unwrap().insert(service, serving);
    }

    /// Ends a service as kill -9 does: its socket file stays.
    pub(crate) async fn kill(&self, service: Service) {
        let serving = self.services.lock().unwrap().remove(&service).unwrap();
        serving.abort();
        let _ = serving.await;
    }

    /// A service that notes what it saw, and answers 200 with a body.
    pub(crate) fn echo(&self) -> Router {
        let seen = self.seen.clone();
        Router::new().fallback(move |request: Received| {
            let seen = seen.clone();
            async move {
                let (parts, body) = request.into_parts();
                if parts.uri.path() == "/internal/feed" {
                    return (StatusCode::NOT_FOUND, "the gateway's own question");
                }
                let Ok(body) = body.collect().await else {
                    return (StatusCode::BAD_REQUEST, "broken body");
                };
                seen.lock().unwrap().push(Seen {
                    method: parts.method.to_string(),
                    uri: parts.uri.to_string(),
                    headers: parts.headers,
                    body: body.to_bytes(),
                });
                (StatusCode::OK, "from the service")
            }
        })
    }

    /// What the services saw last.
    pub(crate) fn last(&self) -> Seen {
        self.seen
            .lock()
            .unwrap()
            .last()
            .cloned()
            .expect("no request reached a service")
    }

    pub(crate) fn seen_count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Whom the client calls: `localhost:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.addresses.https.port())
    }

    pub(crate) async fn tls(&self, protocol: &[u8]) -> TlsStream<TcpStream> {
        connect(
            &self.addresses,
            &self.paths.tls().join("ca.pem"),
            "localhost",
            protocol,
        )
        .await
        .unwrap()
    }

    /// One HTTP/1.1 request on a connection of its own.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let response = self.open(request).await;
        let (parts, body) = response.into_parts();
        let body = tokio::time::timeout(PATIENCE, body.collect())
            .await
            .expect("the body does not end")
            .unwrap();
        Response::from_parts(parts, body.to_bytes())
    }

    /// The same, with the answer's body unread.
    pub(crate) async fn open<B>(&self, mut request: Request<B>) -> Response<Incoming>
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let io = TokioIo::new(self.tls(b"http/1.1").await);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        let host = self.host().parse().unwrap();
        request.headers_mut().entry("host").or_insert(host);
        tokio::time::timeout(PATIENCE, sender.send_request(request))
            .await
            .expect("no answer")
            .unwrap()
    }

    /// A request on the gateway's own socket.
    pub(crate) async fn inside(&self, method: &str, path: &str) -> Response<Bytes> {
        let socket = tokio::net::UnixStream::connect(self.paths.run().join("gateway.sock"))
            .await
            .unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
            .await
            .unwrap();
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost");
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    pub(crate) async fn get(&self, path: &str) -> Response<Bytes> {
        self.send(Request::get(path).body(Full::default()).unwrap()).await
    }

    /// Bytes as they are, through TLS. Reads until the gateway closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        exchange(self.tls(b"http/1.1").await, bytes).await
    }

    /// The same on the plain side.
    pub(crate) async fn raw_plain(&self, bytes: &[u8]) -> String {
        exchange(
            TcpStream::connect(self.addresses.http.unwrap()).await.unwrap(),
            bytes,
        )
        .await
    }

    pub(crate) async fn http2(&self) -> hyper::client::conn::http2::SendRequest<Full<Bytes>> {
        let io = TokioIo::new(self.tls(b"h2").await);
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .unwrap();
        tokio::spawn(connection);
        sender
    }

    pub(crate) fn stop(&self) {
        self.lifecycle.stop();
    }

    /// Waits for the gateway's end.
    pub(crate) async fn ended(&mut self) -> Result<(), RunError> {
        let running = self.running.take().unwrap();
        tokio::time::timeout(PATIENCE, running)
            .await
            .expect("the gateway does not stop")
            .unwrap()
    }

    /// Stops the gateway and keeps its state.
    pub(crate) async fn into_state(mut self) -> (tempfile::TempDir, StatePaths) {
        self.stop();
        self.ended().await.unwrap();
        (self.directory, self.paths)
    }
}

/// A TLS connection that trusts the certificates in `root` alone.
pub(crate) async fn connect(
    addresses: &Addresses,
    root: &Path,
    name: &str,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(addresses.https).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn exchange(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    bytes: &[u8],
) -> String {
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // An end without close_notify or with a reset is an end, too.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("the gateway does not close");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of a raw answer; 0 if there was none.
pub(crate) fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or_default()
}

/// A field of a raw answer.
pub(crate) fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

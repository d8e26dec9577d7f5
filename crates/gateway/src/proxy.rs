//! One request on its way: checked, routed, signed in, passed on, and the answer passed back.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use pistack_api::service::Service;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::body::{RequestBody, ResponseBody, Upload, UploadState};
use crate::deadline::Watch;
use crate::failure::{Failure, Wish};
use crate::headers::{self, Forwarded, REQUEST_ID};
use crate::names::Names;
use crate::routes::{Route, Target, route};
use crate::sessions::Sessions;
use crate::strict;
use crate::tunnel;
use crate::upstream::Upstreams;

/// How often a request that only reads is sent again after a service broke off.
const RESENDS: usize = 2;

/// What all connections share.
pub(crate) struct Gateway {
    pub(crate) names: RwLock<Arc<Names>>,
    /// The root certificate; `None` with the operator's own.
    pub(crate) root: Option<Bytes>,
    /// The port behind which HTTPS is.
    pub(crate) https_port: u16,
    pub(crate) upstreams: Upstreams,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) response_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) ids: RequestIds,
}

/// One client's connection.
pub(crate) struct Peer {
    pub(crate) gateway: Arc<Gateway>,
    /// The client's address, as `X-Forwarded-For` says it.
    pub(crate) client: HeaderValue,
    /// The address that the client reached.
    pub(crate) local: IpAddr,
    pub(crate) watch: Arc<Watch>,
    /// False on the plain side, which only leads to HTTPS.
    pub(crate) secure: bool,
}

impl Peer {
    /// Answers one request. Every failure becomes an answer.
    pub(crate) async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let busy = self.watch.begin();
        let wish = Wish::of(request.method(), request.headers());
        let id = self.gateway.ids.next();
        let line = tracing::enabled!(tracing::Level::DEBUG)
            .then(|| (request.method().clone(), request.uri().path().to_owned()));
        let answer = if self.secure {
            self.answer(request, &id).await
        } else {
            self.lead_to_https(&request.into_parts().0)
        };
        let mut response = answer.unwrap_or_else(|failure| failure.answer(wish));
        if let Some((method, path)) = line {
            tracing::debug!(%method, path, status = response.status().as_u16(), client = ?self.client, ?id, "request");
        }
        response.headers_mut().insert(REQUEST_ID, id);
        Ok(response.map(|body| body.while_busy(busy)))
    }

    fn check(&self, parts: &Parts) -> Result<HeaderValue, Failure> {
        let names = self.gateway.names();
        strict::check(parts, |host| names.know(host, self.local))
    }

    /// The plain side: the same address on https, or the root certificate, which is no secret.
    fn lead_to_https(&self, parts: &Parts) -> Result<Response<ResponseBody>, Failure> {
        let host = self.check(parts)?;
        if route(parts.uri.path()) == Route::Root {
            return self.gateway.root(&parts.method);
        }
        let name = host
            .to_str()
            .ok()
            .and_then(strict::without_port)
            .unwrap_or_default();
        let path = parts
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let location = match self.gateway.https_port {
            443 => format!("https://{name}{path}"),
            port => format!("https://{name}:{port}{path}"),
        };
        let status = match parts.method {
            Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::PERMANENT_REDIRECT,
        };
        redirect(status, &location)
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        id: &HeaderValue,
    ) -> Result<Response<ResponseBody>, Failure> {
        let client_side = tunnel::is_asked(request.method(), request.version(), request.headers())
            .then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        let host = self.check(&parts)?;
        let target = match route(parts.uri.path()) {
            Route::Service(target) => target,
            Route::Root => return self.gateway.root(&parts.method),
            Route::Elsewhere(to, true) => return redirect(StatusCode::PERMANENT_REDIRECT, to),
            Route::Elsewhere(to, false) => return redirect(StatusCode::FOUND, to),
            Route::Nowhere => return Err(Failure::not_found()),
        };
        self.prepare(&mut parts, host, &target, id, client_side.is_some())
            .await?;
        let mut response = self.gateway.forward(parts, body, target.service).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(self.gateway.pass_back(response));
        }
        let Some(client_side) = client_side else {
            return Err(Failure::broken(target.service));
        };
        let service_side = hyper::upgrade::on(&mut response);
        let stop = self.gateway.stop.clone();
        self.gateway
            .tasks
            .spawn(tunnel::join(client_side, service_side, self.watch.begin(), stop));
        let mut response = response.map(|_| ResponseBody::empty());
        headers::strip_response(response.headers_mut());
        tunnel::set_handshake(response.headers_mut());
        Ok(response)
    }

    /// Makes the service's request of the client's.
    async fn prepare(
        &self,
        parts: &mut Parts,
        host: HeaderValue,
        target: &Target,
        id: &HeaderValue,
        websocket: bool,
    ) -> Result<(), Failure> {
        headers::strip_request(&mut parts.headers);
        // A WebSocket opens with a GET, and no browser keeps other sites from opening one.
        let acts = websocket || !parts.method.is_safe();
        self.gateway
            .sessions
            .sign_in(acts, &mut parts.headers, &host, target)
            .await?;
        headers::join_cookies(&mut parts.headers);
        let forwarded = Forwarded {
            client: &self.client,
            host,
            prefix: target.prefix(),
            request_id: id.clone(),
        };
        headers::set_forwarded(&mut parts.headers, forwarded);
        if websocket {
            tunnel::set_handshake(&mut parts.headers);
        }
        let path = parts.uri.path_and_query().and_then(|path| target.path(path));
        let uri = path.and_then(|path| self.gateway.upstreams.uri(target.service, path).ok());
        parts.uri = uri.ok_or_else(Failure::not_found)?;
        parts.version = Version::HTTP_11;
        Ok(())
    }
}

impl Gateway {
    pub(crate) fn names(&self) -> Arc<Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_names(&self, names: Names) {
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
    }

    async fn forward(
        &self,
        parts: Parts,
        body: Incoming,
        service: Service,
    ) -> Result<Response<Incoming>, Failure> {
        if body.is_end_stream() {
            self.forward_head(parts, service).await
        } else {
            self.forward_upload(parts, body, service).await
        }
    }

    /// A request without a body. One that only reads is sent again when the service broke off, which is what
    /// a request meets that was under way while the service was restarted.
    async fn forward_head(&self, mut parts: Parts, service: Service) -> Result<Response<Incoming>, Failure> {
        let mut resends = if parts.method.is_idempotent() { RESENDS } else { 0 };
        loop {
            let spare = (resends > 0).then(|| parts.clone());
            let sending = self
                .upstreams
                .send(Request::from_parts(parts, RequestBody::Empty));
            let error = match tokio::time::timeout(self.response_timeout, sending).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => error,
                Err(_) => return Err(Failure::late(service)),
            };
            tracing::debug!(%service, ?error, "no answer");
            if error.is_connect() {
                return Err(Failure::down(service));
            }
            parts = spare.ok_or_else(|| Failure::broken(service))?;
            resends -= 1;
        }
    }

    /// A request with a body, which is passed on as it comes in and cannot be sent twice.
    async fn forward_upload(
        &self,
        parts: Parts,
        body: Incoming,
        service: Service,
    ) -> Result<Response<Incoming>, Failure> {
        let upload = Upload::new();
        let request = Request::from_parts(parts, RequestBody::upload(body, upload.clone()));
        let mut sending = pin!(self.upstreams.send(request));
        loop {
            let open = upload.state() == UploadState::Open;
            let patience = if open {
                self.body_timeout
            } else {
                self.response_timeout
            };
            let deadline = upload.moved_at() + patience;
            let now = Instant::now();
            if now >= deadline {
                upload.abandon();
                return Err(if open {
                    Failure::body(true)
                } else {
                    Failure::late(service)
                });
            }
            // An upload may become complete meanwhile, and the answer is due from then on.
            let look_again = if open {
                deadline.min(now + self.response_timeout)
            } else {
                deadline
            };
            tokio::select! {
                answer = &mut sending => return answer.map_err(|error| {
                    tracing::debug!(%service, ?error, "no answer");
                    match upload.state() {
                        UploadState::Failed => Failure::body(false),
                        _ if error.is_connect() => Failure::down(service),
                        _ => Failure::broken(service),
                    }
                }),
                () = tokio::time::sleep_until(look_again) => {}
            }
        }
    }

    fn pass_back(&self, response: Response<Incoming>) -> Response<ResponseBody> {
        let (mut parts, body) = response.into_parts();
        headers::strip_response(&mut parts.headers);
        let kind = parts
            .headers
            .get(CONTENT_TYPE)
            .map(HeaderValue::as_bytes)
            .unwrap_or_default();
        let body = if kind.starts_with(b"text/event-stream") {
            ResponseBody::events(body, self.stop.clone())
        } else {
            ResponseBody::service(body)
        };
        Response::from_parts(parts, body)
    }

    /// The root certificate as a file that phones and desktops offer to install.
    fn root(&self, method: &Method) -> Result<Response<ResponseBody>, Failure> {
        let root = self.root.clone().ok_or_else(Failure::not_found)?;
        let length = root.len();
        let body = if *method == Method::HEAD {
            ResponseBody::empty()
        } else {
            ResponseBody::full(root)
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-x509-ca-cert"),
        );
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(
            CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"pistack-ca.pem\""),
        );
        Ok(response)
    }
}

fn redirect(status: StatusCode, location: &str) -> Result<Response<ResponseBody>, Failure> {
    let location = HeaderValue::try_from(location)
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "bad_request", "bad request"))?;
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// Names requests: sixteen digits, different in every run.
pub(crate) struct RequestIds {
    start: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        let mut start = [0; 8];
        pistack_kit::random::fill(&mut start);
        Self {
            start: u64::from_le_bytes(start),
            count: AtomicU64::new(0),
        }
    }

    fn next(&self) -> HeaderValue {
        let mut rest = self
            .start
            .wrapping_add(self.count.fetch_add(1, Ordering::Relaxed));
        let mut digits = [0; 16];
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        HeaderValue::from_bytes(&digits).unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}

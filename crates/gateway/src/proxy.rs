//! One request on its way: checked, routed, signed in, passed on, and the answer passed back.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::header::{CONNECTION, COOKIE, HOST, HeaderValue, STRICT_TRANSPORT_SECURITY};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use pistack_api::right::{ReadGateway, Right as _};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access_log::{Log, Record};
use crate::acme;
use crate::answers::{back, redirect, to_sign_in, with_slash};
use crate::body::ResponseBody;
use crate::compression::{Compression, Wanted};
use crate::connection::Admission;
use crate::deadline::Watch;
use crate::doors::Doors;
use crate::ending::Signal;
use crate::failure::{Failure, Wish};
use crate::headers::{self, Forwarded, REQUEST_ID};
use crate::metrics::{Metrics, RouteStats};
use crate::names::Names;
use crate::origin::{Origin, TrustedProxies};
use crate::outer_path::{OuterPath, OuterPaths};
use crate::plan::{Auth, Door};
use crate::rates::Rates;
use crate::request_id::RequestIds;
use crate::routes::{Files, Found, Table, Target, To, is_gate_page};
use crate::sessions::{Refused, Sessions, SignedIn};
use crate::static_files;
use crate::strict;
use crate::trust::Root;
use crate::tunnel;
use crate::upload::Patience;
use crate::upstream::{Ask, Upstream, Upstreams};
use crate::view;

/// What all connections share.
pub(crate) struct Gateway {
    pub(crate) names: RwLock<Arc<Names>>,
    /// The routes in force.
    pub(crate) table: RwLock<Arc<Table>>,
    /// The root certificate; `None` with the operator's own.
    pub(crate) root: Option<Root>,
    /// Where the proof for a public authority lies.
    pub(crate) acme: acme::Places,
    /// The port behind which HTTPS is.
    pub(crate) https_port: u16,
    pub(crate) upstreams: Upstreams,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) response_timeout: Duration,
    /// How long the two ends of an upload may let each other wait.
    pub(crate) patience: Patience,
    /// Longest path with query.
    pub(crate) url_bytes: usize,
    pub(crate) rates: Rates,
    pub(crate) trusted: TrustedProxies,
    pub(crate) outer_paths: OuterPaths,
    pub(crate) admission: Arc<Admission>,
    pub(crate) compression: Compression,
    pub(crate) metrics: Arc<Metrics>,
    /// Of what the gateway answers itself.
    pub(crate) own_stats: Arc<RouteStats>,
    pub(crate) log: Arc<Log>,
    pub(crate) doors: Doors,
    pub(crate) stop: CancellationToken,
    /// The same for connections.
    pub(crate) stopping: Signal,
    pub(crate) tasks: TaskTracker,
    pub(crate) ids: RequestIds,
}

/// One client's connection.
pub(crate) struct Peer {
    pub(crate) gateway: Arc<Gateway>,
    /// The address at the other end of the connection.
    pub(crate) address: IpAddr,
    /// The same, as `X-Forwarded-For` says it.
    pub(crate) client: HeaderValue,
    /// The address that the client reached.
    pub(crate) local: IpAddr,
    /// The port of a route that it came in at; `None` = the gateway's own.
    pub(crate) door: Option<Door>,
    pub(crate) watch: Arc<Watch>,
    /// False where the client does not speak TLS.
    pub(crate) secure: bool,
}

/// What is known of a request before it is passed on.
struct About<'a> {
    /// As the client wrote it, checked.
    host: HeaderValue,
    origin: &'a Origin,
    id: &'a HeaderValue,
    client: &'a HeaderValue,
    wish: &'a Wish,
    /// Where a trusted proxy shows this gateway.
    outer: Option<&'a OuterPath>,
    /// The client opens a WebSocket.
    websocket: Option<tunnel::Wanted>,
}

type Answer = Result<Response<ResponseBody>, Failure>;

impl Peer {
    /// Answers one request. Every failure becomes an answer.
    pub(crate) async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let mut busy = self.watch.begin();
        let gateway = &*self.gateway;
        let version = request.version();
        let origin = gateway
            .trusted
            .origin(self.address, self.secure, request.headers());
        let trusted = gateway.trusted.trust(self.address);
        let outer = trusted
            .then(|| gateway.outer_paths.told(request.headers()))
            .flatten();
        let wish = Wish::of(request.method(), request.headers());
        let number = gateway.ids.next();
        let mut id = number.header();
        let client = self.client_of(&origin);
        let mut record = Record::new(&gateway.log, &gateway.own_stats, &client, number, &request);
        let admitted = gateway
            .rates
            .admit(origin.address, request.method(), request.uri().path());
        let remember = origin.secure.then(|| self.strict_transport(&request)).flatten();
        let in_the_clear = self.door.is_some_and(|door| !door.tls);
        let answer = match admitted {
            Err(failure) => Err(failure),
            Ok(()) if origin.secure || in_the_clear => {
                let (origin, id, client) = (&origin, &id, &client);
                self.answer(
                    request,
                    (origin, outer.as_ref()),
                    (id, client),
                    &wish,
                    &mut record,
                )
                .await
            }
            Ok(()) => self.lead_to_https(&request.into_parts().0),
        };
        let mut response = answer.unwrap_or_else(|failure| {
            gateway.metrics.reject(failure.code());
            let ends = failure.ends_connection() && version < Version::HTTP_2;
            let mut response = failure.answer(&wish, outer.as_ref());
            if ends {
                response
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response
        });
        if let Some(outer) = &outer {
            outer.put_on(response.headers_mut());
        }
        busy.answered();
        record.status = response.status().as_u16();
        // It never comes twice, so that it has no place in HTTP/2's table of fields.
        id.set_sensitive(version == Version::HTTP_2);
        response.headers_mut().insert(REQUEST_ID, id);
        if let Some(remember) = remember {
            response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, remember);
        }
        Ok(response.map(|body| body.recorded(record).while_busy(busy)))
    }

    /// The client's address for `X-Forwarded-For`.
    fn client_of(&self, origin: &Origin) -> HeaderValue {
        if origin.address == self.address {
            return self.client.clone();
        }
        HeaderValue::try_from(origin.address.to_string()).unwrap_or_else(|_| self.client.clone())
    }

    /// What browsers are told to remember about this name.
    fn strict_transport<B>(&self, request: &Request<B>) -> Option<HeaderValue> {
        let names = self.gateway.names();
        if !names.has_strict_hosts() {
            return None;
        }
        let host = request.uri().authority().map(http::uri::Authority::as_str);
        let host = host.or_else(|| request.headers().get(HOST)?.to_str().ok())?;
        names.strict_transport(strict::without_port(host)?).cloned()
    }

    fn check(&self, parts: &Parts) -> Result<HeaderValue, Failure> {
        let names = self.gateway.names();
        strict::check(parts, self.gateway.url_bytes, |host| names.know(host, self.local))
    }

    /// The plain side: the same address on https, or the root certificate, which is no secret.
    fn lead_to_https(&self, parts: &Parts) -> Answer {
        let host = self.check(parts)?;
        let path = parts.uri.path();
        if self.door.is_none() && matches!(self.gateway.table().find(None, "", path), Found::Root) {
            return self.gateway.root(parts, &host, "http");
        }
        if let Some(proof) = acme::answer(&self.gateway.acme, &parts.method, path) {
            return Ok(proof);
        }
        let name = without_port(&host);
        let path = parts
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let port = match self.door {
            Some(door) => self.gateway.doors.port(door).unwrap_or_default(),
            None => self.gateway.https_port,
        };
        let location = match port {
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
        (origin, outer): (&Origin, Option<&OuterPath>),
        (id, client): (&HeaderValue, &HeaderValue),
        wish: &Wish,
        record: &mut Record,
    ) -> Answer {
        let websocket = tunnel::take(&mut request);
        let (mut parts, body) = request.into_parts();
        let about = About {
            host: self.check(&parts)?,
            origin,
            id,
            client,
            wish,
            outer,
            websocket,
        };
        let table = self.gateway.table();
        let target = match table.find(self.door, without_port(&about.host), parts.uri.path()) {
            Found::Target(target) => target,
            // No password in the clear.
            Found::Gate(_) if !about.origin.secure => return Err(Failure::not_found()),
            Found::Gate(false) if is_gate_page(parts.uri.path()) => table.gate(),
            Found::Gate(true) => return back(&parts.uri),
            Found::Own => return Box::pin(self.tell(&mut parts, &about.host)).await,
            Found::Root => return self.gateway.root(&parts, &about.host, "https"),
            Found::Slash => return with_slash(&parts.uri),
            Found::Elsewhere(to, true) => return redirect(StatusCode::PERMANENT_REDIRECT, to),
            Found::Elsewhere(to, false) => return redirect(StatusCode::FOUND, to),
            Found::Gate(false) | Found::Nowhere => return Err(Failure::not_found()),
        };
        record.stats = target.stats.clone();
        headers::strip_request(&mut parts.headers);
        let auth = match &target.to {
            To::Service(_, upstream) => {
                // A WebSocket opens with a GET, and no browser keeps other sites from opening one.
                let acts = about.websocket.is_some() || !parts.method.is_safe();
                let sign_in =
                    self.gateway
                        .sessions
                        .sign_in(acts, &mut parts.headers, &about.host, target.pages);
                record.user = sign_in.await?.and_then(|person| person.name());
                return self.pass_on(parts, body, target, upstream, about).await;
            }
            To::Application(_, forward) => &forward.auth,
            To::Files(files) => &files.auth,
        };
        match self.admit(&mut parts, auth, &about).await {
            Ok(person) => {
                record.user = person.as_ref().and_then(|person| person.name());
                self.to_application(parts, body, target, person.as_deref(), about)
                    .await
            }
            Err(Refused::Failure(failure)) => Err(failure),
            // A browser is shown the way in; a program is told that it needs one.
            Err(Refused::SignIn)
                if parts.method.is_safe() && about.wish.is_page() && about.websocket.is_none() =>
            {
                to_sign_in(&parts.uri)
            }
            Err(Refused::SignIn) => Err(Failure::unauthorized()),
        }
    }

    async fn admit(
        &self,
        parts: &mut Parts,
        auth: &Auth,
        about: &About<'_>,
    ) -> Result<Option<Arc<SignedIn>>, Refused> {
        let acts = about.websocket.is_some() || !parts.method.is_safe();
        let sessions = &self.gateway.sessions;
        sessions.admit(acts, &mut parts.headers, &about.host, auth).await
    }

    /// To what the user put behind the gateway.
    async fn to_application(
        &self,
        mut parts: Parts,
        body: Incoming,
        target: &Target,
        person: Option<&SignedIn>,
        about: About<'_>,
    ) -> Answer {
        if let Some(person) = person {
            person.tell(&mut parts.headers);
        }
        match &target.to {
            To::Application(upstream, _) | To::Service(_, upstream) => {
                self.pass_on(parts, body, target, upstream, about).await
            }
            To::Files(files) => Box::pin(self.read_file(&parts, target, files)).await,
        }
    }

    async fn read_file(&self, parts: &Parts, target: &Target, files: &Files) -> Answer {
        let path = parts.uri.path_and_query().and_then(|path| target.path(path));
        let path = path.ok_or_else(Failure::not_found)?;
        let response = static_files::serve(files, &parts.method, &parts.headers, path.path()).await?;
        if !target.compress {
            return Ok(response);
        }
        let wanted = Wanted::of(&parts.method, &parts.headers, false);
        let (mut head, body) = response.into_parts();
        let body = self.gateway.compression.apply(wanted, &mut head, body);
        Ok(Response::from_parts(head, body))
    }

    /// Makes the service's request of the client's, and the client's answer of the service's.
    async fn pass_on(
        &self,
        mut parts: Parts,
        body: Incoming,
        target: &Target,
        upstream: &Arc<Upstream>,
        about: About<'_>,
    ) -> Answer {
        let wanted = target
            .compress
            .then(|| Wanted::of(&parts.method, &parts.headers, parts.headers.contains_key(COOKIE)));
        headers::join_cookies(&mut parts.headers);
        let path = parts.uri.path_and_query().and_then(|path| target.path(path));
        let path = path.ok_or_else(Failure::not_found)?;
        let host = match &target.to {
            To::Application(_, forward) => forward.send_host.as_ref(),
            To::Service(..) | To::Files(_) => None,
        };
        let whole = about.outer.map(|outer| outer.whole(&target.prefix));
        if let (Some(outer), Some(whole)) = (about.outer, &whole) {
            outer.tell(&mut parts.headers, whole);
        }
        let forwarded = Forwarded {
            client: about.client,
            host: &about.host,
            prefix: whole.as_ref().unwrap_or(&target.prefix),
            secure: about.origin.secure,
            request_id: about.id,
        };
        let ask = Ask {
            method: &parts.method,
            path: &path,
            headers: &parts.headers,
            host: host.unwrap_or(&about.host),
            forwarded: Some(&forwarded),
            websocket: about.websocket.is_some(),
        };
        let mut response = self.gateway.forward(&ask, body, target, upstream).await?;
        if let (Some(outer), Some(whole)) = (about.outer, &whole) {
            outer.take_off(response.headers_mut(), whole);
        }
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            let asked = about.websocket.as_ref();
            if asked.is_some_and(|asked| !asked.may_refuse_with(status)) {
                return Err(Failure::broken(upstream));
            }
            return Ok(self.gateway.pass_back(response, target, &about.host, wanted));
        }
        let (mut head, service) = response.into_parts();
        headers::strip_response(&mut head.headers);
        let client = about
            .websocket
            .and_then(|asked| asked.agree(&mut head.status, &mut head.headers));
        let (Some(client), Some(service)) = (client, service.into_line()) else {
            return Err(Failure::broken(upstream));
        };
        let stop = self.gateway.stop.clone();
        self.gateway
            .tasks
            .spawn(tunnel::join(client, service, self.watch.begin(), stop));
        Ok(Response::from_parts(head, ResponseBody::empty()))
    }

    /// `/api/gateway/...`
    async fn tell(&self, parts: &mut Parts, host: &HeaderValue) -> Answer {
        let auth = Auth::Right {
            shown: "admin".into(),
            right: ReadGateway::INFO,
            object: "*".into(),
        };
        let sessions = &self.gateway.sessions;
        match sessions.admit(false, &mut parts.headers, host, &auth).await {
            Ok(_) => {}
            Err(Refused::SignIn) => return Err(Failure::unauthorized()),
            Err(Refused::Failure(failure)) => return Err(failure),
        }
        let call = parts.uri.path().strip_prefix("/api/gateway").unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default();
        view::answer(&self.gateway, &parts.method, call, query)
    }
}

impl Gateway {
    pub(crate) fn names(&self) -> Arc<Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_names(&self, names: Names) {
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_table(&self, table: Table) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
    }
}

fn without_port(host: &HeaderValue) -> &str {
    host.to_str()
        .ok()
        .and_then(strict::without_port)
        .unwrap_or_default()
}

//! Stand-ins for auth, supervisor and info on unix sockets, answering as the real ones do.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path as Param, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use pistack_api::auth::{
    CookieExchange, CookieLogin, CookieSession, ExchangedToken, PublicUser, SetupRequest,
};
use pistack_api::event::Event;
use pistack_api::process::ProcessInfo;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_kit::guard::{AdminCaller, Caller, Guard, RootCaller};
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::problem::Problem;
use pistack_kit::service::Context;
use pistack_kit::sse::{self, SseEvent};
use pistack_kit::testing::TestAuth;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::broadcast;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const CODE: &str = "K7QF-2M9X";
pub(crate) const OTP: &str = "123456";
pub(crate) const NOW: i64 = 1_700_000_000;

/// What the stand-ins know and have seen.
pub(crate) struct Fake {
    pub(crate) auth: TestAuth,
    pub(crate) setup_required: Mutex<bool>,
    /// Bodies of `/internal/session/end`.
    pub(crate) ended: Mutex<Vec<Value>>,
    /// Logins as they arrived.
    pub(crate) logins: Mutex<Vec<CookieLogin>>,
    /// `action name` of every control call.
    pub(crate) acted: Mutex<Vec<String>>,
    pub(crate) processes: Mutex<Vec<ProcessInfo>>,
    /// How often all programs were asked for.
    pub(crate) lists: AtomicUsize,
    /// By `name/channel`.
    pub(crate) logs: Mutex<BTreeMap<String, String>>,
    pub(crate) events: broadcast::Sender<Event>,
    /// What the account's calls were, with their bodies.
    pub(crate) account: Mutex<Vec<String>>,
    /// The person has to prove who it is first.
    pub(crate) stale: Mutex<bool>,
    lifecycle: Lifecycle,
}

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            auth: TestAuth::new(),
            setup_required: Mutex::new(false),
            ended: Mutex::default(),
            logins: Mutex::default(),
            acted: Mutex::default(),
            processes: Mutex::default(),
            lists: AtomicUsize::new(0),
            logs: Mutex::default(),
            events: broadcast::channel(64).0,
            account: Mutex::default(),
            stale: Mutex::default(),
            lifecycle: Lifecycle::new(),
        })
    }

    /// The dashboard's surroundings, with a guard that knows the stand-in's key.
    pub(crate) fn context(&self, directory: &Path) -> Context {
        pistack_kit::testing::context(Service::Control, directory, &self.auth)
    }

    pub(crate) fn token(&self, level: Level) -> String {
        self.auth.token(&format!("{level}").to_lowercase(), level, NOW)
    }

    /// Serves one of the three until the test ends.
    pub(crate) fn serve(self: &Arc<Self>, service: Service, context: &Context) {
        let router = match service {
            Service::Auth => self.auth_routes(),
            Service::Supervisor => self.supervisor_routes(),
            Service::Info => Router::new()
                .route("/api/info/board", get(board))
                .route("/api/info/programs", get(programs))
                .with_state(Arc::clone(self)),
            other => panic!("no stand-in for {other}"),
        };
        let guard = Guard::new(service, context.clock.clone());
        guard.set_keys(&self.auth.keys());
        let router = router.layer(axum::Extension(guard));
        let path = context.paths.service_socket(service);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(path).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    fn auth_routes(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/internal/state", get(auth_state))
            .route("/internal/session", post(session))
            .route("/internal/session/end", post(session_end))
            .route("/internal/setup", post(setup))
            .route("/internal/exchange", post(exchange))
            .merge(super::fake_account::routes())
            .merge(super::fake_board::people())
            .with_state(Arc::clone(self))
    }

    fn supervisor_routes(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/api/supervisor/processes/list", get(list))
            .route("/api/supervisor/processes/{name}/{action}", post(act))
            .route("/api/supervisor/processes/{name}/log", get(log))
            .route("/api/supervisor/processes/{name}/runs", get(runs))
            .route("/api/supervisor/processes/{name}/config", get(configuration))
            .route("/api/supervisor/runs", get(digests))
            .route("/api/supervisor/events", get(events))
            .with_state(Arc::clone(self))
    }

    /// Changes a process and tells it as the supervisor would.
    pub(crate) fn change(&self, name: &str, state: i32, statename: &str) {
        if let Some(info) = self
            .processes
            .lock()
            .unwrap()
            .iter_mut()
            .find(|info| info.name == name)
        {
            info.state = state;
            statename.clone_into(&mut info.statename);
        }
        let event = Event {
            serial: 1,
            name: format!("PROCESS_STATE_{statename}"),
            at: NOW,
            fields: serde_json::Map::new(),
            data: String::new(),
        };
        // Nobody listening is no error.
        let _ = self.events.send(event);
    }

    fn signed_in(&self, name: &str) -> Json<CookieSession> {
        assert!(!*self.setup_required.lock().unwrap() || name == "root");
        Json(CookieSession {
            cookie: format!("cookie-of-{name}"),
            max_age: 86_400,
            user: user(name, Level::Root),
            device_token: Some("device-1".to_owned()),
        })
    }
}

fn user(name: &str, level: Level) -> PublicUser {
    PublicUser {
        id: format!("id-of-{name}"),
        name: name.to_owned(),
        level,
    }
}

/// A process in supervisord's terms.
pub(crate) fn process(group: &str, name: &str, state: i32) -> ProcessInfo {
    let running = matches!(state, 10 | 20 | 40);
    let statename = match state {
        0 => "STOPPED",
        10 => "STARTING",
        20 => "RUNNING",
        30 => "BACKOFF",
        40 => "STOPPING",
        100 => "EXITED",
        200 => "FATAL",
        _ => "UNKNOWN",
    };
    ProcessInfo {
        name: name.to_owned(),
        group: group.to_owned(),
        start: if running { NOW - 273_600 } else { 0 },
        stop: if running { 0 } else { NOW - 7200 },
        now: NOW,
        state,
        statename: statename.to_owned(),
        spawnerr: String::new(),
        exitstatus: 0,
        logfile: format!("/var/log/{name}.log"),
        stdout_logfile: format!("/var/log/{name}.log"),
        stderr_logfile: String::new(),
        pid: if running { 812 } else { 0 },
        description: if running {
            "pid 812, uptime 3 days, 4:00:00".to_owned()
        } else {
            "Not started".to_owned()
        },
    }
}

async fn runs(_: AdminCaller, Param(name): Param<String>) -> Json<Value> {
    let running = json!({ "start": NOW - 3600, "pid": 812, "state": "RUNNING", "tries": 0 });
    let killed = json!({ "start": NOW - 8000, "pid": 700, "end": NOW - 7200, "state": "EXITED", "signal": 9,
        "expected": false, "tries": 0 });
    let missing = json!({ "start": NOW - 9000, "end": NOW - 8100, "state": "EXITED", "exitstatus": 127,
        "expected": false, "tries": 0 });
    let act = json!({ "at": NOW - 7300, "what": "restart", "by": format!("<i>anna</i> {name}") });
    Json(json!({ "runs": [running, killed, missing], "acts": [act] }))
}

async fn configuration(_: AdminCaller, Param(name): Param<String>) -> Json<Value> {
    Json(json!({ "values": [
        { "key": "autorestart", "value": "unexpected" },
        { "key": "command", "value": format!("/usr/bin/{name} <x>"), "file": "/etc/conf.d/<b>a.ini", "line": 12 },
    ], "places": true, "built_in": false, "environment": [
        { "name": "MQTT_HOST", "value": "mqtt.<i>local", "file": "/etc/supervisord.conf", "line": 3 },
        { "name": "MQTT_PASSWORD", "file": "/etc/supervisord.conf", "line": 3 },
    ] }))
}

async fn digests(_: AdminCaller, State(fake): State<Arc<Fake>>) -> Json<Value> {
    let one = |info: &ProcessInfo| {
        let name = format!("{}:{}", info.group, info.name);
        let last = json!({ "start": NOW - 9000, "end": NOW - 7250, "state": "EXITED", "exitstatus": info.exitstatus,
            "expected": false, "tries": 0 });
        let ended = info.state == 100;
        json!({ "name": name, "restarts": 2, "last": if ended { last } else { Value::Null } })
    };
    let all: Vec<_> = fake.processes.lock().unwrap().iter().map(one).collect();
    Json(json!({ "processes": all }))
}

/// What the programs take; the pattern of the points is made up.
async fn programs(_: Caller, State(fake): State<Arc<Fake>>) -> Json<Value> {
    let one = |(at, info): (usize, &ProcessInfo)| {
        let cpu: Vec<_> = (0..60)
            .map(|point| (point > 3).then_some(((point * (at + 3) * 7) % 40) as f64 / 10.0))
            .collect();
        let memory: Vec<_> = (0..60).map(|point| 38_000_000 + point * 10_000).collect();
        json!({ "name": info.full_name(), "pid": info.pid, "processes": 1, "cpu_percent": 1.2,
            "memory_bytes": 38_590_000, "cpu": cpu, "memory": memory })
    };
    let list = fake.processes.lock().unwrap();
    let running = list.iter().filter(|info| info.pid > 0);
    Json(json!({ "step_s": 10, "programs": running.enumerate().map(one).collect::<Vec<_>>() }))
}

async fn auth_state(State(fake): State<Arc<Fake>>) -> Json<Value> {
    Json(json!({ "setup_required": *fake.setup_required.lock().unwrap() }))
}

async fn session(State(fake): State<Arc<Fake>>, Json(login): Json<CookieLogin>) -> Response {
    fake.logins.lock().unwrap().push(login.clone());
    if login.name == "busy" {
        return Problem::new(StatusCode::TOO_MANY_REQUESTS, "throttled", "too many attempts")
            .with("retry_after", 90)
            .into_response();
    }
    if login.password != PASSWORD {
        return Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_credentials",
            "invalid credentials",
        )
        .into_response();
    }
    // "careful" has a second factor
    match (login.name.as_str(), login.otp.as_str()) {
        ("careful", "") => Problem::new(
            StatusCode::UNAUTHORIZED,
            "second-factor-required",
            "second factor required",
        )
        .into_response(),
        ("imported", _) if login.new_password.is_empty() => Problem::new(
            StatusCode::FORBIDDEN,
            "password_change_required",
            "password must be changed",
        )
        .into_response(),
        ("imported", _) if login.new_password.len() < 8 => {
            Problem::new(StatusCode::BAD_REQUEST, "weak_password", "at least 8 characters").into_response()
        }
        ("careful", otp) if otp != OTP => Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid-second-factor",
            "invalid second factor",
        )
        .into_response(),
        _ => fake.signed_in(&login.name).into_response(),
    }
}

async fn session_end(State(fake): State<Arc<Fake>>, Json(body): Json<Value>) -> StatusCode {
    fake.ended.lock().unwrap().push(body);
    StatusCode::NO_CONTENT
}

async fn setup(State(fake): State<Arc<Fake>>, Json(request): Json<SetupRequest>) -> Response {
    if !*fake.setup_required.lock().unwrap() {
        return Problem::new(StatusCode::CONFLICT, "already_set_up", "already set up").into_response();
    }
    if request.code != CODE {
        return Problem::new(StatusCode::FORBIDDEN, "invalid_setup_code", "invalid setup code")
            .into_response();
    }
    if request.password.len() < 8 {
        return Problem::new(StatusCode::BAD_REQUEST, "weak_password", "at least 8 characters")
            .into_response();
    }
    let answer = fake.signed_in(&request.name).into_response();
    *fake.setup_required.lock().unwrap() = false;
    answer
}

async fn exchange(State(fake): State<Arc<Fake>>, Json(body): Json<CookieExchange>) -> Response {
    let Some(name) = body.cookie.strip_prefix("cookie-of-") else {
        return Problem::new(StatusCode::UNAUTHORIZED, "session_over", "session is over").into_response();
    };
    Json(ExchangedToken {
        access_token: fake.auth.token(name, Level::Root, NOW),
        expires_in: 300,
        sid: format!("session-of-{name}"),
        user: user(name, Level::Root),
    })
    .into_response()
}

async fn list(_: AdminCaller, State(fake): State<Arc<Fake>>) -> Json<Vec<ProcessInfo>> {
    let list = fake.processes.lock().unwrap().clone();
    fake.lists.fetch_add(1, Ordering::SeqCst);
    Json(list)
}

async fn act(
    _: RootCaller,
    State(fake): State<Arc<Fake>>,
    Param((name, action)): Param<(String, String)>,
) -> Result<Json<ProcessInfo>, Problem> {
    fake.acted.lock().unwrap().push(format!("{action} {name}"));
    let mut processes = fake.processes.lock().unwrap();
    let info = processes
        .iter_mut()
        .find(|info| format!("{}:{}", info.group, info.name) == name)
        .ok_or_else(|| Problem::not_found("unknown process"))?;
    match (action.as_str(), info.state) {
        ("start", 20) => Err(Problem::new(
            StatusCode::CONFLICT,
            "already_started",
            "ALREADY_STARTED: x",
        )),
        ("start", _) if info.name.starts_with("broken") => {
            Err(Problem::new(StatusCode::CONFLICT, "spawn_error", "SPAWN_ERROR: x").detail("no such <file>"))
        }
        (action, _) => {
            let (state, statename) = if action == "stop" {
                (0, "STOPPED")
            } else {
                (20, "RUNNING")
            };
            info.state = state;
            statename.clone_into(&mut info.statename);
            info.start = NOW;
            Ok(Json(info.clone()))
        }
    }
}

async fn log(
    _: AdminCaller,
    State(fake): State<Arc<Fake>>,
    Param(name): Param<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Json<Value>, Problem> {
    let number = |key: &str| query.get(key).and_then(|value| value.parse::<usize>().ok());
    let logs = fake.logs.lock().unwrap();
    let text = logs
        .get(&format!("{name}/{}", query["channel"]))
        .ok_or_else(|| Problem::new(StatusCode::CONFLICT, "no_file", "NO_FILE: x"))?;
    let answer = |from: usize, to: usize, overflow: bool| {
        // as the real service: bytes, cut anywhere
        let data = String::from_utf8_lossy(&text.as_bytes()[from..to]);
        Ok(Json(json!({ "data": data, "offset": to, "overflow": overflow })))
    };
    match (number("tail"), number("offset")) {
        (Some(tail), _) => answer(text.len().saturating_sub(tail), text.len(), tail < text.len()),
        (None, Some(offset)) if offset > text.len() => answer(text.len(), text.len(), true),
        (None, offset) => {
            let from = offset.unwrap_or(0);
            let to = text.len().min(from + number("length").unwrap_or(16_384));
            answer(from, to, to < text.len())
        }
    }
}

async fn events(_: AdminCaller, State(fake): State<Arc<Fake>>, headers: HeaderMap) -> Response {
    assert_eq!(headers["accept"], "text/event-stream");
    let stream = futures_util::stream::unfold(fake.events.subscribe(), |mut events| async {
        let event = events.recv().await.ok()?;
        let message = SseEvent {
            id: Some(event.serial.to_string()),
            event: None,
            data: serde_json::to_string(&event).unwrap(),
        };
        Some((message, events))
    });
    sse::response(stream, &fake.lifecycle)
}

async fn board(_: Caller) -> Json<Value> {
    Json(json!({
        "model": "Raspberry Pi 4 Model B Rev 1.5", "os": "Debian GNU/Linux 12 (bookworm)", "kernel": "6.1.0-18-arm64",
        "architecture": "aarch64", "hostname": "malina", "uptime_s": 1_036_800, "load": [0.21, 0.35, 0.30], "cpus": 4,
        "cpu_temperature": 52.6,
        "memory": { "total": 3_980_000_000_u64, "available": 2_610_000_000_u64, "swap_total": 0, "swap_free": 0 },
        "disk": { "path": "/", "total": 31_200_000_000_u64, "available": 3_900_000_000_u64, "read_only": false }
    }))
}

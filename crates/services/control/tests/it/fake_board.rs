//! Stand-ins for io, info, rules and the gateway's socket, and auth's calls for other people's accounts.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::{Path as Param, State};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use http::StatusCode;
use pistack_api::service::Service;
use pistack_kit::guard::{AdminCaller, Caller, Guard, RootCaller};
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::problem::Problem;
use pistack_kit::service::Context;
use pistack_kit::sse::{self, SseEvent};
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::broadcast;

use super::fake::{Fake, NOW};

/// A name that tries everything.
pub(crate) const EVIL: &str = "<script>alert(1)</script>\"'>\u{1b}[31m\u{202e}";

/// What the stand-ins know and have seen.
pub(crate) struct Board {
    /// Whether the relay is on.
    pub(crate) on: Mutex<bool>,
    pub(crate) stopped: Mutex<bool>,
    /// Calls that changed something.
    pub(crate) acted: Mutex<Vec<String>>,
    pub(crate) events: broadcast::Sender<()>,
    lifecycle: Lifecycle,
}

type Shared = State<Arc<Board>>;

impl Board {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            on: Mutex::new(false),
            stopped: Mutex::new(false),
            acted: Mutex::default(),
            events: broadcast::channel(16).0,
            lifecycle: Lifecycle::new(),
        })
    }

    fn note(&self, what: impl Into<String>) {
        self.acted.lock().unwrap().push(what.into());
        // Nobody listening is no error.
        let _ = self.events.send(());
    }

    /// Serves one of them until the test ends.
    pub(crate) fn serve(self: &Arc<Self>, fake: &Arc<Fake>, service: Service, context: &Context) {
        let router = match service {
            Service::Io => self.io(),
            Service::Info => info(),
            Service::Rules => self.rules(),
            other => panic!("no stand-in for {other} here"),
        };
        let guard = Guard::new(service, context.clock.clone());
        guard.set_keys(&fake.auth.keys());
        bind(
            &context.paths.service_socket(service),
            router.layer(axum::Extension(guard)),
        );
    }

    /// Serves the gateway's socket.
    pub(crate) fn serve_gateway(context: &Context) {
        let router = Router::new()
            .route("/internal/routes", get(routes))
            .route("/internal/tls", get(tls));
        bind(&context.paths.run().join("gateway.sock"), router);
    }

    fn io(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/api/io/lines", get(lines))
            .route("/api/io/board", get(header))
            .route("/api/io/sensors", get(sensors))
            .route("/api/io/events", get(events))
            .route("/api/io/lines/{line}/value", put(set))
            .route("/api/io/lines/{line}/toggle", post(toggle))
            .route("/api/io/lines/{line}/pwm", put(pwm))
            .route("/api/io/stop", post(stop))
            .route("/api/io/release", post(release))
            .with_state(Arc::clone(self))
    }

    fn rules(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/api/notify/channels", get(channels))
            .route("/api/notify/channels/{name}/test", post(test_channel))
            .with_state(Arc::clone(self))
    }
}

fn bind(path: &Path, router: Router) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn lines(_: Caller, State(board): Shared) -> Json<Value> {
    let on = *board.on.lock().unwrap();
    Json(
        json!({ "backend": "simulated", "warning": "no_gpio_backend", "safe_mode": *board.stopped.lock().unwrap(), "lines": [
        { "name": "relay1", "bcm": 17, "pin": 11, "chip": "x", "offset": 17, "direction": "output", "value": on,
          "allowed": ["read", "write"], "label": EVIL, "changed_by": "user:anna", "changed_at": "2026-11-23T18:00:00Z",
          "reserved": true, "pwm": null, "action": null, "holder": null, "error": null },
        { "name": "door", "bcm": 27, "pin": 13, "chip": "x", "offset": 27, "direction": "input", "value": true,
          "allowed": ["read"], "reserved": true },
        { "name": null, "bcm": 2, "pin": 3, "chip": "x", "offset": 2, "direction": null, "value": null,
          "allowed": ["read"], "reserved": false, "holder": EVIL },
    ] }),
    )
}

async fn header(_: Caller) -> Json<Value> {
    let bcm = [(3, 2), (11, 17), (13, 27), (40, 21)];
    let pins: Vec<_> = (1..=40)
        .map(|pin: u8| {
            let found = bcm.iter().find(|(number, _)| *number == pin).map(|(_, bcm)| *bcm);
            let name = match (pin, found) {
                (_, Some(bcm)) => format!("GPIO{bcm}"),
                (1, _) => "3V3".to_owned(),
                (2, _) => "5V".to_owned(),
                _ => "GND".to_owned(),
            };
            json!({ "pin": pin, "bcm": found, "name": name, "functions": ["SPI1 CE1"], "used_by": null })
        })
        .collect();
    Json(json!({ "model": "x", "header": pins }))
}

async fn sensors(_: Caller) -> Json<Value> {
    Json(
        json!({ "sensors": [{ "id": "28-1", "label": EVIL, "kind": "ds18b20", "quantity": "temperature",
        "value": 21.437, "unit": "°C", "age_ms": 1200, "quality": "ok" }] }),
    )
}

async fn events(_: Caller, State(board): Shared) -> Response {
    let stream = futures_util::stream::unfold(board.events.subscribe(), |mut events| async {
        events.recv().await.ok()?;
        let message = SseEvent {
            id: None,
            event: None,
            data: "{}".to_owned(),
        };
        Some((message, events))
    });
    sse::response(stream, &board.lifecycle)
}

fn refuse(line: &str) -> Result<(), Problem> {
    match line {
        "relay1" => Ok(()),
        "door" => Err(Problem::new(
            StatusCode::CONFLICT,
            "wrong_direction",
            "door is an input",
        )),
        _ => Err(Problem::not_found("line_unknown")),
    }
}

async fn set(
    _: Caller,
    State(board): Shared,
    Param(line): Param<String>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Problem> {
    refuse(&line)?;
    if *board.stopped.lock().unwrap() {
        return Err(Problem::new(StatusCode::LOCKED, "safe_mode", "stopped"));
    }
    *board.on.lock().unwrap() = body["value"] == true;
    board.note(format!("set {line} {body}"));
    Ok(Json(json!({ "name": line })))
}

async fn toggle(_: Caller, State(board): Shared, Param(line): Param<String>) -> Result<Json<Value>, Problem> {
    refuse(&line)?;
    let on = {
        let mut on = board.on.lock().unwrap();
        *on = !*on;
        *on
    };
    board.note(format!("toggle {line} {on}"));
    Ok(Json(json!({ "name": line })))
}

async fn pwm(
    _: Caller,
    State(board): Shared,
    Param(line): Param<String>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Problem> {
    refuse(&line)?;
    board.note(format!("pwm {line} {body}"));
    Ok(Json(json!({ "name": line })))
}

async fn stop(_: Caller, State(board): Shared) -> Json<Value> {
    *board.stopped.lock().unwrap() = true;
    board.note("stop");
    Json(json!({ "safe_mode": true }))
}

async fn release(_: Caller, State(board): Shared) -> Json<Value> {
    *board.stopped.lock().unwrap() = false;
    board.note("release");
    Json(json!({ "safe_mode": false }))
}

fn info() -> Router {
    let series: Vec<_> = (0..120).map(|at| json!(f64::from(at % 40))).collect();
    let history = json!({ "from": NOW - 3600, "step_s": 30, "series": {
        "cpu": series, "memory": series, "temperature": series, "load": series, "disk": series, "net_rx": series,
        "net_tx": [null, null, 5.0] } });
    let answers = [
        (
            "board",
            json!({ "model": EVIL, "os": "Debian GNU/Linux 12", "hostname": "malina", "uptime_s": 3600 }),
        ),
        (
            "now",
            json!({ "at": NOW, "cpu_percent": 12.5, "cores": [10.0, 15.0], "cpu_temperature": 61.2, "load": [0.1, 0.2, 0.3],
            "memory": { "total": 4_000_000_000_u64, "available": 3_000_000_000_u64, "swap_total": 0, "swap_free": 0 },
            "psi": {}, "temperatures": [], "fans": [{ "name": EVIL, "rpm": 900 }], "disk_io": [], "net": [],
            "throttling": { "bits": 0x5_0001, "under_voltage": true, "frequency_capped": false, "throttled": false,
                "soft_temperature_limit": false, "words": ["x"] } }),
        ),
        (
            "network",
            json!({ "source": "netlink", "interfaces": [{ "name": EVIL, "mac": "dc:a6:32:00:00:01", "state": "up", "flags": [],
            "addresses": [{ "address": "192.168.1.7", "prefix": 24, "scope": "global" }], "rx_bytes_s": 2000.0, "tx_bytes_s": 10.0 }],
            "routes": [{ "destination": "default", "gateway": "192.168.1.1", "interface": "eth0", "metric": 100 }],
            "dns": { "servers": ["192.168.1.1"], "search": [] },
            "wifi": [{ "interface": EVIL, "ssid": EVIL, "signal_dbm": -55 }] }),
        ),
        (
            "storage",
            json!({ "mounts": [{ "point": "/", "source": "/dev/mmcblk0p2", "kind": "ext4", "read_only": true, "total": 1000, "available": 100,
            "used_percent": 90.0, "inodes": 100, "inodes_free": 50 }], "root_read_only": true,
            "disks": [{ "name": "mmcblk0", "model": EVIL, "kind": "sd", "bytes": 32_000_000_000_u64, "wear": null }],
            "written": [{ "disk": "mmcblk0", "day": "2023-11-13", "bytes": 5_000_000 }] }),
        ),
        (
            "users",
            json!({ "users": [], "logged_in": [{ "user": EVIL, "service": "sshd", "from": "192.168.1.20", "since": NOW }] }),
        ),
        (
            "processes",
            json!({ "processes": [{ "pid": 42, "name": EVIL, "user": "pi", "state": "S", "cpu_percent": 7.5,
            "memory_bytes": 12_000_000, "threads": 1, "age_s": 5 }] }),
        ),
        (
            "reachability",
            json!({ "gateway": { "target": "192.168.1.1", "reachable": true, "latency_ms": 1.25 },
            "host": { "target": EVIL, "reachable": false, "error": "timed out" }, "age_s": 3 }),
        ),
        ("history", history),
        (
            "weather",
            json!({ "temperature": 3.4, "temperature_c": 3.4, "feels_like_c": 1.0, "code": 61, "is_day": true, "age_s": 60,
            "stale": true, "attribution": { "text": EVIL, "url": "javascript:alert(1)" },
            "daily": [{ "date": "2023-11-15", "code": 0, "max_c": 9.0, "min_c": 2.0 }] }),
        ),
    ];
    answers.into_iter().fold(Router::new(), |router, (name, answer)| {
        router.route(
            &format!("/api/info/{name}"),
            get(async move |_: Caller| Json(answer)),
        )
    })
}

async fn channels(_: AdminCaller) -> Json<Value> {
    Json(
        json!({ "channels": [{ "name": "phone", "kind": "ntfy", "to": EVIL, "fallback": null, "limit_hour": 10,
        "limit_day": 100, "quiet": null, "waiting": 2, "last_state": "failed", "last_detail": EVIL, "last_at": NOW }] }),
    )
}

async fn test_channel(_: AdminCaller, State(board): Shared, Param(name): Param<String>) -> Json<Value> {
    board.note(format!("test {name}"));
    Json(json!({ "ok": name == "phone", "detail": "200 OK" }))
}

async fn routes() -> Json<Value> {
    Json(
        json!({ "routes": [{ "name": "grafana", "path": "/grafana", "to": "http://127.0.0.1:3000", "own": true, "auth": "admin",
        "hosts": [EVIL], "requests": 1234, "errors": 5, "down_since": 1_700_000_000 }] }),
    )
}

async fn tls() -> Json<Value> {
    Json(
        json!({ "certificates": [{ "kind": "root", "path": "/x", "names": [], "issuer": EVIL, "not_before": 0,
        "not_after": NOW + 86_400 * 100, "fingerprint": "AB:CD", "shown": true }],
        "page": "http://192.168.1.7/ca/", "qr_svg": "<svg viewBox=\"0 0 9 9\"><path d=\"M0 0h1v1h-1z\"/></svg>" }),
    )
}

/// Auth's calls for other people's accounts.
pub(crate) fn people() -> Router<Arc<Fake>> {
    Router::new()
        .route("/api/auth/user/overview", get(overview))
        .route("/api/auth/user/add", post(add))
        .route("/api/auth/user/{id}", axum::routing::patch(change).delete(remove))
        .route("/api/auth/user/{id}/grants", put(change))
        .route("/api/auth/user/{id}/sessions", get(sessions).delete(remove))
        .route("/api/auth/user/{id}/second-factor", delete(remove))
        .route("/api/auth/user/{id}/unlock", post(unlock))
        .route("/api/auth/copies", get(copies).post(copy))
}

fn fresh(fake: &Fake) -> Result<(), Problem> {
    if *fake.stale.lock().unwrap() {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "reauthentication-required",
            "reauthentication required",
        ));
    }
    Ok(())
}

async fn overview(_: AdminCaller) -> Json<Value> {
    let account = |id: &str, name: &str, level: &str, manageable: bool| {
        json!({ "id": id, "name": name, "level": level, "email": EVIL, "disabled": false,
            "must_change_password": true, "second_factor": true, "sessions": 2, "grants": ["gpio:relay1:write", "process:camera:restart"],
            "limited": false, "manageable": manageable })
    };
    Json(json!([
        account("u1", EVIL, "User", true),
        account("r1", "root", "Root", false)
    ]))
}

async fn add(
    _: AdminCaller,
    State(fake): State<Arc<Fake>>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Problem> {
    fresh(&fake)?;
    if body["name"] == "taken" {
        return Err(Problem::new(StatusCode::CONFLICT, "user_exists", "user exists"));
    }
    fake.account.lock().unwrap().push(format!("add {body}"));
    Ok(Json(json!({ "id": "u2" })))
}

async fn change(
    _: AdminCaller,
    State(fake): State<Arc<Fake>>,
    Param(id): Param<String>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Problem> {
    fresh(&fake)?;
    fake.account.lock().unwrap().push(format!("change {id} {body}"));
    Ok(Json(json!({})))
}

async fn remove(
    _: AdminCaller,
    State(fake): State<Arc<Fake>>,
    Param(id): Param<String>,
) -> Result<Json<Value>, Problem> {
    fresh(&fake)?;
    fake.account.lock().unwrap().push(format!("remove {id}"));
    Ok(Json(json!({})))
}

async fn unlock(_: AdminCaller, State(fake): State<Arc<Fake>>, Param(id): Param<String>) -> Json<Value> {
    fake.account.lock().unwrap().push(format!("unlock {id}"));
    Json(json!({}))
}

async fn sessions(_: RootCaller) -> Json<Value> {
    Json(
        json!([{ "sid": "s9", "kind": "dashboard", "device": EVIL, "address": "192.168.1.50",
        "created_at": NOW, "last_used_at": NOW, "expires_at": NOW + 100, "current": false }]),
    )
}

async fn copies(_: RootCaller) -> Json<Value> {
    Json(
        json!({ "supported": true, "kept": 7, "copies": [{ "number": 3, "path": "/var/lib/pistack/backup/auth.000003.sqlite3",
        "bytes": 40_960, "made_at": NOW }] }),
    )
}

async fn copy(_: RootCaller, State(fake): State<Arc<Fake>>) -> Result<Json<Value>, Problem> {
    fresh(&fake)?;
    fake.account.lock().unwrap().push("copy".to_owned());
    Ok(Json(json!({ "number": 4 })))
}

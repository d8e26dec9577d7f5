//! Stand-ins for the rules and the mail service.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use pistack_api::service::Service;
use pistack_kit::guard::{AdminCaller, Caller, Guard, RootCaller};
use pistack_kit::problem::Problem;
use pistack_kit::service::Context;
use serde_json::{Value, json};
use tokio::net::UnixListener;

use super::fake::{Fake, NOW};

/// What hostile people write.
pub(crate) const EVIL: &str = "<script>alert(1)</script>\u{1b}[31m\u{202e}";

/// What was asked for: method, path, body.
pub(crate) type Seen = Arc<Mutex<Vec<String>>>;

#[derive(Clone)]
struct Knows {
    fake: Arc<Fake>,
    seen: Seen,
}

/// Serves both until the test ends.
pub(crate) fn serve(fake: &Arc<Fake>, context: &Context, services: &[Service]) -> Seen {
    let seen = Seen::default();
    let knows = Knows {
        fake: Arc::clone(fake),
        seen: Arc::clone(&seen),
    };
    for service in services {
        let router = match service {
            Service::Rules => rules(),
            _ => mail(),
        };
        let guard = Guard::new(*service, context.clock.clone());
        guard.set_keys(&fake.auth.keys());
        let router = router.with_state(knows.clone()).layer(axum::Extension(guard));
        let path = context.paths.service_socket(*service);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(path).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    seen
}

fn rules() -> Router<Knows> {
    Router::new()
        .route("/api/rules/list", get(async |_: AdminCaller| Json(list())))
        .route("/api/rules/names", get(async |_: AdminCaller| Json(names())))
        .route("/api/rules/check", post(check))
        .route("/api/rules/events", get(async |_: AdminCaller| Json(events())))
        .route("/api/rules/log", get(async |_: AdminCaller| Json(log())))
        .route("/api/rules/test", post(test))
        .route("/api/rules/rule/{name}", get(text).put(put).delete(remove))
        .route("/api/rules/rule/{name}/{what}", post(set))
        .route(
            "/api/notify/channels",
            get(async |_: AdminCaller| Json(channels())),
        )
        .route("/api/notify/channels/{name}/test", post(test_channel))
}

fn mail() -> Router<Knows> {
    Router::new()
        .route("/api/email/status", get(async |_: Caller| Json(status())))
        .route("/api/email/messages", get(mails).post(send))
        .route("/api/email/messages/{id}", get(one).delete(forget))
        .route(
            "/api/email/messages/{id}/attempts",
            get(async |_: Caller| Json(attempts())),
        )
        .route("/api/email/messages/{id}/retry", post(retry))
        .route("/api/email/test", post(test_mail))
        .route("/api/email/resume", post(async |_: AdminCaller| Json(json!({}))))
}

fn list() -> Value {
    json!({ "rules": [
        { "name": "camera-down", "enabled": true, "active": [], "fired": 3, "last_fired": NOW - 60, "held": 2,
          "last_held": "cooling down", "next_allowed_in": 120, "problem": null, "severity": "warning",
          "definition": { "when": { "event": "crashed", "program": "camera" }, "then": [{ "notify": { "channels": ["me"] } }] },
          "file": "/etc/pistack/pistack.toml", "line": 12, "editable": false },
        { "name": "made", "enabled": false, "active": [], "fired": 0, "last_fired": null, "held": 0, "last_held": null,
          "next_allowed_in": null, "problem": null, "severity": "info",
          "definition": { "when": { "cron": "0 3 * * *" }, "then": [{ "log": EVIL }] },
          "file": "/etc/pistack/pistack.d/90-ui.toml", "line": 3, "editable": true }
    ] })
}

fn names() -> Value {
    json!({ "programs": ["camera", "camera:camera", EVIL], "lines": ["lamp"], "channels": ["me"], "rules": ["made"],
        "events": [], "metrics": ["temperature", "cpu"] })
}

async fn check(_: RootCaller, State(knows): State<Knows>, Json(body): Json<Value>) -> Json<Value> {
    knows.seen.lock().unwrap().push(format!("check {body}"));
    let program = body["rule"]["when"]["program"].as_str().unwrap_or_default();
    let torn = body["toml"]
        .as_str()
        .is_some_and(|toml| toml.contains("when = {\n"));
    let faults = if program == "camra" {
        json!([{ "path": "when.program", "line": 1, "message": format!("there is no program `{EVIL}`"), "help": "did you mean `camera`?", "place": null }])
    } else if torn {
        json!([{ "path": "", "line": 2, "message": "unclosed table", "help": null, "place": null }])
    } else {
        json!([])
    };
    let rule = if torn {
        json!({})
    } else {
        json!({ "when": { "event": "crashed" }, "then": [{ "log": "x" }] })
    };
    Json(json!({ "faults": faults, "toml": "when = { event = \"crashed\" }\n", "rule": rule }))
}

async fn text(_: AdminCaller, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    match name.as_str() {
        "camera-down" | "made" => Ok(Json(json!({
            "name": name, "file": "/etc/pistack/pistack.d/90-ui.toml", "line": 3, "editable": name == "made",
            "toml": format!("# {EVIL}\nwhen = {{ cron = \"0 3 * * *\" }}\n"),
            "rule": { "when": { "cron": "0 3 * * *" }, "then": [{ "log": EVIL }] } }))),
        _ => Err(Problem::not_found("there is no such rule")),
    }
}

fn fresh(knows: &Knows) -> Result<(), Problem> {
    if *knows.fake.stale.lock().unwrap() {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "reauthentication-required",
            "reauthentication required",
        ));
    }
    Ok(())
}

async fn put(
    _: RootCaller,
    State(knows): State<Knows>,
    Path(name): Path<String>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Problem> {
    fresh(&knows)?;
    if name == "camera-down" {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "rule_elsewhere",
            "this rule stands in a file of your own",
        )
        .detail("It stands at /etc/pistack/pistack.toml:12"));
    }
    knows.seen.lock().unwrap().push(format!("put {name} {body}"));
    Ok(Json(json!({ "rule": name, "file": "x" })))
}

async fn remove(
    _: RootCaller,
    State(knows): State<Knows>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    fresh(&knows)?;
    knows.seen.lock().unwrap().push(format!("remove {name}"));
    Ok(Json(json!({ "removed": true })))
}

async fn set(
    _: AdminCaller,
    State(knows): State<Knows>,
    Path((name, what)): Path<(String, String)>,
) -> Json<Value> {
    knows.seen.lock().unwrap().push(format!("{what} {name}"));
    Json(json!({ "rule": name, "set": what, "lasting": true }))
}

async fn test(_: AdminCaller, State(knows): State<Knows>, Json(body): Json<Value>) -> Json<Value> {
    knows.seen.lock().unwrap().push(format!("test {body}"));
    Json(
        json!({ "outcomes": [{ "rule": body["rule"], "fires": true, "why": format!("because {EVIL}"), "reasons": [{ "code": "cooling-down", "values": { "seconds": "42" } },
            { "code": "no-message", "values": { "why": EVIL } }], "actions": [format!("notify me: {EVIL}")] }] }),
    )
}

fn log() -> Value {
    json!({ "firings": [{ "id": 7, "at": NOW - 60, "rule": "camera-down", "kind": "fired", "key": EVIL, "severity": "critical",
        "count": 1, "since": NOW, "why": EVIL, "event": {}, "results": [{ "action": "run", "ok": false, "detail": EVIL, "ms": 1 }],
        "deliveries": [] }] })
}

fn events() -> Value {
    json!({ "events": [
        { "id": 9, "at": NOW - 5, "name": "PROCESS_STATE_EXITED", "fields": { "processname": EVIL, "groupname": "g", "expected": "0" } },
        { "id": 8, "at": NOW - 9, "name": "STACK", "fields": { "kind": "power.undervoltage", "summary": format!("Low {EVIL}") } },
        { "id": 7, "at": NOW - 10, "name": "PROCESS_STATE_STARTING", "fields": { "processname": "x", "groupname": "x" } }
    ] })
}

fn channels() -> Value {
    json!({ "channels": [{ "name": "me", "kind": "email", "to": EVIL, "fallback": "phone", "limit_hour": 20, "limit_day": 100,
        "quiet": null, "waiting": 2, "last_state": "failed", "last_detail": EVIL, "last_at": NOW }] })
}

async fn test_channel(_: AdminCaller, Path(name): Path<String>) -> Json<Value> {
    Json(json!({ "ok": name == "me", "detail": EVIL }))
}

fn status() -> Value {
    json!({ "outbox": { "waiting": 2, "oldest_seconds": 90, "undecided": 1, "dead": 3 },
        "channel": { "state": "paused", "server": "mail.example.org:587", "failures": 4, "error": EVIL } })
}

fn message(id: &str, state: &str) -> Value {
    json!({ "id": id, "sequence": 4, "message_id": "<x@y>", "state": state, "by": "anna", "subject": EVIL, "size": 1200,
        "created": "2023-11-14T22:13:20Z", "next_try": "2023-11-14T22:23:20Z", "tries": 2, "lost_answers": 0,
        "error": format!("451 {EVIL}"),
        "recipients": [{ "address": "a@example.org", "kind": "to", "state": state, "code": 451, "text": EVIL }] })
}

async fn mails(_: Caller) -> Json<Value> {
    Json(json!({ "messages": [message("m1", "deferred"), message("m2", "sent")], "next": 4 }))
}

async fn one(_: Caller, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    if id == "gone" {
        return Err(Problem::not_found("no such mail"));
    }
    let mut mail = message(&id, "dead");
    if id != "secret" {
        mail["text"] = EVIL.into();
        mail["html"] = "<img src=x onerror=alert(1)>".into();
        mail["attachments"] = json!([{ "name": EVIL, "content_type": "text/html", "size": 10 }]);
    }
    Ok(Json(mail))
}

fn attempts() -> Value {
    json!([{ "at": "2023-11-14T22:13:20Z", "took_ms": 12, "stage": "envelope", "outcome": "refused", "text": EVIL }])
}

async fn send(_: Caller, State(knows): State<Knows>, Json(body): Json<Value>) -> Response {
    if body["to"][0] == "nonsense" {
        return Problem::new(StatusCode::BAD_REQUEST, "invalid", "invalid mail")
            .detail("`to`: no address")
            .into_response();
    }
    knows.seen.lock().unwrap().push(format!("send {body}"));
    (StatusCode::ACCEPTED, Json(json!({ "id": "m3" }))).into_response()
}

async fn forget(_: Caller, State(knows): State<Knows>, Path(id): Path<String>) -> Json<Value> {
    knows.seen.lock().unwrap().push(format!("forget {id}"));
    Json(json!({ "removed": true }))
}

async fn retry(_: Caller, State(knows): State<Knows>, Path(id): Path<String>) -> Response {
    if id == "m2" {
        return Problem::new(StatusCode::CONFLICT, "conflict", "the mail has been sent").into_response();
    }
    knows.seen.lock().unwrap().push(format!("retry {id}"));
    (StatusCode::ACCEPTED, Json(json!({ "state": "waiting" }))).into_response()
}

async fn test_mail(_: AdminCaller, State(knows): State<Knows>, Json(body): Json<Value>) -> Response {
    knows.seen.lock().unwrap().push(format!("test mail {body}"));
    Problem::new(StatusCode::BAD_GATEWAY, "refused", "the mail server refused").into_response()
}

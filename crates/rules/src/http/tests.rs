//! The HTTP side with rights, hooks and the calls of the stack's own processes. The rules behind it are played.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use indexmap::IndexMap;
use pistack_api::event::Event;
use pistack_api::token::Level;
use pistack_kit::config::{ConfigError, ConfigErrors};
use pistack_kit::service::{App, Context};
use pistack_kit::testing::{TestAuth, context};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::desk::Desk;
use super::*;
use crate::ask::{Ask, Asker, Outcome, RuleView};
use crate::channel::config::Channel;
use crate::config::{Rule, RuleState, Run, Severity};
use crate::deliver::Dispatch;
use crate::history::History;
use crate::hub::Tables;
use crate::reload::Reloader;

struct Bench {
    folder: tempfile::TempDir,
    context: Context,
    auth: TestAuth,
    public: Router,
    internal: Router,
    events: Arc<Mutex<Vec<Event>>>,
    set: Arc<Mutex<Vec<(String, RuleState)>>>,
}

fn view(name: &str) -> RuleView {
    RuleView {
        name: name.into(),
        enabled: true,
        active: Vec::new(),
        fired: 0,
        last_fired: None,
        held: 0,
        last_held: None,
        last_held_reasons: Vec::new(),
        next_allowed_in: None,
        problem: None,
        priority: 0,
        severity: Severity::Warning,
        when: "w".into(),
        actions: vec!["notify".into()],
        definition: Value::Null,
        file: None,
        line: None,
        editable: false,
    }
}

fn tables(folder: &std::path::Path) -> Tables {
    std::fs::write(folder.join("secret"), "hush\n").unwrap();
    let rule: Rule = serde_json::from_value(json!({
        "when": { "webhook": "door", "secret_file": folder.join("secret") }, "then": [{ "log": "x" }],
    }))
    .unwrap();
    let channel = Channel {
        exec: Some(Run {
            command: vec!["sh".into(), "-c".into(), "cat".into()],
            timeout: None,
            user: None,
        }),
        ..Channel::default()
    };
    Tables {
        rules: IndexMap::from([("door".to_owned(), rule)]),
        channels: IndexMap::from([("a".to_owned(), channel)]),
        ..Tables::default()
    }
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let auth = TestAuth::new();
    let context = context(Service::Rules, folder.path(), &auth);
    let tables = tables(folder.path());
    let history = History::new(context.paths.database(Service::Rules), context.clock.clone());
    let dispatch = Dispatch::start(&context, &tables.channels, Arc::new(history));
    let (asker, mut asks) = Asker::pair();
    let (events, set) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (heard, changed) = (Arc::clone(&events), Arc::clone(&set));
    tokio::spawn(async move {
        while let Some(ask) = asks.recv().await {
            match ask {
                Ask::Event(event) => heard.lock().unwrap().push(event),
                Ask::Set {
                    rule, state, answer, ..
                } => {
                    let _ = answer.send(rule == "door");
                    changed.lock().unwrap().push((rule, state));
                }
                Ask::List(answer) => {
                    let _ = answer.send(vec![view("door"), view("other")]);
                }
                Ask::Try { event, answer, .. } => {
                    let outcome = Outcome {
                        rule: "door".into(),
                        fires: event.name == "PROCESS_STATE_EXITED",
                        why: "w".into(),
                        reasons: Vec::new(),
                        actions: Vec::new(),
                    };
                    let _ = answer.send(vec![outcome]);
                }
            }
        }
    });
    let wrong = Arc::new(|_: Option<&str>| {
        let mut error = ConfigError::whole_file("pistack.toml", "no such thing");
        error.line = 3;
        Err::<Tables, _>(ConfigErrors(vec![error]))
    });
    let front = Front::new(
        asker,
        dispatch,
        Reloader::new(tables, wrong),
        Desk::none(&context),
    );
    let app = App {
        public: public(front.clone()),
        internal: private(front),
        spec: Some(spec()),
    };
    let internal = app.internal.clone();
    Bench {
        public: pistack_kit::service::router(&context, app),
        internal,
        folder,
        context,
        auth,
        events,
        set,
    }
}

impl Bench {
    async fn ask(&self, router: &Router, request: Request<Body>) -> (StatusCode, Value) {
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn call(&self, level: Option<Level>, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(level) = level {
            let token = self.auth.token("anna", level, self.context.clock.unix());
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        self.ask(&self.public, request.body(body).unwrap()).await
    }

    async fn own(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let request = Request::builder().method(method).uri(path).body(body).unwrap();
        self.ask(&self.internal, request).await
    }

    async fn hook(&self, name: &str, secret: &str, body: &'static str) -> StatusCode {
        let request = Request::post(format!("/api/rules/hook/{name}"))
            .header("x-hook-secret", secret)
            .body(Body::from(body))
            .unwrap();
        self.ask(&self.public, request).await.0
    }
}

#[tokio::test]
async fn every_call_asks_for_its_right() {
    let bench = bench();
    let calls = [
        ("GET", "/api/rules/list", Level::Admin),
        ("GET", "/api/rules/log", Level::Admin),
        ("GET", "/api/rules/held", Level::Admin),
        ("POST", "/api/rules/rule/door/fire", Level::Admin),
        ("POST", "/api/rules/rule/door/resolve", Level::Admin),
        ("POST", "/api/rules/rule/door/enable", Level::Root),
        ("POST", "/api/rules/rule/door/disable", Level::Root),
        ("GET", "/api/notify/channels", Level::Admin),
        ("GET", "/api/notify/deliveries", Level::Admin),
        ("POST", "/api/notify/channels/a/test", Level::Admin),
    ];
    for (method, path, lowest) in calls {
        for level in [None, Some(Level::User), Some(Level::Admin), Some(Level::Root)] {
            let (status, body) = bench.call(level, method, path, Value::Null).await;
            let wanted = match level {
                None => StatusCode::UNAUTHORIZED,
                Some(level) if level < lowest => StatusCode::FORBIDDEN,
                Some(_) => StatusCode::OK,
            };
            assert_eq!(status, wanted, "{method} {path} {level:?} {body}");
        }
    }
    let (status, _) = bench
        .call(Some(Level::Root), "POST", "/internal/event", json!({}))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn rules_are_listed_switched_and_tried() {
    let bench = bench();
    let admin = Some(Level::Admin);
    let (_, body) = bench.call(admin, "GET", "/api/rules/list", Value::Null).await;
    assert_eq!(body["rules"][1]["name"], "other");
    let (status, body) = bench
        .call(
            Some(Level::Root),
            "POST",
            "/api/rules/rule/door/disable",
            Value::Null,
        )
        .await;
    assert_eq!((status, &body["set"]), (StatusCode::OK, &json!("off")));
    assert_eq!(*bench.set.lock().unwrap(), [("door".to_owned(), RuleState::Off)]);
    let (status, body) = bench
        .call(
            Some(Level::Root),
            "POST",
            "/api/rules/rule/nope/disable",
            Value::Null,
        )
        .await;
    assert_eq!(
        (status, body["message"].as_str()),
        (StatusCode::NOT_FOUND, Some("there is no rule `nope`"))
    );
    let event = json!({ "rule": "door", "event": { "name": "PROCESS_STATE_EXITED", "fields": { "processname": "cam" } } });
    let (status, body) = bench.call(admin, "POST", "/api/rules/test", event).await;
    assert_eq!(
        (status, &body["outcomes"][0]["fires"]),
        (StatusCode::OK, &json!(true))
    );
    for (request, wanted) in [
        (json!({}), StatusCode::BAD_REQUEST),
        (json!({ "firing": 7 }), StatusCode::NOT_FOUND),
        (
            json!({ "rule": "nope", "event": { "name": "x" } }),
            StatusCode::NOT_FOUND,
        ),
        (json!({ "evnt": {} }), StatusCode::BAD_REQUEST),
    ] {
        let (status, body) = bench.call(admin, "POST", "/api/rules/test", request).await;
        assert_eq!(status, wanted, "{body}");
    }
    let (status, body) = bench
        .call(Some(Level::Root), "POST", "/api/rules/reload", Value::Null)
        .await;
    assert_eq!(
        (status, body["detail"].as_str()),
        (StatusCode::CONFLICT, Some("pistack.toml:3: no such thing"))
    );
}

#[tokio::test]
async fn channels_are_tested_and_written_to_by_hand_within_bounds() {
    let bench = bench();
    let admin = Some(Level::Admin);
    let (_, body) = bench
        .call(admin, "POST", "/api/notify/channels/a/test", Value::Null)
        .await;
    assert_eq!(body["ok"], true);
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("test of the channel `a`"),
        "{body}"
    );
    let (_, body) = bench
        .call(admin, "GET", "/api/notify/channels", Value::Null)
        .await;
    assert_eq!(body["channels"][0]["last_state"], "sent");
    let (status, _) = bench
        .call(admin, "POST", "/api/notify/channels/nope/test", Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for wrong in [
        json!({ "channels": [], "title": "x" }),
        json!({ "channels": ["a"], "title": " " }),
        json!({ "channels": ["a"], "title": "x", "extra": 1 }),
    ] {
        let (status, body) = bench.call(admin, "POST", "/api/notify/send", wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    }
    let message = json!({ "channels": ["a"], "title": "hello", "severity": "critical" });
    let mut last = StatusCode::ACCEPTED;
    let mut sent = 0;
    while last == StatusCode::ACCEPTED && sent < 100 {
        last = bench
            .call(admin, "POST", "/api/notify/send", message.clone())
            .await
            .0;
        sent += 1;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert!(sent <= 31, "{sent}");
    let found = pistack_kit::testing::eventually("the message is sent", || async {
        let (_, body) = bench
            .call(
                admin,
                "GET",
                "/api/notify/deliveries?channel=a&state=sent&limit=500",
                Value::Null,
            )
            .await;
        let all = body["deliveries"].as_array().unwrap().clone();
        all.into_iter().find(|delivery| delivery["title"] == "hello")
    })
    .await;
    assert_eq!(found["detail"], "hello");
}

#[tokio::test]
async fn hooks_take_those_who_know_the_secret() {
    let bench = bench();
    assert_eq!(
        bench.hook("door", "hush", r#"{"open":true}"#).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(bench.hook("door", "hus", "{}").await, StatusCode::UNAUTHORIZED);
    assert_eq!(bench.hook("nope", "hush", "{}").await, StatusCode::UNAUTHORIZED);
    let event = pistack_kit::testing::eventually("the event", || async {
        bench.events.lock().unwrap().first().cloned()
    })
    .await;
    assert_eq!(
        (event.name.as_str(), event.field("hook"), event.field("open")),
        ("WEBHOOK", Some("door"), Some("true"))
    );
    let mut last = StatusCode::UNAUTHORIZED;
    for _ in 0..30 {
        last = bench.hook("door", "guess", "{}").await;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        bench.hook("door", "hush", "{}").await,
        StatusCode::NO_CONTENT,
        "the owner gets in all the same"
    );
    std::fs::remove_file(bench.folder.path().join("secret")).unwrap();
    assert_eq!(
        bench.hook("door", "hush", "{}").await,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn the_stacks_own_processes_bring_events_and_ask_without_a_token() {
    let bench = bench();
    let event = json!({ "kind": "login.new_place", "summary": "anna\r\nfrom 1.2.3.4", "fields": { "user": "anna", "kind": "evil" } });
    assert_eq!(
        bench.own("POST", "/internal/event", event).await.0,
        StatusCode::NO_CONTENT
    );
    let event = pistack_kit::testing::eventually("the event", || async {
        bench.events.lock().unwrap().first().cloned()
    })
    .await;
    assert_eq!(
        (
            event.name.as_str(),
            event.field("kind"),
            event.field("summary"),
            event.field("user")
        ),
        (
            "STACK",
            Some("login.new_place"),
            Some("anna from 1.2.3.4"),
            Some("anna")
        )
    );
    for wrong in [
        json!({}),
        json!({ "kind": "", "summary": "" }),
        json!({ "kind": "a b", "summary": "" }),
    ] {
        assert_eq!(
            bench.own("POST", "/internal/event", wrong).await.0,
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn the_command_line_asks_without_a_token() {
    let bench = bench();
    for path in [
        "/internal/rules/list",
        "/internal/rules/log",
        "/internal/rules/held",
        "/internal/notify/channels",
        "/internal/notify/deliveries",
    ] {
        assert_eq!(
            bench.own("GET", path, Value::Null).await.0,
            StatusCode::OK,
            "{path}"
        );
    }
    let (status, body) = bench
        .own("POST", "/internal/notify/channels/a/test", Value::Null)
        .await;
    assert_eq!((status, &body["ok"]), (StatusCode::OK, &json!(true)));
    assert_eq!(
        bench
            .own("POST", "/internal/rules/rule/door/enable", Value::Null)
            .await
            .0,
        StatusCode::OK
    );
    assert_eq!(
        bench
            .own("POST", "/internal/rules/rule/door/explode", Value::Null)
            .await
            .0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        bench
            .own("POST", "/internal/notify/deliveries/99/retry", Value::Null)
            .await
            .0,
        StatusCode::NOT_FOUND
    );
}

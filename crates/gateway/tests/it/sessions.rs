//! The dashboard's cookie: exchanged, remembered, forgotten in time, and of no use to other sites.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use http_body_util::Full;
use pistack_api::auth::{COOKIE, CookieExchange, ExchangedToken, PublicUser};
use pistack_api::service::Service;
use pistack_api::token::{FeedLine, Jwks, Level, Revocation};
use pistack_kit::testing::eventually;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::harness::{Stack, config};

/// An auth service as far as the gateway knows it.
#[derive(Clone)]
struct Auth {
    /// Cookie → session.
    sessions: Arc<Mutex<HashMap<String, String>>>,
    exchanges: Arc<Mutex<u32>>,
    lines: broadcast::Sender<String>,
    life: i64,
}

impl Auth {
    fn new(life: i64) -> Self {
        let sessions = HashMap::from([
            ("good".to_owned(), "s1".to_owned()),
            ("other".to_owned(), "s2".to_owned()),
        ]);
        Self {
            sessions: Arc::new(Mutex::new(sessions)),
            exchanges: Arc::default(),
            lines: broadcast::channel(16).0,
            life,
        }
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/internal/exchange", post(exchange))
            .route("/internal/feed", get(feed))
            .with_state(self.clone())
    }

    fn exchanges(&self) -> u32 {
        *self.exchanges.lock().unwrap()
    }

    async fn followed(&self) {
        eventually("the gateway to follow the feed", || async {
            (self.lines.receiver_count() > 0).then_some(())
        })
        .await;
    }

    fn revoke(&self, revocation: Revocation) {
        self.lines
            .send(serde_json::to_string(&FeedLine::Revoked { revocation }).unwrap())
            .unwrap();
    }
}

async fn exchange(
    State(auth): State<Auth>,
    Json(body): Json<CookieExchange>,
) -> Result<Json<ExchangedToken>, StatusCode> {
    *auth.exchanges.lock().unwrap() += 1;
    // Long enough for the requests of one page to meet.
    tokio::time::sleep(Duration::from_millis(30)).await;
    let sid = auth
        .sessions
        .lock()
        .unwrap()
        .get(&body.cookie)
        .cloned()
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let user = PublicUser {
        id: "u1".to_owned(),
        name: "ada".to_owned(),
        level: Level::Root,
    };
    let access_token = format!("token-of-{}", body.cookie);
    Ok(Json(ExchangedToken {
        access_token,
        expires_in: auth.life,
        sid,
        user,
    }))
}

async fn feed(State(auth): State<Auth>) -> Body {
    let lines = auth.lines.subscribe();
    let snapshot = FeedLine::Snapshot {
        keys: Jwks::default(),
        revoked: Vec::new(),
    };
    let first = serde_json::to_string(&snapshot).unwrap();
    let rest = futures_util::stream::unfold(lines, |mut lines| async {
        Some((lines.recv().await.ok()?, lines))
    });
    let all = futures_util::stream::iter([first]).chain(rest);
    Body::from_stream(all.map(|line| Ok::<_, std::io::Error>(line + "\n")))
}

async fn stack(life: i64) -> (Stack, Auth) {
    let stack = Stack::bare(config()).await;
    let auth = Auth::new(life);
    for service in [Service::Control, Service::Info, Service::Supervisor] {
        stack.serve(service, stack.echo());
    }
    stack.serve(Service::Auth, auth.router());
    auth.followed().await;
    (stack, auth)
}

fn with_cookie(path: &str, cookie: &str) -> http::request::Builder {
    Request::get(path).header("cookie", format!("theme=dark; {COOKIE}={cookie}"))
}

/// What the service saw: `Authorization` and `Cookie`; empty where there was none.
async fn seen(stack: &Stack, request: http::request::Builder) -> (StatusCode, String, String) {
    let before = stack.seen_count();
    let response = stack.send(request.body(Full::default()).unwrap()).await;
    if stack.seen_count() == before {
        return (response.status(), String::new(), String::new());
    }
    let seen = stack.last();
    let text = |name: &str| {
        seen.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
            .to_owned()
    };
    (response.status(), text("authorization"), text("cookie"))
}

/// An answer of 200, and what the service saw.
fn saw(authorization: &str, cookie: &str) -> (StatusCode, String, String) {
    (StatusCode::OK, authorization.to_owned(), cookie.to_owned())
}

#[tokio::test]
async fn a_cookie_becomes_a_token_and_never_passes() {
    let (stack, auth) = stack(300).await;
    for path in ["/control/", "/api/info/ip", "/api/control/x"] {
        let expected = saw("Bearer token-of-good", "theme=dark");
        assert_eq!(seen(&stack, with_cookie(path, "good")).await, expected, "{path}");
    }
    assert_eq!(auth.exchanges(), 1, "the exchange is remembered");
    let expected = saw("", "theme=dark");
    assert_eq!(
        seen(&stack, with_cookie("/api/info/ip", "over")).await,
        expected,
        "an ended session is no session"
    );
    let own = with_cookie("/api/info/ip", "good").header("authorization", "Bearer mine");
    assert_eq!(seen(&stack, own).await, saw("Bearer mine", "theme=dark"));
    assert_eq!(seen(&stack, Request::get("/api/info/ip")).await, saw("", ""));
}

#[tokio::test]
async fn the_requests_of_one_page_ask_once() {
    let (stack, auth) = stack(300).await;
    let requests =
        (0..8).map(|_| stack.send(with_cookie("/control/", "good").body(Full::default()).unwrap()));
    for response in futures_util::future::join_all(requests).await {
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(auth.exchanges(), 1);
    assert_eq!(stack.seen_count(), 8);
}

#[tokio::test]
async fn a_token_is_not_used_in_the_last_seconds_of_its_life() {
    let (stack, auth) = stack(30).await;
    for _ in 0..2 {
        assert_eq!(
            seen(&stack, with_cookie("/control/", "good")).await.1,
            "Bearer token-of-good"
        );
    }
    assert_eq!(auth.exchanges(), 2);
}

#[tokio::test]
async fn a_logout_counts_at_once() {
    let (stack, auth) = stack(300).await;
    for cookie in ["good", "other"] {
        assert!(!seen(&stack, with_cookie("/control/", cookie)).await.1.is_empty());
    }
    auth.sessions.lock().unwrap().remove("good");
    let started = Instant::now();
    auth.revoke(Revocation::Session {
        sid: "s1".to_owned(),
        until: i64::MAX,
    });
    eventually("the session to end", || async {
        seen(&stack, with_cookie("/control/", "good"))
            .await
            .1
            .is_empty()
            .then_some(())
    })
    .await;
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    let before = auth.exchanges();
    assert!(!seen(&stack, with_cookie("/control/", "other")).await.1.is_empty());
    assert_eq!(auth.exchanges(), before, "another session is not touched");

    auth.sessions.lock().unwrap().clear();
    auth.revoke(Revocation::User {
        sub: "u1".to_owned(),
        epoch: 7,
        until: i64::MAX,
    });
    eventually("the user's sessions to end", || async {
        seen(&stack, with_cookie("/control/", "other"))
            .await
            .1
            .is_empty()
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_ended_while_auth_restarted_is_noticed() {
    let (stack, auth) = stack(300).await;
    assert!(!seen(&stack, with_cookie("/control/", "good")).await.1.is_empty());
    stack.kill(Service::Auth).await;
    // Known cookies go on working without auth.
    assert!(!seen(&stack, with_cookie("/control/", "good")).await.1.is_empty());
    let after = Auth::new(300);
    after.sessions.lock().unwrap().clear();
    stack.serve(Service::Auth, after.router());
    after.followed().await;
    eventually("the gap to be closed", || async {
        seen(&stack, with_cookie("/control/", "good"))
            .await
            .1
            .is_empty()
            .then_some(())
    })
    .await;
    drop(auth);
}

#[tokio::test]
async fn other_sites_cannot_act_with_the_cookie() {
    let (stack, _auth) = stack(300).await;
    let origin = format!("https://{}", stack.host());
    let post =
        || Request::post("/api/supervisor/processes/x/stop").header("cookie", format!("{COOKIE}=good"));
    let refused = [
        post(),
        post().header("sec-fetch-site", "cross-site"),
        post().header("sec-fetch-site", "same-site"),
        post().header("origin", "https://evil.example"),
        post().header("origin", "null"),
        Request::get("/control/ws")
            .header("cookie", format!("{COOKIE}=good"))
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("origin", "https://evil.example"),
    ];
    for request in refused {
        let response = stack.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["code"], "csrf");
    }
    assert_eq!(stack.seen_count(), 0);
    let allowed = [
        post().header("sec-fetch-site", "same-origin"),
        post().header("sec-fetch-site", "none"),
        post().header("origin", origin),
        post()
            .header("authorization", "Bearer mine")
            .header("sec-fetch-site", "cross-site"),
        Request::post("/control/login").header("sec-fetch-site", "cross-site"),
        with_cookie("/control/", "good").header("sec-fetch-site", "cross-site"),
    ];
    for request in allowed {
        let response = stack.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn without_auth_pages_are_shown_and_calls_are_refused() {
    let mut config = config();
    config.hold.0 = Duration::from_millis(100);
    let stack = Stack::bare(config).await;
    for service in [Service::Control, Service::Info] {
        stack.serve(service, stack.echo());
    }
    assert_eq!(
        seen(&stack, with_cookie("/control/", "good")).await,
        saw("", "theme=dark")
    );
    let call = stack
        .send(with_cookie("/api/info/ip", "good").body(Full::default()).unwrap())
        .await;
    assert_eq!(call.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: serde_json::Value = serde_json::from_slice(call.body()).unwrap();
    assert_eq!(body["service"], "auth_service");
    assert_eq!(stack.seen_count(), 1);
}

//! Who is let in, who is not, and how soon a revocation takes effect.

use std::path::Path;

use axum::response::IntoResponse as _;
use http::Request;
use pistack_api::token::FeedLine;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::testing::{TestAuth, eventually};

const NOW: i64 = 1_700_000_000;
const LEGACY: &str = ".eJxFjNsKgzAQRP9ln13YaLz-zWaNoHijSUtL8d_dlrTOw8AZDvOG-NqhAxbxIUAGUxwVKQW_ZT_V_DDFqBzuTuV8MK7mUpD6xqOVymHLxYClt30huTNMpPLKi8q3bYsK82O-YOQInamr9JyBf-7_oSU6TsZQKlo.aOd4AA.Q2-rY0U0GCRp2gx48W0Pj90h4TI";

fn guard(auth: &TestAuth) -> (Arc<Guard>, Clock) {
    let clock = Clock::manual(NOW);
    let guard = Guard::new(Service::Io, clock.clone());
    guard.set_keys(&auth.keys());
    (guard, clock)
}

#[test]
fn takes_a_good_token_for_as_long_as_it_lives() {
    let auth = TestAuth::new();
    let (guard, clock) = guard(&auth);
    let token = auth.token("anna", Level::Admin, NOW);
    let claims = guard.verify(&token).unwrap();
    assert_eq!((claims.nam.as_str(), claims.lvl), ("anna", Level::Admin));
    clock.advance(Duration::from_secs(904));
    assert!(guard.verify(&token).is_ok(), "5 s of leeway");
    clock.advance(Duration::from_secs(1));
    assert_eq!(guard.verify(&token), Err(Refusal::Invalid));
}

#[test]
fn refuses_wrong_claims() {
    let auth = TestAuth::new();
    let (guard, _) = guard(&auth);
    let good = auth.claims("anna", Level::User, NOW);
    let wrong = [
        AccessClaims {
            typ: "refresh".into(),
            ..good.clone()
        },
        AccessClaims {
            iss: "another box".into(),
            ..good.clone()
        },
        AccessClaims {
            aud: vec!["email".into()],
            ..good.clone()
        },
        AccessClaims {
            aud: Vec::new(),
            ..good.clone()
        },
        AccessClaims {
            sub: String::new(),
            ..good.clone()
        },
        AccessClaims {
            sid: String::new(),
            ..good.clone()
        },
        AccessClaims {
            iat: NOW + 6,
            exp: NOW + 900,
            ..good.clone()
        },
        AccessClaims {
            exp: i64::MIN,
            ..good.clone()
        },
    ];
    assert!(guard.verify(&auth.sign(&good)).is_ok());
    for claims in wrong {
        assert_eq!(
            guard.verify(&auth.sign(&claims)),
            Err(Refusal::Invalid),
            "{claims:?}"
        );
    }
    assert_eq!(
        guard.verify(&TestAuth::new().sign(&good)),
        Err(Refusal::Invalid),
        "foreign key"
    );
    assert_eq!(guard.verify(LEGACY), Err(Refusal::Legacy));
    assert_eq!(guard.verify(""), Err(Refusal::Invalid));
}

#[test]
fn without_keys_nobody_is_judged() {
    let auth = TestAuth::new();
    let guard = Guard::new(Service::Io, Clock::manual(NOW));
    assert_eq!(
        guard.verify(&auth.token("anna", Level::Root, NOW)),
        Err(Refusal::NoKeys)
    );
    guard.set_keys(&auth.keys());
    assert!(guard.verify(&auth.token("anna", Level::Root, NOW)).is_ok());
    guard.set_keys(&Jwks::default());
    assert_eq!(
        guard.verify(&auth.token("anna", Level::Root, NOW)),
        Err(Refusal::NoKeys)
    );
}

#[tokio::test]
async fn a_stream_hears_at_once_that_its_session_is_over() {
    use futures_util::FutureExt as _;

    let auth = TestAuth::new();
    let (guard, clock) = guard(&auth);
    let claims = guard.verify(&auth.token("anna", Level::User, NOW)).unwrap();
    let mut over = Box::pin(guard.over(&claims));
    assert_eq!(over.as_mut().now_or_never(), None);
    for (name, ended) in [("ben", false), ("anna", true)] {
        guard.revoke(&Revocation::Session {
            sid: format!("session-of-{name}"),
            until: NOW + 900,
        });
        assert_eq!(over.as_mut().now_or_never().is_some(), ended, "{name}");
    }
    let claims = guard.verify(&auth.token("cleo", Level::User, NOW)).unwrap();
    clock.advance(Duration::from_hours(24));
    assert_eq!(guard.over(&claims).now_or_never(), Some(()), "it has expired");
}

#[test]
fn revocations_end_sessions_and_older_epochs_and_are_forgotten_in_time() {
    let auth = TestAuth::new();
    let (guard, clock) = guard(&auth);
    let until = NOW + 900;
    let anna = auth.token("anna", Level::User, NOW);
    let ben = auth.token("ben", Level::User, NOW);
    let claims = [&anna, &ben].map(|token| guard.verify(token).unwrap());
    let still = || claims.each_ref().map(|claims| guard.still(claims));
    assert_eq!(still(), [true, true]);
    guard.revoke(&Revocation::Session {
        sid: "session-of-anna".into(),
        until,
    });
    assert_eq!(guard.verify(&anna), Err(Refusal::Invalid));
    assert!(guard.verify(&ben).is_ok());
    assert_eq!(still(), [false, true]);
    guard.revoke(&Revocation::User {
        sub: "id-of-ben".into(),
        epoch: 2,
        until,
    });
    guard.revoke(&Revocation::User {
        sub: "id-of-ben".into(),
        epoch: 1,
        until,
    });
    assert_eq!(guard.verify(&ben), Err(Refusal::Invalid));
    assert_eq!(still(), [false, false]);
    let renewed = AccessClaims {
        ep: 2,
        ..auth.claims("ben", Level::User, NOW)
    };
    assert!(guard.verify(&auth.sign(&renewed)).is_ok());

    clock.advance(Duration::from_secs(906));
    guard.revoke(&Revocation::Session {
        sid: "another".into(),
        until: until + 900,
    });
    let known = guard.known.read().unwrap();
    assert_eq!((known.sessions.len(), known.epochs.len()), (1, 0));
}

fn bearer(value: &str) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    read_bearer(&headers)
}

#[test]
fn reads_the_header_as_leniently_as_the_original() {
    for value in [
        "Bearer tok",
        "bearer tok",
        "BEARER   tok  ",
        "Bearer%20tok",
        "Bearer Bearer tok",
        "Bearer bearer%20Bearer tok",
        "Bearer \"tok\"",
        "Bearer 'tok'",
        "Bearer \" tok \"",
        "  Bearer\ttok",
    ] {
        assert_eq!(bearer(value).as_deref(), Some("tok"), "{value}");
    }
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer \"\"",
        "tok",
        "Basic dG9r",
        "Bearertok",
        "Bearer Bearer ",
    ] {
        assert_ne!(bearer(value).as_deref(), Some("tok"), "{value}");
    }
    assert_eq!(bearer("tok"), None);
    assert_eq!(bearer("Bearer \"tok'").as_deref(), Some("\"tok'"));
    assert_eq!(read_bearer(&HeaderMap::new()), None);
}

async fn ask<T: FromRequestParts<(), Rejection = Problem>>(
    guard: &Arc<Guard>,
    token: Option<&str>,
) -> (u16, String) {
    let mut request = Request::new(());
    request.extensions_mut().insert(Arc::clone(guard));
    if let Some(token) = token {
        request.headers_mut().insert(
            AUTHORIZATION,
            HeaderValue::from_str(&format!("Bearer {token}")).unwrap(),
        );
    }
    match T::from_request_parts(&mut request.into_parts().0, &()).await {
        Ok(_) => (200, String::new()),
        Err(problem) => (problem.status().as_u16(), problem.body().message.clone()),
    }
}

#[tokio::test]
async fn each_right_admits_its_levels_with_the_contracts_words() {
    let auth = TestAuth::new();
    let (guard, _) = guard(&auth);
    let invalid = || (401, "invalid or expired token".to_owned());
    let missing = || (401, "missing bearer token".to_owned());
    let ok = || (200, String::new());
    let [user, admin, root] =
        [Level::User, Level::Admin, Level::Root].map(|level| auth.token("x", level, NOW));
    let [user, admin, root] = [Some(user.as_str()), Some(admin.as_str()), Some(root.as_str())];
    assert_eq!(ask::<Caller>(&guard, None).await, invalid());
    assert_eq!(ask::<AdminCaller>(&guard, None).await, missing());
    assert_eq!(ask::<RootCaller>(&guard, None).await, missing());
    assert_eq!(ask::<Caller>(&guard, user).await, ok());
    assert_eq!(
        ask::<AdminCaller>(&guard, user).await,
        (403, "forbidden: requires Admin".to_owned())
    );
    assert_eq!(ask::<AdminCaller>(&guard, admin).await, ok());
    assert_eq!(
        ask::<RootCaller>(&guard, admin).await,
        (403, "forbidden: requires Root".to_owned())
    );
    assert_eq!(ask::<RootCaller>(&guard, root).await, ok());
    assert_eq!(ask::<RootCaller>(&guard, Some("nonsense")).await, invalid());
    assert_eq!(ask::<Caller>(&guard, Some(LEGACY)).await, invalid());
}

#[tokio::test]
async fn a_handler_without_a_guard_lets_nobody_in() {
    let mut parts = Request::new(()).into_parts().0;
    assert_eq!(
        Caller::from_request_parts(&mut parts, &())
            .await
            .unwrap_err()
            .status(),
        503
    );
}

#[test]
fn refusals_carry_their_challenge_and_code() {
    let problem = Problem::from(Refusal::Legacy);
    assert_eq!(problem.body().code, "legacy-token");
    assert!(problem.body().detail.as_deref().unwrap().contains("log in again"));
    for (refusal, challenge) in [
        (Refusal::Missing, "Bearer realm=\"pistack\""),
        (Refusal::Invalid, INVALID_TOKEN),
        (Refusal::Legacy, INVALID_TOKEN),
    ] {
        let response = Problem::from(refusal).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[WWW_AUTHENTICATE]),
            (401, &HeaderValue::from_static(challenge))
        );
    }
    assert_eq!(Problem::from(Refusal::NoKeys).status(), 503);
}

/// auth's end of the feed, as bytes on a socket.
struct FakeAuth {
    listener: UnixListener,
}

impl FakeAuth {
    fn new(path: &Path) -> Self {
        Self {
            listener: UnixListener::bind(path).unwrap(),
        }
    }

    async fn accept(&self) -> UnixStream {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(
            head.starts_with(b"GET /internal/feed HTTP/1.1\r\n"),
            "{}",
            String::from_utf8_lossy(&head)
        );
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await
            .unwrap();
        stream
    }
}

async fn say(stream: &mut UnixStream, line: &FeedLine) {
    let text = serde_json::to_string(line).unwrap();
    stream
        .write_all(format!("{:x}\r\n{text}\n\r\n", text.len() + 1).as_bytes())
        .await
        .unwrap();
}

fn session_of(name: &str) -> Revocation {
    Revocation::Session {
        sid: format!("session-of-{name}"),
        until: NOW + 900,
    }
}

#[tokio::test]
async fn follows_the_feed() {
    let home = tempfile::tempdir().unwrap();
    let (socket, cache) = (home.path().join("auth.sock"), home.path().join("jwks.json"));
    let auth = TestAuth::new();
    let guard = Guard::new(Service::Io, Clock::manual(NOW));
    let lifecycle = Lifecycle::new();
    guard.follow(socket.clone(), cache.clone(), &lifecycle);
    let [anna, ben] = ["anna", "ben"].map(|name| auth.token(name, Level::Admin, NOW));
    assert_eq!(guard.verify(&anna), Err(Refusal::NoKeys));

    let fake = FakeAuth::new(&socket);
    let mut stream = fake.accept().await;
    say(
        &mut stream,
        &FeedLine::Snapshot {
            keys: auth.keys(),
            revoked: vec![session_of("ben")],
        },
    )
    .await;
    eventually("the keys are known", async || guard.verify(&anna).ok()).await;
    assert_eq!(guard.verify(&ben), Err(Refusal::Invalid));
    say(
        &mut stream,
        &FeedLine::Revoked {
            revocation: session_of("anna"),
        },
    )
    .await;
    eventually("the session is over", async || guard.verify(&anna).err()).await;

    let renewed = TestAuth::new();
    say(&mut stream, &FeedLine::Keys { keys: renewed.keys() }).await;
    let carl = renewed.token("carl", Level::Root, NOW);
    eventually("the new keys are known", async || guard.verify(&carl).ok()).await;
    assert_eq!(
        guard.verify(&renewed.token("anna", Level::Root, NOW)),
        Err(Refusal::Invalid)
    );
    eventually("the new keys are on disk", async || {
        let cached = serde_json::from_slice::<Jwks>(&std::fs::read(&cache).ok()?).ok()?;
        (cached == renewed.keys()).then_some(())
    })
    .await;
    lifecycle.stop();
    assert!(lifecycle.finish(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn without_the_feed_rights_above_user_end_after_half_a_minute_until_it_is_back() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("auth.sock");
    let auth = TestAuth::new();
    let clock = Clock::manual(NOW);
    let guard = Guard::new(Service::Io, clock.clone());
    let lifecycle = Lifecycle::new();
    guard.follow(socket.clone(), home.path().join("jwks.json"), &lifecycle);
    let fake = FakeAuth::new(&socket);
    let mut stream = fake.accept().await;
    let snapshot = |revoked| FeedLine::Snapshot {
        keys: auth.keys(),
        revoked,
    };
    say(&mut stream, &snapshot(vec![session_of("ben")])).await;
    let [admin, user, ben] = [
        ("anna", Level::Admin),
        ("carl", Level::User),
        ("ben", Level::Root),
    ]
    .map(|(name, level)| auth.token(name, level, NOW));
    let is_live = || guard.known.read().unwrap().feed == Feed::Live;
    eventually("the feed is live", async || is_live().then_some(())).await;
    drop(stream);
    eventually("the loss is noticed", async || (!is_live()).then_some(())).await;
    assert_eq!(ask::<AdminCaller>(&guard, Some(&admin)).await.0, 200);
    clock.advance(Duration::from_secs(31));
    let unreachable = (503, "auth service unreachable".to_owned());
    assert_eq!(ask::<AdminCaller>(&guard, Some(&admin)).await, unreachable);
    assert_eq!(ask::<Caller>(&guard, Some(&user)).await.0, 200);

    let mut stream = fake.accept().await;
    say(&mut stream, &snapshot(Vec::new())).await;
    eventually("admins are let in again", async || {
        (ask::<AdminCaller>(&guard, Some(&admin)).await.0 == 200).then_some(())
    })
    .await;
    assert_eq!(
        guard.verify(&ben),
        Err(Refusal::Invalid),
        "what was revoked stays so"
    );
    lifecycle.stop();
    assert!(lifecycle.finish(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn starts_from_the_cached_keys_when_auth_is_not_up() {
    let home = tempfile::tempdir().unwrap();
    let auth = TestAuth::new();
    let cache = home.path().join("jwks.json");
    std::fs::write(&cache, serde_json::to_vec(&auth.keys()).unwrap()).unwrap();
    let guard = Guard::new(Service::Io, Clock::manual(NOW));
    let lifecycle = Lifecycle::new();
    guard.follow(home.path().join("auth.sock"), cache, &lifecycle);
    let token = auth.token("anna", Level::User, NOW);
    eventually("the cached keys are known", async || guard.verify(&token).ok()).await;
    lifecycle.stop();
    assert!(lifecycle.finish(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn answers_of_a_feed_that_is_none_are_survived() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("auth.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let auth = TestAuth::new();
    let guard = Guard::new(Service::Io, Clock::manual(NOW));
    let lifecycle = Lifecycle::new();
    guard.follow(socket, home.path().join("jwks.json"), &lifecycle);
    for answer in [
        "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
        "nonsense",
        "HTTP/1.1 200 OK\r\n\r\n{\"type\":\"x\"}\n",
    ] {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut some = [0; 16];
        let _ = stream.read(&mut some).await.unwrap();
        let _ = stream.write_all(answer.as_bytes()).await;
    }
    let (mut stream, _) = listener.accept().await.unwrap();
    let snapshot = FeedLine::Snapshot {
        keys: auth.keys(),
        revoked: Vec::new(),
    };
    let text = format!(
        "HTTP/1.1 200 OK\r\n\r\n{}\n",
        serde_json::to_string(&snapshot).unwrap()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let token = auth.token("anna", Level::Root, NOW);
    eventually("the keys are known", async || guard.verify(&token).ok()).await;
    lifecycle.stop();
    assert!(lifecycle.finish(Duration::from_secs(10)).await);
}

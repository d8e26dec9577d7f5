//! Who is let in by a right, and what a refusal says.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt as _;
use pistack_api::right::{ReadLine, RestartProcess, WriteLine};
use pistack_api::service::Service;
use tower::ServiceExt as _;

use super::*;
use crate::clock::Clock;
use crate::testing::TestAuth;

const NOW: i64 = 1_700_000_000;

struct Bed {
    auth: TestAuth,
    guard: std::sync::Arc<Guard>,
    clock: Clock,
    router: Router,
}

impl Bed {
    fn new() -> Self {
        let (auth, clock) = (TestAuth::new(), Clock::manual(NOW));
        let guard = Guard::new(Service::Io, clock.clone());
        guard.set_keys(&auth.keys());
        let on = |may: MayOn<WriteLine>| async move {
            may.on_any(&["relay1", "17"]).map(|claims| claims.nam.clone())
        };
        let router = Router::new()
            .route(
                "/restart",
                get(|may: May<RestartProcess>| async move { may.claims().nam.clone() }),
            )
            .route("/write", get(on))
            .route("/read", get(|_: MayOn<ReadLine>| async {}))
            .route("/caller", get(|_: super::super::Caller| async {}))
            .layer(axum::Extension(std::sync::Arc::clone(&guard)));
        Self {
            auth,
            guard,
            clock,
            router,
        }
    }

    async fn ask(
        &self,
        path: &str,
        level: Level,
        grants: Option<&str>,
        scope: Option<&str>,
    ) -> (u16, serde_json::Value) {
        let mut claims = self.auth.claims("anna", level, self.clock.unix());
        claims.grants = grants.map(str::to_owned);
        claims.scope = scope.map(str::to_owned);
        let request =
            Request::get(path).header("authorization", format!("Bearer {}", self.auth.sign(&claims)));
        let answer = self
            .router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn status(&self, path: &str, level: Level, grants: Option<&str>, scope: Option<&str>) -> u16 {
        self.ask(path, level, grants, scope).await.0
    }
}

#[tokio::test]
async fn level_grant_and_scope_decide_together() {
    let bed = Bed::new();
    for (path, level, grants, scope, expected) in [
        ("/restart", Level::Root, None, None, 200),
        ("/restart", Level::Admin, None, None, 403),
        ("/restart", Level::User, Some("process:*:restart"), None, 200),
        ("/restart", Level::User, Some("process:camera:restart"), None, 403),
        ("/restart", Level::Root, None, Some("process:*"), 200),
        ("/restart", Level::Root, None, Some("gpio:*"), 403),
        ("/write", Level::User, None, None, 200),
        ("/write", Level::User, None, Some("gpio:17:write"), 200),
        ("/write", Level::User, None, Some("gpio:relay1:*"), 200),
        ("/write", Level::User, None, Some("gpio:relay2:write"), 403),
        ("/write", Level::User, None, Some("gpio:relay1:read"), 403),
        ("/caller", Level::User, None, None, 200),
        ("/caller", Level::User, None, Some("*"), 200),
        ("/caller", Level::Root, None, Some("gpio:*"), 403),
    ] {
        let got = bed.status(path, level, grants, scope).await;
        assert_eq!(got, expected, "{path} {level} {grants:?} {scope:?}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_right() {
    let bed = Bed::new();
    let (_, body) = bed.ask("/restart", Level::Admin, None, None).await;
    assert_eq!(body["message"], "forbidden: requires Root");
    assert_eq!(body["required_right"], "process:*:restart");
    let (_, body) = bed.ask("/write", Level::Root, None, Some("gpio:9:write")).await;
    assert_eq!(body["required_right"], "gpio:relay1:write");
    assert!(body["detail"].as_str().unwrap().contains("limited"), "{body}");
    let request = Request::get("/read").body(Body::empty()).unwrap();
    assert_eq!(bed.router.oneshot(request).await.unwrap().status(), 401);
}

#[tokio::test]
async fn cut_off_from_auth_reading_goes_on_and_nothing_else() {
    let bed = Bed::new();
    bed.guard
        .set_feed(super::super::Feed::Lost(bed.clock.monotonic()));
    assert_eq!(bed.status("/write", Level::User, None, None).await, 200);
    bed.clock.advance(std::time::Duration::from_secs(31));
    assert_eq!(bed.status("/write", Level::User, None, None).await, 503);
    assert_eq!(bed.status("/read", Level::User, None, None).await, 200);
}

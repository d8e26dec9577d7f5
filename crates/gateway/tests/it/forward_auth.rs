//! Applications behind the login: who may, who is told what, and what never reaches them.

use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use pistack_api::auth::{CookieExchange, ExchangedToken, PublicUser};
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_gateway::Route;
use serde_json::json;

use crate::applications::{application, public, routes};
use crate::harness::Stack;

/// An auth that knows `COOKIE` and API tokens by name: `ada` (Admin), `bob` (User), `eve` (User, limited to lines).
async fn exchange(Json(asked): Json<CookieExchange>) -> Result<Json<ExchangedToken>, StatusCode> {
    let name = asked.token.strip_prefix("pst_").unwrap_or(&asked.cookie);
    let (level, scope) = match name {
        "ada" => (Level::Admin, None),
        "bob" => (Level::User, None),
        "eve" => (Level::User, Some("gpio:*:read")),
        "kay" => (Level::User, Some("app:camera:use")),
        _ => return Err(StatusCode::UNAUTHORIZED),
    };
    let via = if asked.token.is_empty() {
        "session"
    } else {
        "token"
    };
    let claims = json!({
        "typ": "access", "jti": "j", "sub": format!("id-{name}"), "nam": name, "lvl": level, "sid": name, "ep": 1,
        "iss": "i", "aud": ["auth"], "iat": 0, "exp": 9_999_999_999_i64, "via": via, "scope": scope,
    });
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    Ok(Json(ExchangedToken {
        access_token: format!("e30.{payload}.c2ln"),
        expires_in: 300,
        sid: name.to_owned(),
        user: PublicUser {
            id: format!("id-{name}"),
            name: name.to_owned(),
            level,
        },
    }))
}

async fn stack(auth: &str) -> Stack {
    let tell = |headers: HeaderMap| async move {
        let get = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Json(json!({
            "user": get("x-auth-user"), "id": get("x-auth-id"), "level": get("x-auth-level"),
            "method": get("x-auth-method"), "cookie": get("cookie"), "authorization": get("authorization"),
        }))
    };
    let app = application(Router::new().fallback(tell)).await;
    let route = Route {
        auth: auth.to_owned(),
        ..public("/app", &app)
    };
    let stack = Stack::with_routes(routes(vec![("camera", route)])).await;
    stack.serve(
        Service::Auth,
        Router::new().route("/internal/exchange", post(exchange)),
    );
    stack
}

async fn ask(stack: &Stack, method: &str, fields: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri("/app/page?x=1");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    stack.send(request.body(Full::default()).unwrap()).await
}

fn seen(response: &Response<Bytes>) -> serde_json::Value {
    assert_eq!(response.status(), StatusCode::OK, "{response:?}");
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn a_browser_is_shown_the_way_in_and_a_program_is_told() {
    let stack = stack("user").await;
    let page = ask(&stack, "GET", &[("accept", "text/html")]).await;
    assert_eq!(page.status(), StatusCode::FOUND);
    assert_eq!(
        page.headers()["location"],
        "/.pistack/login?next=/back/app/page%3Fx%3D1"
    );
    assert_eq!(page.headers()["cache-control"], "no-store");
    let program = ask(&stack, "GET", &[]).await;
    assert_eq!(program.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(program.headers()["www-authenticate"], "Bearer");
    let form = ask(&stack, "POST", &[("accept", "text/html")]).await;
    assert_eq!(
        form.status(),
        StatusCode::UNAUTHORIZED,
        "what was sent cannot be sent again after the login"
    );
    let old = ask(
        &stack,
        "GET",
        &[("accept", "text/html"), ("cookie", "__Host-pistack=gone")],
    )
    .await;
    assert_eq!(old.status(), StatusCode::FOUND);
}

#[tokio::test]
async fn the_application_learns_who_it_is_and_never_the_secret() {
    let stack = stack("user").await;
    let cookie = [
        ("cookie", "theme=dark; __Host-pistack=ada"),
        ("x-auth-user", "root"),
        ("x-auth-level", "root"),
        ("authorization", "Basic aW5uZXI6c2VjcmV0"),
    ];
    assert_eq!(
        seen(&ask(&stack, "GET", &cookie).await),
        json!({
            "user": "ada", "id": "id-ada", "level": "admin", "method": "session", "cookie": "theme=dark",
            "authorization": "Basic aW5uZXI6c2VjcmV0",
        })
    );
    let token = [("authorization", "Bearer pst_bob"), ("x-auth-id", "1")];
    assert_eq!(
        seen(&ask(&stack, "POST", &token).await),
        json!({
            "user": "bob", "id": "id-bob", "level": "user", "method": "token", "cookie": null, "authorization": null,
        })
    );
    let wrong = ask(&stack, "GET", &[("authorization", "Bearer pst_mallory")]).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn other_sites_cannot_act_in_the_application_either() {
    let stack = stack("user").await;
    let cookie = ("cookie", "__Host-pistack=ada");
    let foreign = ask(&stack, "POST", &[cookie, ("sec-fetch-site", "same-site")]).await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let own = ask(&stack, "POST", &[cookie, ("sec-fetch-site", "same-origin")]).await;
    assert_eq!(own.status(), StatusCode::OK);
    let socket = [
        cookie,
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(ask(&stack, "GET", &socket).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn level_and_scope_decide() {
    let bearer = |name: &'static str| [("authorization", name)];
    let status = async |stack: &Stack, name| ask(stack, "GET", &bearer(name)).await.status();
    let users = stack("user").await;
    for (name, expected) in [("ada", 200), ("bob", 200), ("kay", 200), ("eve", 403)] {
        let token: &'static str = format!("Bearer pst_{name}").leak();
        assert_eq!(status(&users, token).await, expected, "{name}");
    }
    let admins = stack("admin").await;
    assert_eq!(status(&admins, "Bearer pst_ada").await, 200);
    let refused = ask(&admins, "GET", &bearer("Bearer pst_bob")).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(
        String::from_utf8_lossy(refused.body()).contains("app:camera:use"),
        "{refused:?}"
    );
    let lines = stack("gpio:relay1:read").await;
    assert_eq!(status(&lines, "Bearer pst_eve").await, 200);
    assert_eq!(status(&lines, "Bearer pst_kay").await, 403);
}

#[tokio::test]
async fn a_public_route_asks_nobody_and_still_keeps_the_secrets() {
    let stack = stack("public").await;
    let nobody = json!({
        "user": null, "id": null, "level": null, "method": null, "cookie": null, "authorization": null,
    });
    let cookie = [("cookie", "__Host-pistack=ada"), ("x-auth-user", "root")];
    assert_eq!(seen(&ask(&stack, "GET", &cookie).await), nobody);
    assert_eq!(
        seen(&ask(&stack, "GET", &[("authorization", "Bearer pst_ada")]).await),
        nobody
    );
}

#[tokio::test]
async fn without_auth_nobody_gets_in_and_nobody_is_sent_to_log_in() {
    let stack = stack("user").await;
    stack.kill(Service::Auth).await;
    let answer = ask(
        &stack,
        "GET",
        &[("accept", "text/html"), ("cookie", "__Host-pistack=ada")],
    )
    .await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn services_take_api_tokens_and_the_gateway_tells_admins_about_itself() {
    let stack = stack("user").await;
    let get = |path: &str, token: &str| {
        let request = Request::get(path).header("authorization", format!("Bearer pst_{token}"));
        request.body(Full::default()).unwrap()
    };
    assert_eq!(
        stack.send(get("/api/info/x", "bob")).await.status(),
        StatusCode::OK
    );
    let authorization = stack.last().headers["authorization"].to_str().unwrap().to_owned();
    assert!(authorization.starts_with("Bearer e30."), "{authorization}");
    let shown = stack.send(get("/api/gateway/routes", "ada")).await;
    assert_eq!(shown.status(), StatusCode::OK);
    assert!(String::from_utf8_lossy(shown.body()).contains("\"camera\""));
    assert_eq!(
        stack.send(get("/api/gateway/metrics", "bob")).await.status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        stack.get("/api/gateway/routes").await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        stack.send(get("/api/gateway/reload", "ada")).await.status(),
        StatusCode::NOT_FOUND
    );
}

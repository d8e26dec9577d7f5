//! The account's calls of the stand-in for auth.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::StatusCode;
use pistack_kit::guard::{Caller, RootCaller};
use pistack_kit::problem::Problem;
use serde_json::{Value, json};

use super::fake::{Fake, NOW, OTP, PASSWORD};

pub(crate) fn routes() -> Router<Arc<Fake>> {
    Router::new()
        .route("/api/auth/session/list", get(sessions))
        .route("/api/auth/session/end_others", post(end_others))
        .route("/api/auth/session/reauth", post(reauth))
        .route("/api/auth/session/{sid}", delete(end))
        .route("/api/auth/second-factor", get(factor).delete(factor_off))
        .route("/api/auth/second-factor/begin", post(begin))
        .route("/api/auth/second-factor/confirm", post(confirm))
        .route("/api/auth/token/list", get(tokens))
        .route("/api/auth/token/add", post(make_token))
        .route("/api/auth/token/{id}", delete(end))
        .route("/api/auth/audit", get(audit))
}

async fn sessions(_: Caller) -> Json<Value> {
    Json(json!([
        { "sid": "s1", "kind": "dashboard", "device": "Mozilla/5.0 (X11; Linux) Firefox/150.0", "address": "192.168.1.7",
          "created_at": NOW - 9000, "last_used_at": NOW, "expires_at": NOW + 9000, "current": true },
        { "sid": "s2", "kind": "api", "device": "<b>curl/8.1</b>", "address": "192.168.1.9",
          "created_at": NOW - 90_000, "last_used_at": NOW - 600, "expires_at": NOW + 9000, "current": false }
    ]))
}

async fn end_others(_: Caller, State(fake): State<Arc<Fake>>) -> Json<Value> {
    fake.account.lock().unwrap().push("end others".to_owned());
    Json(json!({ "ended": 1 }))
}

async fn end(_: Caller, State(fake): State<Arc<Fake>>, Path(id): Path<String>) -> Json<Value> {
    fake.account.lock().unwrap().push(format!("end {id}"));
    Json(json!({ "ended": 1 }))
}

async fn reauth(_: Caller, State(fake): State<Arc<Fake>>, Json(body): Json<Value>) -> Response {
    if body["password"] != PASSWORD {
        return Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_credentials",
            "invalid credentials",
        )
        .into_response();
    }
    *fake.stale.lock().unwrap() = false;
    Json(json!({ "access_token": "x", "token_type": "Bearer", "expires_in": 60 })).into_response()
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

async fn factor(_: Caller) -> Json<Value> {
    Json(json!({ "enabled": false, "recovery_codes_left": 0, "clock": "synchronised" }))
}

async fn factor_off(_: Caller) -> Problem {
    Problem::new(StatusCode::CONFLICT, "second-factor-off", "no second factor")
}

async fn begin(_: Caller, State(fake): State<Arc<Fake>>) -> Result<Json<Value>, Problem> {
    fresh(&fake)?;
    Ok(Json(json!({
        "secret": "JBSWY3DPEHPK3PXP", "uri": "otpauth://totp/pi:root?secret=JBSWY3DPEHPK3PXP&issuer=pi",
        "qr_svg": "<svg viewBox=\"0 0 9 9\"></svg>"
    })))
}

async fn confirm(_: Caller, Json(body): Json<Value>) -> Response {
    if body["code"] != OTP {
        let problem = Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid-second-factor",
            "invalid second factor",
        );
        return problem.into_response();
    }
    Json(json!({ "recovery_codes": ["AAAA-BBBB", "CCCC-DDDD"] })).into_response()
}

async fn tokens(_: Caller) -> Json<Value> {
    Json(
        json!([{ "id": "t1", "name": "garden <script>", "scope": ["gpio:relay1:write", "info:*"],
        "created_at": NOW, "expires_at": NOW + 86_400, "last_used_at": null }]),
    )
}

async fn make_token(
    _: Caller,
    State(fake): State<Arc<Fake>>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Problem> {
    fresh(&fake)?;
    fake.account.lock().unwrap().push(body.to_string());
    Ok(Json(json!({ "token": "pst_abc", "id": "t2" })))
}

async fn audit(_: RootCaller, RawQuery(query): RawQuery) -> Json<Value> {
    let before = query.is_some_and(|query| query.contains("before"));
    let entry = |seq: i64| {
        json!({ "seq": seq, "at": NOW, "last_at": NOW, "times": 3, "clock": "untrusted", "boot": "b", "kind": "login",
            "outcome": "refused", "actor_id": null, "actor_name": null, "subject": null, "address": "192.168.1.66",
            "device": "x", "detail": "<i>wrong</i> name or password" })
    };
    let entries: Vec<_> = if before {
        vec![entry(1)]
    } else {
        (2..102).rev().map(entry).collect()
    };
    Json(json!(entries))
}

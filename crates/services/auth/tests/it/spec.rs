//! The service's document: complete, and true about who needs a token.

use serde_json::{Value, json};

use crate::bed::Bed;

fn document() -> Value {
    serde_json::to_value(pistack_auth::spec()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

#[test]
fn every_operation_of_the_contract_is_there() {
    let document = document();
    let mut ids: Vec<_> = operations(&document)
        .into_iter()
        .map(|(method, path, operation)| {
            format!("{method} {path} {}", operation["operationId"].as_str().unwrap())
        })
        .collect();
    ids.sort();
    let expected = [
        "DELETE /api/auth/second-factor delete_second_factor",
        "DELETE /api/auth/session/{sid} delete_session",
        "DELETE /api/auth/token/{id} delete_token",
        "DELETE /api/auth/user/{id} delete_user",
        "DELETE /api/auth/user/{id}/second-factor reset_second_factor",
        "DELETE /api/auth/user/{id}/sessions delete_sessions_of_user",
        "DELETE /api/auth/user/{id}/sessions/{sid} delete_session_of_user",
        "GET /api/auth/audit list_audit",
        "GET /api/auth/copies list_copies",
        "GET /api/auth/health",
        "GET /api/auth/jwks.json list_keys",
        "GET /api/auth/second-factor read_second_factor",
        "GET /api/auth/session/list list_sessions",
        "GET /api/auth/session/me read_session",
        "GET /api/auth/token/list list_tokens",
        "GET /api/auth/user/list list_users",
        "GET /api/auth/user/overview list_people",
        "GET /api/auth/user/{id} read_user",
        "GET /api/auth/user/{id}/grants read_grants",
        "GET /api/auth/user/{id}/sessions list_sessions_of_user",
        "GET /api/auth/verify verify_request",
        "PATCH /api/auth/user/{id} update_user",
        "POST /api/auth/copies create_copy",
        "POST /api/auth/second-factor/begin begin_second_factor",
        "POST /api/auth/second-factor/codes renew_recovery_codes",
        "POST /api/auth/second-factor/confirm confirm_second_factor",
        "POST /api/auth/session/end_others end_other_sessions",
        "POST /api/auth/session/login login_session",
        "POST /api/auth/session/logout logout_session",
        "POST /api/auth/session/reauth reauth_session",
        "POST /api/auth/session/refresh refresh_session",
        "POST /api/auth/session/validate validate_session",
        "POST /api/auth/setup create_setup",
        "POST /api/auth/token/add create_token",
        "POST /api/auth/user/add create_user",
        "POST /api/auth/user/{id}/unlock unlock_user",
        "PUT /api/auth/user/{id}/grants update_grants",
    ];
    assert_eq!(ids.len(), expected.len(), "{ids:#?}");
    for (id, expected) in ids.iter().zip(expected) {
        assert!(id.starts_with(expected), "{id}");
    }
}

#[tokio::test]
async fn what_says_that_it_needs_a_token_does() {
    let (bed, _) = Bed::set_up().await;
    let mut guarded = 0;
    for (method, path, operation) in operations(&document()) {
        let is_open = operation["security"].as_array().unwrap().contains(&json!({}));
        let path = path.replace("{id}", "16601861-02df-58e0-9144-54a4e4a8b567");
        let body = (method != "GET").then(|| json!({ "name": "x", "password": "y", "level": "Root" }));
        for token in [None, Some("bad.token.here")] {
            let got = bed.call(&method, &path, token, body.clone()).await;
            if is_open {
                assert_ne!(got.status, 403, "{method} {path}");
            } else {
                assert_eq!(got.status, 401, "{method} {path}");
                guarded += 1;
            }
        }
    }
    assert_eq!(guarded, 2 * 30);
}

#[tokio::test]
async fn the_document_is_served() {
    let (bed, _) = Bed::set_up().await;
    let got = bed.call("GET", "/api/auth/apispec.json", None, None).await;
    assert_eq!((got.status, &got.body), (200, &document()));
    assert_eq!(
        bed.call("GET", "/api/auth/health", None, None).await.body["status"],
        "ok"
    );
    assert_eq!(
        bed.call("GET", "/api/auth/nowhere", None, None).await.refusal(),
        (404, "not found")
    );
    assert_eq!(
        bed.call("GET", "/api/auth/session/login", None, None)
            .await
            .status,
        405
    );
}

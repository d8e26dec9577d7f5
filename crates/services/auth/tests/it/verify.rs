//! Forward authentication and the audit record over HTTP.

use http::Request;
use serde_json::{Value, json};

use crate::bed::{Bed, Got, PASSWORD};

async fn verify(bed: &Bed, query: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = Request::get(format!("/api/auth/verify{query}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    bed.send(request.body(axum::body::Body::empty()).unwrap()).await
}

#[tokio::test]
async fn cookie_access_token_and_api_token_are_read() {
    let (bed, root) = Bed::set_up().await;
    let (_, anna) = bed.add(&root, "anna", "User").await;
    let body = json!({ "name": "anna", "password": PASSWORD });
    let session = bed.internal("POST", "/internal/session", Some(body)).await;
    let body = json!({ "name": "x", "scope": ["app:grafana:use"] });
    let token = bed
        .call(
            "POST",
            "/api/auth/token/add",
            Some(anna.text("access_token")),
            Some(body),
        )
        .await;
    let cookie = format!("theme=dark; __Host-pistack={}", session.text("cookie"));
    let bearer = format!("Bearer {}", anna.text("access_token"));
    let api_token = format!("Bearer {}", token.text("token"));
    let right = "?right=app:grafana:use";
    for (header, value, method) in [
        ("cookie", &cookie, "session"),
        ("authorization", &bearer, "session"),
        ("authorization", &api_token, "token"),
    ] {
        let got = verify(&bed, right, &[(header, value)]).await;
        assert_eq!(got.status, 200, "{}", got.body);
        let id = anna.body["user"]["id"].as_str().unwrap();
        for (name, expected) in [
            ("x-auth-user", "anna"),
            ("x-auth-id", id),
            ("x-auth-level", "user"),
            ("x-auth-method", method),
        ] {
            assert_eq!(got.headers[name], expected, "{name}");
        }
        assert_eq!(verify(&bed, "?level=Admin", &[(header, value)]).await.status, 403);
    }
    for query in ["", "?right=app:wiki:use", "?right=process:x:read"] {
        assert_eq!(
            verify(&bed, query, &[("authorization", &api_token)]).await.status,
            403,
            "{query}"
        );
    }
    for query in ["?level=Boss", "?right=app:*:use", "?right=x", "?redirect=x"] {
        assert_eq!(
            verify(&bed, query, &[("authorization", &bearer)]).await.status,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_browser_is_told_where_to_log_in() {
    let (bed, _) = Bed::set_up().await;
    let html = ("accept", "text/html,application/xhtml+xml");
    let got = verify(&bed, "", &[html, ("x-original-uri", "/grafana/?a=b")]).await;
    assert_eq!(
        (got.status, &got.headers["location"]),
        (401, &"/control/login?next=/grafana/%3Fa%3Db".parse().unwrap())
    );
    let got = verify(&bed, "", &[html, ("cookie", "__Host-pistack=over")]).await;
    assert_eq!((got.status, got.headers.contains_key("location")), (401, true));
    let got = verify(&bed, "?redirect=1", &[("accept", "*/*")]).await;
    assert_eq!(
        (got.status, got.headers.contains_key("location")),
        (401, false),
        "a script is not sent to a form"
    );
}

async fn audit(bed: &Bed, who: &Got, query: &str) -> Vec<Value> {
    let path = format!("/api/auth/audit{query}");
    let got = bed.call("GET", &path, Some(who.text("access_token")), None).await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.body.as_array().unwrap().clone()
}

#[tokio::test]
async fn the_record_says_who_what_from_where_and_when() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    bed.login("anna", "wrong").await;
    bed.login("anna", "wrong").await;
    bed.login("a password typed into the wrong field", "x").await;
    bed.call(
        "DELETE",
        &format!("/api/auth/user/{id}"),
        Some(anna.text("access_token")),
        None,
    )
    .await;
    let all = audit(&bed, &root, "").await;
    let text = serde_json::to_string(&all).unwrap();
    assert!(
        !text.contains("wrong field"),
        "what was typed as a name is not kept: {text}"
    );
    let failures = audit(&bed, &root, "?kind=login&outcome=refused").await;
    assert_eq!(failures.len(), 2);
    assert_eq!(
        (&failures[1]["subject"], &failures[1]["times"]),
        (&json!(id), &json!(2))
    );
    let removed = audit(&bed, &root, "?kind=user.*&limit=1").await;
    assert_eq!(
        (
            &removed[0]["kind"],
            &removed[0]["actor_name"],
            &removed[0]["clock"],
            &removed[0]["at"]
        ),
        (
            &json!("user.remove"),
            &json!("anna"),
            &json!("trusted"),
            &json!(1_800_000_000)
        )
    );
    let seq = removed[0]["seq"].as_i64().unwrap();
    let older = audit(&bed, &root, &format!("?before={seq}&limit=2")).await;
    assert!(older.len() == 2 && older.iter().all(|entry| entry["seq"].as_i64().unwrap() < seq));
    assert!(audit(&bed, &root, &format!("?user={id}")).await.len() >= 3);
}

#[tokio::test]
async fn only_root_reads_it_and_bad_filters_are_refused() {
    let (bed, root) = Bed::set_up().await;
    let (_, admin) = bed.add(&root, "admin", "Admin").await;
    let path = "/api/auth/audit";
    let got = bed
        .call("GET", path, Some(admin.text("access_token")), None)
        .await;
    assert_eq!(got.refusal(), (403, "forbidden: requires Root"));
    for query in ["?limit=0", "?limit=1001", "?limit=x", "?before=x", "?kind=%00"] {
        let got = bed
            .call(
                "GET",
                &format!("{path}{query}"),
                Some(root.text("access_token")),
                None,
            )
            .await;
        assert_eq!(got.status, 400, "{query}");
    }
}

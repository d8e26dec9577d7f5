//! A person's sessions: listed, signed out; what is dangerous takes a fresh login.

use std::time::Duration;

use http::Request;
use pistack_kit::testing::eventually;
use serde_json::{Value, json};

use crate::bed::{Bed, Got, PASSWORD};

async fn list(bed: &Bed, who: &Got) -> Vec<Value> {
    let got = bed
        .call(
            "GET",
            "/api/auth/session/list",
            Some(who.text("access_token")),
            None,
        )
        .await;
    got.body.as_array().unwrap().clone()
}

async fn login_from(bed: &Bed, address: &str, device: &str) -> Got {
    let body = json!({ "name": "root", "password": PASSWORD }).to_string();
    let request = Request::post("/api/auth/session/login")
        .header("x-forwarded-for", address)
        .header("user-agent", device);
    bed.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn sessions_show_device_address_first_and_last_use() {
    let (bed, root) = Bed::set_up().await;
    bed.clock.advance(Duration::from_mins(1));
    let phone = login_from(&bed, "198.51.100.7", "Phone/1.0").await;
    let body = json!({ "name": "root", "password": PASSWORD, "device": "Firefox", "address": "192.0.2.1" });
    bed.internal("POST", "/internal/session", Some(body)).await;
    bed.clock.advance(Duration::from_secs(40));
    bed.refresh(phone.text("refresh_token")).await;
    let all = list(&bed, &phone).await;
    assert_eq!(all.len(), 3);
    let first = &all[0];
    assert_eq!(
        (
            &first["device"],
            &first["address"],
            &first["kind"],
            &first["current"]
        ),
        (
            &json!("Phone/1.0"),
            &json!("198.51.100.7"),
            &json!("api"),
            &json!(true)
        )
    );
    assert_eq!(
        first["last_used_at"].as_i64().unwrap() - first["created_at"].as_i64().unwrap(),
        40
    );
    assert!(
        all.iter()
            .any(|one| one["kind"] == "dashboard" && one["device"] == "Firefox")
    );
    assert_eq!(
        list(&bed, &root)
            .await
            .iter()
            .filter(|one| one["current"] == true)
            .count(),
        1
    );
}

#[tokio::test]
async fn one_is_signed_out_or_all_others() {
    let (bed, root) = Bed::set_up().await;
    let (_, anna) = bed.add(&root, "anna", "User").await;
    let (one, two) = (
        bed.login("root", PASSWORD).await,
        bed.login("root", PASSWORD).await,
    );
    let body = json!({ "name": "root", "password": PASSWORD });
    let cookie = bed.internal("POST", "/internal/session", Some(body)).await;
    let sid = |of: &Got| bed.context.guard.verify(of.text("access_token")).unwrap().sid;
    let path = format!("/api/auth/session/{}", sid(&one));
    let end = async |who: &Got, path: &str| {
        bed.call("DELETE", path, Some(who.text("access_token")), None)
            .await
            .status
    };
    assert_eq!(end(&anna, &path).await, 404, "another's session is not there");
    assert_eq!((end(&root, &path).await, end(&root, &path).await), (200, 404));
    assert_eq!(bed.me(one.text("access_token")).await.status, 401);
    assert_eq!(bed.refresh(one.text("refresh_token")).await.status, 401);
    let token = Some(root.text("access_token"));
    let ended = bed
        .call("POST", "/api/auth/session/end_others", token, None)
        .await;
    assert_eq!((ended.status, &ended.body["ended"]), (200, &json!(2)));
    assert_eq!(bed.me(two.text("access_token")).await.status, 401);
    let body = json!({ "cookie": cookie.text("cookie") });
    assert_eq!(
        bed.internal("POST", "/internal/exchange", Some(body))
            .await
            .status,
        401
    );
    assert_eq!(bed.me(root.text("access_token")).await.status, 200);
    assert_eq!(bed.me(anna.text("access_token")).await.status, 200);
}

#[tokio::test]
async fn a_login_of_the_dashboard_ends_the_session_before() {
    let (bed, _) = Bed::set_up().await;
    let body = |replaces: &str| json!({ "name": "root", "password": PASSWORD, "replaces": replaces });
    let exchange = async |session: &Got| {
        let body = json!({ "cookie": session.text("cookie") });
        bed.internal("POST", "/internal/exchange", Some(body)).await
    };
    let first = bed.internal("POST", "/internal/session", Some(body(""))).await;
    let sid = exchange(&first).await.text("sid").to_owned();
    let second = bed.internal("POST", "/internal/session", Some(body(&sid))).await;
    assert_ne!(first.text("cookie"), second.text("cookie"));
    assert_eq!(
        (exchange(&first).await.status, exchange(&second).await.status),
        (401, 200)
    );
}

#[tokio::test]
async fn what_is_dangerous_takes_a_login_of_the_last_ten_minutes() {
    let (bed, root) = Bed::set_up().await;
    let (id, _) = bed.add(&root, "anna", "User").await;
    bed.clock.advance(Duration::from_secs(601));
    let token = root.text("access_token").to_owned();
    let user = format!("/api/auth/user/{id}");
    let calls = [
        ("PATCH", user.clone(), Some(json!({ "level": "Admin" }))),
        (
            "PATCH",
            user.clone(),
            Some(json!({ "password": "another good phrase" })),
        ),
        (
            "PATCH",
            user.clone(),
            Some(json!({ "email": "anna@example.org" })),
        ),
        ("PATCH", user.clone(), Some(json!({ "disabled": true }))),
        (
            "PUT",
            format!("{user}/grants"),
            Some(json!({ "grants": ["gpio:*"] })),
        ),
        (
            "POST",
            "/api/auth/token/add".to_owned(),
            Some(json!({ "name": "x", "scope": ["*"] })),
        ),
        ("POST", "/api/auth/second-factor/begin".to_owned(), None),
        (
            "POST",
            "/api/auth/user/add".to_owned(),
            Some(json!({ "name": "eve", "password": PASSWORD, "level": "Root" })),
        ),
        ("DELETE", user.clone(), None),
    ];
    for (method, path, body) in &calls {
        let got = bed.call(method, path, Some(&token), body.clone()).await;
        assert_eq!(
            (got.status, got.text("code")),
            (401, "reauthentication-required"),
            "{method} {path}"
        );
        assert!(
            got.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .contains("insufficient_user_authentication")
        );
    }
    let name = bed
        .call("PATCH", &user, Some(&token), Some(json!({ "name": "hanna" })))
        .await;
    assert_eq!(name.status, 200, "a name is not dangerous");
    let prove = async |password: &str| {
        let body = json!({ "password": password });
        bed.call("POST", "/api/auth/session/reauth", Some(&token), Some(body))
            .await
    };
    assert_eq!(prove("wrong").await.refusal(), (401, "invalid credentials"));
    let proved = prove(PASSWORD).await;
    assert_eq!(proved.status, 200);
    let fresh = bed.context.guard.verify(proved.text("access_token")).unwrap();
    assert_eq!(fresh.auth_time, Some(bed.clock.unix()));
    // Also with the token of before: it is of the same session.
    for (method, path, body) in calls {
        let got = bed.call(method, &path, Some(&token), body).await;
        assert!(matches!(got.status, 200 | 201), "{method} {path}: {}", got.body);
    }
}

#[tokio::test]
async fn a_refreshed_token_is_as_old_as_its_login() {
    let (bed, root) = Bed::set_up().await;
    bed.clock.advance(Duration::from_secs(500));
    let next = bed.refresh(root.text("refresh_token")).await;
    let claims = bed.context.guard.verify(next.text("access_token")).unwrap();
    assert_eq!(claims.auth_time, Some(1_800_000_000));
    bed.clock.advance(Duration::from_secs(101));
    let body = json!({ "name": "x", "scope": ["*"] });
    let got = bed
        .call(
            "POST",
            "/api/auth/token/add",
            Some(next.text("access_token")),
            Some(body),
        )
        .await;
    assert_eq!(got.status, 401);
}

#[tokio::test]
async fn guesses_of_others_do_not_keep_a_known_device_out() {
    let (bed, _) = Bed::set_up().await;
    let login = async |password: &str, device: Option<&str>| {
        let body =
            json!({ "name": "root", "password": password, "device_token": device, "remember_device": true });
        bed.post("/api/auth/session/login", body).await
    };
    let known = login(PASSWORD, None).await;
    let device = known.text("device_token").to_owned();
    assert!(
        bed.login("root", PASSWORD)
            .await
            .body
            .get("device_token")
            .is_none(),
        "only where it is asked for"
    );
    while bed.login("root", "wrong").await.status == 401 {}
    assert_eq!(bed.login("root", PASSWORD).await.status, 429);
    assert_eq!(login(PASSWORD, Some(&device)).await.status, 200);
    for junk in ["", "x", &"A".repeat(43)] {
        assert_eq!(login(PASSWORD, Some(junk)).await.status, 429, "{junk}");
    }
    // A stolen one does not help to guess, nor at another's account.
    let mut guesses = 0;
    while login("wrong", Some(&device)).await.status == 401 {
        guesses += 1;
    }
    assert_eq!(guesses, 3);
    bed.clock.advance(Duration::from_secs(1));
    bed.internal("POST", "/internal/unlock", Some(json!({ "name": "ROOT" })))
        .await;
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_login_from_a_new_place_is_told() {
    let (bed, _) = Bed::set_up().await;
    let places = async || {
        let root = bed.login("root", PASSWORD).await;
        let path = "/api/auth/audit?kind=login.new_place";
        let got = bed.call("GET", path, Some(root.text("access_token")), None).await;
        got.body.as_array().unwrap().clone()
    };
    assert!(
        places().await.is_empty(),
        "this machine is where the first login came from"
    );
    login_from(&bed, "198.51.100.7", "Phone/1.0").await;
    let told = eventually("the place is told", async || {
        Some(places().await).filter(|told| !told.is_empty())
    })
    .await;
    assert_eq!(
        (&told[0]["address"], &told[0]["device"]),
        (&json!("198.51.100.7"), &json!("Phone/1.0"))
    );
    login_from(&bed, "198.51.100.9", "Phone/1.0").await;
    assert_eq!(places().await.len(), 1, "the same network is no news");
}

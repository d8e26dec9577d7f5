//! Accounts as those see them who manage them: the overview, another's sessions, the end of a pause, copies.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bed::{Bed, Got, PASSWORD, in_a_file};

async fn call(bed: &Bed, by: &Got, method: &str, path: &str) -> Got {
    bed.call(method, path, Some(by.text("access_token")), None).await
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let all = list.as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap()
}

#[tokio::test]
async fn the_overview_says_how_accounts_stand_and_who_may_change_them() {
    let (bed, root) = Bed::set_up().await;
    let (anna_id, anna) = bed.add(&root, "anna", "User").await;
    let (_, ada) = bed.add(&root, "ada", "Admin").await;
    let grants = json!({ "grants": ["gpio:relay1:write"], "limited": true });
    let path = format!("/api/auth/user/{anna_id}/grants");
    bed.call("PUT", &path, Some(root.text("access_token")), Some(grants))
        .await;
    let seen = call(&bed, &ada, "GET", "/api/auth/user/overview").await;
    assert_eq!(seen.status, 200, "{seen:?}");
    let (of_anna, of_root) = (named(&seen.body, "anna"), named(&seen.body, "root"));
    assert_eq!(
        (
            &of_anna["level"],
            &of_anna["grants"],
            &of_anna["limited"],
            &of_anna["manageable"]
        ),
        (
            &json!("User"),
            &json!(["gpio:relay1:write"]),
            &json!(true),
            &json!(true)
        )
    );
    assert_eq!(
        (&of_anna["second_factor"], &of_anna["disabled"]),
        (&json!(false), &json!(false))
    );
    assert!(of_anna["sessions"].as_u64().unwrap() >= 1, "{of_anna}");
    assert_eq!(of_root["manageable"], false, "an Admin does not touch a Root");
    assert_eq!(
        named(
            &call(&bed, &root, "GET", "/api/auth/user/overview").await.body,
            "root"
        )["manageable"],
        true
    );
    assert_eq!(
        call(&bed, &anna, "GET", "/api/auth/user/overview").await.status,
        401,
        "the grants ended the old token"
    );
    let anna = bed.login("anna", PASSWORD).await;
    assert_eq!(
        call(&bed, &anna, "GET", "/api/auth/user/overview").await.status,
        403
    );
}

#[tokio::test]
async fn a_root_signs_others_out_and_nobody_else_does() {
    let (bed, root) = Bed::set_up().await;
    let (id, _) = bed.add(&root, "anna", "User").await;
    let (_, ada) = bed.add(&root, "ada", "Admin").await;
    let (one, two) = (
        bed.login("anna", PASSWORD).await,
        bed.login("anna", PASSWORD).await,
    );
    let path = format!("/api/auth/user/{id}/sessions");
    let list = call(&bed, &root, "GET", &path).await;
    assert!(list.body.as_array().unwrap().len() >= 2, "{list:?}");
    for who in [&ada, &one] {
        assert_eq!(call(&bed, who, "GET", &path).await.status, 403);
        assert_eq!(call(&bed, who, "DELETE", &path).await.status, 403);
    }
    let sid = bed.context.guard.verify(one.text("access_token")).unwrap().sid;
    let single = format!("{path}/{sid}");
    assert_eq!(
        call(&bed, &root, "DELETE", &single).await.body,
        json!({ "ended": 1 })
    );
    assert_eq!(
        call(&bed, &root, "DELETE", &single).await.refusal(),
        (404, "not found")
    );
    let me = "/api/auth/session/me";
    assert_eq!(call(&bed, &one, "GET", me).await.status, 401);
    assert_eq!(call(&bed, &two, "GET", me).await.status, 200);
    assert_eq!(call(&bed, &root, "DELETE", &path).await.status, 200);
    assert_eq!(call(&bed, &two, "GET", me).await.status, 401);
    assert_eq!(call(&bed, &root, "GET", &path).await.body, json!([]));
    let audit = call(&bed, &root, "GET", "/api/auth/session/me").await;
    assert_eq!(audit.status, 200, "the one who asked is still in");
}

#[tokio::test]
async fn what_is_dangerous_takes_a_fresh_login() {
    let (bed, root) = Bed::set_up().await;
    let (id, _) = bed.add(&root, "anna", "User").await;
    bed.clock.advance(Duration::from_mins(11));
    for (method, path) in [
        ("DELETE", format!("/api/auth/user/{id}/sessions")),
        ("DELETE", format!("/api/auth/user/{id}/sessions/x")),
        ("POST", format!("/api/auth/user/{id}/unlock")),
        ("POST", "/api/auth/copies".to_owned()),
    ] {
        assert_eq!(
            call(&bed, &root, method, &path).await.refusal(),
            (401, "reauthentication required"),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_pause_ends_when_somebody_unlocks_the_account() {
    let (bed, root) = Bed::set_up().await;
    let (id, _) = bed.add(&root, "anna", "User").await;
    for _ in 0..6 {
        bed.login("anna", "not the password at all").await;
    }
    assert_eq!(bed.login("anna", PASSWORD).await.status, 429);
    let path = format!("/api/auth/user/{id}/unlock");
    assert_eq!(
        call(&bed, &root, "POST", &path).await.body,
        json!({ "unlocked": true })
    );
    assert_eq!(bed.login("anna", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_root_lists_copies_and_makes_one() {
    let bed = Bed::with(in_a_file()).await;
    let root = bed.finish_setup().await;
    let (_, ada) = bed.add(&root, "ada", "Admin").await;
    let path = "/api/auth/copies";
    let none = call(&bed, &root, "GET", path).await;
    assert_eq!(
        (&none.body["supported"], &none.body["copies"]),
        (&json!(true), &json!([]))
    );
    let made = call(&bed, &root, "POST", path).await;
    assert_eq!((made.status, &made.body["number"]), (201, &json!(1)), "{made:?}");
    let file = std::path::PathBuf::from(made.text("path"));
    assert_eq!(
        std::fs::metadata(&file).unwrap().len(),
        made.body["bytes"].as_u64().unwrap()
    );
    let list = call(&bed, &root, "GET", path).await;
    assert_eq!(list.body["copies"], json!([made.body]));
    for method in ["GET", "POST"] {
        assert_eq!(call(&bed, &ada, method, path).await.status, 403);
    }
}

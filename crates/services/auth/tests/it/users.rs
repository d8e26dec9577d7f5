//! The contract's user table.

use serde_json::{Value, json};

use crate::bed::{Bed, Got, PASSWORD};

pub(crate) const NEW: &str = "entirely different phrase";

pub(crate) async fn patch(bed: &Bed, by: &Got, id: &str, body: Value) -> Got {
    bed.call(
        "PATCH",
        &format!("/api/auth/user/{id}"),
        Some(by.text("access_token")),
        Some(body),
    )
    .await
}

pub(crate) async fn delete(bed: &Bed, by: &Got, id: &str) -> Got {
    bed.call(
        "DELETE",
        &format!("/api/auth/user/{id}"),
        Some(by.text("access_token")),
        None,
    )
    .await
}

pub(crate) async fn get(bed: &Bed, by: &Got, path: &str) -> Got {
    bed.call(
        "GET",
        &format!("/api/auth/user/{path}"),
        Some(by.text("access_token")),
        None,
    )
    .await
}

pub(crate) async fn add(bed: &Bed, by: &Got, body: Value) -> Got {
    bed.call(
        "POST",
        "/api/auth/user/add",
        Some(by.text("access_token")),
        Some(body),
    )
    .await
}

pub(crate) fn own_id(login: &Got) -> String {
    login.body["user"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn adding_a_user() {
    let (bed, root) = Bed::set_up().await;
    let got = add(&bed, &root, json!({ "name": "Żaneta", "password": PASSWORD })).await;
    assert_eq!(
        (got.status, got.text("name"), got.text("level")),
        (201, "Żaneta", "User")
    );
    assert_eq!(
        got.body.as_object().unwrap().len(),
        3,
        "never a hash: {}",
        got.body
    );
    assert_eq!(bed.login("żaneta", PASSWORD).await.status, 200);
    for name in ["Żaneta", "żANETA", "root", "ROOT"] {
        let got = add(&bed, &root, json!({ "name": name, "password": PASSWORD })).await;
        assert_eq!(got.refusal(), (409, "user exists"));
    }
}

#[tokio::test]
async fn bad_new_users_are_refused() {
    let (bed, root) = Bed::set_up().await;
    for body in [
        json!({}),
        json!([]),
        json!({ "name": "anna" }),
        json!({ "password": PASSWORD }),
        json!({ "name": 5, "password": PASSWORD }),
        json!({ "name": "anna", "password": PASSWORD, "level": 3 }),
        json!({ "name": "", "password": PASSWORD }),
        json!({ "name": " anna", "password": PASSWORD }),
        json!({ "name": "an\nna", "password": PASSWORD }),
        json!({ "name": "x".repeat(65), "password": PASSWORD }),
    ] {
        assert_eq!(
            add(&bed, &root, body.clone()).await.refusal(),
            (400, "invalid payload"),
            "{body}"
        );
    }
    for level in ["", "Boss", "Super Root", "root;"] {
        let got = add(
            &bed,
            &root,
            json!({ "name": "anna", "password": PASSWORD, "level": level }),
        )
        .await;
        assert_eq!(got.refusal(), (400, "invalid level"));
    }
    for (password, why) in [
        ("x", "too short"),
        ("Password1", "common"),
        (&*"x".repeat(129), "too long"),
    ] {
        let got = add(&bed, &root, json!({ "name": "anna", "password": password })).await;
        assert_eq!((got.status, got.text("code")), (400, "weak_password"));
        assert!(got.text("message").contains(why), "{}", got.body);
    }
    let got = add(
        &bed,
        &root,
        json!({ "name": "anna-maria", "password": "ANNA-maria" }),
    )
    .await;
    assert_eq!(got.text("code"), "weak_password");
    assert_eq!(
        bed.login("anna", PASSWORD).await.status,
        401,
        "nothing half-made is left"
    );
}

#[tokio::test]
async fn listing_takes_an_admin_and_reading_reaches_oneself() {
    let (bed, root) = Bed::set_up().await;
    let (admin_id, admin) = bed.add(&root, "Adam", "Admin").await;
    let (user_id, user) = bed.add(&root, "anna", "User").await;
    let names = |got: &Got| -> Vec<String> {
        got.body
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&get(&bed, &root, "list").await), ["Adam", "anna", "root"]);
    assert_eq!(names(&get(&bed, &admin, "list?q=A").await), ["Adam", "anna"]);
    assert!(names(&get(&bed, &admin, "list?q=%25").await).is_empty());
    assert_eq!(get(&bed, &user, "list").await.status, 403);
    assert_eq!(
        bed.call("GET", "/api/auth/user/list", None, None).await.status,
        401
    );

    assert_eq!(get(&bed, &admin, &user_id).await.text("name"), "anna");
    assert_eq!(
        get(&bed, &admin, &user_id.to_uppercase()).await.text("name"),
        "anna"
    );
    assert_eq!(get(&bed, &user, &user_id).await.text("name"), "anna");
    let nobody = "00000000-0000-4000-8000-000000000000";
    for id in [admin_id.as_str(), nobody, "x"] {
        assert_eq!(
            get(&bed, &user, id).await.status,
            403,
            "a User learns nothing about {id}"
        );
    }
    for id in [
        nobody,
        "x",
        "%00",
        "16601861-02df-58e0-9144-54a4e4a8b567x",
        &"9".repeat(5000),
    ] {
        assert_eq!(get(&bed, &root, id).await.refusal(), (404, "not found"));
    }
}

#[tokio::test]
async fn changing_a_name_shows_at_once_and_ends_nothing() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    assert_eq!(
        patch(&bed, &root, &id, json!({ "name": "Anka" }))
            .await
            .text("name"),
        "Anka"
    );
    assert_eq!(bed.me(anna.text("access_token")).await.text("name"), "Anka");
    assert_eq!(
        patch(&bed, &anna, &id, json!({ "name": "ANKA" }))
            .await
            .text("name"),
        "ANKA"
    );
    assert_eq!(
        bed.refresh(anna.text("refresh_token")).await.body["user"]["name"],
        "ANKA"
    );
    assert_eq!(
        patch(&bed, &anna, &id, json!({ "name": "Root" })).await.refusal(),
        (409, "user exists")
    );
    assert_eq!(
        (
            bed.login("anna", PASSWORD).await.status,
            bed.login("anka", PASSWORD).await.status
        ),
        (401, 200)
    );
}

#[tokio::test]
async fn a_patch_says_what_is_wrong_with_it() {
    let (bed, root) = Bed::set_up().await;
    let (id, _) = bed.add(&root, "anna", "User").await;
    for body in [json!({}), json!({ "id": "x" }), json!({ "name": null })] {
        assert_eq!(
            patch(&bed, &root, &id, body).await.refusal(),
            (400, "nothing to update")
        );
    }
    for body in [
        json!({ "name": 1 }),
        json!([1]),
        json!({ "password": [] }),
        json!({ "name": "" }),
    ] {
        assert_eq!(
            patch(&bed, &root, &id, body).await.refusal(),
            (400, "invalid payload")
        );
    }
    assert_eq!(
        patch(&bed, &root, &id, json!({ "level": "Boss" }))
            .await
            .refusal(),
        (400, "invalid level")
    );
    assert_eq!(
        patch(&bed, &root, &id, json!({ "password": "x" }))
            .await
            .text("code"),
        "weak_password"
    );
    let nobody = "00000000-0000-4000-8000-000000000000";
    assert_eq!(
        patch(&bed, &root, nobody, json!({ "name": "x" })).await.refusal(),
        (404, "not found")
    );
    assert_eq!(delete(&bed, &root, nobody).await.refusal(), (404, "not found"));
}

#[tokio::test]
async fn password_and_level_changes_end_all_sessions() {
    let (bed, root) = Bed::set_up().await;
    let (id, first) = bed.add(&root, "anna", "User").await;
    let second = bed.login("anna", PASSWORD).await;
    for (change, password) in [
        (json!({ "password": NEW }), NEW),
        (json!({ "level": "Admin" }), NEW),
    ] {
        let before = bed
            .login(
                "anna",
                if change.get("password").is_some() {
                    PASSWORD
                } else {
                    NEW
                },
            )
            .await;
        assert_eq!(patch(&bed, &root, &id, change).await.status, 200);
        for login in [&first, &second, &before] {
            assert_eq!(bed.me(login.text("access_token")).await.status, 401);
            let refused = bed.refresh(login.text("refresh_token")).await;
            assert_eq!(refused.refusal(), (401, "refresh token revoked or unknown"));
        }
        assert_eq!(bed.login("anna", password).await.status, 200);
    }
    assert_eq!(bed.login("anna", PASSWORD).await.status, 401);
    let fresh = bed.login("anna", NEW).await;
    patch(&bed, &root, &id, json!({ "level": "ADMIN" })).await;
    assert_eq!(
        bed.me(fresh.text("access_token")).await.status,
        200,
        "the level it has already is no change"
    );
}

//! Who may do what to whom, and the faults of the original that must not come back.

use serde_json::json;

use crate::bed::{Bed, PASSWORD};
use crate::users::{NEW, add, delete, get, own_id, patch};

#[tokio::test]
async fn who_may_add_whom() {
    let (bed, root) = Bed::set_up().await;
    let (_, admin) = bed.add(&root, "admin", "Admin").await;
    let (_, user) = bed.add(&root, "user", "user").await;
    let body = |name: &str, level: &str| json!({ "name": name, "password": PASSWORD, "level": level });
    assert_eq!(add(&bed, &admin, body("a", "User")).await.status, 201);
    assert_eq!(add(&bed, &admin, body("b", "ADMIN")).await.status, 201);
    assert_eq!(add(&bed, &root, body("c", "rOOt")).await.text("level"), "Root");
    // The original compared with `root` and then folded the case: `ROOT` made a Root.
    for level in ["Root", "root", "ROOT", "rOOT", " root", "root\t", "\u{a0}ROOT"] {
        assert_eq!(add(&bed, &admin, body("d", level)).await.status, 403, "{level}");
    }
    for level in ["User", "Admin", "Root"] {
        assert_eq!(add(&bed, &user, body("e", level)).await.status, 403);
    }
    assert_eq!(
        bed.call("POST", "/api/auth/user/add", None, Some(body("f", "User")))
            .await
            .status,
        401
    );
    assert_eq!(
        bed.call("POST", "/api/auth/user/add", Some("x"), Some(body("f", "User")))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_user_changes_itself_but_not_its_level() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let (other, _) = bed.add(&root, "bert", "User").await;
    for level in ["Root", "Admin", "User", "ROOT"] {
        assert_eq!(
            patch(&bed, &anna, &id, json!({ "level": level })).await.status,
            403,
            "{level}"
        );
        assert_eq!(
            patch(&bed, &anna, &id, json!({ "name": "x", "level": level }))
                .await
                .status,
            403,
            "{level}"
        );
    }
    for target in [other.as_str(), &own_id(&root)] {
        assert_eq!(
            patch(&bed, &anna, target, json!({ "name": "x" })).await.status,
            403
        );
        assert_eq!(delete(&bed, &anna, target).await.status, 403);
    }
    assert_eq!(
        patch(&bed, &anna, &id, json!({ "password": NEW })).await.status,
        200
    );
    let anna = bed.login("anna", NEW).await;
    assert_eq!(delete(&bed, &anna, &id).await.body, json!({ "removed": true }));
    assert_eq!(
        bed.login("anna", NEW).await.refusal(),
        (401, "invalid credentials")
    );
}

#[tokio::test]
async fn an_admin_manages_everyone_but_root() {
    let (bed, root) = Bed::set_up().await;
    let (admin_id, admin) = bed.add(&root, "admin", "Admin").await;
    let (second_id, _) = bed.add(&root, "second", "Admin").await;
    let (user_id, _) = bed.add(&root, "user", "User").await;
    assert_eq!(
        patch(&bed, &admin, &user_id, json!({ "level": "Admin" }))
            .await
            .text("level"),
        "Admin"
    );
    assert_eq!(
        patch(&bed, &admin, &second_id, json!({ "level": "user" }))
            .await
            .text("level"),
        "User"
    );
    for level in ["Root", "root", "ROOT", " RooT "] {
        for id in [&user_id, &second_id, &admin_id] {
            assert_eq!(
                patch(&bed, &admin, id, json!({ "level": level })).await.status,
                403,
                "{level}"
            );
        }
    }
    let root_id = own_id(&root);
    for body in [
        json!({ "name": "x" }),
        json!({ "password": NEW }),
        json!({ "level": "User" }),
    ] {
        assert_eq!(patch(&bed, &admin, &root_id, body).await.status, 403);
    }
    assert_eq!(delete(&bed, &admin, &root_id).await.status, 403);
    assert_eq!(delete(&bed, &admin, &second_id).await.status, 200);
}

#[tokio::test]
async fn the_last_root_stays() {
    let (bed, root) = Bed::set_up().await;
    let root_id = own_id(&root);
    assert_eq!(
        delete(&bed, &root, &root_id).await.refusal(),
        (409, "the last Root cannot be removed")
    );
    for level in ["Admin", "user"] {
        let got = patch(&bed, &root, &root_id, json!({ "level": level })).await;
        assert_eq!(got.refusal(), (409, "the last Root cannot be demoted"));
    }
    assert_eq!(bed.me(root.text("access_token")).await.text("level"), "Root");
    let (second_id, second) = bed.add(&root, "second", "Root").await;
    assert_eq!(delete(&bed, &second, &root_id).await.status, 200);
    assert_eq!(delete(&bed, &second, &second_id).await.status, 409);
}

#[tokio::test]
async fn of_two_roots_that_remove_each_other_one_stays() {
    let (bed, root) = Bed::set_up().await;
    let (second_id, second) = bed.add(&root, "second", "Root").await;
    let root_id = own_id(&root);
    let (one, two) = tokio::join!(delete(&bed, &root, &second_id), delete(&bed, &second, &root_id));
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [200, 401], "who is removed removes nobody any more");
    let survivor = if one.status == 200 { &root } else { &second };
    assert_eq!(bed.me(survivor.text("access_token")).await.text("level"), "Root");
}

#[tokio::test]
async fn a_token_has_no_more_rights_than_its_user() {
    let (bed, root) = Bed::set_up().await;
    let (id, admin) = bed.add(&root, "admin", "Admin").await;
    patch(&bed, &root, &id, json!({ "level": "User" })).await;
    let body = json!({ "name": "x", "password": PASSWORD });
    assert_eq!(
        add(&bed, &admin, body).await.status,
        401,
        "the token of the old level is dead"
    );
    assert_eq!(get(&bed, &admin, "list").await.status, 401);
}

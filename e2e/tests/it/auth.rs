//! Sessions and users of the contract, through TLS.

use pistack_e2e::stack::PASSWORD;
use pistack_e2e::{Stack, until};
use serde_json::json;

#[test]
fn a_session_from_login_to_logout() {
    let stack = Stack::start();
    let login = stack.login("root", PASSWORD);
    assert_eq!(login.status, 200, "{login:?}");
    let body = login.json();
    assert_eq!(
        (body["token_type"].as_str(), body["expires_in"].as_i64()),
        (Some("Bearer"), Some(900))
    );
    assert_eq!(
        (body["user"]["name"].as_str(), body["user"]["level"].as_str()),
        (Some("root"), Some("Root"))
    );
    assert_eq!(body["user"]["id"], "16601861-02df-58e0-9144-54a4e4a8b567");
    let access = body["access_token"].as_str().unwrap();
    let refresh = body["refresh_token"].as_str().unwrap();

    assert_eq!(stack.get_as(access, "/api/auth/session/me").json(), body["user"]);
    let valid = stack.post(access, "/api/auth/session/validate", &json!({}));
    assert_eq!(
        (
            valid.status,
            &valid.json()["valid"],
            &valid.json()["token"]["typ"]
        ),
        (200, &json!(true), &json!("access"))
    );

    let next = stack.post(
        "",
        "/api/auth/session/refresh",
        &json!({ "refresh_token": refresh }),
    );
    assert_eq!(next.status, 200, "{next:?}");
    let successor = next.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(successor, refresh);
    let again = stack.post(
        "",
        "/api/auth/session/refresh",
        &json!({ "refresh_token": refresh }),
    );
    assert_eq!(
        again.json()["refresh_token"],
        successor.as_str(),
        "within 30 s the same successor"
    );
    let as_access = stack.get_as(refresh, "/api/auth/session/me");
    assert_eq!(
        (as_access.status, as_access.message().as_str()),
        (401, "invalid or expired token")
    );
}

#[test]
fn logging_out_ends_the_session_on_every_service() {
    let stack = Stack::start();
    let body = stack.login("root", PASSWORD).json();
    let access = body["access_token"].as_str().unwrap();
    let successor = body["refresh_token"].as_str().unwrap();
    let everywhere = [
        "/api/auth/session/me",
        "/api/supervisor/processes/list",
        "/api/info/board",
        "/api/io/lines",
        "/api/email/messages",
        "/api/rules/list",
        "/api/gateway/routes",
    ];
    for path in everywhere {
        assert_eq!(stack.get_as(access, path).status, 200, "{path}");
    }
    for _ in 0..2 {
        let out = stack.post(
            "",
            "/api/auth/session/logout",
            &json!({ "refresh_token": successor }),
        );
        assert_eq!((out.status, out.json()), (200, json!({ "revoked": true })));
    }
    let dead = stack.post(
        "",
        "/api/auth/session/refresh",
        &json!({ "refresh_token": successor }),
    );
    assert_eq!(
        (dead.status, dead.message().as_str()),
        (401, "refresh token revoked or unknown")
    );
    // Logging out ends the access token too, on every service, within a second (design.md).
    for path in everywhere {
        until(path, || (stack.get_as(access, path).status == 401).then_some(()));
    }
}

#[test]
fn refusals_of_the_contract() {
    let stack = Stack::start();
    for (path, body, status, message) in [
        ("/api/auth/session/login", json!({}), 400, "invalid payload"),
        (
            "/api/auth/session/login",
            json!({ "name": "root", "password": 1 }),
            400,
            "invalid payload",
        ),
        (
            "/api/auth/session/login",
            json!({ "name": "root", "password": "wrong-password" }),
            401,
            "invalid credentials",
        ),
        (
            "/api/auth/session/login",
            json!({ "name": "nobody", "password": "wrong-password" }),
            401,
            "invalid credentials",
        ),
        ("/api/auth/session/refresh", json!({}), 400, "invalid payload"),
        (
            "/api/auth/session/refresh",
            json!({ "refresh_token": "x" }),
            401,
            "invalid or expired refresh token",
        ),
        (
            "/api/auth/session/logout",
            json!({}),
            400,
            "missing refresh token",
        ),
        (
            "/api/auth/session/validate",
            json!({}),
            401,
            "invalid or expired token",
        ),
        (
            "/api/auth/user/add",
            json!({ "name": "x", "password": "yyyyyyyy" }),
            401,
            "invalid or expired token",
        ),
    ] {
        let answer = stack.post("", path, &body);
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (status, message),
            "{path} {body}"
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
}

#[test]
fn users_and_their_rights() {
    let stack = Stack::start();
    let root = stack.root_token();
    let add = |token: &str, name: &str, level: &str| {
        stack.post(
            token,
            "/api/auth/user/add",
            &json!({ "name": name, "password": "passphrase-12", "level": level }),
        )
    };
    let admin = add(&root, "ada", "admin");
    assert_eq!((admin.status, &admin.json()["level"]), (201, &json!("Admin")));
    assert_eq!(add(&root, "ada", "User").status, 409);
    assert_eq!(add(&root, "bob", "king").message(), "invalid level");
    let token = stack.login("ada", "passphrase-12").json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    for level in ["Root", "ROOT", " root "] {
        assert_eq!(add(&token, "eve", level).status, 403, "{level}");
    }
    let user = add(&token, "ula", "User");
    assert_eq!(user.status, 201);
    let id = user.json()["id"].as_str().unwrap().to_owned();
    let ula = stack.login("ula", "passphrase-12").json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(stack.get_as(&ula, "/api/auth/user/list").status, 403);
    assert_eq!(
        stack.get_as(&ula, &format!("/api/auth/user/{id}")).json()["name"],
        "ula"
    );
    let found = stack.get_as(&token, "/api/auth/user/list?q=ul").json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    let own = stack.send(
        "PATCH",
        &ula,
        &format!("/api/auth/user/{id}"),
        &json!({ "level": "Admin" }),
    );
    assert_eq!(own.status, 403);
    let changed = stack.send(
        "PATCH",
        &ula,
        &format!("/api/auth/user/{id}"),
        &json!({ "password": "another-phrase" }),
    );
    assert_eq!(changed.status, 200, "{changed:?}");
    until("the old session's end", || {
        (stack.get_as(&ula, "/api/auth/session/me").status == 401).then_some(())
    });
    let last = stack.send(
        "DELETE",
        &root,
        "/api/auth/user/16601861-02df-58e0-9144-54a4e4a8b567",
        &json!({}),
    );
    assert!(
        last.status == 403 || last.status == 409,
        "the last Root stays: {last:?}"
    );
    assert_eq!(
        stack
            .send("DELETE", &root, &format!("/api/auth/user/{id}"), &json!({}))
            .json(),
        json!({ "removed": true })
    );
}

#[test]
fn the_console_sets_passwords_with_the_services_up_and_down() {
    let mut stack = Stack::start();
    let old = stack.root_token();
    let set =
        |stack: &Stack, password: &str| stack.cli_input(&["user", "passwd", "root", "--stdin"], password);
    assert!(set(&stack, "new-passphrase-1\n").status.success());
    until("the old session's end", || {
        (stack.get_as(&old, "/api/auth/session/me").status == 401).then_some(())
    });
    assert_eq!(stack.login("root", "new-passphrase-1").status, 200);
    assert_eq!(stack.login("root", PASSWORD).status, 401);
    stack.stop("TERM");
    assert!(set(&stack, "new-passphrase-2\n").status.success());
    let list = stack.cli(&["user", "list"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("root"), "{list:?}");
    stack.up();
    assert_eq!(stack.login("root", "new-passphrase-2").status, 200);
    let short = set(&stack, "short\n");
    assert_eq!(short.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&short.stderr).contains('8'), "{short:?}");
}

#[test]
fn a_restart_keeps_the_session() {
    let mut stack = Stack::start();
    let token = stack.root_token();
    stack.stop("TERM");
    stack.up();
    assert_eq!(stack.get_as(&token, "/api/auth/session/me").status, 200);
}

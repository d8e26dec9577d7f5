//! Accounts on the console of a running stack: imported, closed, opened, and keys replaced under everybody's feet.

use pistack_e2e::stack::PASSWORD;
use pistack_e2e::{Stack, until};
use serde_json::{Value, json};

/// `correct horse battery staple`, as werkzeug 3.0.3 keeps it.
const HORSE: &str = "scrypt:32768:8:1$aB1cD2eF3gH4iJ5k$1c2efcbe2b0b70e51becc81a2dc7812aeb332c45190f3677f9bd702d99cd23cf15340d73313c77c8bc5c94d1bf11ba5f25292f29eb249548a9d0dda92f063b76";

fn cli(stack: &Stack, arguments: &[&str]) -> String {
    let ran = stack.cli(arguments);
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    said
}

#[test]
fn users_of_the_original_come_in_while_the_stack_runs() {
    let stack = Stack::start();
    let file = stack.folder().join("users.json");
    let users = json!({ "users": [
        { "id": "2f1b7a5c-0d8e-4c6b-9a3f-5e4d3c2b1a01", "name": "anna", "password_hash": HORSE, "level": "admin" },
        { "id": "16601861-02df-58e0-9144-54a4e4a8b567", "name": "root", "password_hash": HORSE, "level": "Root" },
    ] });
    std::fs::write(&file, users.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let planned: Value =
        serde_json::from_str(&cli(&stack, &["import", "users", "--dry-run", "--json", file])).unwrap();
    assert_eq!(
        (&planned["imported"], &planned["unchanged"]),
        (&json!(["anna"]), &json!(["root"]))
    );
    assert_eq!(stack.login("anna", "correct horse battery staple").status, 401);
    assert!(cli(&stack, &["import", "users", file]).contains("1 imported, 1 there already"));
    let anna = stack.login("anna", "correct horse battery staple").json();
    assert_eq!(anna["user"]["level"], "Admin");
    assert_eq!(
        stack.login("root", PASSWORD).status,
        200,
        "who was there stays as he is"
    );

    let token = anna["access_token"].as_str().unwrap();
    assert_eq!(stack.get_as(token, "/api/supervisor/processes/list").status, 200);
    assert!(cli(&stack, &["user", "disable", "anna"]).contains("Closed"));
    until("every service has heard of it", || {
        (stack.get_as(token, "/api/supervisor/processes/list").status == 401).then_some(())
    });
    assert_eq!(stack.login("anna", "correct horse battery staple").status, 401);
    cli(&stack, &["user", "enable", "anna"]);
    assert_eq!(stack.login("anna", "correct horse battery staple").status, 200);
}

#[test]
fn a_new_key_signs_and_nobody_is_logged_out() {
    let stack = Stack::start();
    let token = stack.root_token();
    let keys = || {
        stack.get("/api/auth/jwks.json").json()["keys"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(keys(), 1);
    let said = cli(&stack, &["auth", "rotate-keys"]);
    assert!(said.contains("A new key signs"), "{said}");
    assert_eq!(keys(), 2);
    let renewed = stack.root_token();
    for token in [&token, &renewed] {
        until("every service knows both keys", || {
            (stack.get_as(token, "/api/supervisor/processes/list").status == 200).then_some(())
        });
    }
    cli(&stack, &["auth", "rotate-keys", "--at-once"]);
    assert_eq!(keys(), 1);
    until("what was signed before is over everywhere", || {
        (stack.get_as(&token, "/api/supervisor/processes/list").status == 401).then_some(())
    });
    assert_eq!(stack.login("root", PASSWORD).status, 200);
}

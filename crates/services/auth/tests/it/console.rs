//! `pistack user ...`: with the service down, and beside a running one.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use pistack_api::auth::PublicUser;
use pistack_api::token::{FeedLine, Level};
use pistack_auth::{ConsoleAnswer, ConsoleCommand, Error, console};
use pistack_kit::client::Client;
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use pistack_kit::testing::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::{Bed, PASSWORD, context, quick};

const NEW: &str = "entirely different phrase";

fn passwd(name: &str, password: &str) -> ConsoleCommand {
    ConsoleCommand::SetPassword {
        name: name.to_owned(),
        password: password.to_owned(),
    }
}

fn add(name: &str, level: Level) -> ConsoleCommand {
    ConsoleCommand::Add {
        name: name.to_owned(),
        level,
        password: PASSWORD.to_owned(),
    }
}

async fn run(dir: &TempDir, command: ConsoleCommand) -> Result<ConsoleAnswer, Error> {
    console(
        &StatePaths::new(dir.path()),
        &quick(),
        &Clock::manual(1_800_000_000),
        command,
    )
    .await
}

async fn names(dir: &TempDir) -> Vec<String> {
    let Ok(ConsoleAnswer::Users(users)) = run(dir, ConsoleCommand::List).await else {
        panic!("a list")
    };
    users
        .into_iter()
        .map(|PublicUser { name, level, .. }| format!("{name}:{level}"))
        .collect()
}

#[tokio::test]
async fn it_works_on_an_empty_directory() {
    let dir = TempDir::new().unwrap();
    assert!(names(&dir).await.is_empty());
    assert!(matches!(
        run(&dir, add("anna", Level::Admin)).await,
        Err(Error::FirstMustBeRoot)
    ));
    assert!(matches!(
        run(&dir, passwd("root", "x")).await,
        Err(Error::WeakPassword(_))
    ));
    let Ok(ConsoleAnswer::FirstAccount(root)) = run(&dir, passwd("root", PASSWORD)).await else {
        panic!("made")
    };
    assert_eq!(
        (root.level, root.id.as_str()),
        (Level::Root, "16601861-02df-58e0-9144-54a4e4a8b567")
    );
    run(&dir, add("anna", Level::Admin)).await.unwrap();
    assert!(matches!(
        run(&dir, add("ANNA", Level::User)).await,
        Err(Error::UserExists)
    ));
    assert_eq!(names(&dir).await, ["anna:Admin", "root:Root"]);
    assert!(matches!(
        run(&dir, passwd("bert", PASSWORD)).await,
        Err(Error::NoSuchName(_))
    ));
    let remove = |name: &str| ConsoleCommand::Remove {
        name: name.to_owned(),
    };
    assert!(matches!(
        run(&dir, remove("root")).await,
        Err(Error::LastRoot("removed"))
    ));
    run(&dir, remove("Anna")).await.unwrap();
    assert!(matches!(
        run(&dir, remove("anna")).await,
        Err(Error::NoSuchName(_))
    ));
    assert_eq!(names(&dir).await, ["root:Root"]);

    let bed = Bed::start(dir, Clock::manual(1_800_000_000), quick()).await;
    assert_eq!(bed.setup_code(), None, "no setup state");
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_first_root_may_be_added_by_level() {
    let dir = TempDir::new().unwrap();
    run(&dir, add("boss", Level::Root)).await.unwrap();
    assert_eq!(names(&dir).await, ["boss:Root"]);
}

#[tokio::test]
async fn a_debug_print_shows_no_password() {
    let shown = format!("{:?} {:?}", passwd("root", PASSWORD), add("anna", Level::User));
    assert!(shown.contains("anna") && !shown.contains("horse"), "{shown}");
}

#[tokio::test]
async fn a_service_without_word_notices_by_itself() {
    let (bed, root) = Bed::set_up().await;
    run(&bed.dir, passwd("root", NEW)).await.unwrap();
    eventually("the old token is dead", || async {
        (bed.me(root.text("access_token")).await.status == 401).then_some(())
    })
    .await;
    assert_eq!(bed.refresh(root.text("refresh_token")).await.status, 401);
    assert_eq!(
        (
            bed.login("root", PASSWORD).await.status,
            bed.login("root", NEW).await.status
        ),
        (401, 200)
    );
}

#[tokio::test]
async fn the_console_is_never_slowed_down() {
    let (bed, _) = Bed::set_up().await;
    while bed.login("root", "wrong").await.status == 401 {}
    run(&bed.dir, passwd("root", NEW)).await.unwrap();
    bed.clock.advance(Duration::from_secs(10));
    assert_eq!(bed.login("root", NEW).await.status, 200);
}

/// The service on its real socket.
async fn serve(dir: &TempDir) -> (pistack_kit::service::Context, Client) {
    let mut context = context(dir, &Clock::manual(1_800_000_000));
    let socket = dir.path().join("run/auth_service.sock");
    context.listen.unix = Some(socket.clone());
    tokio::spawn(pistack_auth::run(context.clone(), quick()));
    eventually("the socket is open", || async { socket.exists().then_some(()) }).await;
    (context, Client::unix(socket))
}

async fn call(client: &Client, path: &str, body: Option<Value>, token: &str) -> (u16, Value) {
    let request = match body {
        Some(body) => Request::post(path).body(Bytes::from(body.to_string())),
        None => Request::get(path)
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::new()),
    };
    let answer = client
        .send(request.unwrap(), Duration::from_secs(5))
        .await
        .unwrap();
    (
        answer.status().as_u16(),
        serde_json::from_slice(answer.body()).unwrap_or_default(),
    )
}

#[tokio::test]
async fn a_running_service_takes_a_change_at_once() {
    let dir = TempDir::new().unwrap();
    let (context, client) = serve(&dir).await;
    let login = |password| Some(json!({ "name": "root", "password": password }));
    assert_eq!(
        call(&client, "/internal/state", None, "").await.1["setup_required"],
        true
    );
    run(&dir, passwd("root", PASSWORD)).await.unwrap();
    // No waiting from here on: the console comes back when the service knows.
    assert_eq!(
        call(&client, "/internal/state", None, "").await.1["setup_required"],
        false
    );
    assert!(!context.paths.setup_code().exists());
    let (_, old) = call(&client, "/api/auth/session/login", login(PASSWORD), "").await;
    let token = old["access_token"].as_str().unwrap();
    assert_eq!(call(&client, "/api/auth/session/me", None, token).await.0, 200);

    let feed = client.stream(
        Request::get("/internal/feed").body(Bytes::new()).unwrap(),
        Duration::from_secs(5),
    );
    let mut lines = pistack_kit::sse::json_lines::<FeedLine>(feed.await.unwrap().into_body());
    let mut next = async || futures_util::StreamExt::next(&mut lines).await.unwrap();
    assert!(matches!(next().await, FeedLine::Snapshot { .. }));
    run(&dir, passwd("root", NEW)).await.unwrap();
    assert!(
        matches!(next().await, FeedLine::Revoked { .. }),
        "others hear of it"
    );
    assert_eq!(call(&client, "/api/auth/session/me", None, token).await.0, 401);
    assert_eq!(
        call(&client, "/api/auth/session/login", login(PASSWORD), "")
            .await
            .0,
        401
    );
    assert_eq!(
        call(&client, "/api/auth/session/login", login(NEW), "").await.0,
        200
    );

    run(&dir, add("anna", Level::User)).await.unwrap();
    let anna = Some(json!({ "name": "anna", "password": PASSWORD }));
    let (_, anna) = call(&client, "/api/auth/session/login", anna, "").await;
    run(
        &dir,
        ConsoleCommand::Remove {
            name: "anna".to_owned(),
        },
    )
    .await
    .unwrap();
    assert_eq!(
        call(
            &client,
            "/api/auth/session/me",
            None,
            anna["access_token"].as_str().unwrap()
        )
        .await
        .0,
        401
    );
    context.lifecycle.stop();
}

//! `pistack import users`: the original's users log in with their passwords.

use std::path::{Path, PathBuf};

use pistack_auth::{ImportReport, import_users};
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::{Bed, PASSWORD, quick};

const ROOT: &str = "16601861-02df-58e0-9144-54a4e4a8b567";
/// `password`, as the original shipped it.
const SHIPPED: &str = "scrypt:32768:8:1$Zq3vN8kLw0PdRt5Y$77ee34c72a4b0d4a1cb78a70e9c1bfd2717524f5d7ef07d87f8bfcb9b75d2fc3939b25b068f05b406b9474bc8f8b42f412a40b5aa4a2b0c66df24640dfb5855e";
/// `correct horse battery staple`.
const HORSE: &str = "scrypt:32768:8:1$aB1cD2eF3gH4iJ5k$1c2efcbe2b0b70e51becc81a2dc7812aeb332c45190f3677f9bd702d99cd23cf15340d73313c77c8bc5c94d1bf11ba5f25292f29eb249548a9d0dda92f063b76";
/// `P@ss:w$rd`.
const PBKDF2: &str =
    "pbkdf2:sha256:260000$PbkSalt260000xyz$1d9f4c3c528f6a31dfd4363a5533ab8ef425acfe17248b3cefd3dc99b7c3ad20";

fn user(number: u8, name: &str, hash: &str, level: &str) -> Value {
    json!({ "id": format!("2f1b7a5c-0d8e-4c6b-9a3f-5e4d3c2b1a{number:02}"), "name": name, "password_hash": hash, "level": level })
}

fn file(dir: &TempDir, users: &[Value]) -> PathBuf {
    let path = dir.path().join("users.json");
    std::fs::write(&path, json!({ "users": users }).to_string()).unwrap();
    path
}

fn everyone() -> Vec<Value> {
    vec![
        json!({ "id": ROOT, "name": "root", "password_hash": SHIPPED, "level": "root" }),
        user(1, "anna", HORSE, "Admin"),
        user(2, "Anna", PBKDF2, "USER"),
        user(3, "odd", "md5$x$00", "User"),
        user(4, "greedy", "scrypt:1048576:8:1$salt$00", "User"),
        user(5, " spaced ", HORSE, "User"),
        user(6, "boss", HORSE, "Boss"),
        json!({ "name": "no id" }),
    ]
}

async fn import(dir: &TempDir, file: &Path, dry_run: bool) -> Result<ImportReport, pistack_auth::Error> {
    let paths = StatePaths::new(dir.path());
    import_users(&paths, &quick(), &Clock::manual(1_800_000_000), file, dry_run).await
}

async fn start(dir: TempDir) -> Bed {
    Bed::start(dir, Clock::manual(1_800_000_000), quick()).await
}

#[tokio::test]
async fn users_of_the_original_log_in_with_their_passwords() {
    let (dir, source) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let file = file(&source, &everyone());
    let before = std::fs::read(&file).unwrap();
    let planned = import(&dir, &file, true).await.unwrap();
    assert_eq!(planned.imported, ["root", "anna", "Anna-2", "odd", "greedy"]);
    assert_eq!(planned.renamed, [("Anna".to_owned(), "Anna-2".to_owned())]);
    assert_eq!(planned.must_change, ["root"]);
    let names = |list: &[(String, String)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&planned.without_password), ["odd", "greedy"]);
    assert_eq!(names(&planned.skipped), [" spaced ", "boss", "no id"]);
    assert_eq!(
        import(&dir, &file, false).await.unwrap(),
        planned,
        "a dry run did nothing"
    );
    let again = import(&dir, &file, false).await.unwrap();
    assert_eq!(
        (again.imported.len(), again.unchanged.len()),
        (0, 5),
        "twice is once"
    );
    assert_eq!(std::fs::read(&file).unwrap(), before);

    let bed = start(dir).await;
    assert!(bed.setup_code().is_none());
    let anna = bed.login("anna", PASSWORD).await;
    assert_eq!((anna.status, &anna.body["user"]["level"]), (200, &json!("Admin")));
    assert_eq!(anna.body["user"]["id"], "2f1b7a5c-0d8e-4c6b-9a3f-5e4d3c2b1a01");
    assert_eq!(
        bed.login("anna", PASSWORD).await.status,
        200,
        "by the hash of ours now"
    );
    assert_eq!(bed.login("Anna-2", "P@ss:w$rd").await.status, 200);
    assert_eq!(
        bed.login("odd", "x").await.refusal(),
        (401, "invalid credentials")
    );
}

#[tokio::test]
async fn the_shipped_password_lets_nobody_in_but_to_change_it() {
    let (dir, source) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    import(&dir, &file(&source, &everyone()[..1]), false)
        .await
        .unwrap();
    let bed = start(dir).await;
    assert_eq!(
        bed.login("root", "password").await.refusal(),
        (403, "password must be changed")
    );
    let login = |new: &str| json!({ "name": "root", "password": "password", "new_password": new });
    let weak = bed.post("/api/auth/session/login", login("password")).await;
    assert_eq!(weak.status, 400);
    let changed = bed.post("/api/auth/session/login", login(PASSWORD)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(bed.me(changed.text("access_token")).await.status, 200);
    assert_eq!(bed.login("root", "password").await.status, 401);
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_file_that_is_none_imports_nothing() {
    let (dir, source) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = source.path().join("users.json");
    for text in ["", "{\"users\":[{\"id\":", "[]", "{\"users\":5}", "\u{0}"] {
        std::fs::write(&path, text).unwrap();
        let error = import(&dir, &path, false).await.unwrap_err().to_string();
        assert!(
            error.contains("users.json") && error.contains("Nothing was imported"),
            "{error}"
        );
    }
    assert!(import(&dir, &source.path().join("none"), false).await.is_err());
    let without_root = file(&source, &everyone()[1..3]);
    assert!(matches!(
        import(&dir, &without_root, false).await,
        Err(pistack_auth::Error::FirstMustBeRoot)
    ));
    let bed = start(dir).await;
    assert!(
        bed.setup_code().is_some(),
        "the installation is still to be set up"
    );
}

#[tokio::test]
async fn who_is_there_already_stays_as_he_is() {
    let (bed, root) = Bed::set_up().await;
    bed.add(&root, "anna", "User").await;
    let source = TempDir::new().unwrap();
    let file = file(&source, &everyone()[..2]);
    let report = import_users(&bed.context.paths, &bed.config, &bed.clock, &file, false)
        .await
        .unwrap();
    assert_eq!(report.unchanged, ["root"]);
    assert_eq!(report.renamed, [("anna".to_owned(), "anna-2".to_owned())]);
    assert_eq!(bed.internal("POST", "/internal/reload", None).await.status, 204);
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
    assert_eq!(bed.login("anna-2", PASSWORD).await.status, 200);
}

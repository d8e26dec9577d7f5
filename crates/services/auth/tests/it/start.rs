//! Starting: what is made, and what is refused with the file and the cure.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pistack_auth::Config;
use pistack_kit::clock::Clock;
use tempfile::TempDir;

use crate::bed::{Bed, PASSWORD, context, in_a_file, quick};

async fn refusal(dir: &TempDir, config: &Config) -> String {
    let context = context(dir, &Clock::manual(1_800_000_000));
    pistack_auth::build(&context, config)
        .await
        .expect_err("it does not start")
        .to_string()
}

#[tokio::test]
async fn secrets_are_private_and_the_database_holds_none_in_the_clear() {
    let bed = Bed::with(in_a_file()).await;
    let root = bed.finish_setup().await;
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(bed.secret("auth_ed25519.pk8")), 0o600);
    let db = bed.dir.path().join("db");
    assert_eq!(mode(db.join("auth.sqlite3")), 0o600);
    bed.refresh(root.text("refresh_token")).await;
    let mut bytes = Vec::new();
    for file in fs::read_dir(db).unwrap() {
        bytes.extend(fs::read(file.unwrap().path()).unwrap());
    }
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("$argon2id$"), "the test looks into the right file");
    assert!(!holds(PASSWORD) && !holds(root.text("refresh_token")));
}

#[tokio::test]
async fn a_missing_or_broken_key_is_told_with_file_and_cure() {
    let bed = Bed::start(TempDir::new().unwrap(), Clock::manual(1_800_000_000), quick()).await;
    bed.finish_setup().await;
    let key = bed.secret("auth_ed25519.pk8");
    bed.context.lifecycle.stop();
    let Bed { dir, .. } = bed;
    let good = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let text = refusal(&dir, &quick()).await;
    assert!(
        text.contains("auth_ed25519.pk8") && text.contains("missing") && text.contains("install -m"),
        "{text}"
    );
    assert!(!key.exists(), "nothing half-made");
    fs::write(&key, "garbage").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(
        refusal(&dir, &quick())
            .await
            .contains("not an Ed25519 private key")
    );
    fs::write(&key, good).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(refusal(&dir, &quick()).await.contains("chmod 600"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let bed = Bed::start(dir, Clock::manual(1_800_000_000), quick()).await;
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_corrupt_database_is_told_and_left_alone() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("db")).unwrap();
    let file = dir.path().join("db/auth.sqlite3");
    fs::write(
        &file,
        "this is no database, although it is long enough to look like one ".repeat(100),
    )
    .unwrap();
    let before = fs::read(&file).unwrap();
    let text = refusal(&dir, &in_a_file()).await;
    assert!(
        text.contains("auth.sqlite3") && text.contains("damaged"),
        "{text}"
    );
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(
        !dir.path().join("secrets/setup_code").exists(),
        "never an open setup state"
    );
}

#[tokio::test]
async fn settings_out_of_range_are_named() {
    let dir = TempDir::new().unwrap();
    let text = refusal(
        &dir,
        &Config {
            refresh_token_seconds: -1,
            ..quick()
        },
    )
    .await;
    assert!(text.contains("refresh_token_seconds"), "{text}");
    assert!(!dir.path().join("db").exists(), "nothing was made");
}

#[tokio::test]
async fn token_lives_follow_the_configuration() {
    let bed = Bed::with(Config {
        access_token_seconds: 60,
        refresh_token_seconds: 120,
        ..quick()
    })
    .await;
    let root = bed.finish_setup().await;
    assert_eq!(root.body["expires_in"], 60);
    bed.clock.advance(std::time::Duration::from_secs(70));
    assert_eq!(bed.me(root.text("access_token")).await.status, 401);
    bed.clock.advance(std::time::Duration::from_secs(50));
    assert_eq!(bed.refresh(root.text("refresh_token")).await.status, 401);
}

#[tokio::test]
async fn the_database_may_lie_elsewhere() {
    let elsewhere = TempDir::new().unwrap();
    let bed = Bed::with(Config {
        db_dir: Some(elsewhere.path().to_owned()),
        ..in_a_file()
    })
    .await;
    bed.finish_setup().await;
    assert!(elsewhere.path().join("auth.sqlite3").exists());
    assert!(!bed.dir.path().join("db/auth.sqlite3").exists());
}

//! The database file: copied every day, put back when it is damaged or gone, and never an open setup state.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pistack_kit::database::backup;
use pistack_kit::testing::eventually;
use tempfile::TempDir;

use crate::bed::{Bed, PASSWORD, context, in_a_file};

fn database(dir: &TempDir) -> PathBuf {
    dir.path().join("db/auth.sqlite3")
}

async fn start(dir: TempDir, clock: pistack_kit::clock::Clock) -> Bed {
    Bed::start(dir, clock, in_a_file()).await
}

/// An installation with a copy of today, and its parts after a stop.
async fn copied() -> (Bed, crate::bed::Got) {
    let bed = Bed::with(in_a_file()).await;
    let root = bed.finish_setup().await;
    bed.clock.advance(Duration::from_hours(24));
    let file = database(&bed.dir);
    eventually("the daily copy is made", async || {
        (!backup::copies(&file).is_empty()).then_some(())
    })
    .await;
    (bed, root)
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_copy_is_made_every_day_and_seven_are_kept() {
    let (bed, _) = copied().await;
    let file = database(&bed.dir);
    for number in 2..=9 {
        bed.clock.advance(Duration::from_hours(24));
        eventually("another copy", async || {
            (backup::copies(&file).first()?.number == number).then_some(())
        })
        .await;
    }
    assert_eq!(backup::copies(&file).len(), 7);
}

#[tokio::test]
async fn a_damaged_file_is_replaced_by_the_copy_and_everyone_logs_in_anew() {
    let (bed, root) = copied().await;
    let later = bed.login("root", PASSWORD).await;
    let (dir, clock) = bed.close().await;
    damage(&database(&dir));
    let bed = start(dir, clock).await;
    assert!(bed.setup_code().is_none(), "never an open setup state");
    let state = bed.internal("GET", "/internal/state", None).await;
    assert_eq!(state.body["setup_required"], false);
    assert!(state.text("restored").ends_with("auth.000001.sqlite3"));
    for old in [&root, &later] {
        assert_eq!(bed.me(old.text("access_token")).await.status, 401);
        assert_eq!(bed.refresh(old.text("refresh_token")).await.status, 401);
    }
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
    assert!(
        bed.dir.path().join("db/auth.sqlite3.damaged-1").exists(),
        "kept for a look"
    );
}

#[tokio::test]
async fn a_file_that_is_gone_or_empty_comes_back() {
    let (bed, _) = copied().await;
    let (dir, clock) = bed.close().await;
    fs::remove_file(database(&dir)).unwrap();
    let bed = start(dir, clock).await;
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
    let (dir, clock) = bed.close().await;
    fs::write(database(&dir), "").unwrap();
    let bed = start(dir, clock).await;
    assert!(bed.setup_code().is_none());
    assert_eq!(bed.login("root", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn without_a_good_copy_nothing_starts_and_nothing_opens() {
    let (bed, _) = copied().await;
    let (dir, clock) = bed.close().await;
    let file = database(&dir);
    damage(&file);
    for copy in backup::copies(&file) {
        fs::write(copy.path, "no database ".repeat(1000)).unwrap();
    }
    let before = fs::read(&file).unwrap();
    let error = pistack_auth::build(&context(&dir, &clock), &in_a_file())
        .await
        .expect_err("it does not start")
        .to_string();
    assert!(error.contains("damaged"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(!dir.path().join("secrets/setup_code").exists());
}

//! A file on the boot partition arms a one-time code, once.

use std::path::PathBuf;
use std::time::Duration;

use pistack_auth::Config;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::{Bed, PASSWORD, quick};

const NEW: &str = "entirely different phrase";

struct Board {
    boot: TempDir,
    bed: Bed,
}

impl Board {
    async fn new() -> Self {
        let boot = TempDir::new().unwrap();
        let config = Config {
            reset_files: vec![boot.path().join("none"), boot.path().join("pistack-reset")],
            ..quick()
        };
        let bed = Bed::with(config).await;
        bed.finish_setup().await;
        Self { boot, bed }
    }

    fn file(&self) -> PathBuf {
        self.boot.path().join("pistack-reset")
    }

    async fn restart(self) -> Self {
        Self {
            bed: self.bed.restart().await,
            ..self
        }
    }

    fn code(&self) -> String {
        let beside = self.boot.path().join("pistack-reset-code.txt");
        std::fs::read_to_string(beside).unwrap().trim().to_owned()
    }

    async fn is_armed(&self) -> bool {
        let state = self.bed.internal("GET", "/internal/state", None).await;
        state.body["reset_armed"].as_bool().unwrap()
    }

    async fn reset(&self, code: &str, name: &str) -> (u16, Value) {
        let body = json!({ "code": code, "name": name, "password": NEW });
        let got = self.bed.post("/api/auth/setup", body).await;
        (got.status, got.body)
    }
}

#[tokio::test]
async fn the_file_lets_its_owner_back_in_once() {
    let board = Board::new().await;
    assert_eq!(board.reset("AAAA-BBBB-CCCC-DDDD", "root").await.0, 409);
    std::fs::write(board.file(), "").unwrap();
    let board = board.restart().await;
    assert!(board.is_armed().await && !board.file().exists(), "it is used up");
    let code = board.code();
    assert_eq!(board.reset("AAAA-BBBB-CCCC-DDDD", "root").await.0, 403);
    assert_eq!(board.reset(&code, "nobody").await.0, 403, "only a Root");
    let (status, body) = board.reset(&code, "root").await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(board.bed.login("root", PASSWORD).await.status, 401);
    assert_eq!(board.bed.login("root", NEW).await.status, 200);
    assert_eq!(board.reset(&code, "root").await.0, 409, "once");
    let board = board.restart().await;
    assert!(!board.is_armed().await);
}

#[tokio::test]
async fn it_is_good_for_an_hour_and_for_one_start() {
    let board = Board::new().await;
    std::fs::write(board.file(), "").unwrap();
    let board = board.restart().await;
    let code = board.code();
    board.bed.clock.advance(Duration::from_secs(3601));
    assert_eq!(board.reset(&code, "root").await.0, 409);
    let board = board.restart().await;
    assert!(!board.is_armed().await);
    assert!(!board.bed.secret("reset_code").exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_counts_once() {
    let board = Board::new().await;
    std::fs::write(board.file(), "").unwrap();
    let saved = board.boot.path().join("saved");
    // A second name keeps the very same file, as a partition that cannot be written does.
    std::fs::hard_link(board.file(), &saved).unwrap();
    let board = board.restart().await;
    assert!(board.is_armed().await);
    std::fs::rename(&saved, board.file()).unwrap();
    let board = board.restart().await;
    assert!(!board.is_armed().await, "the same file again");
    std::fs::remove_file(board.file()).unwrap();
    std::fs::write(board.file(), "again").unwrap();
    assert!(board.restart().await.is_armed().await, "another one");
}

#[tokio::test]
async fn before_the_first_account_it_means_nothing() {
    let boot = TempDir::new().unwrap();
    let file = boot.path().join("pistack-reset");
    std::fs::write(&file, "").unwrap();
    let config = Config {
        reset_files: vec![file],
        ..quick()
    };
    let bed = Bed::with(config).await;
    let state = bed.internal("GET", "/internal/state", None).await;
    assert_eq!(
        (&state.body["reset_armed"], &state.body["setup_required"]),
        (&json!(false), &json!(true))
    );
}

//! The end at any moment, and a disk without room: what was confirmed is there, and the file is sound.
//!
//! The service that dies is this very program, started again with a directory to work in.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pistack_kit::clock::Clock;
use serde_json::json;
use tempfile::TempDir;

use crate::bed::{Bed, PASSWORD, in_a_file};

const DIRECTORY: &str = "PISTACK_TEST_WRITER";

fn clock() -> Clock {
    Clock::manual(1_800_000_000)
}

#[expect(clippy::disallowed_methods, reason = "the test's own program, to be killed")]
fn writer(dir: &Path, blocks: Option<u32>) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = match blocks {
        None => Command::new(program),
        Some(blocks) => {
            // Files stop growing there (in units of 512 bytes); the signal that goes with it is ignored, so that writes
            // fail as they do on a full disk.
            let mut shell = Command::new("sh");
            shell
                .args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"", "sh"])
                .arg(blocks.to_string())
                .arg(program);
            shell
        }
    };
    command
        .args([
            "--exact",
            "power_cut::a_service_that_writes",
            "--nocapture",
            "--ignored",
        ])
        .env(DIRECTORY, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if blocks.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .spawn()
        .unwrap()
}

/// Not a test by itself: refreshes until it is killed, and says each token that it was given.
#[tokio::test]
#[ignore = "the other side of the tests here"]
async fn a_service_that_writes() {
    let Some(dir) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let bed = Bed::at(&Path::new(&dir).join("state"), clock(), in_a_file()).await;
    let mut token = bed.login("root", PASSWORD).await.text("refresh_token").to_owned();
    println!("token {token}");
    loop {
        let next = bed.refresh(&token).await;
        if next.status != 200 {
            println!("refused {} {}", next.status, next.text("message"));
            let login = bed.login("root", PASSWORD).await;
            println!("login {}", login.status);
            return;
        }
        next.text("refresh_token").clone_into(&mut token);
        println!("token {token}");
    }
}

async fn prepared() -> TempDir {
    let home = TempDir::new().unwrap();
    let bed = Bed::at(&home.path().join("state"), clock(), in_a_file()).await;
    bed.finish_setup().await;
    bed.context.lifecycle.stop();
    assert!(bed.context.lifecycle.finish(Duration::from_secs(5)).await);
    home
}

#[tokio::test]
async fn what_was_confirmed_survives_the_end_at_any_moment() {
    let home = prepared().await;
    for round in 1..=5_usize {
        let mut child = writer(home.path(), None);
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut last = String::new();
        let mut seen = 0;
        while seen < round * 37 {
            let line = lines.next().expect("the service writes");
            if let Some((_, token)) = line.split_once("token ") {
                token.clone_into(&mut last);
                seen += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before the end came through is confirmed too.
        for line in lines {
            if let Some((_, token)) = line.split_once("token ").filter(|(_, token)| token.len() == 43) {
                token.clone_into(&mut last);
            }
        }
        let bed = Bed::at(&home.path().join("state"), clock(), in_a_file()).await;
        let state = bed.internal("GET", "/internal/state", None).await;
        assert_eq!(state.body["restored"], json!(null), "the file itself is sound");
        let next = bed.refresh(&last).await;
        // The next exchange may have been written and not told: then the successor is lost with the process, which is
        // no theft.
        let sound = next.status == 200 || next.refusal() == (401, "refresh token revoked or unknown");
        assert!(sound, "{}", next.body);
        assert_eq!(bed.login("root", PASSWORD).await.status, 200);
        bed.context.lifecycle.stop();
        assert!(bed.context.lifecycle.finish(Duration::from_secs(5)).await);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_with_507_lets_people_in_and_heals() {
    let home = prepared().await;
    // 1 MB: the database fits, and its log is full after some exchanges.
    let child = writer(home.path(), Some(2000));
    let told = child.wait_with_output().unwrap();
    let told = [told.stdout, told.stderr]
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .join("");
    assert!(told.contains("refused 507 the disk is full"), "{told}");
    assert!(
        told.contains("login 200"),
        "somebody has to be able to look: {told}"
    );
    let bed = Bed::at(&home.path().join("state"), clock(), in_a_file()).await;
    let login = bed.login("root", PASSWORD).await;
    assert_eq!(
        bed.refresh(login.text("refresh_token")).await.status,
        200,
        "room again"
    );
}

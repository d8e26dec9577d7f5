//! Clients that hang up half-way.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use pistack_auth::{ConsoleAnswer, ConsoleCommand, console};
use pistack_kit::testing::eventually;
use serde_json::json;

use crate::bed::{Bed, Got};
use crate::users::{get, patch};

/// Lets a request run for some turns and then hangs up.
async fn hang_up_after(turns: usize, request: impl Future<Output = Got>) {
    let mut request = pin!(request);
    for _ in 0..turns {
        if poll_fn(|context| Poll::Ready(request.as_mut().poll(context)))
            .await
            .is_ready()
        {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_memory_and_database_agreeing() {
    let (bed, root) = Bed::set_up().await;
    let (id, _) = bed.add(&root, "anna", "User").await;
    let mut renamed = 0;
    // Close together at first, then further: a server takes more turns to answer than a file.
    for turns in (0..50).map(|step| step * step * 8) {
        let before = get(&bed, &root, &id).await.body;
        hang_up_after(
            turns,
            patch(&bed, &root, &id, json!({ "name": format!("anna{turns}") })),
        )
        .await;
        eventually("both say the same", || async {
            let command = ConsoleCommand::List;
            let stored = console(&bed.context.paths, &bed.config, &bed.clock, command)
                .await
                .unwrap();
            let ConsoleAnswer::Users(stored) = stored else {
                panic!("a list")
            };
            let shown = get(&bed, &root, "list").await.body;
            (serde_json::to_value(stored).unwrap() == shown).then_some(())
        })
        .await;
        renamed += usize::from(get(&bed, &root, &id).await.body != before);
    }
    assert!(renamed > 0, "some of the requests got far enough");
}

//! Many clients at once over the real socket. Of 160 session writes by 8 threads the original lost 103.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use pistack_kit::client::Client;
use pistack_kit::clock::Clock;
use pistack_kit::testing::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::{PASSWORD, context, quick};

const THREADS: usize = 8;
const WRITES: usize = 200;

async fn post(client: &Client, path: &str, body: Value) -> (u16, Value) {
    let request = Request::post(path).body(Bytes::from(body.to_string())).unwrap();
    let answer = client.send(request, Duration::from_secs(20)).await.unwrap();
    (
        answer.status().as_u16(),
        serde_json::from_slice(answer.body()).unwrap_or_default(),
    )
}

/// One client: logs in, then refreshes again and again. Gives its last refresh token.
fn client(socket: std::path::PathBuf) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = Client::unix(socket);
        let login = json!({ "name": "root", "password": PASSWORD });
        let mut answer = eventually("the login queue has room", || async {
            let (status, answer) = post(&client, "/api/auth/session/login", login.clone()).await;
            (status == 200).then_some(answer)
        })
        .await;
        for _ in 1..WRITES {
            let token = json!({ "refresh_token": answer["refresh_token"] });
            let (status, next) = post(&client, "/api/auth/session/refresh", token).await;
            assert_eq!(status, 200, "{next}");
            answer = next;
        }
        answer["refresh_token"].as_str().unwrap().to_owned()
    })
}

#[tokio::test]
async fn no_session_write_is_lost() {
    let dir = TempDir::new().unwrap();
    let mut context = context(&dir, &Clock::system());
    let socket = dir.path().join("run/auth_service.sock");
    context.listen.unix = Some(socket.clone());
    let service = tokio::spawn(pistack_auth::run(context.clone(), quick()));
    let code = eventually("there is a setup code", || async {
        std::fs::read_to_string(context.paths.setup_code())
            .ok()
            .filter(|_| socket.exists())
    })
    .await;
    let internal = Client::unix(&socket);
    let (status, _) = post(
        &internal,
        "/api/auth/setup",
        json!({ "code": code, "password": PASSWORD }),
    )
    .await;
    assert_eq!(status, 201);

    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let socket = socket.clone();
            tokio::task::spawn_blocking(move || client(socket))
        })
        .collect();
    let mut last = Vec::new();
    for thread in threads {
        last.push(thread.await.unwrap());
    }
    for token in last {
        let (status, answer) = post(
            &internal,
            "/api/auth/session/refresh",
            json!({ "refresh_token": token }),
        )
        .await;
        assert_eq!(status, 200, "{answer}");
    }
    context.lifecycle.stop();
    service.await.unwrap().unwrap();
    assert!(!socket.exists(), "nothing is left behind");
}

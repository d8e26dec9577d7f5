//! HTTP framing: bytes that are nearly requests. Whatever becomes of such a connection, the daemon answers the next.

use std::time::Duration;

use pistack_api::xmlrpc::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::harness::{Daemon, Test, block_on, start};

pub(crate) const TESTS: &[Test] = &[(
    "no_bytes_on_the_socket_end_the_daemon",
    no_bytes_on_the_socket_end_the_daemon,
)];

/// Connections that are tried.
const TRIES: u64 = 400;
/// Parts of requests, right, nearly right and wrong.
const PARTS: [&[u8]; 24] = [
    b"POST /RPC2 HTTP/1.1\r\n",
    b"POST /RPC2 HTTP/1.0\r\n",
    b"POST /RPC2 HTTP/9.9\r\n",
    b"GET / HTTP/1.1\r\n",
    b"GET /logtail/ HTTP/1.1\r\n",
    b"GET /%zz%00 HTTP/1.1\r\n",
    b"PUT * HTTP/1.1\r\n",
    b"Host: localhost\r\n",
    b"Content-Length: 4\r\n",
    b"Content-Length: 4, 5\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: close, upgrade\r\n",
    b"Authorization: Basic ====\r\n",
    b": no name\r\n",
    b"\r\n",
    b"4\r\nabcd\r\n0\r\n\r\n",
    b"fffffffffffffffff\r\n",
    b"<methodCall><methodName>supervisor.getState</methodName></methodCall>",
    b"<methodCall><methodName>",
    b"\x00\xff\xfe\r\r\n\n",
    b"  folded: line\r\n",
];

/// The next number of a fixed sequence (splitmix64): the same tries in each run.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Some parts in a row, with a byte changed now and then.
fn bytes(state: &mut u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=next(state) % 7 {
        bytes.extend_from_slice(PARTS[(next(state) % PARTS.len() as u64) as usize]);
    }
    if next(state).is_multiple_of(3) {
        let at = (next(state) % bytes.len() as u64) as usize;
        bytes[at] = next(state) as u8;
    }
    bytes
}

async fn exchange(daemon: &Daemon, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(daemon.place.path("d.sock")).await.unwrap();
    let mut answer = Vec::new();
    let talk = async {
        // it may hang up in the middle of what it refuses
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(Duration::from_secs(10), talk)
        .await
        .unwrap_or_else(|_| {
            panic!(
                "neither answered nor closed: {:?}",
                String::from_utf8_lossy(bytes)
            )
        });
    answer
}

fn no_bytes_on_the_socket_end_the_daemon() {
    block_on(async {
        let daemon = start(vec![]).await;
        let mut state = 1;
        for _ in 0..TRIES {
            let sent = bytes(&mut state);
            let answer = exchange(&daemon, &sent).await;
            let shown = String::from_utf8_lossy(&answer);
            assert!(
                answer.is_empty() || answer.starts_with(b"HTTP/1."),
                "{shown} to {:?}",
                String::from_utf8_lossy(&sent)
            );
        }
        assert_eq!(
            daemon.call("getState", vec![]).await.get("statename"),
            Some(&Value::from("RUNNING"))
        );
        daemon.shutdown().await;
    });
}

//! The WebSocket, by a client that is written here: commands, and what becomes of one that does not read.

use http::Method;
use pistack_api::token::Level;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::bench::Bench;

/// So little lies between the service and a client that does not read.
const SMALL: u32 = 4096;
/// Frames (RFC 6455, section 5.2) as this test needs them.
const TEXT: u8 = 1;
const CLOSE: u8 = 8;

fn lines() -> Value {
    json!({ "relay": { "bcm": 5, "direction": "output" } })
}

/// A client of `/api/io/ws`.
struct Socket(TcpStream);

impl Socket {
    /// Serves the bench's router on loopback and opens the socket there.
    async fn open(bench: &Bench) -> Self {
        let listener = TcpSocket::new_v4().unwrap();
        listener.set_send_buffer_size(SMALL).unwrap();
        listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = listener.listen(4).unwrap();
        let address = listener.local_addr().unwrap();
        let router = bench.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(SMALL).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        let token = bench.token("anna", Level::User);
        let request = format!(
            "GET /api/io/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // The key of RFC 6455, section 1.3, and its answer.
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        Self(stream)
    }

    /// One text, masked as clients must, with a mask that changes nothing.
    async fn say(&mut self, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        assert!(length < 126);
        let mut frame = vec![0x80 | TEXT, 0x80 | length, 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next frame: its kind and what is in it.
    async fn hear(&mut self) -> (u8, Vec<u8>) {
        let kind = self.0.read_u8().await.unwrap() & 0x0f;
        let mut length = usize::from(self.0.read_u8().await.unwrap());
        if length == 126 {
            length = usize::from(self.0.read_u16().await.unwrap());
        }
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await.unwrap();
        (kind, payload)
    }

    async fn hear_json(&mut self) -> Value {
        let (kind, text) = self.hear().await;
        assert_eq!(kind, TEXT, "{}", String::from_utf8_lossy(&text));
        serde_json::from_slice(&text).unwrap()
    }
}

#[tokio::test]
async fn a_command_is_answered_by_its_number_and_what_it_does_is_an_event() {
    let bench = Bench::start(lines());
    let mut socket = Socket::open(&bench).await;
    socket.say(r#"{"sub":["rel*"],"id":1}"#).await;
    let answer = socket.hear_json().await;
    assert_eq!((&answer["id"], &answer["ok"]), (&json!(1), &json!(true)));
    socket.say(r#"{"set":{"relay":true},"id":"two"}"#).await;
    let mut heard = [socket.hear_json().await, socket.hear_json().await];
    heard.sort_by_key(|message| message["id"].is_null());
    assert_eq!(
        (&heard[0]["id"], &heard[0]["ok"]),
        (&json!("two"), &json!(true)),
        "{heard:?}"
    );
    assert_eq!(
        (&heard[1]["kind"], &heard[1]["value"], &heard[1]["by"]),
        (&json!("value"), &json!(true), &json!("user:anna"))
    );
    assert!(bench.hand.level(5).await);
    for (wrong, code) in [
        (r#"{"set":{"nothing":true},"id":3}"#, "line_unknown"),
        (r#"{"set":{"relay":2},"id":3}"#, "bad_value"),
    ] {
        socket.say(wrong).await;
        let answer = socket.hear_json().await;
        assert_eq!(
            (&answer["id"], &answer["ok"], &answer["code"]),
            (&json!(3), &json!(false), &json!(code)),
            "{answer}"
        );
        assert!(answer["message"].is_string(), "{answer}");
    }
    socket.say("no command").await;
    assert_eq!(socket.hear_json().await["code"], "invalid_payload");
    bench.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_with_1013_and_the_others_go_on() {
    let bench = Bench::start(lines());
    let mut slow = Socket::open(&bench).await;
    slow.say(r#"{"sub":["relay"]}"#).await;
    assert_eq!(slow.hear_json().await["ok"], true);
    // Far more than the buffers between and the thousand events of patience hold.
    for number in 0..1500 {
        let body = json!({ "value": number % 2 == 0 }).to_string();
        let answer = bench.anna(Method::PUT, "/api/io/lines/relay/value", &body).await;
        assert_eq!(answer.status, 200);
        // The service has this thread too.
        tokio::task::yield_now().await;
    }
    let mut events = 0;
    let (code, reason) = loop {
        match slow.hear().await {
            (CLOSE, payload) => {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                break (code, String::from_utf8(payload[2..].to_vec()).unwrap());
            }
            (kind, _) => {
                assert_eq!(kind, TEXT);
                events += 1;
            }
        }
    };
    assert_eq!((code, reason.as_str()), (1013, "too slow"));
    assert!(events < 1500, "it was let off nothing: {events}");
    let mut quick = Socket::open(&bench).await;
    quick.say(r#"{"set":{"relay":false},"id":9}"#).await;
    assert_eq!(quick.hear_json().await["ok"], true);
    bench.stop().await;
}

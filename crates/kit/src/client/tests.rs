//! The client against peers that behave, die, dawdle and lie.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};

use super::*;

const DEADLINE: Duration = Duration::from_secs(10);

fn get(path: &str) -> Request<Bytes> {
    Request::get(path).body(Bytes::new()).unwrap()
}

/// A peer that reads a head on each connection and answers as `script` says: `None` hangs up instead.
async fn peer(script: &'static [Option<&'static str>]) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::tcp(listener.local_addr().unwrap().to_string());
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        let mut script = script.iter();
        while let Ok((mut stream, _)) = listener.accept().await {
            while read_head(&mut stream).await.is_some() {
                seen.fetch_add(1, Ordering::SeqCst);
                let Some(Some(answer)) = script.next() else { break };
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (client, requests)
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

#[tokio::test]
async fn sends_the_path_and_the_host_and_reuses_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = Client::tcp(address.to_string());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heads = Vec::new();
        for _ in 0..2 {
            heads.push(read_head(&mut stream).await.unwrap());
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
        heads
    });
    for _ in 0..2 {
        assert_eq!(client.send(get("/a/b?c=d"), DEADLINE).await.unwrap().body(), "hi");
    }
    let heads = server.await.unwrap();
    assert!(heads[0].starts_with("GET /a/b?c=d HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(
        heads[0].to_lowercase().contains(&format!("host: {address}\r\n")),
        "{}",
        heads[0]
    );
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_asked_once_more_only_if_that_is_harmless() {
    let (client, requests) = peer(&[Some(OK), None, Some(OK)]).await;
    assert_eq!(client.send(get("/"), DEADLINE).await.unwrap().body(), "hi");
    assert_eq!(client.send(get("/"), DEADLINE).await.unwrap().body(), "hi");
    assert_eq!(requests.load(Ordering::SeqCst), 3);

    let (client, requests) = peer(&[None, Some(OK)]).await;
    let post = Request::post("/").body(Bytes::new()).unwrap();
    assert!(matches!(
        client.send(post, DEADLINE).await,
        Err(ClientError::Broken { .. })
    ));
    assert_eq!(requests.load(Ordering::SeqCst), 1);

    let (client, requests) = peer(&[None, None, None]).await;
    assert!(matches!(
        client.send(get("/"), DEADLINE).await,
        Err(ClientError::Broken { .. })
    ));
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn nobody_there_is_unreachable_with_the_place_and_the_reason() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("none.sock");
    let error = Client::unix(&path).send(get("/"), DEADLINE).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }));
    let text = error.to_string();
    assert!(
        text.contains("none.sock") && text.contains("No such file"),
        "{text}"
    );
    drop(UnixListener::bind(&path).unwrap());
    let text = Client::unix(&path)
        .send(get("/"), DEADLINE)
        .await
        .unwrap_err()
        .to_string();
    assert!(text.contains("refused"), "{text}");
    for nonsense in ["", "not an address", "host:99999"] {
        let result = Client::tcp(nonsense).send(get("/"), DEADLINE).await;
        assert!(
            matches!(result, Err(ClientError::Unreachable { .. })),
            "{nonsense}: {result:?}"
        );
    }
}

#[tokio::test]
async fn a_silent_peer_times_out() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("mute.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let error = Client::unix(&path)
        .send(get("/"), Duration::from_millis(30))
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }));
    assert!(
        error.to_string().ends_with("did not answer within 30 ms"),
        "{error}"
    );
}

#[tokio::test]
async fn broken_cut_and_endless_answers_are_told() {
    let (client, _) = peer(&[Some("nonsense\r\n\r\n")]).await;
    assert!(matches!(
        client.send(get("/"), DEADLINE).await,
        Err(ClientError::Broken { .. })
    ));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::tcp(listener.local_addr().unwrap().to_string());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")
            .await
            .unwrap();
        drop(stream);
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let chunk = vec![b'x'; 65_536];
        while stream.write_all(&chunk).await.is_ok() {}
    });
    assert!(matches!(
        client.send(get("/"), DEADLINE).await,
        Err(ClientError::Broken { .. })
    ));
    let error = client.send(get("/"), DEADLINE).await.unwrap_err().to_string();
    assert!(error.contains("larger than 16 MiB"), "{error}");
}

#[tokio::test]
async fn a_stream_hands_over_what_comes() {
    let (client, _) = peer(&[Some(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n",
    )])
    .await;
    let mut body = client.stream(get("/"), DEADLINE).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "1\n");
}

//! Real connections on loopback, with names that the test makes up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Names of the test, and how often they were asked for.
struct Table {
    addresses: HashMap<&'static str, Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Names for Table {
    async fn addresses(&self, name: &str, _: u16) -> std::io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.addresses.get(name).cloned().unwrap_or_default())
    }
}

fn table(entries: &[(&'static str, SocketAddr)]) -> Table {
    Table {
        addresses: entries
            .iter()
            .map(|(name, address)| (*name, vec![*address]))
            .collect(),
        asked: AtomicUsize::new(0),
    }
}

fn post(url: &str) -> Post {
    let mut post = Post {
        url: url.to_owned(),
        headers: vec![(AUTHORIZATION, HeaderValue::from_static("Bearer secret"))],
        body: Bytes::from_static(b"{}"),
    };
    crate::channel::message::sign(&mut post, Some("key"), "id", 5).unwrap();
    post
}

fn rules(private: bool) -> Rules<'static> {
    Rules {
        private,
        ca_file: None,
        timeout: Duration::from_secs(5),
    }
}

/// Answers every request with the same text and keeps what came.
async fn serve(answer: String) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 16 * 1024];
            let mut text = String::new();
            while !text.ends_with("{}") {
                let count = stream.read(&mut bytes).await.unwrap();
                if count == 0 {
                    break;
                }
                text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
            kept.lock().unwrap().push(text);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, seen)
}

fn answer(status: &str, head: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{head}\r\n{body}",
        body.len()
    )
}

#[test]
fn addresses_are_looked_at_before_anything_is_sent() {
    for (url, wanted) in [
        ("https://example.org/a?b", Ok(())),
        ("http://example.org/", Err("clear text")),
        ("ftp://example.org/", Err("not supported")),
        ("https://127.0.0.1/", Err("private network")),
        ("https://2130706433/", Err("private network")),
        ("https://0x7f.1/", Err("private network")),
        ("https://[::1]/", Err("private network")),
        ("https://[::ffff:10.0.0.1]/", Err("private network")),
        ("https://169.254.169.254/latest/meta-data", Err("private network")),
        ("https://me:pw@example.org/", Err("user name or password")),
        ("https://", Err("no URL")),
        ("nonsense", Err("no URL")),
    ] {
        match (parse(url, false), wanted) {
            (Ok(_), Ok(())) => {}
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{url}: {reason}"),
            (got, _) => panic!("{url}: {got:?}"),
        }
    }
    assert!(parse("http://192.168.1.5:8123/", true).is_ok());
}

#[tokio::test]
async fn a_name_that_leads_home_is_refused_and_asked_for_only_once() {
    let (address, seen) = serve(answer("200 OK", "", "ok")).await;
    let names = table(&[("evil.example", address)]);
    let url = format!("https://evil.example:{}/", address.port());
    let failure = follow(&post(&url), rules(false), &names).await.unwrap_err();
    assert!(
        failure.permanent && failure.reason.contains("private network"),
        "{failure}"
    );
    assert_eq!(seen.lock().unwrap().len(), 0);

    let url = format!("http://home.example:{}/x?y=1", address.port());
    let names = table(&[("home.example", address)]);
    let (status, text) = follow(&post(&url), rules(true), &names).await.unwrap();
    assert_eq!(
        (status, text.as_str(), names.asked.load(Ordering::SeqCst)),
        (StatusCode::OK, "ok", 1)
    );
    let request = seen.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /x?y=1 HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains(&format!("host: home.example:{}\r\n", address.port())),
        "{request}"
    );
}

#[tokio::test]
async fn redirects_are_checked_and_take_no_credentials_along() {
    let (there, seen) = serve(answer("200 OK", "", "there")).await;
    let head = format!("Location: http://there.example:{}/new\r\n", there.port());
    let (here, _) = serve(answer("307 Temporary Redirect", &head, "")).await;
    let names = table(&[("here.example", here), ("there.example", there)]);
    let url = format!("http://here.example:{}/", here.port());
    let (_, text) = follow(&post(&url), rules(true), &names).await.unwrap();
    assert_eq!(text, "there");
    let request = seen.lock().unwrap()[0].clone();
    assert!(
        !request.contains("secret") && request.contains("x-hook-signature"),
        "{request}"
    );

    for (status, target, part) in [
        ("302 Found", "http://there.example/", "mere look"),
        ("308 Permanent Redirect", "ftp://x/", "not supported"),
        (
            "307 Temporary Redirect",
            "http://user:pw@there.example/",
            "user name",
        ),
    ] {
        let (here, _) = serve(answer(status, &format!("Location: {target}\r\n"), "")).await;
        let names = table(&[("here.example", here)]);
        let url = format!("http://here.example:{}/", here.port());
        let failure = follow(&post(&url), rules(true), &names).await.unwrap_err();
        assert!(failure.permanent && failure.reason.contains(part), "{failure}");
    }
    // The target of a redirect is looked at like the first address.
    let public: Url = "https://example.org/".parse().unwrap();
    let answer = Response::builder()
        .status(307)
        .header(LOCATION, "https://192.168.0.1/")
        .body(())
        .unwrap();
    assert!(
        redirected(&public, &answer, false)
            .unwrap_err()
            .reason
            .contains("private network")
    );
}

#[tokio::test]
async fn an_endless_circle_of_redirects_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (here, seen) = {
        let head = "Location: /again\r\n";
        serve(answer("308 Permanent Redirect", head, "")).await
    };
    assert_ne!(address, here);
    let names = table(&[("here.example", here)]);
    let url = format!("http://here.example:{}/", here.port());
    let failure = follow(&post(&url), rules(true), &names).await.unwrap_err();
    assert!(failure.reason.contains("more than 3 redirects"), "{failure}");
    assert_eq!(seen.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn refusals_tell_whether_it_may_work_later() {
    for (status, head, permanent, after) in [
        ("404 Not Found", "", true, None),
        ("401 Unauthorized", "", true, None),
        ("429 Too Many Requests", "Retry-After: 7\r\n", false, Some(7)),
        (
            "503 Service Unavailable",
            "Retry-After: 999999\r\n",
            false,
            Some(3600),
        ),
        ("500 Internal Server Error", "", false, None),
    ] {
        let (here, _) = serve(answer(status, head, "because\r\nof this")).await;
        let names = table(&[("here.example", here)]);
        let url = format!("http://here.example:{}/", here.port());
        let failure = follow(&post(&url), rules(true), &names).await.unwrap_err();
        assert_eq!(
            (failure.permanent, failure.retry_after.map(|time| time.as_secs())),
            (permanent, after),
            "{status}"
        );
        assert!(failure.reason.ends_with("because of this"), "{failure}");
    }
}

#[tokio::test]
async fn silence_ends_and_endless_answers_are_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let short = Rules {
        timeout: Duration::from_millis(200),
        ..rules(true)
    };
    let silent = send(&post(&format!("http://{address}/")), short)
        .await
        .unwrap_err();
    assert!(
        !silent.permanent && silent.reason.contains("no answer within 0.2 s"),
        "{silent}"
    );
    drop(listener);
    let refused = send(&post(&format!("http://{address}/")), rules(true))
        .await
        .unwrap_err();
    assert!(
        !refused.permanent && refused.reason.contains("cannot be reached"),
        "{refused}"
    );

    let (big, _) = serve(answer("200 OK", "", &"x".repeat(1 << 20))).await;
    let (status, text) = send(&post(&format!("http://{big}/")), rules(true)).await.unwrap();
    assert_eq!((status, text.as_str()), (StatusCode::OK, ""));
}

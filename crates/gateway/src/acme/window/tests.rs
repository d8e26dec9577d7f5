//! An authority that answers what a test wants, at the other end of the client's own interface.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use instant_acme::{AccountCredentials, BodyWrapper, BytesResponse, HttpClient};

use super::*;

const DIRECTORY: &str = "https://authority.test/dir";

/// Answers of an authority, and what it was asked.
#[derive(Clone)]
struct Authority {
    directory: String,
    renewal: Response<String>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl HttpClient for Authority {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let path = request.uri().path().to_owned();
        let response = if path == "/dir" {
            Response::new(self.directory.clone())
        } else {
            self.renewal.clone()
        };
        self.asked.lock().unwrap().push(path);
        let response = response.map(|text| Box::pin(Full::new(Bytes::from(text))));
        Box::pin(async { Ok(BytesResponse::from(response)) })
    }
}

fn authority(knows: bool, renewal: Response<String>) -> Authority {
    let mut directory = serde_json::json!({
        "newNonce": "https://authority.test/nonce",
        "newAccount": "https://authority.test/account",
        "newOrder": "https://authority.test/order",
        "revokeCert": "https://authority.test/revoke",
        "keyChange": "https://authority.test/key",
    });
    if knows {
        directory["renewalInfo"] = "https://authority.test/renewal".into();
    }
    Authority {
        directory: directory.to_string(),
        renewal,
        asked: Arc::default(),
    }
}

async fn account(authority: &Authority) -> Account {
    let key = rcgen::KeyPair::generate().unwrap();
    let credentials = serde_json::json!({
        "id": "https://authority.test/account/1",
        "key_pkcs8": base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, key.serialize_der()),
        "directory": DIRECTORY,
    });
    let credentials: AccountCredentials = serde_json::from_value(credentials).unwrap();
    Account::builder_with_http(Box::new(authority.clone()))
        .from_credentials(credentials)
        .await
        .unwrap()
}

fn suggests(start: &str, end: &str, again: &str) -> Response<String> {
    let body = serde_json::json!({ "suggestedWindow": { "start": start, "end": end } });
    let response = Response::builder().header("retry-after", again);
    response.body(body.to_string()).unwrap()
}

/// A certificate that names the key it is signed with, as those of authorities do.
fn file(folder: &Path) -> std::path::PathBuf {
    let mut params = rcgen::CertificateParams::new(["board.example.org".to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    let key = rcgen::KeyPair::generate().unwrap();
    let path = folder.join("acme.pem");
    std::fs::write(&path, params.self_signed(&key).unwrap().pem()).unwrap();
    path
}

#[tokio::test]
async fn the_authority_says_when_and_when_to_ask_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let known = authority(
        true,
        suggests("2026-12-01T00:00:00Z", "2026-12-03T00:00:00Z", "21600"),
    );
    let account_known = account(&known).await;
    let (window, again) = suggested(&account_known, &path, None).await.unwrap();
    let window = window.unwrap();
    assert_eq!((window.start, window.end), (1_796_083_200, 1_796_256_000));
    assert!((window.start..window.end).contains(&window.at));
    assert!(
        again > Duration::from_hours(5) && again <= Duration::from_hours(6),
        "{again:?}"
    );
    let last = known.asked.lock().unwrap().last().cloned().unwrap();
    let id = last.strip_prefix("/renewal/").unwrap();
    assert_eq!(id.split('.').count(), 2, "key and serial number: {id}");
    // Asked again, the same suggestion leaves the moment where it is.
    let (later, _) = suggested(&account_known, &path, Some(window)).await.unwrap();
    assert_eq!(later, Some(window));
}

#[tokio::test]
async fn who_suggests_nothing_or_nonsense_leaves_it_to_the_dates() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path());
    let silent = authority(
        false,
        suggests("2026-12-01T00:00:00Z", "2026-12-03T00:00:00Z", "60"),
    );
    let (window, again) = suggested(&account(&silent).await, &path, None).await.unwrap();
    assert_eq!((window, again), (None, ASK_AGAIN.1));
    let backwards = authority(
        true,
        suggests("2026-12-03T00:00:00Z", "2026-12-01T00:00:00Z", "60"),
    );
    let (window, again) = suggested(&account(&backwards).await, &path, None).await.unwrap();
    assert_eq!(
        (window, again),
        (None, ASK_AGAIN.0),
        "no oftener than once an hour"
    );
    let broken = authority(true, Response::new("nonsense".to_owned()));
    assert!(suggested(&account(&broken).await, &path, None).await.is_err());
    let nothing = suggested(&account(&broken).await, &folder.path().join("none.pem"), None).await;
    assert_eq!(nothing.unwrap().0, None, "there is nothing to renew");
}

#[test]
fn the_moment_is_within_the_window_whatever_chance_says() {
    for chance in [0, 1, 9, 10, u64::MAX] {
        let window = Window::choose(100, 110, None, chance).unwrap();
        assert!((100..110).contains(&window.at), "{chance}");
        let moved = Window::choose(50, 60, Some(window), chance).unwrap();
        assert!(
            (50..60).contains(&moved.at),
            "another suggestion is another moment"
        );
    }
    assert_eq!(Window::choose(100, 100, None, 1), None);
    assert_eq!(Window::choose(i64::MIN, i64::MAX, None, 1), None);
}

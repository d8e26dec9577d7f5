//! How messages look, and what cannot come of hostile texts.

use super::*;

fn message(title: &str, text: &str) -> Message {
    Message {
        id: "id-1".into(),
        rule: "cam-down".into(),
        kind: Word::Fired,
        key: "cam".into(),
        severity: Severity::Warning,
        title: title.into(),
        text: text.into(),
        count: 1,
        since: 1_700_000_000,
        at: 1_700_000_000,
        host: "pi".into(),
        event: None,
    }
    .bounded()
}

fn ntfy_config() -> Ntfy {
    Ntfy {
        topic: "pi".into(),
        server: "https://ntfy.sh".into(),
        token_file: None,
        private: false,
        ca_file: None,
    }
}

fn header<'a>(post: &'a Post, name: &str) -> Option<&'a str> {
    post.headers
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.to_str().unwrap())
}

#[test]
fn a_webhook_is_signed_over_time_and_body() {
    let config = Webhook {
        url: "https://example.org/hook".into(),
        headers: [("X-Room".to_owned(), "kitchen".to_owned())].into(),
        ..Webhook::default()
    };
    let post = webhook(
        &config,
        Some("key"),
        &message("cam crashed", "why"),
        1_700_000_000,
    )
    .unwrap();
    assert_eq!(header(&post, "x-hook-timestamp"), Some("1700000000"));
    assert_eq!(header(&post, "x-hook-id"), Some("id-1"));
    assert_eq!(header(&post, "x-room"), Some("kitchen"));
    let given = header(&post, "x-hook-signature").unwrap();
    let given = given.strip_prefix("sha256=").unwrap();
    assert!(is_signed("key", 1_700_000_000, &post.body, given));
    assert!(!is_signed("other", 1_700_000_000, &post.body, given));
    assert!(!is_signed("key", 1_700_000_001, &post.body, given));
    assert!(!is_signed("key", 1_700_000_000, &post.body, "zz"));
    let body: serde_json::Value = serde_json::from_slice(&post.body).unwrap();
    assert_eq!(
        (
            body["rule"].as_str(),
            body["severity"].as_str(),
            body["kind"].as_str()
        ),
        (Some("cam-down"), Some("warning"), Some("fired"))
    );
}

#[test]
fn the_signature_is_the_well_known_one() {
    // echo -n '1.{}' | openssl dgst -sha256 -hmac k
    let context = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"k"), b"1.{}");
    let hex = hex(context.as_ref());
    assert_eq!(signature("k", 1, b"{}"), hex);
    assert_eq!(hex.len(), 64);
}

#[test]
fn hostile_texts_become_harmless() {
    let message = message("a\r\nX-Evil: 1\u{0}b", "line\r\nnext\u{7}\u{1b}[31m");
    assert_eq!(message.title, "a X-Evil: 1 b");
    assert_eq!(message.text, "line\nnext[31m");
    let post = ntfy(&ntfy_config(), Some("tk_1"), &message).unwrap();
    assert_eq!(post.url, "https://ntfy.sh");
    assert_eq!(header(&post, "authorization"), Some("Bearer tk_1"));
    let body: serde_json::Value = serde_json::from_slice(&post.body).unwrap();
    assert_eq!(
        (body["title"].as_str(), body["priority"].as_u64()),
        (Some("a X-Evil: 1 b"), Some(4))
    );
    assert!(ntfy(&ntfy_config(), Some("tk\r\nX: 1"), &message).is_err());
}

#[test]
fn texts_are_cut_at_characters_not_bytes() {
    let message = message(&"ż".repeat(300), &"ż".repeat(9_000));
    assert_eq!(message.title.chars().count(), MOST_TITLE + 1);
    assert_eq!(message.text.chars().count(), MOST_TEXT + 1);
}

#[test]
fn presets_speak_their_services_language() {
    let incoming = Incoming {
        url_file: "/x".into(),
        private: false,
        ca_file: None,
    };
    let message = message("cam crashed", "<b> & @everyone");
    let text = |post: &Post, key: &str| {
        let body: serde_json::Value = serde_json::from_slice(&post.body).unwrap();
        body[key].as_str().unwrap().to_owned()
    };
    let slack = slack(&incoming, "https://hooks.slack.com/services/x", &message);
    assert!(text(&slack, "text").ends_with("cam crashed\n&lt;b&gt; &amp; @everyone"));
    let discord = discord(&incoming, "https://discord.com/api/webhooks/x", &message);
    assert!(text(&discord, "content").contains("@everyone"));
    assert!(String::from_utf8_lossy(&discord.body).contains(r#""allowed_mentions":{"parse":[]}"#));
    let config = Telegram {
        token_file: "/x".into(),
        chat: "42".into(),
        server: "https://api.telegram.org/".into(),
        private: false,
        ca_file: None,
    };
    let telegram = telegram(&config, "1:A", &message);
    assert_eq!(telegram.url, "https://api.telegram.org/bot1:A/sendMessage");
    assert_eq!(text(&telegram, "chat_id"), "42");
}

//! `POST /api/rules/hook/NAME`: calls from outside, known by a secret.

use axum::extract::{Path, State};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use pistack_api::event::Event;
use pistack_kit::problem::Problem;
use ring::hmac;

use super::front::Front;
use crate::channel::check::read_secret;
use crate::channel::message;
use crate::decide::event::WEBHOOK;

/// Fields of a call that rules see.
const MOST_FIELDS: usize = 32;
/// Longest value of one, in characters.
const MOST_VALUE: usize = 500;
/// So much of the body is the event's data, in characters.
const MOST_DATA: usize = 2_000;
/// How far the caller's clock may be off, in seconds.
const LEEWAY: i64 = 300;

/// Call a hook.
///
/// Fires the rules with `when = { webhook = "NAME" }`. The caller shows that it knows the secret: as
/// `Authorization: Bearer SECRET`, as `X-Hook-Secret`, or by a signature: `X-Hook-Signature: sha256=HEX` over
/// `X-Hook-Timestamp`, a full stop and the body, or `X-Hub-Signature-256: sha256=HEX` over the body alone. The
/// body's top-level texts, numbers and truth values become fields for the rule's texts.
#[utoipa::path(
    post, path = "/api/rules/hook/{name}", operation_id = "call_hook", tag = "rules",
    params(("name" = String, Path, description = "The hook")),
    request_body(content = Option<String>, description = "JSON, or anything", content_type = "application/json"),
    security(()),
    responses(
        (status = 204, description = "The rules have it"),
        (status = 401, description = "Wrong or missing secret, or no such hook", body = pistack_api::problem::ProblemBody),
        (status = 429, description = "Too many wrong secrets", body = pistack_api::problem::ProblemBody)
    )
)]
pub(super) async fn call_hook(
    State(front): State<Front>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let tables = front.tables();
    let known = tables
        .rules
        .values()
        .filter(|rule| rule.when.webhook.as_deref() == Some(name.as_str()))
        .filter_map(|rule| rule.when.secret_file.as_deref())
        .filter_map(|path| read_secret(path).ok())
        .any(|secret| knows(&secret, &headers, &body, front.now()));
    // A hook that does not exist answers as one whose secret is wrong.
    if !known {
        return Err(front.wrong_secret());
    }
    front.event(event(&name, &body, front.now()))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the caller has shown the secret.
fn knows(secret: &str, headers: &HeaderMap, body: &[u8], now: i64) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if [bearer, text("x-hook-secret")]
        .into_iter()
        .flatten()
        .any(|given| same(secret, given.trim()))
    {
        return true;
    }
    if let (Some(time), Some(given)) = (text("x-hook-timestamp"), text("x-hook-signature")) {
        let given = given.strip_prefix("sha256=").unwrap_or(given);
        return time.parse().is_ok_and(|time: i64| {
            (now - time).abs() <= LEEWAY && message::is_signed(secret, time, body, given)
        });
    }
    text("x-hub-signature-256").is_some_and(|given| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, body);
        let hex = message::hex(tag.as_ref());
        same(&hex, given.strip_prefix("sha256=").unwrap_or(given))
    })
}

/// Compares in a time that does not depend on where they differ.
fn same(wanted: &str, given: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"compare");
    let tag = hmac::sign(&key, wanted.as_bytes());
    hmac::verify(&key, given.as_bytes(), tag.as_ref()).is_ok()
}

fn event(name: &str, body: &[u8], now: i64) -> Event {
    let mut fields = serde_json::Map::new();
    fields.insert("hook".to_owned(), name.into());
    if let Ok(serde_json::Value::Object(given)) = serde_json::from_slice(body) {
        for (key, value) in given {
            let plain = (1..=32).contains(&key.len())
                && key
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            let text = match value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Number(_) | serde_json::Value::Bool(_) => value.to_string(),
                _ => continue,
            };
            if plain && fields.len() < MOST_FIELDS {
                // The hook's own name comes first and stays.
                fields
                    .entry(key)
                    .or_insert_with(|| message::one_line(&text, MOST_VALUE).into());
            }
        }
    }
    Event {
        serial: 0,
        name: WEBHOOK.to_owned(),
        at: now,
        fields,
        data: String::from_utf8_lossy(body).chars().take(MOST_DATA).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_secret_may_be_shown_in_four_ways() {
        let (now, body) = (1_700_000_000, b"{\"a\":1}".as_slice());
        let signed = format!("sha256={}", message::signature("s3cret", now, body));
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
        let hub = message::hex(hmac::sign(&key, body).as_ref());
        let time = now.to_string();
        let good = [
            headers(&[("authorization", "Bearer s3cret")]),
            headers(&[("x-hook-secret", "s3cret")]),
            headers(&[("x-hook-timestamp", &time), ("x-hook-signature", &signed)]),
            headers(&[("x-hub-signature-256", &format!("sha256={hub}"))]),
        ];
        for headers in &good {
            assert!(knows("s3cret", headers, body, now), "{headers:?}");
            assert!(!knows("other", headers, body, now), "{headers:?}");
        }
        assert!(
            !knows("s3cret", &good[2], body, now + LEEWAY + 1),
            "an old signature"
        );
        assert!(!knows("s3cret", &good[3], b"{}", now), "another body");
        assert!(!knows("s3cret", &HeaderMap::new(), body, now));
    }

    #[test]
    fn plain_values_become_fields() {
        let event = event(
            "door",
            br#"{"open":true,"n":3,"hook":"evil","x y":1,"deep":{},"t":"a\nb"}"#,
            5,
        );
        let shown: Vec<String> = event
            .fields
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            shown,
            [r#"hook="door""#, r#"open="true""#, r#"n="3""#, r#"t="a b""#]
        );
        assert!(super::event("door", b"\xff\xfe", 5).data.contains('\u{fffd}'));
    }
}

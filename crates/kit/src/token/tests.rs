//! Tokens: what is taken, and every forgery that must not be.

use pistack_api::token::{Level, Via};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Tokens of the original, made by itsdangerous 2.2 (access, refresh, long name).
const LEGACY: [&str; 3] = [
    ".eJxFjNsKgzAQRP9ln13YaLz-zWaNoHijSUtL8d_dlrTOw8AZDvOG-NqhAxbxIUAGUxwVKQW_ZT_V_DDFqBzuTuV8MK7mUpD6xqOVymHLxYClt30huTNMpPLKi8q3bYsK82O-YOQInamr9JyBf-7_oSU6TsZQKlo.aOd4AA.Q2-rY0U0GCRp2gx48W0Pj90h4TI",
    ".eJw1i0sKgDAMRO-StYE2tv5u09YUdSVaQRHvbix1FgPzeHNDulYYYOO48T5BBUuaZasSzGW-6v5ZQiLvhxeZovatswHV2DGa0HjsXR3RshnrQF47pUSeXYJBt035V8DnmgHZngQ8L-ShIvM.aOd4AA.XoAq_drjPBFYWJtfnxzEbAh3_rE",
    ".eJzFj10KwkAMhO-S5way3e3vPTxANk2hUqW4qyji3U1l9QrOw8AXBjLzhPzYYAQW0ZSggmNeDKkIPxZ2679Y5C2crtHC9exix40gTb1ikDbiwH7GRsPkpY6OiSx85tP-6E-yAutttQKHpBeDhTOMrmvLmgr0vv0OA9HrDaNDVes.aOd4AA.rkDWutVKdpe1sZCh5dHZ8hCocHo",
];

fn claims() -> AccessClaims {
    AccessClaims {
        typ: "access".into(),
        jti: "j".into(),
        sub: "u".into(),
        nam: "anna".into(),
        lvl: Level::Admin,
        sid: "s".into(),
        ep: 0,
        iss: "box".into(),
        aud: vec!["io".into()],
        iat: 1,
        exp: 2,
        auth_time: None,
        via: Via::Session,
        grants: None,
        scope: None,
    }
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey::from_jwk(&key.jwk()).unwrap()
}

fn open_with(token: &str, key: &SigningKey) -> Opened {
    let public = public(key);
    open(token, |kid| (kid == key.kid()).then_some(&public))
}

#[test]
fn takes_what_it_signed() {
    let (key, bytes) = SigningKey::generate();
    let again = SigningKey::from_pkcs8(&bytes).unwrap();
    assert_eq!(again.kid(), key.kid());
    assert_eq!(
        open_with(&sign(&again, &claims()), &key),
        Opened::Ours(Box::new(claims()))
    );
}

#[test]
fn the_key_id_is_the_rfc_8037_thumbprint() {
    // RFC 8037 appendix A.2 and A.3.
    let public = BASE64
        .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        .unwrap();
    assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn verifies_the_signature_of_rfc_8037() {
    // RFC 8037 appendix A.4, whose header is not ours: checked below the header.
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let public = BASE64
        .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        .unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, &public)
        .verify(message.as_bytes(), &signature)
        .unwrap();
    assert_eq!(open(token, |_| None), Opened::Bad);
}

#[test]
fn refuses_every_header_but_ours() {
    let (key, _) = SigningKey::generate();
    let headers: [Value; 9] = [
        json!({"alg": "none", "typ": TYPE, "kid": key.kid()}),
        json!({"alg": "None", "typ": TYPE, "kid": key.kid()}),
        json!({"alg": "HS256", "typ": TYPE, "kid": key.kid()}),
        json!({"alg": "eddsa", "typ": TYPE, "kid": key.kid()}),
        json!({"alg": ALGORITHM, "typ": "JWT", "kid": key.kid()}),
        json!({"alg": ALGORITHM, "typ": TYPE, "kid": "another"}),
        json!({"alg": ALGORITHM, "typ": TYPE}),
        json!({"alg": ALGORITHM, "typ": TYPE, "kid": key.kid(), "jku": "http://evil"}),
        json!({"alg": ALGORITHM, "typ": TYPE, "kid": key.kid(), "crit": ["exp"]}),
    ];
    for header in headers {
        assert_eq!(
            open_with(&key.sign_json(&header, &claims()), &key),
            Opened::Bad,
            "{header}"
        );
    }
}

#[test]
fn refuses_foreign_changed_and_unsigned_tokens() {
    let (key, _) = SigningKey::generate();
    let (other, _) = SigningKey::generate();
    let good = sign(&key, &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let forged_header = json!({"alg": ALGORITHM, "typ": TYPE, "kid": key.kid()});
    let more = BASE64.encode(
        serde_json::to_vec(&AccessClaims {
            lvl: Level::Root,
            ..claims()
        })
        .unwrap(),
    );
    let header = good.split('.').next().unwrap();
    let bad = [
        other.sign_json(&forged_header, &claims()),
        format!("{message}."),
        message.to_owned(),
        format!("{header}.{more}.{signature}"),
        format!("{good}A"),
        format!("{good}.{signature}"),
        format!("{good}{}", " ".repeat(MAX_TOKEN_BYTES)),
        String::new(),
        "a.b.c".into(),
        "...".into(),
    ];
    for token in bad {
        assert_eq!(open_with(&token, &key), Opened::Bad, "{token}");
    }
}

#[test]
fn knows_the_originals_tokens_by_their_shape() {
    let (key, _) = SigningKey::generate();
    for token in LEGACY {
        assert_eq!(open_with(token, &key), Opened::Legacy);
    }
    // The uncompressed form: base64 of plain JSON.
    let plain = format!(
        "{}.aOd4AA.{}",
        BASE64.encode(r#"{"typ":"access"}"#),
        "A".repeat(27)
    );
    assert_eq!(open_with(&plain, &key), Opened::Legacy);
}

#[test]
fn a_key_file_is_made_once_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("token.key");
    let first = SigningKey::load_or_create(&path).unwrap();
    assert_eq!(SigningKey::load_or_create(&path).unwrap().kid(), first.kid());
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    std::fs::write(&path, "broken").unwrap();
    let error = SigningKey::load_or_create(&path).unwrap_err();
    assert!(matches!(error, KeyError::BadFile { .. }) && error.to_string().contains("token.key"));
    assert_eq!(std::fs::read(&path).unwrap(), b"broken");
}

proptest! {
    #[test]
    fn arbitrary_text_is_never_ours(token in any::<String>()) {
        let (key, _) = SigningKey::generate();
        prop_assert!(!matches!(open_with(&token, &key), Opened::Ours(_)));
    }

    #[test]
    fn one_changed_character_is_never_ours(position in 0_usize..400, letter in "[A-Za-z0-9_.-]") {
        let (key, _) = SigningKey::generate();
        let good = sign(&key, &claims());
        let position = position % good.len();
        prop_assume!(good[position..=position] != letter);
        let mut changed = good.clone();
        changed.replace_range(position..=position, &letter);
        prop_assert!(!matches!(open_with(&changed, &key), Opened::Ours(_)));
    }
}

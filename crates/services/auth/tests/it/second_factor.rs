//! The second factor: asked for, each code once, three tries, recovery codes, and a clock that is not to be trusted.

use std::time::Duration;

use pistack_kit::clock::Clock;
use ring::hmac;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::{Bed, Got, PASSWORD, quick};

/// The authenticator: RFC 6238, written apart from the service's own.
fn code(secret: &str, now: i64) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = secret
        .chars()
        .flat_map(|c| {
            let value = alphabet.find(c).unwrap();
            (0..5).rev().map(move |bit| (value >> bit & 1) as u8)
        })
        .collect();
    let bytes: Vec<u8> = bits
        .chunks_exact(8)
        .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit))
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = hmac::sign(&key, &(now / 30).to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 15);
    let word = u32::from_be_bytes(tag.as_ref()[offset..offset + 4].try_into().unwrap());
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

async fn login(bed: &Bed, otp: Option<&str>) -> Got {
    let body = json!({ "name": "root", "password": PASSWORD, "otp": otp });
    bed.post("/api/auth/session/login", body).await
}

/// Turns it on and gives the secret and the recovery codes.
async fn turn_on(bed: &Bed, root: &Got) -> (String, Vec<String>) {
    let token = Some(root.text("access_token"));
    let begun = bed
        .call("POST", "/api/auth/second-factor/begin", token, None)
        .await;
    assert_eq!(begun.status, 200, "{}", begun.body);
    assert!(begun.text("qr_svg").starts_with("<svg ") && begun.text("uri").starts_with("otpauth://totp/"));
    let secret = begun.text("secret").to_owned();
    let body = json!({ "code": code(&secret, bed.clock.unix()) });
    let on = bed
        .call("POST", "/api/auth/second-factor/confirm", token, Some(body))
        .await;
    assert_eq!(on.status, 200, "{}", on.body);
    let codes = on.body["recovery_codes"].as_array().unwrap();
    (
        secret,
        codes
            .iter()
            .map(|code| code.as_str().unwrap().to_owned())
            .collect(),
    )
}

#[tokio::test]
async fn a_login_is_asked_for_the_code_and_takes_each_once() {
    let (bed, root) = Bed::set_up().await;
    assert_eq!(
        login(&bed, None).await.status,
        200,
        "off: old clients need nothing"
    );
    let (secret, _) = turn_on(&bed, &root).await;
    let asked = login(&bed, None).await;
    assert_eq!(
        (asked.status, asked.text("code")),
        (401, "second-factor-required")
    );
    let used = login(&bed, Some(&code(&secret, bed.clock.unix()))).await;
    assert_eq!(
        (used.status, used.text("code")),
        (401, "invalid-second-factor"),
        "the code of the enrolment"
    );
    assert_eq!(used.body["server_time"], bed.clock.unix());
    bed.clock.advance(Duration::from_secs(30));
    let fresh = code(&secret, bed.clock.unix());
    assert_eq!(
        login(&bed, Some(&format!(" {} {} ", &fresh[..3], &fresh[3..])))
            .await
            .status,
        200
    );
    assert_eq!(login(&bed, Some(&fresh)).await.status, 401, "once");
    bed.clock.advance(Duration::from_mins(1));
    let last = code(&secret, bed.clock.unix() - 30);
    assert_eq!(login(&bed, Some(&last)).await.status, 200, "a slow typist");
    // The dashboard's login asks as well.
    let body = |otp: &str| json!({ "name": "root", "password": PASSWORD, "otp": otp });
    let got = bed.internal("POST", "/internal/session", Some(body(""))).await;
    assert_eq!((got.status, got.text("code")), (401, "second-factor-required"));
    let got = bed
        .internal(
            "POST",
            "/internal/session",
            Some(body(&code(&secret, bed.clock.unix()))),
        )
        .await;
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn the_password_is_asked_for_first() {
    let (bed, root) = Bed::set_up().await;
    let (secret, _) = turn_on(&bed, &root).await;
    bed.clock.advance(Duration::from_secs(30));
    let body = json!({ "name": "root", "password": "wrong", "otp": code(&secret, bed.clock.unix()) });
    let got = bed.post("/api/auth/session/login", body).await;
    assert_eq!(got.refusal(), (401, "invalid credentials"));
    assert_eq!(
        login(&bed, Some(&code(&secret, bed.clock.unix()))).await.status,
        200,
        "the code was not used up"
    );
}

#[tokio::test]
async fn three_tries_a_step() {
    let (bed, root) = Bed::set_up().await;
    let (secret, _) = turn_on(&bed, &root).await;
    bed.clock.advance(Duration::from_mins(1));
    for _ in 0..3 {
        assert_eq!(login(&bed, Some("000000")).await.status, 401);
    }
    let got = login(&bed, Some(&code(&secret, bed.clock.unix()))).await;
    assert_eq!((got.status, got.text("code")), (429, "throttled"));
    bed.clock.advance(Duration::from_secs(30));
    assert_eq!(
        login(&bed, Some(&code(&secret, bed.clock.unix()))).await.status,
        200
    );
}

#[tokio::test]
async fn of_two_logins_with_one_code_one_succeeds() {
    let (bed, root) = Bed::set_up().await;
    let (secret, _) = turn_on(&bed, &root).await;
    bed.clock.advance(Duration::from_secs(30));
    let otp = code(&secret, bed.clock.unix());
    let (one, two) = tokio::join!(login(&bed, Some(&otp)), login(&bed, Some(&otp)));
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [200, 401]);
}

#[tokio::test]
async fn recovery_codes_work_once_each_and_new_ones_replace_them() {
    let (bed, root) = Bed::set_up().await;
    let (_, codes) = turn_on(&bed, &root).await;
    assert_eq!(codes.len(), 10);
    let relogged = login(&bed, Some(&codes[0].to_lowercase().replace('-', " "))).await;
    assert_eq!(relogged.status, 200);
    assert_eq!(login(&bed, Some(&codes[0])).await.status, 401);
    let token = Some(relogged.text("access_token"));
    let state = bed.call("GET", "/api/auth/second-factor", token, None).await;
    assert_eq!(
        (&state.body["enabled"], &state.body["recovery_codes_left"]),
        (&json!(true), &json!(9))
    );
    let new = bed
        .call("POST", "/api/auth/second-factor/codes", token, None)
        .await;
    let new = new.body["recovery_codes"][0].as_str().unwrap().to_owned();
    assert_eq!(login(&bed, Some(&codes[1])).await.status, 401);
    assert_eq!(login(&bed, Some(&new)).await.status, 200);
}

#[tokio::test]
async fn while_the_clock_is_not_set_only_recovery_codes_count() {
    let dir = TempDir::new().unwrap();
    let bed = Bed::start(dir, Clock::manual(1_800_000_000), quick()).await;
    let root = bed.finish_setup().await;
    let (secret, codes) = turn_on(&bed, &root).await;
    let (dir, config) = bed.stop().await;
    let bed = Bed::start(dir, Clock::manual(3600), config).await;
    let got = login(&bed, Some(&code(&secret, 3600))).await;
    assert_eq!(
        (got.status, got.text("code")),
        (401, "clock-untrusted"),
        "{}",
        got.body
    );
    assert!(got.text("detail").contains("recovery code"));
    assert_eq!(login(&bed, Some(&codes[0])).await.status, 200);
}

#[tokio::test]
async fn it_is_turned_off_by_its_owner_and_by_who_manages_the_account() {
    let (bed, root) = Bed::set_up().await;
    let (id, anna) = bed.add(&root, "anna", "User").await;
    let (_, admin) = bed.add(&root, "admin", "Admin").await;
    let off = async |who: &Got, path: &str| {
        bed.call("DELETE", path, Some(who.text("access_token")), None)
            .await
            .status
    };
    assert_eq!(off(&anna, "/api/auth/second-factor").await, 409, "it was off");
    let (secret, _) = turn_on(&bed, &anna).await;
    assert!(!secret.is_empty());
    let path = format!("/api/auth/user/{id}/second-factor");
    assert_eq!(off(&anna, &path).await, 403);
    assert_eq!(off(&admin, &path).await, 200);
    assert_eq!(bed.login("anna", PASSWORD).await.status, 200);
    let root_id = root.body["user"]["id"].as_str().unwrap();
    turn_on(&bed, &root).await;
    assert_eq!(
        off(&admin, &format!("/api/auth/user/{root_id}/second-factor")).await,
        403
    );
    assert_eq!(off(&root, "/api/auth/second-factor").await, 200);
    assert_eq!(login(&bed, None).await.status, 200);
}

#[tokio::test]
async fn a_secret_that_was_not_confirmed_guards_nothing_and_a_stolen_database_opens_none() {
    let (bed, root) = Bed::set_up().await;
    let token = Some(root.text("access_token"));
    let begun = bed
        .call("POST", "/api/auth/second-factor/begin", token, None)
        .await;
    assert_eq!(login(&bed, None).await.status, 200);
    let secret = begun.text("secret");
    let database = std::fs::read(bed.dir.path().join("db/auth.sqlite3-wal")).unwrap_or_default();
    assert!(
        !database
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    );
    let wrong = bed
        .call(
            "POST",
            "/api/auth/second-factor/confirm",
            token,
            Some(json!({ "code": "000000" })),
        )
        .await;
    assert_eq!(wrong.status, 401);
    for body in [json!({}), json!({ "code": 5 }), json!([]), Value::Null] {
        let got = bed
            .call("POST", "/api/auth/second-factor/confirm", token, Some(body))
            .await;
        assert_eq!(got.refusal(), (400, "invalid payload"));
    }
}

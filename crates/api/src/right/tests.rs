//! What grants give, what scopes take, and which texts are none.

use super::*;
use crate::token::Via;

fn claims(lvl: Level, grants: Option<&str>, scope: Option<&str>) -> AccessClaims {
    AccessClaims {
        typ: "access".into(),
        jti: String::new(),
        sub: "id".into(),
        nam: "anna".into(),
        lvl,
        sid: "s".into(),
        ep: 1,
        iss: "box".into(),
        aud: Vec::new(),
        iat: 0,
        exp: 0,
        auth_time: None,
        via: Via::Session,
        grants: grants.map(str::to_owned),
        scope: scope.map(str::to_owned),
    }
}

#[test]
fn a_level_has_what_is_not_above_it() {
    for (level, read, restart) in [
        (Level::User, Err(Lack::Level), Err(Lack::Level)),
        (Level::Admin, Ok(()), Err(Lack::Level)),
        (Level::Root, Ok(()), Ok(())),
    ] {
        let claims = claims(level, None, None);
        assert_eq!(claims.may(ReadProcess::INFO, Object::Named("camera")), read);
        assert_eq!(claims.may(RestartProcess::INFO, Object::Every), restart);
        assert_eq!(claims.may(WriteLine::INFO, Object::Named("17")), Ok(()));
    }
}

#[test]
fn a_grant_adds_one_right_to_one_object() {
    let claims = claims(
        Level::User,
        Some("process:camera:restart process:cams:*:stop"),
        None,
    );
    let may = |right, object| claims.may(right, object).is_ok();
    assert!(may(RestartProcess::INFO, Object::Named("camera")));
    assert!(may(RestartProcess::INFO, Object::Some));
    assert!(may(StopProcess::INFO, Object::Named("cams:two")));
    assert!(!may(RestartProcess::INFO, Object::Named("camera2")));
    assert!(!may(RestartProcess::INFO, Object::Every));
    assert!(!may(StartProcess::INFO, Object::Some));
}

#[test]
fn a_scope_takes_away_and_never_adds() {
    let limited = claims(Level::Root, None, Some("gpio:relay1:write info:*"));
    assert_eq!(limited.may(WriteLine::INFO, Object::Named("relay1")), Ok(()));
    assert_eq!(
        limited.may(WriteLine::INFO, Object::Named("relay2")),
        Err(Lack::Scope)
    );
    assert_eq!(limited.may(ReadBoard::INFO, Object::Every), Ok(()));
    assert_eq!(limited.may(ReadProcess::INFO, Object::Some), Err(Lack::Scope));
    assert_eq!(
        claims(Level::Root, None, Some("")).may(ReadLine::INFO, Object::Some),
        Err(Lack::Scope)
    );
    let user = claims(Level::User, None, Some("*"));
    assert_eq!(user.may(RestartProcess::INFO, Object::Some), Err(Lack::Level));
}

#[test]
fn nobody_is_granted_power_over_accounts() {
    let user = claims(Level::User, Some("* user:*:manage"), None);
    assert_eq!(user.may(ManageUser::INFO, Object::Every), Err(Lack::Level));
    assert_eq!(user.may(ReadAudit::INFO, Object::Every), Ok(()));
}

#[test]
fn forms() {
    for text in [
        "*",
        "gpio:*",
        "gpio:17:write",
        "process:group:one:restart",
        "*:*:read",
        "process:a*:read",
    ] {
        Grant::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for text in [
        "",
        ":",
        "::",
        "gpio",
        "gpio:",
        "gpio:17",
        "gpio::write",
        "gpio:17:",
        "g*:1:read",
        "gpio:1*2:read",
        "gpio:17:wr*",
        "gpio:17:fly",
        "nothing:1:read",
        "gpio:a b:read",
        "gpio:\n:read",
        "**",
        "*:*:fly",
    ] {
        assert!(Grant::parse(text).is_err(), "{text:?}");
    }
    assert!(Grant::parse(&format!("gpio:{}:read", "x".repeat(200))).is_err());
    assert_eq!(Grant::parse("info:*").unwrap().to_string(), "info:*:*");
}

#[test]
fn who_may_hand_it_out() {
    for (text, level) in [
        ("gpio:17:write", Level::User),
        ("process:*:read", Level::Admin),
        ("process:camera:restart", Level::Root),
        ("*", Level::Root),
        ("*:*:use", Level::User),
    ] {
        assert_eq!(Grant::parse(text).unwrap().level(), level, "{text}");
    }
}

#[test]
fn no_right_is_there_twice() {
    for (index, one) in ALL.iter().enumerate() {
        assert!(
            !ALL[..index]
                .iter()
                .any(|two| (one.area, one.action) == (two.area, two.action))
        );
    }
}

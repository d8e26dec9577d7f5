//! Tests of the value types; `tests/data/python.json` compares with supervisor itself.

use super::*;
use crate::config::surroundings::Anything;

#[test]
fn sentences_are_those_of_supervisor() {
    let message = |result: Result<String, String>| result.unwrap_err();
    for (found, expected) in [
        (
            message(boolean("2").map(|_| String::new())),
            "not a valid boolean value: '2'",
        ),
        (
            message(integer("1K").map(|_| String::new())),
            "invalid literal for int() with base 10: '1K'",
        ),
        (
            message(octal("8").map(|_| String::new())),
            "8 can not be converted to an octal type",
        ),
        (
            message(signal("NOPE").map(|_| String::new())),
            "value 'NOPE' is not a valid signal name",
        ),
        (
            message(signal("99").map(|_| String::new())),
            "value '99' is not a valid signal number",
        ),
        (
            message(auto_restart("Maybe").map(|_| String::new())),
            "invalid 'autorestart' value 'maybe'",
        ),
        (
            message(exit_codes("0,256").map(|_| String::new())),
            "not a valid list of exit codes: '0,256'",
        ),
        (
            message(log_level("warning").map(|_| String::new())),
            "bad logging level name 'warning'",
        ),
        (
            message(name("a/b")),
            "Invalid name: 'a/b' because of character: '/'",
        ),
        (
            message(inet_address("x:").map(|_| String::new())),
            "no port number specified in 'x'",
        ),
        (
            message(inet_address("x:0").map(|_| String::new())),
            "0 is below lower bound (1)",
        ),
        (
            message(inet_address("x:65536").map(|_| String::new())),
            "65536 is above upper bound (65535)",
        ),
        (
            message(inet_address("x").map(|_| String::new())),
            "not a valid port number: 'x' ",
        ),
        (
            message(environment("A").map(|_| String::new())),
            "Unexpected end of key/value pairs in value 'A'",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn numbers_are_pythons() {
    for (text, number) in [(" 1_000 ", 1000), ("-3", -3), ("+7", 7), ("007", 7)] {
        assert_eq!(integer(text), Ok(number), "{text}");
    }
    assert_eq!(
        integer("99999999999999999999"),
        Ok(i64::MAX),
        "Python has no limit; the nearest stands in"
    );
    for text in ["", "_1", "1__0", "1_", "1.0", "0x1", "- 1", "٣x"] {
        assert!(integer(text).is_err(), "{text}");
    }
    for (text, bytes) in [
        ("50MB", 50 << 20),
        ("50 mb", 50 << 20),
        ("1Kb", 1024),
        ("2GB", 2 << 30),
        ("7", 7),
        ("-1kb", -1024),
    ] {
        assert_eq!(byte_size(text), Ok(bytes), "{text}");
    }
    for text in ["1K", "MB", "1TB", "1b"] {
        assert!(byte_size(text).is_err(), "{text}");
    }
    for (text, mode) in [
        ("022", 0o22),
        ("0o22", 0o22),
        ("0O0777", 0o777),
        ("0o_7", 7),
        ("0", 0),
    ] {
        assert_eq!(octal(text), Ok(mode), "{text}");
    }
    for text in ["8", "-1", "", "0o"] {
        assert!(octal(text).is_err(), "{text}");
    }
}

#[test]
fn environment_lists_follow_the_older_lexer() {
    let pairs = |text: &str| environment(text).map(|pairs| pairs.into_iter().collect::<Vec<_>>());
    let owned = |list: &[(&str, &str)]| {
        Ok(list
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>())
    };
    for (text, expected) in [
        ("", &[][..]),
        ("A=1,B=2", &[("A", "1"), ("B", "2")]),
        ("A=1;B=2", &[("A", "1"), ("B", "2")]),
        ("A=\"1\",\n  B='x, y'", &[("A", "1"), ("B", "x, y")]),
        ("A=a b", &[("A", "a")]),
        ("A=1,A=2", &[("A", "2")]),
        ("A=~/x", &[("A", "~")]),
        ("A=\"\"", &[("A", "")]),
        ("A=1 # comment", &[("A", "1")]),
        ("PATH=/usr/bin:/bin", &[("PATH", "/usr/bin:/bin")]),
    ] {
        assert_eq!(pairs(text), owned(expected), "{text}");
    }
    for text in ["A=x@y", "A=", "A=1,,B=2", "A", "A:1", "A='x"] {
        assert!(environment(text).is_err(), "{text}");
    }
}

#[test]
fn addresses_lists_and_words() {
    for (text, host, port) in [
        ("9001", "", 9001),
        ("*:9001", "", 9001),
        ("Host:1", "host", 1),
        (":80", "", 80),
    ] {
        assert_eq!(inet_address(text), Ok((host.to_owned(), port)), "{text}");
    }
    assert_eq!(list("a, b ,c"), ["a", "b", "c"]);
    assert_eq!(list("a,"), ["a", ""]);
    assert!(list("").is_empty());
    assert_eq!(exit_codes(""), Ok(vec![]));
    assert_eq!(exit_codes("0, 255"), Ok(vec![0, 255]));
    for (text, target) in [
        ("none", Some(LogTarget::None)),
        ("OFF", Some(LogTarget::None)),
        ("Auto", Some(LogTarget::Auto)),
        ("/x", None),
    ] {
        assert_eq!(log_word(text), target, "{text}");
    }
    assert_eq!(signal("sigTerm"), Ok(15));
    assert_eq!(signal("0"), Ok(0));
    assert_eq!(nearest("comand", ["command", "user"]), Some("command"));
    assert_eq!(nearest("zzz", ["command", "user"]), None);
}

#[test]
fn users_must_exist() {
    struct OnlyPi;
    impl Outside for OnlyPi {
        fn user_exists(&self, user: &str) -> bool {
            ["pi", "1000"].contains(&user)
        }
        fn group_exists(&self, group: &str) -> bool {
            group == "gpio"
        }
    }
    assert_eq!(user("pi", &OnlyPi), Ok("pi".to_owned()));
    assert_eq!(user("1000", &OnlyPi), Ok("1000".to_owned()));
    assert_eq!(user("root", &OnlyPi), Err("Invalid user name root".to_owned()));
    assert_eq!(user("0", &OnlyPi), Err("Invalid user id 0".to_owned()));
    assert_eq!(
        user_and_group("pi:gpio", &OnlyPi),
        Some(("pi".to_owned(), Some("gpio".to_owned())))
    );
    assert_eq!(user_and_group("pi", &OnlyPi), Some(("pi".to_owned(), None)));
    assert_eq!(user_and_group("pi:wheel", &OnlyPi), None);
    assert_eq!(user_and_group("root:gpio", &OnlyPi), None);
    assert!(user("anyone", &Anything).is_ok());
}

//! Tests; `tests/data/python.json` compares with Python itself.

use proptest::prelude::*;

use super::*;

#[test]
fn command_lines_split_like_a_shell_without_a_shell() {
    for (line, words) in [
        ("", &[][..]),
        ("  a\tb\nc  ", &["a", "b", "c"]),
        (r#"sh -c 'a "b" $c'"#, &["sh", "-c", r#"a "b" $c"#]),
        (r#""a \"b\" \c \\""#, &[r#"a "b" \c \"#]),
        (r"a\ b \#", &["a b", "#"]),
        ("a''b \"\"", &["ab", ""]),
        ("a # b; c", &["a", "#", "b;", "c"]),
    ] {
        assert_eq!(
            split(line).as_deref(),
            Ok(&words.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
            "{line}"
        );
    }
    for line in ["'a", "\"a", "a 'b", "a\"\\\""] {
        assert_eq!(split(line), Err("No closing quotation".to_owned()), "{line}");
    }
    for line in ["\\", "\"\\"] {
        assert_eq!(split(line), Err("No escaped character".to_owned()), "{line}");
    }
}

#[test]
fn environment_tokens_keep_quotes_and_make_a_token_of_every_other_character() {
    for (text, expected) in [
        ("A=1,B=2", &["A", "=", "1", ",", "B", "=", "2"][..]),
        ("A=\"x, y\"", &["A", "=", "\"x, y\""]),
        ("A=/usr/bin:/x.+-()", &["A", "=", "/usr/bin:/x.+-()"]),
        ("A=~/x", &["A", "=", "~", "/x"]),
        ("A=1 # x\nB", &["A", "=", "1", "B"]),
        ("A=a#b\nc", &["A", "=", "ac"]),
        ("A=é", &["A", "=", "é"]),
    ] {
        assert_eq!(tokens(text).unwrap(), expected, "{text}");
    }
    assert!(tokens("A='x").is_err());
}

proptest! {
    #[test]
    fn what_is_quoted_is_read_back(words in prop::collection::vec(any::<String>(), 0..5)) {
        let line: Vec<String> = words.iter().map(|word| quote(word)).collect();
        prop_assert_eq!(split(&line.join(" ")), Ok(words));
    }

    #[test]
    fn any_text_is_split_or_refused(text in any::<String>(), shellish in "[ '\"\\\\a#;=,\n]{0,20}") {
        for text in [text, shellish] {
            let _ = split(&text);
            let _ = tokens(&text);
        }
    }
}

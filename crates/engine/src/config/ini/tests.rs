//! Tests of the dialect, row by row; `tests/data/python.json` compares with Python itself.

use proptest::prelude::*;

use super::*;
use crate::config::options::Value;

fn document(text: &str) -> Document {
    let mut document = Document::default();
    document.read(Path::new("x.conf"), text).unwrap();
    document
}

fn value(document: &Document, section: &str, key: &str) -> Option<String> {
    match document.options(section)?.get(key)?.value.clone() {
        Value::Text(text) => Some(text),
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_comments_and_continuations() {
    for (text, expected) in [
        ("k=v ;c", "v"),
        ("k=v #c", "v"),
        ("k=v;c", "v;c"),
        ("k=v#c", "v#c"),
        ("k=bash -c 'foo ; bar'", "bash -c 'foo"),
        ("k: v", "v"),
        ("K = x=y:z", "x=y:z"),
        ("k=  v \t ", "v"),
        ("k=a\n  b\n  c", "a\nb\nc"),
        ("k=a\n\n  b", "a\n\nb"),
        ("k=a\n; x\n  # y\n  b", "a\nb"),
        ("k=a\n [b]", "a\n[b]"),
        ("k=a\n\n\n", "a"),
        ("k=\n  a", "\na"),
        ("k=1\nk=2", "2"),
        ("k=1\r\n  2\r\n", "1\n2"),
        ("k=", ""),
        ("k=a;b ; c # d", "a;b ; c"),
    ] {
        assert_eq!(
            value(&document(&format!("[a]\n{text}")), "a", "k").as_deref(),
            Some(expected),
            "{text:?}"
        );
    }
}

#[test]
fn sections_merge_and_default_is_a_template() {
    let text = "\u{feff}[DEFAULT]\nd=0\nk=0\n[a]\nk=1\nold=1\n[ b ] \n[a] ; c\nk=2\n[c]\n";
    let mut document = document(text);
    assert_eq!(document.sections().collect::<Vec<_>>(), ["a", " b ", "c"]);
    assert_eq!(value(&document, "a", "k").as_deref(), Some("2"));
    assert_eq!(value(&document, "a", "old").as_deref(), Some("1"));
    assert_eq!(value(&document, "c", "d").as_deref(), Some("0"));
    document.read(Path::new("y.conf"), "[a]\nk=3\n[d]\n").unwrap();
    assert_eq!(value(&document, "a", "k").as_deref(), Some("3"));
    let origin = document.options("a").unwrap().origin_of("k");
    assert_eq!(
        origin,
        Origin {
            file: "y.conf".into(),
            line: 2
        }
    );
    assert_eq!(
        document.origin("a"),
        Origin {
            file: "x.conf".into(),
            line: 4
        }
    );
    assert_eq!(
        value(&document, "d", "d").as_deref(),
        Some("0"),
        "templates reach included sections"
    );
    assert!(document.own_options("d").unwrap().get("d").is_none());
}

#[test]
fn here_is_put_in_as_text() {
    let mut document = document("[DEFAULT]\nd=%(here)s\n[a]\nk=%(here)s/%(here)s\n");
    document.replace_here("/etc");
    assert_eq!(value(&document, "a", "k").as_deref(), Some("/etc//etc"));
    assert_eq!(value(&document, "a", "d").as_deref(), Some("/etc"));
}

#[test]
fn a_cut_off_comment_is_remembered() {
    let document = document("[a]\nk=bash -c 'foo ; bar'\nl=x\n  y # z\n");
    let options = document.options("a").unwrap();
    assert_eq!(options.get("k").unwrap().cut.as_deref(), Some("; bar'"));
    assert_eq!(options.get("l").unwrap().cut.as_deref(), Some("# z"));
}

#[test]
fn every_bad_line_is_told() {
    let mut document = Document::default();
    let text = "early=1\nlate\n[a]\nnovalue\nk=1\n= x\n[]\n[b\n";
    let errors = document.read(Path::new("x.conf"), text).unwrap_err();
    let lines: Vec<u32> = errors.iter().map(|error| error.origin.line).collect();
    assert_eq!(lines, [1, 4, 6, 7, 8]);
    assert_eq!(errors[0].text, "early=1");
    assert!(errors[0].message.contains("no section headers"));
    assert_eq!(
        value(&document, "a", "k").as_deref(),
        Some("1"),
        "the rest is there"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(
        text in any::<String>(),
        inish in "(\\[[a-c ]{0,3}\\]?|[ \t]{0,2}[k;#=: \u{e9}\u{a0}]{0,6}|[\r\n])*",
    ) {
        for text in [text, inish] {
            let mut document = Document::default();
            let _ = document.read(Path::new("x"), &text);
            let _ = document.read(Path::new("y"), &text);
        }
    }
}

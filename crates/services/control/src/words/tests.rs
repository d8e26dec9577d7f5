//! The catalogue is whole, and languages are chosen as browsers ask for them.

use super::catalogue::ENTRIES;
use super::*;

/// Texts that are rightly the same in both languages.
const SAME: &[&str] = &[
    "nav_api",
    "theme_auto",
    "col_program",
    "col_pid",
    "board_model",
    "board_system",
    "changed_to",
    "action_refused",
];

fn places(text: &str) -> Vec<&str> {
    let mut places: Vec<_> = text
        .split('{')
        .skip(1)
        .filter_map(|part| part.split('}').next())
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn no_text_is_missing_in_either_language() {
    for (key, english, polish) in ENTRIES {
        assert!(
            !english.trim().is_empty() && !polish.trim().is_empty(),
            "{key} is empty"
        );
        assert_eq!(
            places(english),
            places(polish),
            "{key} has other places in Polish"
        );
        assert_eq!(
            english == polish,
            SAME.contains(key),
            "{key}: `{english}` and `{polish}`"
        );
    }
}

#[test]
fn polish_letters_survived() {
    let polish: String = ENTRIES.iter().map(|(_, _, polish)| *polish).collect();
    for letter in "ąćęłńóśźż".chars() {
        assert!(polish.contains(letter), "no {letter} in the whole catalogue");
    }
    assert!(!polish.contains('\u{FFFD}'));
}

#[test]
fn the_language_follows_the_header() {
    let accepted = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, value.parse().unwrap());
        Lang::accepted(&headers)
    };
    assert_eq!(accepted("pl-PL,pl;q=0.9,en;q=0.8"), Some(Lang::Polish));
    assert_eq!(accepted("de, en;q=0.7, pl;q=0.3"), Some(Lang::English));
    assert_eq!(accepted("pl;q=0, en"), Some(Lang::English));
    assert_eq!(accepted("pl;q=nonsense, en;q=0.1"), Some(Lang::English));
    assert_eq!(accepted("de"), None);
    assert_eq!(accepted(",,;;q"), None);
    assert_eq!(Lang::accepted(&HeaderMap::new()), None);
}

#[test]
fn places_are_filled_once() {
    assert_eq!(
        fill("{name}: {state}", &[("name", "{state}"), ("state", "up")]),
        "{state}: up"
    );
    assert_eq!(
        fill("{unknown} and {open", &[("name", "x")]),
        "{unknown} and {open"
    );
}

#[test]
fn lengths_have_two_units() {
    assert_eq!(length(-5), "0 s");
    assert_eq!(length(59), "59 s");
    assert_eq!(length(320), "5 min 20 s");
    assert_eq!(length(3_720), "1 h 2 min");
    assert_eq!(length(273_600), "3 d 4 h");
}

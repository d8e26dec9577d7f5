//! The catalogue is whole, and languages are chosen as browsers ask for them.

use super::*;

/// Texts that are rightly the same in both languages.
const SAME: &[&str] = &["changed_to", "action_refused", "rules_when_event", "gpio_place"];

#[test]
fn no_text_is_missing_in_either_language() {
    for (key, texts) in ENTRIES {
        let [english, polish] = texts else {
            panic!("{key} has {} languages", texts.len())
        };
        assert!(
            !english.trim().is_empty() && !polish.trim().is_empty(),
            "{key} is empty"
        );
        // One word, an abbreviation or a unit may well be the same; a sentence is not.
        let is_sentence = english.split_whitespace().nth(1).is_some();
        assert!(
            english != polish || !is_sentence || SAME.contains(key),
            "{key}: `{english}` in both languages; what is rightly the same belongs into SAME"
        );
    }
}

#[test]
fn polish_letters_survived() {
    let polish: String = ENTRIES.iter().map(|(_, texts)| texts[1]).collect();
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
fn places_are_filled_and_plurals_chosen() {
    let (en, pl) = (Lang::English.words(), Lang::Polish.words());
    assert_eq!(en.changed_to("{$state}", "up"), "{$state}: up");
    assert_eq!(
        [en.all_up(1_usize), en.all_up(1_200_u32)],
        ["The one program is running", "All 1,200 programs are running"]
    );
    let said: Vec<_> = [1, 3, 5, 22]
        .into_iter()
        .map(|count: i64| pl.all_up(count))
        .collect();
    assert_eq!(
        said,
        [
            "Jedyny program działa",
            "Wszystkie 3 programy działają",
            "Wszystkie 5 programów działa",
            "Wszystkie 22 programy działają"
        ]
    );
}

/// Texts of the templates that are the same in every language: names, commands, marks.
const PLAIN: &[&str] = &[
    "pistack",
    "· pistack",
    "Swagger UI",
    "OpenAPI",
    "Message-ID",
    "stdout",
    "stderr",
];

/// What a visitor would read in a template beside the catalogue's texts: text between tags, and attributes that
/// are read out. Code, commands and keys have no language.
fn visible(template: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = template;
    // Expressions and statements of the template are no text.
    while let Some(start) = rest
        .find("{{")
        .into_iter()
        .chain(rest.find("{%"))
        .chain(rest.find("{#"))
        .min()
    {
        plain += &rest[..start];
        let close = match &rest[start..start + 2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        plain.push('\u{1}');
        rest = rest[start..]
            .find(close)
            .map_or("", |end| &rest[start + end + 2..]);
    }
    plain += rest;
    let mut found = Vec::new();
    let (mut text, mut tag, mut code) = (String::new(), None::<String>, 0_usize);
    for letter in plain.chars() {
        match (&mut tag, letter) {
            (None, '<') => {
                let text = std::mem::take(&mut text);
                found.extend((code == 0).then_some(text));
                tag = Some(String::new());
            }
            (None, letter) => text.push(letter),
            (Some(inside), '>') => {
                for name in ["title=", "aria-label=", "placeholder=", "alt="] {
                    let value = inside.split(name).nth(1).and_then(|rest| rest.split('"').nth(1));
                    found.extend(value.map(str::to_owned));
                }
                let is_code = |name: &str| ["code", "pre", "kbd"].contains(&name);
                let name = inside.split_whitespace().next().unwrap_or_default();
                code += usize::from(is_code(name));
                code -= usize::from(name.strip_prefix('/').is_some_and(is_code));
                tag = None;
            }
            (Some(inside), letter) => inside.push(letter),
        }
    }
    found.push(text);
    found
        .iter()
        .flat_map(|text| text.split('\u{1}'))
        .map(|text| text.replace("&amp;", "").trim().to_owned())
        // Abbreviations and units have no language.
        .filter(|text| text.chars().any(char::is_lowercase) && text != "°C")
        .collect()
}

#[test]
fn templates_say_nothing_outside_the_catalogue() {
    assert_eq!(
        visible("<p title=\"Bad\" class=\"x\">{{ v.t.x }} and {% if a > b %}<b>y</b>{% endif %}"),
        ["Bad", "and", "y"]
    );
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut folders = vec![root];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            seen += 1;
            for text in visible(&std::fs::read_to_string(&path).unwrap()) {
                assert!(
                    PLAIN.contains(&text.as_str()),
                    "{}: `{text}` belongs into the catalogue",
                    path.display()
                );
            }
        }
    }
    assert!(seen > 20, "{seen} templates");
}

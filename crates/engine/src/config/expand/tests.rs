//! Tests; `tests/data/python.json` compares with Python itself.

use proptest::prelude::*;

use super::*;

fn names() -> Names {
    let mut names = Names::default();
    names.set("here", "/etc");
    names.set("percent", "50%");
    names.set("program_name", "cat");
    names.set_number("process_num", 7);
    names
}

#[test]
fn printf_forms_work() {
    for (text, expanded) in [
        ("%(here)s/x", "/etc/x"),
        ("%(process_num)02d", "07"),
        (
            "%(process_num)x|%(process_num)+5d|%(process_num)-3d|",
            "7|   +7|7  |",
        ),
        ("%(program_name)5s|%(program_name).2s", "  cat|ca"),
        ("%%(here)s", "%(here)s"),
        ("%(percent)s", "50%"),
        ("%(process_num).1f %(process_num)e", "7.0 7.000000e+00"),
        ("plain", "plain"),
    ] {
        assert_eq!(expand(text, &names()).as_deref(), Ok(expanded), "{text}");
    }
}

#[test]
fn errors_name_the_key_the_text_and_what_is_known() {
    let error = expand("a %(hear)s", &names()).unwrap_err();
    assert_eq!(
        error.sentence("a %(hear)s", "program:x.command", &names()),
        "Format string 'a %(hear)s' for 'program:x.command' contains names ('hear') which cannot be expanded. \
         Available names: here, percent, process_num, program_name"
    );
    for (text, why) in [
        ("100%", "incomplete format"),
        ("%(here", "incomplete format key"),
        ("%(here)", "incomplete format"),
        ("%(here)d", "%d format: a real number is required, not str"),
        ("ab%(here)y", "unsupported format character 'y' (0x79) at index 9"),
        ("%(here)*s", "* wants int"),
        ("%s", "%s without a (name); write %% for a percent sign"),
        ("%(here)99999999s", "width too big"),
        ("%(here).99999999s", "precision too big"),
    ] {
        assert_eq!(
            expand(text, &names()),
            Err(ExpandError::Malformed(why.to_owned())),
            "{text}"
        );
    }
}

#[test]
fn texts_are_shown_as_python_shows_them() {
    assert_eq!(quoted("a'b"), "\"a'b\"");
    assert_eq!(quoted("a'\"b"), "'a\\'\"b'");
    assert_eq!(quoted("a\n\t\u{1}é"), "'a\\n\\t\\x01é'");
}

proptest! {
    #[test]
    fn any_text_expands_or_is_refused(text in any::<String>(), format in "[%()#0+. *a-z0-9-]{0,24}") {
        for text in [text, format.clone(), format!("%(process_num){format}"), format!("%(here){format}")] {
            let _ = expand(&text, &names());
        }
    }

    #[test]
    fn a_doubled_percent_is_a_percent(text in any::<String>()) {
        prop_assert_eq!(expand(&text.replace('%', "%%"), &names()), Ok(text));
    }

    #[test]
    fn numbers_of_any_size_are_written(number in any::<i64>(), letter in "[sdxXofeEgG]", digits in 0..40_usize) {
        let mut names = Names::default();
        names.set_number("n", number);
        let text = format!("%(n)#0+50.{digits}{letter}");
        prop_assert!(expand(&text, &names).is_ok());
    }
}

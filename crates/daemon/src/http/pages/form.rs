//! Parameters of an address or a form, and texts that go into addresses.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What Python's `quote` leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~');

/// `a:b c` as `a%3Ab%20c`.
pub(super) fn quote(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// Parameters by name. Empty ones are as good as absent.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Of an address's query, and of a posted body. The body goes before the address; of equal names in the query the
    /// first counts, in the body the last.
    pub(super) fn new(query: &str, body: &str) -> Self {
        let mut pairs: Vec<_> = pairs(body).collect();
        pairs.reverse();
        pairs.extend(self::pairs(query));
        Self(pairs)
    }

    /// A parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (decode(name), decode(value)))
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let form = Form::new("a=1&a=2&b=x+y%3Az%2B&empty=&bare&c=%ff", "");
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.get("b"), Some("x y:z+"));
        assert_eq!(form.get("c"), Some("\u{fffd}"));
        assert_eq!(
            (form.get("empty"), form.get("bare"), form.get("d")),
            (None, None, None)
        );
    }

    #[test]
    fn a_body_goes_before_the_address() {
        let form = Form::new("a=1&b=2", "a=3&a=4");
        assert_eq!((form.get("a"), form.get("b")), (Some("4"), Some("2")));
    }

    #[test]
    fn quoting_is_pythons() {
        assert_eq!(quote("a:b c/d~e_f.g-h<ż>"), "a%3Ab%20c/d~e_f.g-h%3C%C5%BC%3E");
    }
}

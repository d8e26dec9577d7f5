//! What the page of logs was asked for, and addresses that ask for something else.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::stamp;

/// Which outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Outputs {
    #[default]
    Both,
    Stdout,
    Stderr,
}

impl Outputs {
    pub(crate) const ALL: [Self; 3] = [Self::Both, Self::Stdout, Self::Stderr];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Programs of one page at most.
pub(crate) const MOST_PROGRAMS: usize = 12;
/// Longest search.
const LONGEST_SEARCH: usize = 500;

/// The query of an address, decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Query {
    /// Names of programs, `group:name`.
    pub(crate) programs: Vec<String>,
    pub(crate) outputs: Outputs,
    /// What is searched for.
    pub(crate) search: String,
    /// Which match is shown, from 1; the newest unless given.
    pub(crate) hit: Option<usize>,
    pub(crate) wrap: bool,
    /// As the fields hold them.
    pub(crate) from: String,
    pub(crate) to: String,
    /// A place in each source: lines before it.
    pub(crate) before: Vec<u64>,
    /// A place in each source: lines from it on.
    pub(crate) at: Vec<u64>,
}

/// Names and values of a query (`application/x-www-form-urlencoded`).
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .take(200)
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// A value for an address.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn places(text: &str) -> Vec<u64> {
    text.split('.')
        .take(MOST_PROGRAMS * 2)
        .map_while(|place| place.parse().ok())
        .collect()
}

fn written(places: &[u64]) -> String {
    places.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

impl Query {
    /// Reads a query; what makes no sense is left out.
    pub(crate) fn read(query: &str) -> Self {
        let mut read = Self::default();
        let mut formed = false;
        for (name, value) in pairs(query) {
            match name.as_str() {
                "p" if read.programs.len() < MOST_PROGRAMS && !read.programs.contains(&value) => {
                    read.programs.push(value);
                }
                "s" => {
                    read.outputs = Outputs::ALL
                        .into_iter()
                        .find(|outputs| outputs.code() == value)
                        .unwrap_or_default();
                    formed = true;
                }
                "q" => read.search = value.chars().take(LONGEST_SEARCH).collect(),
                "m" => read.hit = value.parse().ok().filter(|hit| *hit > 0),
                "wrap" => read.wrap = value == "1",
                "from" => read.from = value,
                "to" => read.to = value,
                "before" => read.before = places(&value),
                "at" => read.at = places(&value),
                _ => {}
            }
        }
        // A bare address wraps; of a form, an empty box says no.
        if !formed && !query.contains("wrap=") {
            read.wrap = true;
        }
        read
    }

    /// Whether a program is ticked: by its name, or, where that cannot stand in a page as it is, by its name encoded.
    pub(crate) fn has(&self, program: &str) -> bool {
        let encoded = encode(program);
        self.programs
            .iter()
            .any(|ticked| ticked == program || *ticked == encoded)
    }

    /// The time range, in milliseconds since 1970 as the lines write it; the end is included to its second or minute.
    pub(crate) fn range(&self) -> (Option<i64>, Option<i64>) {
        let end = if self.to.trim().len() == 16 { 59_999 } else { 999 };
        (
            stamp::of_field(&self.from),
            stamp::of_field(&self.to).map(|at| at + end),
        )
    }

    /// The address of the same view without a place or match.
    pub(crate) fn plain(&self) -> String {
        let mut address: Vec<String> = self
            .programs
            .iter()
            .map(|program| format!("p={}", encode(program)))
            .collect();
        address.push(format!("s={}", self.outputs.code()));
        for (name, value) in [("q", &self.search), ("from", &self.from), ("to", &self.to)] {
            if !value.is_empty() {
                address.push(format!("{name}={}", encode(value)));
            }
        }
        address.push(format!("wrap={}", u8::from(self.wrap)));
        address.join("&")
    }

    /// The address of the lines before these places.
    pub(crate) fn before(&self, places: &[u64]) -> String {
        format!("{}&before={}", self.plain(), written(places))
    }

    /// The address of the lines from these places on.
    pub(crate) fn at(&self, places: &[u64]) -> String {
        format!("{}&at={}", self.plain(), written(places))
    }

    /// The address of a match.
    pub(crate) fn hit(&self, number: usize) -> String {
        format!("{}&m={number}", self.plain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_was_made_of() {
        let query = Query::read(
            "p=camera%3Acamera&p=feeder&p=feeder&s=stderr&q=a+%26+b&from=2023-11-14T22%3A13&wrap=1&m=3&before=12.40",
        );
        assert_eq!(query.programs, ["camera:camera", "feeder"]);
        assert_eq!((query.outputs, query.search.as_str()), (Outputs::Stderr, "a & b"));
        assert_eq!((query.hit, query.before.as_slice()), (Some(3), &[12, 40][..]));
        let again = Query::read(&query.before(&[12, 40]));
        assert_eq!(
            Query {
                hit: None,
                ..query.clone()
            },
            again
        );
        assert_eq!(Query::read(&query.hit(3)).hit, Some(3));
        assert_eq!(query.range().0, Some(1_699_999_980_000));
    }

    #[test]
    fn nonsense_is_as_good_as_nothing() {
        let query = Query::read("s=%ff&m=-1&before=x.y&at=&wrap&&=&q");
        assert_eq!(query, Query::default());
        assert!(Query::read("").wrap);
        let many = (0..100).map(|n| format!("p={n}&")).collect::<Vec<_>>().concat();
        assert_eq!(Query::read(&many).programs.len(), MOST_PROGRAMS);
    }
}

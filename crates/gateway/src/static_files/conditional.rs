//! Conditional and partial requests (RFC 9110 sections 13 and 14), for one file.

use http::header::{
    HeaderMap, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use time::PrimitiveDateTime;
use time::macros::format_description;

/// What to answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The file, or a part of it.
    Send(Part),
    /// 304
    NotModified,
    /// 412
    Failed,
    /// 416
    Unsatisfiable,
}

/// How much of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    All,
    /// At least one byte.
    Range {
        start: u64,
        length: u64,
    },
}

/// In the order of RFC 9110 section 13.2.2. `modified` is in seconds since 1970.
pub(super) fn judge(headers: &HeaderMap, tag: &HeaderValue, modified: i64, length: u64) -> Verdict {
    if headers.contains_key(IF_MATCH) {
        if !lists(headers, IF_MATCH, tag, false) {
            return Verdict::Failed;
        }
    } else if date(headers, IF_UNMODIFIED_SINCE).is_some_and(|date| modified > date) {
        return Verdict::Failed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        if lists(headers, IF_NONE_MATCH, tag, true) {
            return Verdict::NotModified;
        }
    } else if date(headers, IF_MODIFIED_SINCE).is_some_and(|date| modified <= date) {
        return Verdict::NotModified;
    }
    let Some(range) = headers.get(RANGE).filter(|_| is_same(headers, tag, modified)) else {
        return Verdict::Send(Part::All);
    };
    match range.to_str().ok().and_then(|text| parse(text, length)) {
        Some(Some((start, length))) => Verdict::Send(Part::Range { start, length }),
        Some(None) => Verdict::Unsatisfiable,
        // Other units, several ranges, nonsense: a server may send everything.
        None => Verdict::Send(Part::All),
    }
}

/// `If-Range`: the part fits only what the client already has.
fn is_same(headers: &HeaderMap, tag: &HeaderValue, modified: i64) -> bool {
    match headers.get(IF_RANGE) {
        None => true,
        Some(value) if value.as_bytes().starts_with(b"\"") => value == tag,
        Some(_) => date(headers, IF_RANGE) == Some(modified),
    }
}

/// Whether a list of tags names this one. `weak`: the comparison of `If-None-Match`.
fn lists(headers: &HeaderMap, name: http::HeaderName, tag: &HeaderValue, weak: bool) -> bool {
    let tag = tag.to_str().unwrap_or_default();
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .any(|item| item == "*" || item == tag || weak && item.strip_prefix("W/") == Some(tag))
}

fn date(headers: &HeaderMap, name: http::HeaderName) -> Option<i64> {
    let form = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let text = headers.get(name)?.to_str().ok()?;
    let moment = PrimitiveDateTime::parse(text, form).ok()?;
    Some(moment.assume_utc().unix_timestamp())
}

/// The first byte and the length of the one range. The inner `None`: it lies beyond the file.
#[expect(clippy::option_option, reason = "no range and a range of nothing differ")]
fn parse(text: &str, length: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (digits(first), digits(last)) {
        (true, _) if last.is_empty() || digits(last) => {
            let first: u64 = first.parse().ok()?;
            let last = if last.is_empty() {
                u64::MAX
            } else {
                last.parse().ok()?
            };
            if last < first {
                return None;
            }
            Some((first < length).then(|| (first, last.min(length.saturating_sub(1)) - first + 1)))
        }
        (false, true) if first.is_empty() => {
            let count: u64 = last.parse().ok()?;
            let count = count.min(length);
            Some((count > 0).then(|| (length - count, count)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z
    const MODIFIED: i64 = 784_111_777;
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn verdict(lines: &[(http::HeaderName, &str)]) -> Verdict {
        let lines = lines
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        judge(
            &lines.collect(),
            &HeaderValue::from_static("\"a\""),
            MODIFIED,
            100,
        )
    }

    #[test]
    fn a_cache_is_told_whether_it_is_right() {
        let all = Verdict::Send(Part::All);
        assert_eq!(verdict(&[]), all);
        assert_eq!(verdict(&[(IF_NONE_MATCH, "\"a\"")]), Verdict::NotModified);
        assert_eq!(
            verdict(&[(IF_NONE_MATCH, "\"b\", W/\"a\"")]),
            Verdict::NotModified
        );
        assert_eq!(verdict(&[(IF_NONE_MATCH, "*")]), Verdict::NotModified);
        assert_eq!(verdict(&[(IF_NONE_MATCH, "\"b\"")]), all);
        assert_eq!(
            verdict(&[(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, LATER)]),
            all
        );
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, DATE)]), Verdict::NotModified);
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, EARLIER)]), all);
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, "yesterday")]), all);
        assert_eq!(verdict(&[(IF_MATCH, "\"b\"")]), Verdict::Failed);
        assert_eq!(
            verdict(&[(IF_MATCH, "W/\"a\"")]),
            Verdict::Failed,
            "compared strongly"
        );
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, EARLIER)]), Verdict::Failed);
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, DATE)]), all);
    }

    #[test]
    fn one_range_is_understood() {
        let range = |text: &str| verdict(&[(RANGE, text)]);
        let part = |start, length| Verdict::Send(Part::Range { start, length });
        assert_eq!(range("bytes=0-9"), part(0, 10));
        assert_eq!(range("bytes=90-"), part(90, 10));
        assert_eq!(range("bytes=90-1000"), part(90, 10));
        assert_eq!(range("bytes=-5"), part(95, 5));
        assert_eq!(range("bytes=-500"), part(0, 100));
        for text in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(range(text), Verdict::Unsatisfiable, "{text}");
        }
        for text in [
            "bytes=9-0",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=a-b",
            "bytes=-",
            "bytes=+1-2",
        ] {
            assert_eq!(range(text), Verdict::Send(Part::All), "{text}");
        }
    }

    #[test]
    fn a_part_fits_only_the_same_file() {
        let with = |condition: &str| verdict(&[(RANGE, "bytes=0-0"), (IF_RANGE, condition)]);
        let part = Verdict::Send(Part::Range { start: 0, length: 1 });
        assert_eq!(with("\"a\""), part);
        assert_eq!(with(DATE), part);
        for other in ["\"b\"", "W/\"a\"", LATER, "x"] {
            assert_eq!(with(other), Verdict::Send(Part::All), "{other}");
        }
    }

    #[test]
    fn an_empty_file_has_no_ranges() {
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-"))]);
        let verdict = judge(&headers, &HeaderValue::from_static("\"a\""), 0, 0);
        assert_eq!(verdict, Verdict::Unsatisfiable);
    }
}

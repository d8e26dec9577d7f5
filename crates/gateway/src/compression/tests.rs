//! What is compressed, what is not, and that it can be read again.

use std::io::Read as _;

use http::Response;
use http_body_util::BodyExt as _;

use super::*;

fn answer(lines: &[(&'static str, &'static str)], length: usize) -> (Parts, ResponseBody) {
    let mut response = Response::new(());
    for (name, value) in lines {
        response
            .headers_mut()
            .append(*name, HeaderValue::from_static(value));
    }
    (
        response.into_parts().0,
        ResponseBody::full("text ".repeat(length / 5).into()),
    )
}

fn wanted(accept: &'static str) -> Wanted {
    let headers = HeaderMap::from_iter([(http::header::ACCEPT_ENCODING, HeaderValue::from_static(accept))]);
    Wanted::of(&Method::GET, &headers, false)
}

fn encoding(lines: &[(&'static str, &'static str)], length: usize, wanted: Wanted) -> Option<HeaderValue> {
    let (mut parts, body) = answer(lines, length);
    Compression::default().apply(wanted, &mut parts, body);
    parts.headers.get(CONTENT_ENCODING).cloned()
}

#[tokio::test]
async fn what_goes_in_comes_out_again() {
    for (accept, name) in [("gzip", "gzip"), ("zstd, gzip", "zstd")] {
        let lines = [
            ("content-type", "text/html; charset=utf-8"),
            ("content-length", "5000"),
            ("etag", "\"a\""),
            ("accept-ranges", "bytes"),
        ];
        let (mut parts, body) = answer(&lines, 5000);
        let body = Compression::default().apply(wanted(accept), &mut parts, body);
        assert_eq!(parts.headers[CONTENT_ENCODING], name);
        assert_eq!(parts.headers[VARY], "accept-encoding");
        assert_eq!(parts.headers[ETAG], "W/\"a\"");
        assert!(!parts.headers.contains_key(CONTENT_LENGTH) && !parts.headers.contains_key(ACCEPT_RANGES));
        let bytes = body.collect().await.unwrap().to_bytes();
        assert!(bytes.len() < 500, "{}", bytes.len());
        let mut text = String::new();
        if name == "gzip" {
            flate2::read::GzDecoder::new(&*bytes)
                .read_to_string(&mut text)
                .unwrap();
        } else {
            zstd::stream::read::Decoder::new(&*bytes)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
        }
        assert_eq!(text, "text ".repeat(1000));
    }
}

#[test]
fn only_text_that_is_worth_it() {
    let json = [("content-type", "application/json")];
    assert_eq!(encoding(&json, 5000, wanted("gzip")).unwrap(), "gzip");
    assert_eq!(encoding(&json, 1000, wanted("gzip")), None, "too short");
    assert_eq!(encoding(&json, 5000, wanted("identity")), None);
    for lines in [
        &[("content-type", "image/png")][..],
        &[("content-type", "text/event-stream")],
        &[],
        &[("content-type", "text/html"), ("content-encoding", "br")],
        &[("content-type", "text/html"), ("set-cookie", "a=1")],
        &[("content-type", "text/html"), ("content-range", "bytes 0-1/2")],
        &[
            ("content-type", "text/html"),
            ("cache-control", "no-cache, no-transform"),
        ],
    ] {
        let found = encoding(lines, 5000, wanted("gzip"));
        assert!(found.is_none_or(|found| found == "br"), "{lines:?}");
    }
    for kind in [
        "text/css",
        "image/svg+xml",
        "application/problem+json",
        "application/wasm",
    ] {
        assert!(is_text(kind.as_bytes()), "{kind}");
    }
}

#[test]
fn a_session_that_another_site_may_have_used_is_left_alone() {
    let lines = [("content-type", "text/html")];
    let with = |site: Option<&'static str>, session| {
        let mut headers =
            HeaderMap::from_iter([(http::header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        if let Some(site) = site {
            headers.insert("sec-fetch-site", HeaderValue::from_static(site));
        }
        encoding(&lines, 5000, Wanted::of(&Method::GET, &headers, session)).is_some()
    };
    assert!(with(None, false) && with(Some("cross-site"), false));
    assert!(with(Some("same-origin"), true) && with(Some("none"), true));
    assert!(!with(Some("cross-site"), true) && !with(Some("same-site"), true) && !with(None, true));
}

#[test]
fn only_so_many_at_a_time() {
    let compression = Compression::default();
    let one = || {
        let (mut parts, body) = answer(&[("content-type", "text/html")], 5000);
        let body = compression.apply(wanted("gzip"), &mut parts, body);
        (parts.headers.contains_key(CONTENT_ENCODING), body)
    };
    let all: Vec<_> = (0..=MOST).map(|_| one()).collect();
    assert_eq!(all.iter().filter(|(compressed, _)| *compressed).count(), MOST);
    drop(all);
    assert!(one().0, "there is room again");
}

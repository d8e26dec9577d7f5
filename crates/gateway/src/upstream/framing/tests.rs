//! Every way in which an answer can end, in every cut.

use super::*;

/// Reads a whole body that comes in pieces of `step` bytes; `Err` = broken, `None` at the end = more was expected.
fn read(
    framing: &mut Framing,
    bytes: &[u8],
    step: usize,
) -> Result<(Vec<u8>, Option<HeaderMap>, bool), BadFraming> {
    let (mut whole, mut trailers) = (Vec::new(), None);
    let mut rest = Bytes::new();
    let mut pieces = bytes.chunks(step);
    loop {
        match framing.next(&mut rest)? {
            Next::Data(data) => whole.extend_from_slice(&data),
            Next::Trailers(fields) => trailers = Some(fields),
            Next::End => return Ok((whole, trailers, rest.is_empty() && pieces.next().is_none())),
            Next::More => match pieces.next() {
                Some(piece) => rest = Bytes::copy_from_slice(piece),
                None => return Ok((whole, trailers, false)),
            },
        }
    }
}

fn chunks(bytes: &[u8], step: usize) -> Result<(Vec<u8>, Option<HeaderMap>, bool), BadFraming> {
    read(&mut Framing::Chunks(Chunks::default()), bytes, step)
}

#[test]
fn chunks_are_put_together_however_they_are_cut() {
    let body = b"5\r\nhello\r\n1;name=\"va lue\"\r\n \r\n00A\r\n0123456789\r\n0\r\n\r\n";
    for step in 1..=body.len() {
        let (whole, trailers, clean) = chunks(body, step).unwrap();
        assert_eq!(whole, b"hello 0123456789", "{step}");
        assert!(trailers.is_none() && clean, "{step}");
    }
    for step in 1..40 {
        let (whole, trailers, clean) = chunks(b"1\r\nx\r\n0\r\nSum: 42\r\nMore: a\r\n\r\n", step).unwrap();
        let trailers = trailers.unwrap();
        assert_eq!(
            (&*whole, &trailers["sum"], &trailers["more"]),
            (&b"x"[..], &"42".parse().unwrap(), &"a".parse().unwrap())
        );
        assert!(clean);
    }
}

#[test]
fn what_follows_a_body_is_not_lost_on_the_way_to_being_refused() {
    let (whole, _, clean) = chunks(b"1\r\nx\r\n0\r\n\r\nHTTP/1.1 200 OK", 64).unwrap();
    assert_eq!((&*whole, clean), (&b"x"[..], false));
    let (whole, _, clean) = read(&mut Framing::Left(2), b"abc", 64).unwrap();
    assert_eq!((&*whole, clean), (&b"ab"[..], false));
}

#[test]
fn broken_chunks_are_no_body() {
    for bytes in [
        &b"\r\n"[..],
        b"x\r\n",
        b"-1\r\n",
        b"+1\r\nx\r\n",
        b"0x1\r\nx\r\n",
        b"1\nx\r\n0\r\n\r\n",
        b"1\r\nxy\r\n",
        b"1\r\nx\n0\r\n\r\n",
        b"1\r\nx\r\r",
        b"1;a\nb\r\nx\r\n",
        b"10000000000000000\r\nx",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n: x\r\n\r\n",
    ] {
        for step in [1, 64] {
            assert!(chunks(bytes, step).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
    let long = format!("1;{}", "e".repeat(MAX_EXTRA + 2));
    assert!(chunks(long.as_bytes(), 4096).is_err());
    let long = format!("0\r\na: {}", "e".repeat(MAX_EXTRA));
    assert!(chunks(long.as_bytes(), 4096).is_err());
}

fn of(
    method: &Method,
    version: Version,
    status: u16,
    fields: &[(&'static str, &'static str)],
) -> Option<(Option<u64>, bool)> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_static(value));
    }
    let status = StatusCode::from_u16(status).unwrap();
    let (framing, keeps) = Framing::of(method, version, status, &mut headers).ok()?;
    assert!(headers.get_all(CONTENT_LENGTH).iter().count() <= 1);
    Some((framing.left(), keeps))
}

#[test]
fn the_end_of_an_answer_is_where_the_rules_put_it() {
    let get = |fields| of(&Method::GET, Version::HTTP_11, 200, fields);
    assert_eq!(get(&[("content-length", "5")]), Some((Some(5), true)));
    assert_eq!(
        get(&[("content-length", "5"), ("content-length", "5")]),
        Some((Some(5), true))
    );
    assert_eq!(
        get(&[("content-length", "5"), ("connection", "x, Close")]),
        Some((Some(5), false))
    );
    assert_eq!(get(&[("transfer-encoding", "Chunked")]), Some((None, true)));
    assert_eq!(
        get(&[("transfer-encoding", "chunked"), ("content-length", "5")]),
        Some((None, false))
    );
    assert_eq!(get(&[]), Some((None, false)), "until it closes");
    for status in [204, 304] {
        let none = of(&Method::GET, Version::HTTP_11, status, &[("content-length", "5")]);
        assert_eq!(none, Some((Some(0), true)));
    }
    let head = of(&Method::HEAD, Version::HTTP_11, 200, &[("content-length", "5")]);
    assert_eq!(head, Some((Some(0), true)));
    let old = |fields| of(&Method::GET, Version::HTTP_10, 200, fields);
    assert_eq!(old(&[("content-length", "5")]), Some((Some(5), false)));
    assert_eq!(
        old(&[("content-length", "5"), ("connection", "keep-alive")]),
        Some((Some(5), true))
    );
    assert_eq!(old(&[("transfer-encoding", "chunked")]), None);
    for fields in [
        &[("content-length", "5"), ("content-length", "6")][..],
        &[("content-length", "+5")],
        &[("content-length", "5, 5")],
        &[("content-length", "")],
        &[("content-length", "-1")],
        &[("content-length", "99999999999999999999")],
        &[("transfer-encoding", "gzip, chunked")],
        &[("transfer-encoding", "identity")],
        &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
    ] {
        assert_eq!(get(fields), None, "{fields:?}");
    }
}

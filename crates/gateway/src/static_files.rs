//! Folders: files as they lie there, read-only, with everything that a browser's cache and a player need.
//!
//! A path is opened relative to the folder by a call that does not leave it, whatever links lie inside
//! (`openat2`, RESOLVE_BENEATH). Names that begin with a dot do not exist.

mod conditional;
mod kind;
mod open;
mod reading;

use std::path::PathBuf;

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, LOCATION, VARY,
};
use http::{Method, Response, StatusCode};

use crate::body::ResponseBody;
use crate::compression::Accepted;
use crate::failure::Failure;
use crate::plan::Auth;
use crate::routes::Files;
use conditional::{Part, Verdict};
use open::{Found, Opened};

const NOSNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

/// Answers a request for `path` (as it is seen below the folder, still percent-encoded).
pub(crate) async fn serve(
    files: &Files,
    method: &Method,
    headers: &HeaderMap,
    path: &str,
) -> Result<Response<ResponseBody>, Failure> {
    if *method != Method::GET && *method != Method::HEAD {
        return Err(Failure::only_reading());
    }
    let below = below(path).ok_or_else(Failure::not_found)?;
    let folder = files.folder.clone();
    let directory = path.ends_with('/');
    let ranged = headers.contains_key(http::header::RANGE);
    // A range counts the bytes of the plain file.
    let accepted = if ranged {
        Accepted::default()
    } else {
        Accepted::of(headers)
    };
    // The card may be slow: not on the thread that serves.
    let found = tokio::task::spawn_blocking(move || open::open(&folder, below, directory, accepted)).await;
    match found {
        Ok(Ok(Found::File(opened))) => answer(files, method, headers, opened),
        Ok(Ok(Found::Directory)) => to_directory(path),
        Ok(Ok(Found::Nothing)) => Err(Failure::not_found()),
        Ok(Err(error)) => {
            tracing::warn!(folder = %files.folder.display(), path, %error, "a file cannot be read");
            Err(Failure::not_found())
        }
        Err(error) => {
            tracing::error!(%error, "a file cannot be read");
            Err(Failure::not_found())
        }
    }
}

/// The path of the file below the folder; `None` if no such file can exist.
fn below(path: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
    let mut segments = bytes
        .split(|byte| *byte == b'/')
        .filter(|segment| !segment.is_empty());
    let odd = |segment: &[u8]| segment[0] == b'.' || segment.contains(&0) || segment.len() > 255;
    if segments.clone().any(odd) || bytes.len() > 4000 {
        return None;
    }
    let joined: Vec<u8> = segments.next().map(<[u8]>::to_vec).unwrap_or_default();
    let joined = segments.fold(joined, |mut joined, segment| {
        joined.push(b'/');
        joined.extend_from_slice(segment);
        joined
    });
    Some(PathBuf::from(std::ffi::OsString::from_vec(joined)))
}

/// The same address with a slash at its end. Only the last name is written: the browser knows the rest.
fn to_directory(path: &str) -> Result<Response<ResponseBody>, Failure> {
    let last = path.rsplit('/').next().unwrap_or_default();
    // `./` keeps a name with a colon from being taken for a scheme.
    let location = HeaderValue::try_from(format!("./{last}/")).map_err(|_| Failure::not_found())?;
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

fn answer(
    files: &Files,
    method: &Method,
    asked: &HeaderMap,
    opened: Opened,
) -> Result<Response<ResponseBody>, Failure> {
    let mut response = Response::new(ResponseBody::empty());
    let headers = response.headers_mut();
    let cache = if files.auth == Auth::Public {
        files.cache.clone()
    } else {
        // What is behind a login must not lie in a cache that others share.
        let private = [b"private, ", files.cache.as_bytes()].concat();
        HeaderValue::from_bytes(&private).unwrap_or_else(|_| HeaderValue::from_static("no-store"))
    };
    headers.insert(CACHE_CONTROL, cache);
    headers.insert(ETAG, opened.tag.clone());
    headers.insert(LAST_MODIFIED, opened.modified_field());
    if opened.has_siblings {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    let part = match conditional::judge(asked, &opened.tag, opened.modified, opened.length) {
        Verdict::Send(part) => part,
        Verdict::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        Verdict::Failed => {
            let failure = Failure::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                "the file has changed",
            );
            return Err(failure);
        }
        Verdict::Unsatisfiable => {
            headers.insert(CONTENT_RANGE, number(format!("bytes */{}", opened.length)));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(response);
        }
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(opened.kind));
    headers.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
    match opened.encoding {
        Some(encoding) => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
        None => {
            headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
    }
    let (start, length) = match part {
        Part::All => (0, opened.length),
        Part::Range { start, length } => {
            let last = start + length - 1;
            headers.insert(
                CONTENT_RANGE,
                number(format!("bytes {start}-{last}/{}", opened.length)),
            );
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (start, length)
        }
    };
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
    if *method != Method::HEAD && length > 0 {
        *response.body_mut() = reading::body(opened, start, length);
    }
    Ok(response)
}

fn number(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("bytes */*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_dot_do_not_exist() {
        let path = |text| below(text).map(|path| path.to_string_lossy().into_owned());
        for (text, file) in [
            ("/", Some("")),
            ("/index.html", Some("index.html")),
            ("/a/b%20c.txt", Some("a/b c.txt")),
            ("/a/", Some("a")),
            ("/.git/config", None),
            ("/a/.htpasswd", None),
            ("/%2ehidden", None),
            ("/a/..", None),
            ("/a%00b", None),
        ] {
            assert_eq!(path(text).as_deref(), file, "{text}");
        }
        assert_eq!(path(&format!("/{}", "x".repeat(300))), None);
    }
}

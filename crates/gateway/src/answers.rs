//! Answers of the gateway's own: redirects, and the root certificate for download.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::body::ResponseBody;
use crate::failure::Failure;
use crate::plan::GATE;
use crate::proxy::Gateway;

/// What stays as it is in a query's value.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Longest address to come back to; the sign-in page takes no longer one.
const MAX_BACK: usize = 900;

type Answer = Result<Response<ResponseBody>, Failure>;

/// To another address.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Answer {
    let location = HeaderValue::try_from(location)
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "bad_request", "bad request"))?;
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// To the same address with a slash at the path's end.
pub(crate) fn with_slash(uri: &Uri) -> Answer {
    let location = match uri.query() {
        Some(query) => format!("{}/?{query}", uri.path()),
        None => format!("{}/", uri.path()),
    };
    redirect(StatusCode::PERMANENT_REDIRECT, &location)
}

/// To the sign-in page, and from there back.
pub(crate) fn to_sign_in(uri: &Uri) -> Answer {
    let back = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let back = if back.len() > MAX_BACK { uri.path() } else { back };
    let next = utf8_percent_encode(back, VALUE);
    let mut response = redirect(StatusCode::FOUND, &format!("{GATE}/login?next=/back{next}"))?;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    Ok(response)
}

/// From the sign-in page back to where the person came from. The path was checked: it holds no empty segment, so
/// that it cannot name another host.
pub(crate) fn back(uri: &Uri) -> Answer {
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let path = path
        .strip_prefix(GATE)
        .and_then(|path| path.strip_prefix("/back"));
    redirect(StatusCode::SEE_OTHER, path.unwrap_or("/"))
}

impl Gateway {
    /// The root certificate as a file that phones and desktops offer to install.
    pub(crate) fn root(&self, parts: &Parts, host: &HeaderValue, scheme: &str) -> Answer {
        let address = format!("{scheme}://{}", host.to_str().unwrap_or_default());
        self.root
            .as_ref()
            .and_then(|root| root.answer(&parts.method, parts.uri.path(), &address))
            .unwrap_or_else(|| Err(Failure::not_found()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(answer: Answer) -> String {
        answer.unwrap().headers()[LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn the_way_to_the_sign_in_page_and_back() {
        let uri: Uri = "/app/x?a=1&b=%20".parse().unwrap();
        let there = location(to_sign_in(&uri));
        assert_eq!(there, "/.pistack/login?next=/back/app/x%3Fa%3D1%26b%3D%2520");
        let returned: Uri = "/.pistack/back/app/x?a=1&b=%20".parse().unwrap();
        assert_eq!(location(back(&returned)), "/app/x?a=1&b=%20");
        let long: Uri = format!("/app?{}", "x".repeat(2000)).parse().unwrap();
        assert_eq!(location(to_sign_in(&long)), "/.pistack/login?next=/back/app");
        assert_eq!(location(with_slash(&"/app?x=1".parse().unwrap())), "/app/?x=1");
    }
}

//! Finds the dashboard's cookie in a request and takes it off.

use http::header::{COOKIE, HeaderMap, HeaderValue};
use pistack_api::auth::COOKIE as OURS;

/// Longest value that auth can have given out, with room to spare.
const MAX_BYTES: usize = 512;

/// The value of our cookie. The request keeps its other cookies, in one field.
pub(crate) fn take(headers: &mut HeaderMap) -> Option<String> {
    if !headers.contains_key(COOKIE) {
        return None;
    }
    crate::headers::join_cookies(headers);
    let field = headers.get(COOKIE)?.to_str().ok()?;
    if !field.contains(OURS) {
        return None;
    }
    let mut ours = None;
    let mut others = Vec::new();
    for pair in field.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((name, value)) if name.trim_end() == OURS => {
                ours.get_or_insert_with(|| value.trim().trim_matches('"').to_owned());
            }
            _ => others.push(pair),
        }
    }
    let rest = HeaderValue::try_from(others.join("; "))
        .ok()
        .filter(|rest| !rest.is_empty());
    match rest {
        Some(rest) => headers.insert(COOKIE, rest),
        None => headers.remove(COOKIE),
    };
    ours.filter(|value| !value.is_empty() && value.len() <= MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(fields: &[&str]) -> (Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, field.parse().unwrap());
        }
        let ours = take(&mut headers);
        (
            ours,
            headers.get(COOKIE).map(|rest| rest.to_str().unwrap().to_owned()),
        )
    }

    #[test]
    fn ours_goes_and_others_stay() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(taken(&["__Host-pistack=abc"]), (some("abc"), None));
        assert_eq!(
            taken(&["a=1; __Host-pistack=abc; b=2"]),
            (some("abc"), some("a=1; b=2"))
        );
        assert_eq!(
            taken(&["a=1", "__Host-pistack=\"abc\"", "b=2"]),
            (some("abc"), some("a=1; b=2"))
        );
        assert_eq!(taken(&["__Host-pistack=1; __Host-pistack=2"]), (some("1"), None));
        assert_eq!(taken(&["x__Host-pistack=1"]), (None, some("x__Host-pistack=1")));
        assert_eq!(taken(&["a=1"]), (None, some("a=1")));
        assert_eq!(taken(&["__Host-pistack="]), (None, None));
        assert_eq!(
            taken(&[&format!("__Host-pistack={}", "x".repeat(600))]),
            (None, None)
        );
        assert_eq!(taken(&[]), (None, None));
    }
}

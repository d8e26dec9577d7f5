//! The style sheet, the scripts and the icons, embedded in the binary and compressed when it was built.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::Failure;
use crate::routes::Name;
use crate::visit::Visit;

/// One embedded file.
#[derive(Debug)]
pub(crate) struct Asset {
    name: &'static str,
    media: &'static str,
    plain: &'static [u8],
    packed: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// `GET /assets/{file}`: for good, since another content has another name.
pub(crate) async fn asset(visit: Visit, Name(file): Name, headers: HeaderMap) -> Result<Response, Failure> {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == file)
        .ok_or(Failure::NotFound)?;
    let common = [
        (header::CONTENT_TYPE, asset.media),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    let mut response = if takes_gzip(&headers) {
        (common, [(header::CONTENT_ENCODING, "gzip")], asset.packed).into_response()
    } else {
        (common, asset.plain).into_response()
    };
    // The worker serves all pages, not only what is below its own address.
    if asset.name == WORKER_JS
        && let Ok(scope) = HeaderValue::try_from(format!("{}/", visit.base))
    {
        response
            .headers_mut()
            .insert(HeaderName::from_static("service-worker-allowed"), scope);
    }
    Ok(response)
}

/// Whether `Accept-Encoding` has gzip with a weight other than 0 (RFC 9110 section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let gzip = parts
                .next()
                .is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
            let refused = parts.any(|part| {
                part.strip_prefix("q=")
                    .is_some_and(|q| q.parse().is_ok_and(|q: f32| q == 0.0))
            });
            gzip && !refused
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_a_hash_and_weights_stay_small() {
        for asset in &ASSETS {
            let parts: Vec<_> = asset.name.split('.').collect();
            assert_eq!(parts[parts.len() - 2].len(), 12, "{}", asset.name);
            assert!(!asset.plain.is_empty());
        }
        // Of any page that used every script and style sheet there is; a page takes fewer.
        let code = ASSETS.iter().filter(|asset| asset.media.starts_with("text/"));
        let weight: usize = code.map(|asset| asset.packed.len()).sum();
        assert!(weight < 150_000, "{weight} bytes compressed");
    }

    #[test]
    fn gzip_only_where_it_is_taken() {
        let takes = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            takes_gzip(&headers)
        };
        assert!(takes("br, gzip;q=0.5"));
        assert!(takes("GZIP"));
        assert!(!takes("gzip;q=0, br"));
        assert!(!takes("identity"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}

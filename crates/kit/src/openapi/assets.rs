//! The files of Swagger UI, shipped in the binary: `vendor.toml` says where the foreign ones come from.

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue};

/// One file.
struct Asset {
    /// Below `apidocs/`; empty for the page itself.
    name: &'static str,
    kind: &'static str,
    /// Packed by gzip, sent as it is: every browser unpacks it.
    packed: bool,
    bytes: &'static [u8],
}

const ASSETS: [Asset; 5] = [
    Asset {
        name: "",
        kind: "text/html; charset=utf-8",
        packed: false,
        bytes: include_bytes!("../../assets/apidocs.html"),
    },
    Asset {
        name: "init.js",
        kind: "text/javascript; charset=utf-8",
        packed: false,
        bytes: include_bytes!("../../assets/apidocs-init.js"),
    },
    Asset {
        name: "theme.css",
        kind: "text/css; charset=utf-8",
        packed: false,
        bytes: include_bytes!("../../assets/apidocs-theme.css"),
    },
    Asset {
        name: "swagger-ui-bundle.js",
        kind: "text/javascript; charset=utf-8",
        packed: true,
        bytes: include_bytes!("../../assets/swagger-ui-bundle.js.gz"),
    },
    Asset {
        name: "swagger-ui.css",
        kind: "text/css; charset=utf-8",
        packed: true,
        bytes: include_bytes!("../../assets/swagger-ui.css.gz"),
    },
];

/// Own files only; Swagger UI sets some styles of its own and draws small pictures from `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// The files below `prefix`, which ends in `/`.
pub(super) fn routes(prefix: &str) -> Router {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        router.route(
            &format!("{prefix}{}", asset.name),
            get(move || async move { answer(asset) }),
        )
    })
}

/// One of the foreign files and their theme, for a page that shows Swagger UI in a frame of its own.
pub(super) fn file(name: &str) -> Option<Response> {
    let shared = ["swagger-ui-bundle.js", "swagger-ui.css", "theme.css"];
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    shared.contains(&name).then(|| answer(asset))
}

fn answer(asset: &'static Asset) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // The big ones change with a new pistack only; an hour of the old one does no harm.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    if asset.packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    (headers, asset.bytes).into_response()
}

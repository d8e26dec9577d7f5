//! What makes the dashboard an application on a phone: its description, and the page for when it is out of reach.

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::Lenient;
use crate::assets::{FAVICON_SVG, ICON_192_PNG, ICON_512_PNG, ICON_MASK_PNG};
use crate::error::Failure;
use crate::view::{self, OfflinePage};
use crate::visit::Visit;
use crate::words::Lang;

/// `GET /manifest.webmanifest` (W3C Web Application Manifest). Needs no login.
pub(crate) async fn manifest(visit: Visit) -> Response {
    let icon = |name: &str, sizes: &str, media: &str, purpose: &str| json!({ "src": visit.asset(name), "sizes": sizes, "type": media, "purpose": purpose });
    let root = format!("{}/", visit.base);
    let manifest = json!({
        "id": root,
        "name": "pistack",
        "short_name": "pistack",
        "description": visit.t.login_lead,
        "lang": visit.lang.code(),
        "start_url": root,
        "scope": root,
        "display": "standalone",
        "background_color": "#0f141b",
        "theme_color": "#0b6e75",
        "icons": [
            icon(FAVICON_SVG, "any", "image/svg+xml", "any"),
            icon(ICON_192_PNG, "192x192", "image/png", "any"),
            icon(ICON_512_PNG, "512x512", "image/png", "any"),
            icon(ICON_MASK_PNG, "512x512", "image/png", "maskable"),
        ],
    });
    (
        [(header::CONTENT_TYPE, "application/manifest+json")],
        manifest.to_string(),
    )
        .into_response()
}

/// In which language the page is wanted: it is fetched without cookies.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    lang: String,
}

/// `GET /offline`: what the service worker shows while the board cannot be reached. Needs no login.
pub(crate) async fn offline(mut visit: Visit, Lenient(wanted): Lenient<Wanted>) -> Result<Response, Failure> {
    if let Some(lang) = Lang::from_code(&wanted.lang) {
        (visit.lang, visit.t) = (lang, lang.words());
    }
    "/".clone_into(&mut visit.here);
    view::page(StatusCode::OK, &OfflinePage { v: &visit })
}

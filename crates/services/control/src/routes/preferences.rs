//! Language and theme, kept in cookies. Needs no account: the sign-in page has the switches too.

use axum::response::Response;
use http::{HeaderValue, header};
use serde::Deserialize;

use super::Form;
use crate::visit::{LANG_COOKIE, THEME_COOKIE, Theme, Visit, own_path};
use crate::words::Lang;

/// One year in seconds.
const YEAR: u32 = 31_536_000;

/// The fields of the switches; each button sends one of the two choices.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    lang: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    back: String,
}

/// `POST /preferences`. Unknown choices change nothing.
pub(crate) async fn choose(visit: Visit, Form(fields): Form<Fields>) -> Response {
    let lang = fields.lang.as_deref().and_then(Lang::from_code);
    let theme = fields.theme.as_deref().and_then(Theme::from_code);
    let choices = [
        (LANG_COOKIE, lang.map(Lang::code)),
        (THEME_COOKIE, theme.map(Theme::code)),
    ];
    let mut response = visit.redirect(own_path(&fields.back).unwrap_or("/"));
    for (name, value) in choices {
        let Some(value) = value else { continue };
        let cookie = format!(
            "{name}={value}; Path={}/; HttpOnly; SameSite=Lax; Max-Age={YEAR}",
            visit.base
        );
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

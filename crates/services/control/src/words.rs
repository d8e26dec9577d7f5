//! The catalogue: every sentence that a person sees, in English and Polish, side by side.
//!
//! A key without one of its languages does not compile. Texts with `{name}` places are filled by [`fill`].

mod catalogue;

use std::fmt::Write as _;

use http::{HeaderMap, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use catalogue::{EN, PL, Words};

/// A language of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Lang {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Polish.
    #[serde(rename = "pl")]
    Polish,
}

impl Lang {
    /// Every language, in the order of the switch.
    pub const ALL: &[Self] = &[Self::English, Self::Polish];

    /// The code of `lang` attributes, of the cookie and of the configuration.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Polish => "pl",
        }
    }

    /// What its speakers call it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Polish => "Polski",
        }
    }

    pub(crate) const fn words(self) -> &'static Words {
        match self {
            Self::English => &EN,
            Self::Polish => &PL,
        }
    }

    /// The language of a code, such as `pl` or `pl-PL`; `None` when it is not one of ours.
    pub fn from_code(code: &str) -> Option<Self> {
        let primary = code.split('-').next().unwrap_or_default().trim();
        Self::ALL
            .iter()
            .copied()
            .find(|lang| lang.code().eq_ignore_ascii_case(primary))
    }

    /// The best of ours for an `Accept-Language` header (RFC 9110 section 12.5.4).
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let header = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best: Option<(Self, f32)> = None;
        for item in header.split(',').take(32) {
            let (range, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.parse().ok())
                .unwrap_or(0.0);
            if let Some(lang) = Self::from_code(range.trim())
                && weight > 0.0
                && best.is_none_or(|(_, found)| weight > found)
            {
                best = Some((lang, weight));
            }
        }
        best.map(|(lang, _)| lang)
    }
}

/// Puts values into the `{name}` places of a text. A value is never looked into for further places.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled += before;
        let Some((name, tail)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match values.iter().find(|(key, _)| *key == name) {
            Some((_, value)) => filled += value,
            None => {
                let _ = write!(filled, "{{{name}}}");
            }
        }
        rest = tail;
    }
    filled += rest;
    filled
}

/// A length of time in its two largest units: `3 d 4 h`, `5 min 20 s`. The units are the same in both
/// languages.
pub(crate) fn length(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, m) => format!("{m} min {} s", seconds % 60),
        (0, h, m) => format!("{h} h {m} min"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
mod tests;

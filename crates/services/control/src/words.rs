//! The catalogue: every sentence that a person sees, in English and Polish.
//!
//! The texts stand in `locales/LANGUAGE/PAGE.ftl`, in Fluent's syntax. The build makes [`Words`] of them: the
//! message `some-key` is the field `some_key`, or, where it has places, the method `some_key(place, …)` with the
//! places in the order of their first appearance in English. A place that is a number (it selects a plural form,
//! or stands as `NUMBER($name)`) takes any whole number, others take text. What one language lacks does not
//! compile; see `build/catalogue.rs`.

mod quantity;

use http::{HeaderMap, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use quantity::Count;
pub(crate) use quantity::length;

include!(concat!(env!("OUT_DIR"), "/words.rs"));

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

impl Words {
    /// Which language these are.
    pub(crate) const fn lang(&self) -> Lang {
        self.lang
    }
}

#[cfg(test)]
mod tests;

//! A moment as a page shows it.

use time::OffsetDateTime;
use time::macros::format_description;

use crate::words::Lang;

/// Two spellings of a moment; empty where the number is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    /// For `datetime` (RFC 3339); a browser with JavaScript shows it in its own zone.
    pub(crate) iso: String,
    /// UTC, for everyone else, as the language writes it.
    pub(crate) text: String,
}

impl Moment {
    /// Of seconds since 1970.
    pub(crate) fn at(unix: i64, lang: Lang) -> Self {
        let iso = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        let moment = OffsetDateTime::from_unix_timestamp(unix).ok();
        let written = moment.and_then(|moment| Some((moment.format(iso).ok()?, lang.date_time(unix)?)));
        written.map_or_else(Self::default, |(iso, text)| Self { iso, text })
    }
}

//! Numbers, units and dates as each language writes them: plural forms (CLDR), decimal signs, groups of digits,
//! units of bytes, time and temperature. The one place for them; no page writes a number by itself.

use time::{Month, OffsetDateTime};

use super::Lang;

/// Between the groups of a Polish number: a narrow no-break space.
const NARROW: char = '\u{202f}';

/// A whole number, of whatever type a page has it.
pub(crate) trait Count {
    /// The number; one beyond the largest is the largest.
    fn count(&self) -> i64;
}

macro_rules! counts {
    ($($kind:ty),*) => { $(impl Count for $kind {
        fn count(&self) -> i64 {
            i64::try_from(*self).unwrap_or(i64::MAX)
        }
    })* };
}
counts!(i64, u64, usize, u128);

macro_rules! small_counts {
    ($($kind:ty),*) => { $(impl Count for $kind {
        fn count(&self) -> i64 {
            i64::from(*self)
        }
    })* };
}
small_counts!(i8, u8, i16, u16, i32, u32);

impl<T: Count + ?Sized> Count for &T {
    fn count(&self) -> i64 {
        (**self).count()
    }
}

impl Lang {
    /// The plural form of a whole number: `one`, `few`, `many` or `other` (CLDR, cardinal rules).
    pub(crate) const fn plural(self, number: i64) -> &'static str {
        let n = number.unsigned_abs();
        match self {
            Self::English if n == 1 => "one",
            Self::English => "other",
            Self::Polish => match (n, n % 10, n % 100) {
                (1, _, _) => "one",
                (_, 2..=4, 12..=14) => "many",
                (_, 2..=4, _) => "few",
                _ => "many",
            },
        }
    }

    /// A whole number with its groups: `1,234,567`, `1 234 567`. Polish leaves four digits together.
    pub(crate) fn integer(self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mut text = String::with_capacity(digits.len() * 2);
        if number < 0 {
            text.push('\u{2212}');
        }
        self.group(&digits, &mut text);
        text
    }

    /// A number with so many places behind the decimal sign.
    pub(crate) fn number(self, value: f64, places: usize) -> String {
        if !value.is_finite() {
            return "–".to_owned();
        }
        let plain = format!("{:.places$}", value.abs());
        let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
        let mut text = String::with_capacity(plain.len() + 4);
        // What rounds to nothing has no sign.
        if value < 0.0 && plain.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
            text.push('\u{2212}');
        }
        self.group(whole, &mut text);
        if !part.is_empty() {
            text.push(match self {
                Self::English => '.',
                Self::Polish => ',',
            });
            text += part;
        }
        text
    }

    fn group(self, digits: &str, into: &mut String) {
        let (sign, least) = match self {
            Self::English => (',', 4),
            Self::Polish => (NARROW, 5),
        };
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && digits.len() >= least && (digits.len() - at).is_multiple_of(3) {
                into.push(sign);
            }
            into.push(digit);
        }
    }

    /// A number of bytes in the largest fitting decimal unit: `1.5 kB`.
    pub(crate) fn bytes(self, bytes: u64) -> String {
        let mut value = bytes as f64;
        let mut unit = "B";
        for next in ["kB", "MB", "GB", "TB"] {
            if value < 999.5 {
                break;
            }
            value /= 1000.0;
            unit = next;
        }
        let places = usize::from(value < 9.95 && unit != "B");
        format!("{} {unit}", self.number(value, places))
    }

    /// A share, with the sign right behind the number, as both languages write it. One place below ten.
    pub(crate) fn percent(self, value: f64) -> String {
        let places = usize::from(value.abs() < 9.95 && value != 0.0);
        format!("{}%", self.number(value, places))
    }

    /// A temperature in degrees Celsius.
    pub(crate) fn celsius(self, value: f64) -> String {
        format!("{} °C", self.number(value, 1))
    }

    /// A day and time of day in UTC: `23 Nov 2026, 19:24 UTC`. `None` where the number is no date.
    pub(crate) fn date_time(self, unix: i64) -> Option<String> {
        let moment = OffsetDateTime::from_unix_timestamp(unix).ok()?;
        let month = self.month(moment.month());
        let (day, year) = (moment.day(), moment.year());
        let (hour, minute) = (moment.hour(), moment.minute());
        Some(format!("{day} {month} {year}, {hour:02}:{minute:02} UTC"))
    }

    /// A month's short name, as it stands behind a day.
    const fn month(self, month: Month) -> &'static str {
        const ENGLISH: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        const POLISH: [&str; 12] = [
            "sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru",
        ];
        let at = month as usize - 1;
        match self {
            Self::English => ENGLISH[at],
            Self::Polish => POLISH[at],
        }
    }
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
mod tests {
    use super::*;

    #[test]
    fn polish_has_its_plural_forms() {
        let form = |n| Lang::Polish.plural(n);
        assert_eq!([form(1), form(-1)], ["one"; 2]);
        for few in [2, 3, 4, 22, 34, 102, 1_004] {
            assert_eq!(form(few), "few", "{few}");
        }
        for many in [0, 5, 10, 11, 12, 13, 14, 21, 25, 100, 112, 1_013, i64::MIN] {
            assert_eq!(form(many), "many", "{many}");
        }
        let form = |n| Lang::English.plural(n);
        assert_eq!(
            [form(0), form(1), form(2), form(21)],
            ["other", "one", "other", "other"]
        );
    }

    #[test]
    fn numbers_are_written_as_the_language_does() {
        let (en, pl) = (Lang::English, Lang::Polish);
        assert_eq!([en.integer(1234), pl.integer(1234)], ["1,234", "1234"]);
        assert_eq!(pl.integer(-12_345_678), "\u{2212}12\u{202f}345\u{202f}678");
        assert_eq!(
            [en.integer(0), en.integer(999), en.integer(i64::MIN)],
            ["0", "999", "\u{2212}9,223,372,036,854,775,808"]
        );
        assert_eq!(
            [en.number(12_345.678, 2), pl.number(12_345.678, 2)],
            ["12,345.68", "12\u{202f}345,68"]
        );
        assert_eq!([en.number(-0.04, 1), en.number(-3.5, 1)], ["0.0", "\u{2212}3.5"]);
        assert_eq!([pl.number(f64::NAN, 1), pl.celsius(52.34)], ["–", "52,3 °C"]);
        assert_eq!(
            [pl.percent(0.0), pl.percent(1.25), pl.percent(99.6)],
            ["0%", "1,2%", "100%"]
        );
    }

    #[test]
    fn sizes_have_fitting_units() {
        let size = |bytes| Lang::English.bytes(bytes);
        assert_eq!(
            [
                size(999),
                size(1500),
                size(999_999),
                size(31_900_000_000),
                size(u64::MAX)
            ],
            ["999 B", "1.5 kB", "1.0 MB", "32 GB", "18,446,744 TB"]
        );
    }

    #[test]
    fn lengths_have_two_units() {
        assert_eq!(length(-5), "0 s");
        assert_eq!(length(59), "59 s");
        assert_eq!(length(320), "5 min 20 s");
        assert_eq!(length(3_720), "1 h 2 min");
        assert_eq!(length(273_600), "3 d 4 h");
    }

    #[test]
    fn dates_have_names_of_months() {
        assert_eq!(
            Lang::English.date_time(1_795_461_840).as_deref(),
            Some("23 Nov 2026, 19:24 UTC")
        );
        assert_eq!(
            Lang::Polish.date_time(1_795_461_840).as_deref(),
            Some("23 lis 2026, 19:24 UTC")
        );
        assert_eq!(Lang::Polish.date_time(i64::MAX), None);
    }
}

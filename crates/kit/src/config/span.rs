//! Lengths of time and sizes as people write them: `"30s"`, `"50MB"`, or a plain number.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time written as `"500ms"`, `"30s"`, `"5m"`, `"12h"`, `"7d"`, or a whole number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// A number of bytes written as `"50MB"`, `"1KB"`, `"2GB"`, `"100B"`, or a whole number of bytes. As supervisord
/// does, a kilobyte is counted as 1024 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

/// The text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no length of time; write a whole number and its unit, such as \"500ms\", \"30s\", \"5m\", \"12h\" or \"7d\""
)]
pub struct BadSpan(pub String);

/// The text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no size; write a whole number and its unit, such as \"100B\", \"10KB\", \"50MB\" or \"1GB\""
)]
pub struct BadByteSize(pub String);

/// Units of time in milliseconds, longest first.
const TIME_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];
/// Units of size in bytes, largest first.
const SIZE_UNITS: [(&str, u64); 4] = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("B", 1)];

impl Span {
    /// A whole number of seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
    /// A whole number of milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

/// Number and unit: `30s` and `30 s` are `(30, "s")`.
fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let read = || {
            let (number, unit) = split(text)?;
            let factor = match unit {
                "" => 1000,
                _ => TIME_UNITS.into_iter().find(|(name, _)| *name == unit)?.1,
            };
            Some(Self(Duration::from_millis(number.checked_mul(factor)?)))
        };
        read().ok_or_else(|| BadSpan(text.to_owned()))
    }
}

impl FromStr for ByteSize {
    type Err = BadByteSize;

    fn from_str(text: &str) -> Result<Self, BadByteSize> {
        let read = || {
            let (number, unit) = split(text)?;
            let factor = match unit {
                "" => 1,
                _ => {
                    SIZE_UNITS
                        .into_iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(unit))?
                        .1
                }
            };
            Some(Self(number.checked_mul(factor)?))
        };
        read().ok_or_else(|| BadByteSize(text.to_owned()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis == 0 {
            return f.write_str("0s");
        }
        let (unit, factor) = TIME_UNITS
            .into_iter()
            .find(|(_, factor)| millis.is_multiple_of(u128::from(*factor)))
            .unwrap_or(("ms", 1));
        write!(f, "{}{unit}", millis / u128::from(factor))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0B");
        }
        let (unit, factor) = SIZE_UNITS
            .into_iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor))
            .unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a text by `FromStr`, and a whole number as the text of that number.
struct TextOrNumber<T>(&'static str, std::marker::PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextOrNumber<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        number.to_string().parse().map_err(E::custom)
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        number.to_string().parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a length of time such as \"30s\", or a whole number of seconds";
        deserializer.deserialize_any(TextOrNumber(expected, std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a size such as \"50MB\", or a whole number of bytes";
        deserializer.deserialize_any(TextOrNumber(expected, std::marker::PhantomData))
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: \"500ms\", \"30s\", \"5m\", \"12h\", \"7d\", or a whole number of seconds.",
            "type": ["string", "integer"],
            "pattern": "^ *[0-9]+ *(ms|s|m|h|d)? *$",
            "minimum": 0,
        })
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }
    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A size: \"100B\", \"10KB\", \"50MB\", \"1GB\" (1 KB is 1024 bytes), or a whole number of bytes.",
            "type": ["string", "integer"],
            "pattern": "^ *[0-9]+ *([KkMmGg]?[Bb])? *$",
            "minimum": 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_unit() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("12 h", 43_200_000),
            ("7d", 604_800_000),
            ("3", 3000),
        ] {
            assert_eq!(text.parse(), Ok(Span::millis(millis)), "{text}");
        }
        for (text, bytes) in [
            ("1KB", 1024),
            ("50mb", 50 << 20),
            ("2 GB", 2 << 30),
            ("7B", 7),
            ("9", 9),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "s",
            "-1s",
            "1.5s",
            "1 week",
            "99999999999999999999",
            "999999999999999999d",
            "1S",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        for text in ["", "KB", "-1", "1TB", "1.5MB", "99999999999999999GB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn serde_takes_text_and_numbers() {
        assert_eq!(
            serde_json::from_str::<Span>("\"2m\"").unwrap(),
            Span::seconds(120)
        );
        assert_eq!(serde_json::from_str::<Span>("2").unwrap(), Span::seconds(2));
        assert!(serde_json::from_str::<Span>("-2").is_err());
        assert!(
            serde_json::from_str::<Span>("true")
                .unwrap_err()
                .to_string()
                .contains("length of time")
        );
        assert_eq!(serde_json::to_string(&ByteSize(50 << 20)).unwrap(), "\"50MB\"");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in 0_u64..u64::MAX / 2, bytes in any::<u64>()) {
            prop_assert_eq!(Span::millis(millis).to_string().parse(), Ok(Span::millis(millis)));
            prop_assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)));
        }
    }
}

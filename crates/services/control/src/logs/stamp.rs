//! The time that a line carries near its beginning: `2026-11-23T19:33:00.5Z`, `2026-11-23 19:33:00,123`,
//! `[2026/11/23 19:33:00]`. A time without a zone is taken as it is written.

use time::{Date, Month, PrimitiveDateTime, Time};

/// So far into a line a time is looked for, in bytes.
const REACH: usize = 64;

/// Milliseconds since 1970, as the line says it; a zone that is written is taken off.
pub(crate) fn of_line(line: &str) -> Option<i64> {
    let bytes = line.as_bytes();
    let end = bytes.len().min(REACH);
    (0..end.saturating_sub(18))
        .filter(|start| bytes[*start].is_ascii_digit() && (*start == 0 || !bytes[start - 1].is_ascii_digit()))
        .take(4)
        .find_map(|start| read(&bytes[start..]))
}

/// What a person typed: `2026-11-23T19:33` (of a form's field) or with seconds.
pub(crate) fn of_field(text: &str) -> Option<i64> {
    let text = text.trim();
    let whole = if text.len() == 16 {
        format!("{text}:00")
    } else {
        text.to_owned()
    };
    read(whole.as_bytes())
}

fn read(bytes: &[u8]) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| -> Option<u16> {
        let text = bytes.get(range)?;
        if !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(text).ok()?.parse().ok()
    };
    let sign = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|byte| allowed.contains(byte));
    let shaped = sign(4, b"-/.") && sign(7, b"-/.") && sign(10, b"T _") && sign(13, b":") && sign(16, b":");
    if !shaped {
        return None;
    }
    let month = Month::try_from(number(5..7)? as u8).ok()?;
    let date = Date::from_calendar_date(i32::from(number(0..4)?), month, number(8..10)? as u8).ok()?;
    let time = Time::from_hms(
        number(11..13)? as u8,
        number(14..16)? as u8,
        number(17..19)?.min(59) as u8,
    )
    .ok()?;
    let mut at = 19;
    let mut milliseconds = 0;
    if sign(at, b".,") {
        let digits: Vec<_> = bytes[at + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .collect();
        for place in 0..3 {
            milliseconds = milliseconds * 10 + digits.get(place).map_or(0, |digit| i64::from(**digit - b'0'));
        }
        at += 1 + digits.len();
    }
    let zone = match bytes.get(at) {
        Some(sign @ (b'+' | b'-')) => {
            let hours = number(at + 1..at + 3);
            let minutes = number(at + 4..at + 6)
                .or_else(|| number(at + 3..at + 5))
                .unwrap_or(0);
            let offset = hours.map_or(0, |hours| i64::from(hours) * 3600 + i64::from(minutes) * 60);
            if *sign == b'+' { offset } else { -offset }
        }
        _ => 0,
    };
    let seconds = PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp() - zone;
    Some(seconds * 1000 + milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_as_programs_write_them() {
        let at = 1_700_000_000_000;
        for line in [
            "2023-11-14T22:13:20Z INFO x",
            "2023-11-14 22:13:20 plain",
            "[2023/11/14 22:13:20] x",
            "INFO 2023-11-14T23:13:20+01:00 x",
            "2023-11-14T17:13:20-0500",
            "level=info ts=2023-11-14T22:13:20.000Z",
        ] {
            assert_eq!(of_line(line), Some(at), "{line}");
        }
        assert_eq!(of_line("2023-11-14 22:13:20,123 python"), Some(at + 123));
        for line in [
            "",
            "22:13:20 only",
            "2023-13-14 22:13:20",
            "id 12023-11-14T22:13:20",
            "ż2023",
            "2023-11-14",
        ] {
            assert_eq!(of_line(line), None, "{line}");
        }
        assert_eq!(of_line(&format!("{}2023-11-14T22:13:20Z", " ".repeat(90))), None);
        assert_eq!(of_field("2023-11-14T22:13"), Some(at - 20_000));
        assert_eq!(of_field("2023-11-14T22:13:20"), Some(at));
        assert_eq!(of_field("yesterday"), None);
    }
}

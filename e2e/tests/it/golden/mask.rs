//! Hides what differs from run to run: process ids, times, directories, a Python source's place.

use super::world::World;

/// Masks a transcript.
pub(super) fn all(text: &str, world: &World) -> String {
    let mut masked = text.to_owned();
    for (real, name) in world.names() {
        masked = masked.replace(&real, name);
    }
    let lines: Vec<String> = masked.split('\n').map(line).collect();
    lines.join("\n")
}

fn line(text: &str) -> String {
    if text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return "PID".to_owned();
    }
    let text = text.split(": file: ").next().unwrap_or(text);
    let text = after(text, "pid ", |rest| digits(rest).then_some("PID"));
    let text = after(&text, "uptime ", |rest| digits(rest).then_some("TIME"));
    date(&text)
}

fn digits(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

/// Replaces the number (or time) that stands behind `label`.
fn after(text: &str, label: &str, mask: impl Fn(&str) -> Option<&'static str>) -> String {
    let Some(start) = text.find(label).map(|start| start + label.len()) else {
        return text.to_owned();
    };
    let rest = &text[start..];
    let Some(mask) = mask(rest) else {
        return text.to_owned();
    };
    let end = rest
        .find(|character: char| !character.is_ascii_digit() && character != ':')
        .unwrap_or(rest.len());
    format!("{}{mask}{}", &text[..start], &rest[end..])
}

/// Replaces a date such as `Nov 23 02:30 PM`.
fn date(text: &str) -> String {
    const LENGTH: usize = "Nov 23 02:30 PM".len();
    let is_date = |window: &[u8]| {
        let mut months = b"JanFebMarAprMayJunJulAugSepOctNovDec".chunks(3);
        months.any(|month| window.starts_with(month))
            && [3, 6, 12].iter().all(|space| window[*space] == b' ')
            && window[9] == b':'
            && window.ends_with(b"M")
    };
    let bytes = text.as_bytes();
    match bytes.windows(LENGTH).position(is_date) {
        Some(start) => format!("{}DATE{}", &text[..start], &text[start + LENGTH..]),
        None => text.to_owned(),
    }
}

#[test]
fn hides_only_what_varies() {
    for (given, masked) in [
        (
            "cat   RUNNING   pid 123, uptime 1:02:03",
            "cat   RUNNING   pid PID, uptime TIME",
        ),
        ("x     EXITED    Nov 23 02:30 PM", "x     EXITED    DATE"),
        ("x     STOPPED   Not started", "x     STOPPED   Not started"),
        ("1234", "PID"),
        ("0", "0"),
        (
            "error: <class 'X'>, y: file: /a/b.py line: 3",
            "error: <class 'X'>, y",
        ),
    ] {
        assert_eq!(line(given), masked);
    }
}

//! The letter of a format: how a value is written.

use super::{ExpandError, Spec, Value, malformed, quoted};

/// Precision of `e`, `f` and `g` when none is written.
const FLOAT_DIGITS: usize = 6;

/// True if a format may end in this letter.
pub(super) fn is_known(letter: char) -> bool {
    "sracdiuxXoeEfFgG".contains(letter)
}

/// Python's words for a letter that is not known. `index` is its place in the format.
pub(super) fn unsupported(letter: char, index: usize) -> ExpandError {
    let shown = if (' '..'\u{7f}').contains(&letter) {
        letter
    } else {
        '?'
    };
    malformed(&format!(
        "unsupported format character '{shown}' (0x{:x}) at index {index}",
        letter as u32
    ))
}

/// Writes `value` as `letter` asks, a known one.
pub(super) fn write(letter: char, spec: Spec, value: &Value, result: &mut String) -> Result<(), ExpandError> {
    match letter {
        's' => text(spec, &plain(value), result),
        'r' => text(spec, &represented(value), result),
        'a' => text(spec, &ascii(&represented(value)), result),
        'c' => text(
            Spec {
                precision: None,
                ..spec
            },
            &character(value)?,
            result,
        ),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let Value::Number(number) = value else {
                return Err(malformed("must be real number, not str"));
            };
            float(letter, spec, *number, result);
        }
        _ => {
            let Value::Number(number) = value else {
                let need = if "xXo".contains(letter) {
                    "an integer"
                } else {
                    "a real number"
                };
                return Err(malformed(&format!(
                    "%{letter} format: {need} is required, not str"
                )));
            };
            integer(letter, spec, *number, result);
        }
    }
    Ok(())
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
    }
}

fn represented(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Number(number) => number.to_string(),
    }
}

fn ascii(text: &str) -> String {
    text.chars()
        .map(|c| match c as u32 {
            0..0x80 => c.to_string(),
            code @ 0x80..0x100 => format!("\\x{code:02x}"),
            code @ 0x100..0x1_0000 => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        })
        .collect()
}

fn character(value: &Value) -> Result<String, ExpandError> {
    match value {
        Value::Text(text) if text.chars().count() == 1 => Ok(text.clone()),
        Value::Text(_) => Err(malformed("%c requires int or char")),
        Value::Number(number) => u32::try_from(*number)
            .ok()
            .and_then(char::from_u32)
            .map(String::from)
            .ok_or_else(|| malformed("%c arg not in range(0x110000)")),
    }
}

fn text(spec: Spec, text: &str, result: &mut String) {
    let cut: String = match spec.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    };
    let fill = spec.width.saturating_sub(cut.chars().count());
    if !spec.left {
        result.extend(std::iter::repeat_n(' ', fill));
    }
    result.push_str(&cut);
    if spec.left {
        result.extend(std::iter::repeat_n(' ', fill));
    }
}

fn integer(letter: char, spec: Spec, number: i64, result: &mut String) {
    let magnitude = number.unsigned_abs();
    let (prefix, digits) = match letter {
        'x' => ("0x", format!("{magnitude:x}")),
        'X' => ("0X", format!("{magnitude:X}")),
        'o' => ("0o", format!("{magnitude:o}")),
        _ => ("", magnitude.to_string()),
    };
    let least = spec.precision.unwrap_or(0).saturating_sub(digits.len());
    let digits = format!("{}{digits}", "0".repeat(least));
    let prefix = if spec.alternate { prefix } else { "" };
    number_field(spec, number < 0, prefix, &digits, result);
}

fn float(letter: char, spec: Spec, number: i64, result: &mut String) {
    let magnitude = number.unsigned_abs() as f64;
    let precision = spec.precision.unwrap_or(FLOAT_DIGITS);
    let mut digits = match letter {
        'f' | 'F' => fixed(magnitude, precision, spec.alternate),
        'e' | 'E' => scientific(magnitude, precision, spec.alternate),
        _ => general(magnitude, precision.max(1), spec.alternate),
    };
    if letter.is_ascii_uppercase() {
        digits = digits.to_uppercase();
    }
    number_field(spec, number < 0, "", &digits, result);
}

fn fixed(magnitude: f64, precision: usize, alternate: bool) -> String {
    let point = if alternate && precision == 0 { "." } else { "" };
    format!("{magnitude:.precision$}{point}")
}

fn scientific(magnitude: f64, precision: usize, alternate: bool) -> String {
    let written = format!("{magnitude:.precision$e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let point = if alternate && precision == 0 { "." } else { "" };
    // Whole numbers never have a negative exponent; C writes at least two digits.
    format!("{mantissa}{point}e+{exponent:0>2}")
}

fn general(magnitude: f64, precision: usize, alternate: bool) -> String {
    let written = format!("{magnitude:.*e}", precision - 1);
    let exponent: usize = written
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or_default();
    if exponent < precision {
        let text = fixed(magnitude, precision - 1 - exponent, alternate);
        return if alternate { text } else { without_zeros(&text) };
    }
    let text = scientific(magnitude, precision - 1, alternate);
    match text.split_once('e') {
        Some((mantissa, exponent)) if !alternate => format!("{}e{exponent}", without_zeros(mantissa)),
        _ => text,
    }
}

fn without_zeros(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

fn number_field(spec: Spec, negative: bool, prefix: &str, digits: &str, result: &mut String) {
    let sign = match () {
        () if negative => "-",
        () if spec.plus => "+",
        () if spec.space => " ",
        () => "",
    };
    let fill = spec
        .width
        .saturating_sub(sign.len() + prefix.len() + digits.len());
    let (before, zeros, after) = match () {
        () if spec.left => (0, 0, fill),
        () if spec.zero => (0, fill, 0),
        () => (fill, 0, 0),
    };
    result.extend(std::iter::repeat_n(' ', before));
    result.push_str(sign);
    result.push_str(prefix);
    result.extend(std::iter::repeat_n('0', zeros));
    result.push_str(digits);
    result.extend(std::iter::repeat_n(' ', after));
}

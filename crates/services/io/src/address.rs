//! How a client names a line: `relay1`, `17`, `bcm:17`, `pin:11`, `chip:pinctrl-rp1/17`.

use crate::header::{bcm_of_pin, why_no_line};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address<'a> {
    /// A name of the configuration.
    Name(&'a str),
    /// A line of the first chip.
    Number(u32),
    /// A line of the chip with this label.
    OnChip(&'a str, u32),
}

/// Reads it; the error says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Address<'_>, String> {
    let text = text.trim();
    if let Some(pin) = text.strip_prefix("pin:") {
        let pin = number(pin)
            .and_then(|pin| u8::try_from(pin).ok())
            .ok_or_else(|| format!("`{}` is no pin of the header", shortened(text)))?;
        return bcm_of_pin(pin)
            .map(Address::Number)
            .ok_or_else(|| format!("header pin {pin} {}", why_no_line(pin)));
    }
    if let Some(place) = text.strip_prefix("chip:") {
        return place
            .rsplit_once(['/', ':'])
            .and_then(|(label, offset)| Some(Address::OnChip(label, number(offset)?)))
            .filter(|address| !matches!(address, Address::OnChip("", _)))
            .ok_or_else(|| {
                format!(
                    "`{}` is no line of a chip; write chip:LABEL/17, or chip:LABEL:17",
                    shortened(text)
                )
            });
    }
    if let Some(bcm) = text.strip_prefix("bcm:") {
        return number(bcm)
            .map(Address::Number)
            .ok_or_else(|| format!("`{}` names no line", shortened(text)));
    }
    Ok(number(text).map_or(Address::Name(text), Address::Number))
}

/// Digits only: a sign would pass the parser.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// What a client wrote goes into our answer: not more than a line of it.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling() {
        for (text, wanted) in [
            ("relay1", Address::Name("relay1")),
            (" 17 ", Address::Number(17)),
            ("bcm:17", Address::Number(17)),
            ("pin:11", Address::Number(17)),
            ("chip:pinctrl-rp1/17", Address::OnChip("pinctrl-rp1", 17)),
            ("chip:a/b/3", Address::OnChip("a/b", 3)),
        ] {
            assert_eq!(parse(text), Ok(wanted), "{text}");
        }
        for bad in [
            "pin:1",
            "pin:41",
            "pin:x",
            "pin:-3",
            "pin:300",
            "bcm:",
            "bcm:+1",
            "chip:",
            "chip:x",
            "chip:/3",
            "chip:x/",
            "chip:x/-1",
            "bcm:99999999999",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_answers_stay_short(text in "\\PC{0,200}") {
            if let Err(message) = parse(&text) {
                prop_assert!(message.chars().count() < 120, "{message}");
            }
        }
    }
}

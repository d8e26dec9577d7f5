//! The Raspberry Pi firmware's warnings: under-voltage and throttling.
//!
//! Pi OS's firmware driver shows the same bits as `vcgencmd get_throttled` in a file. Elsewhere the kernel's
//! `rpi_volt` sensor tells of under-voltage alone. The mailbox device `/dev/vcio` would know as well, but asking it
//! takes an ioctl that only unsafe code can make.

use serde::Serialize;
use utoipa::ToSchema;

/// What the firmware says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Throttling {
    /// The bits as `vcgencmd get_throttled` shows them; `null` where only the voltage sensor is there.
    #[schema(example = 327_685)]
    pub(crate) bits: Option<u32>,
    /// The supply is below 4.63 V now.
    pub(crate) under_voltage: bool,
    /// The processor's frequency is limited now.
    pub(crate) frequency_capped: bool,
    /// The processor is slowed down now.
    pub(crate) throttled: bool,
    /// The soft temperature limit is exceeded now.
    pub(crate) soft_temperature_limit: bool,
    /// Everything that is or was since the start, in words.
    #[schema(example = json!(["under-voltage now", "under-voltage since the start"]))]
    pub(crate) words: Vec<&'static str>,
}

/// Bit and words, as the firmware's documentation gives them.
const WORDS: [(u32, &str); 8] = [
    (0, "under-voltage now"),
    (1, "frequency capped now"),
    (2, "throttled now"),
    (3, "soft temperature limit now"),
    (16, "under-voltage since the start"),
    (17, "frequency capped since the start"),
    (18, "throttled since the start"),
    (19, "soft temperature limit since the start"),
];

impl Throttling {
    /// Of the firmware's bits.
    pub(crate) fn of(bits: u32) -> Self {
        let is = |bit: u32| bits & (1 << bit) != 0;
        Self {
            bits: Some(bits),
            under_voltage: is(0),
            frequency_capped: is(1),
            throttled: is(2),
            soft_temperature_limit: is(3),
            words: WORDS
                .into_iter()
                .filter(|(bit, _)| is(*bit))
                .map(|(_, words)| words)
                .collect(),
        }
    }

    /// Of the voltage sensor alone.
    pub(crate) fn of_alarm(under_voltage: bool) -> Self {
        Self {
            bits: None,
            ..Self::of(u32::from(under_voltage))
        }
    }
}

/// Reads the firmware's file: hexadecimal, with or without `0x`.
pub(crate) fn bits(text: &str) -> Option<u32> {
    let text = text.trim();
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_in_words() {
        let all = Throttling::of(bits("50005\n").unwrap());
        assert_eq!(all.bits, Some(0x50005));
        assert!(all.under_voltage && all.throttled && !all.frequency_capped && !all.soft_temperature_limit);
        assert_eq!(
            all.words,
            [
                "under-voltage now",
                "throttled now",
                "under-voltage since the start",
                "throttled since the start"
            ]
        );
        assert!(Throttling::of(0).words.is_empty());
        let alarm = Throttling::of_alarm(true);
        assert_eq!((alarm.bits, alarm.words), (None, vec!["under-voltage now"]));
        assert_eq!((bits("0x0"), bits("x"), bits("")), (Some(0), None, None));
    }
}

//! The 40-pin header of every Raspberry Pi since the B+ (Raspberry Pi documentation, "GPIO and the 40-pin
//! header"). From a table, never from the kernel's line names: those differ between systems.

/// Highest BCM number on the header.
pub(crate) const LAST_BCM: u32 = 27;
/// Most lines that a Raspberry Pi's chip has (BCM2711: 58).
pub(crate) const MOST_LINES: u32 = 58;

/// Header pin and BCM number.
const PINS: [(u8, u32); 28] = [
    (3, 2),
    (5, 3),
    (7, 4),
    (8, 14),
    (10, 15),
    (11, 17),
    (12, 18),
    (13, 27),
    (15, 22),
    (16, 23),
    (18, 24),
    (19, 10),
    (21, 9),
    (22, 25),
    (23, 11),
    (24, 8),
    (26, 7),
    (27, 0),
    (28, 1),
    (29, 5),
    (31, 6),
    (32, 12),
    (33, 13),
    (35, 19),
    (36, 16),
    (37, 26),
    (38, 20),
    (40, 21),
];

/// The BCM number behind a header pin; `None` for power and ground, and beyond the header.
pub(crate) fn bcm_of_pin(pin: u8) -> Option<u32> {
    PINS.iter()
        .find(|(header, _)| *header == pin)
        .map(|(_, bcm)| *bcm)
}

/// The header pin of a BCM number.
pub(crate) fn pin_of_bcm(bcm: u32) -> Option<u8> {
    PINS.iter()
        .find(|(_, number)| *number == bcm)
        .map(|(pin, _)| *pin)
}

/// Why a header pin is no line.
pub(crate) fn why_no_line(pin: u8) -> &'static str {
    match pin {
        1 | 17 => "carries 3.3 V",
        2 | 4 => "carries 5 V",
        6 | 9 | 14 | 20 | 25 | 30 | 34 | 39 => "is ground",
        _ => "is not on the header (1 to 40)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let mut numbers: Vec<_> = PINS.iter().map(|(_, bcm)| *bcm).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..=LAST_BCM).collect::<Vec<_>>());
        for pin in 1..=40 {
            let is_line = bcm_of_pin(pin).is_some();
            assert_eq!(is_line, why_no_line(pin).starts_with("is not on"), "pin {pin}");
        }
        assert_eq!(
            (bcm_of_pin(11), pin_of_bcm(17), bcm_of_pin(41)),
            (Some(17), Some(11), None)
        );
    }
}

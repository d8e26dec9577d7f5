//! The 40-pin header of every Raspberry Pi since the B+ (Raspberry Pi documentation, "GPIO and the 40-pin
//! header"). From a table, never from the kernel's line names: those differ between systems.

/// Highest BCM number on the header.
pub(crate) const LAST_BCM: u32 = 27;
/// Most lines that a Raspberry Pi's chip has (BCM2711: 58).
pub(crate) const MOST_LINES: u32 = 58;

/// A pin of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pin {
    /// 1 to 40.
    pub(crate) number: u8,
    /// BCM number; `None` for power and ground.
    pub(crate) bcm: Option<u32>,
    /// As the documentation calls it.
    pub(crate) name: &'static str,
    /// What else the pin can be, on all boards.
    pub(crate) functions: &'static [&'static str],
}

macro_rules! header {
    ($($pin:literal $bcm:tt $name:literal [$($function:literal)*];)*) => {
        /// The header, pin by pin, with the functions that all boards have there.
        pub(crate) const HEADER: [Pin; 40] = [$(Pin {
            number: $pin,
            bcm: header!(@bcm $bcm),
            name: $name,
            functions: &[$($function),*],
        }),*];
    };
    (@bcm _) => { None };
    (@bcm $bcm:literal) => { Some($bcm) };
}

header! {
    1 _ "3V3" []; 2 _ "5V" []; 3 2 "GPIO2" ["I2C1 SDA"]; 4 _ "5V" [];
    5 3 "GPIO3" ["I2C1 SCL"]; 6 _ "GND" []; 7 4 "GPIO4" ["GPCLK0" "1-Wire"]; 8 14 "GPIO14" ["UART0 TXD"];
    9 _ "GND" []; 10 15 "GPIO15" ["UART0 RXD"]; 11 17 "GPIO17" ["SPI1 CE1"]; 12 18 "GPIO18" ["PWM0" "PCM CLK" "SPI1 CE0"];
    13 27 "GPIO27" []; 14 _ "GND" []; 15 22 "GPIO22" []; 16 23 "GPIO23" [];
    17 _ "3V3" []; 18 24 "GPIO24" []; 19 10 "GPIO10" ["SPI0 MOSI"]; 20 _ "GND" [];
    21 9 "GPIO9" ["SPI0 MISO"]; 22 25 "GPIO25" []; 23 11 "GPIO11" ["SPI0 SCLK"]; 24 8 "GPIO8" ["SPI0 CE0"];
    25 _ "GND" []; 26 7 "GPIO7" ["SPI0 CE1"]; 27 0 "GPIO0" ["ID EEPROM SDA"]; 28 1 "GPIO1" ["ID EEPROM SCL"];
    29 5 "GPIO5" ["GPCLK1"]; 30 _ "GND" []; 31 6 "GPIO6" ["GPCLK2"]; 32 12 "GPIO12" ["PWM0"];
    33 13 "GPIO13" ["PWM1"]; 34 _ "GND" []; 35 19 "GPIO19" ["PWM1" "PCM FS" "SPI1 MISO"]; 36 16 "GPIO16" ["SPI1 CE2"];
    37 26 "GPIO26" []; 38 20 "GPIO20" ["PCM DIN" "SPI1 MOSI"]; 39 _ "GND" []; 40 21 "GPIO21" ["PCM DOUT" "SPI1 SCLK"];
}

/// The BCM number behind a header pin; `None` for power and ground, and beyond the header.
pub(crate) fn bcm_of_pin(pin: u8) -> Option<u32> {
    HEADER.iter().find(|known| known.number == pin)?.bcm
}

/// The header pin of a BCM number.
pub(crate) fn pin_of_bcm(bcm: u32) -> Option<u8> {
    HEADER
        .iter()
        .find(|known| known.bcm == Some(bcm))
        .map(|known| known.number)
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
        let mut numbers: Vec<_> = HEADER.iter().filter_map(|pin| pin.bcm).collect();
        assert!(HEADER.iter().zip(1..).all(|(pin, number)| pin.number == number));
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

//! Wireless interfaces and the stations that they talk to: nl80211 over generic netlink (the kernel's
//! `linux/genetlink.h` and `linux/nl80211.h`). A board without any is normal.

use std::collections::BTreeMap;
use std::io;

use super::message::{attributes, hardware_address, put, text, u8_at, u16_at, u32_at};
use super::socket::{Family, Socket};

/// The family that knows the others' numbers.
const CONTROL: u16 = 16;
const GET_FAMILY: u8 = 3;
/// Length of `genlmsghdr`.
const HEADER: usize = 4;
const GET_INTERFACE: u8 = 5;
const GET_STATION: u8 = 17;

/// A wireless interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) mode: &'static str,
    pub(crate) ssid: Option<String>,
    pub(crate) frequency_mhz: Option<u32>,
}

/// Another radio that an interface talks to: for a client, the access point.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Station {
    pub(crate) address: Option<String>,
    pub(crate) signal_dbm: Option<i8>,
    pub(crate) rx_mbit_s: Option<f64>,
    pub(crate) tx_mbit_s: Option<f64>,
}

/// Every wireless interface with its stations.
///
/// # Errors
/// What the kernel says; a kernel without wireless knows no such family (`ENOENT`).
pub(crate) fn interfaces() -> io::Result<Vec<(Interface, Vec<Station>)>> {
    let mut socket = Socket::open(Family::Generic)?;
    let mut family = None;
    let mut body = vec![GET_FAMILY, 1, 0, 0];
    put(&mut body, 2, b"nl80211\0");
    socket.single(CONTROL, &body, |message| family = family_id(message.body))?;
    let Some(family) = family else {
        return Ok(Vec::new());
    };
    let mut found = BTreeMap::new();
    socket.dump(family, &[GET_INTERFACE, 0, 0, 0], |message| {
        if let Some(interface) = interface(message.body) {
            found.insert(interface.index, interface);
        }
    })?;
    let mut all = Vec::new();
    for interface in found.into_values() {
        let mut body = vec![GET_STATION, 0, 0, 0];
        put(&mut body, 3, &interface.index.to_ne_bytes());
        let mut stations = Vec::new();
        // A driver may not know its stations; the interface is there all the same.
        let asked = socket.dump(family, &body, |message| stations.extend(station(message.body)));
        if let Err(error) = asked {
            tracing::debug!(interface = interface.name, %error, "no stations");
        }
        all.push((interface, stations));
    }
    Ok(all)
}

/// Reads the number of a family in the answer to `CTRL_CMD_GETFAMILY`.
pub(crate) fn family_id(body: &[u8]) -> Option<u16> {
    attributes(body, HEADER)
        .find(|(kind, _)| *kind == 1)
        .and_then(|(_, value)| u16_at(value, 0))
}

/// Reads the body of an `NL80211_CMD_NEW_INTERFACE`.
pub(crate) fn interface(body: &[u8]) -> Option<Interface> {
    let mut interface = Interface {
        mode: "other",
        ..Interface::default()
    };
    for (kind, value) in attributes(body, HEADER) {
        match kind {
            3 => interface.index = u32_at(value, 0)?,
            4 => interface.name = text(value),
            5 => {
                interface.mode = match u32_at(value, 0)? {
                    1 => "ad-hoc",
                    2 => "client",
                    3 => "access-point",
                    6 => "monitor",
                    7 => "mesh",
                    8 => "p2p-client",
                    9 => "p2p-owner",
                    _ => "other",
                }
            }
            38 => interface.frequency_mhz = u32_at(value, 0),
            // A network's name is bytes; most are UTF-8.
            52 => {
                let name = String::from_utf8_lossy(value).into_owned();
                interface.ssid = Some(name).filter(|name| !name.is_empty());
            }
            _ => {}
        }
    }
    (!interface.name.is_empty()).then_some(interface)
}

/// Reads the body of an `NL80211_CMD_NEW_STATION`.
pub(crate) fn station(body: &[u8]) -> Option<Station> {
    let mut station = Station::default();
    let mut is_one = false;
    for (kind, value) in attributes(body, HEADER) {
        match kind {
            6 => station.address = hardware_address(value),
            21 => {
                is_one = true;
                for (kind, value) in attributes(value, 0) {
                    match kind {
                        7 => station.signal_dbm = u8_at(value, 0).map(u8::cast_signed),
                        8 => station.tx_mbit_s = rate(value),
                        14 => station.rx_mbit_s = rate(value),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    is_one.then_some(station)
}

/// `NL80211_RATE_INFO_BITRATE32`, or the older one of 16 bits, in steps of 100 kbit/s.
fn rate(value: &[u8]) -> Option<f64> {
    let (mut wide, mut narrow) = (None, None);
    for (kind, value) in attributes(value, 0) {
        match kind {
            5 => wide = u32_at(value, 0),
            1 => narrow = u16_at(value, 0).map(u32::from),
            _ => {}
        }
    }
    wide.or(narrow).map(|steps| f64::from(steps) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_and_its_access_point() {
        let mut body = vec![7, 1, 0, 0];
        put(&mut body, 3, &3_u32.to_ne_bytes());
        put(&mut body, 4, b"wlan0\0");
        put(&mut body, 5, &2_u32.to_ne_bytes());
        put(&mut body, 38, &5180_u32.to_ne_bytes());
        put(&mut body, 52, "zażółć".as_bytes());
        assert_eq!(
            interface(&body),
            Some(Interface {
                index: 3,
                name: "wlan0".into(),
                mode: "client",
                ssid: Some("zażółć".into()),
                frequency_mhz: Some(5180),
            })
        );
        let (mut old, mut new) = (Vec::new(), Vec::new());
        put(&mut old, 1, &540_u16.to_ne_bytes());
        put(&mut new, 1, &65535_u16.to_ne_bytes());
        put(&mut new, 5, &4333_u32.to_ne_bytes());
        let mut info = Vec::new();
        put(&mut info, 7, &[(-57_i8).cast_unsigned()]);
        put(&mut info, 8, &old);
        put(&mut info, 14, &new);
        let mut body = vec![19, 1, 0, 0];
        put(&mut body, 6, &[2, 0, 0, 0, 0, 9]);
        put(&mut body, 0x8015, &info);
        let station = station(&body).unwrap();
        assert_eq!(
            (station.address.as_deref(), station.signal_dbm),
            (Some("02:00:00:00:00:09"), Some(-57))
        );
        assert_eq!((station.tx_mbit_s, station.rx_mbit_s), (Some(54.0), Some(433.3)));
    }

    #[test]
    fn no_wireless_is_a_normal_answer() {
        match interfaces() {
            Ok(_) => {}
            Err(error) => assert!(
                matches!(error.raw_os_error(), Some(2 | 93 | 97 | 1 | 13)),
                "{error:?}"
            ),
        }
    }
}

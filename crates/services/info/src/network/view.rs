//! The network as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::read::resolver::Dns;

/// The board's network.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct NetworkView {
    /// `netlink`, or `sysfs` where netlink could not be asked and addresses and routes are missing.
    #[schema(example = "netlink")]
    pub(crate) source: &'static str,
    /// Its interfaces.
    pub(crate) interfaces: Vec<InterfaceView>,
    /// Ways to other machines, both families.
    pub(crate) routes: Vec<RouteView>,
    /// Who turns names into addresses.
    pub(crate) dns: Dns,
    /// Wireless interfaces; empty where there are none.
    pub(crate) wifi: Vec<WifiView>,
}

/// An interface.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct InterfaceView {
    /// Its name.
    #[schema(example = "eth0")]
    pub(crate) name: String,
    /// Hardware address.
    #[schema(example = "dc:a6:32:00:00:01")]
    pub(crate) mac: Option<String>,
    /// Largest packet, bytes.
    #[schema(example = 1500)]
    pub(crate) mtu: Option<u32>,
    /// `up`, `down`, `lower-layer-down`, `dormant`, `unknown`, ... (RFC 2863).
    #[schema(example = "up")]
    pub(crate) state: String,
    /// The kernel's flags in words.
    #[schema(example = json!(["up", "broadcast", "running", "multicast"]))]
    pub(crate) flags: Vec<&'static str>,
    /// Its addresses.
    pub(crate) addresses: Vec<AddressView>,
    /// Bytes received since it came up.
    pub(crate) rx_bytes: Option<u64>,
    /// Bytes sent.
    pub(crate) tx_bytes: Option<u64>,
    /// Packets received broken or thrown away.
    pub(crate) rx_errors: Option<u64>,
    /// Packets that could not be sent.
    pub(crate) tx_errors: Option<u64>,
    /// Bytes received a second, over the last two; `null` when the counter began anew.
    pub(crate) rx_bytes_s: Option<f64>,
    /// Bytes sent a second.
    pub(crate) tx_bytes_s: Option<f64>,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct AddressView {
    /// The address.
    #[schema(example = "192.168.1.20")]
    pub(crate) address: String,
    /// Length of its network's prefix, bits.
    #[schema(example = 24)]
    pub(crate) prefix: u8,
    /// `global`, `site`, `link`, `host` or `other`.
    #[schema(example = "global")]
    pub(crate) scope: &'static str,
    /// Seconds for which it is used for new connections; `null` = for ever.
    #[schema(example = 40_000)]
    pub(crate) preferred_s: Option<u32>,
    /// Seconds for which it is valid; `null` = for ever.
    #[schema(example = 40_000)]
    pub(crate) valid_s: Option<u32>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RouteView {
    /// `default`, or a network.
    #[schema(example = "default")]
    pub(crate) destination: String,
    /// By which machine; `null` = directly.
    #[schema(example = "192.168.1.1")]
    pub(crate) gateway: Option<String>,
    /// Through which interface.
    #[schema(example = "eth0")]
    pub(crate) interface: Option<String>,
    /// Of several ways, the one with the smallest number is taken.
    #[schema(example = 100)]
    pub(crate) metric: u32,
    /// `ipv4` or `ipv6`.
    #[schema(example = "ipv4")]
    pub(crate) family: &'static str,
}

/// A wireless interface.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct WifiView {
    /// Its name.
    #[schema(example = "wlan0")]
    pub(crate) interface: String,
    /// `client`, `access-point`, `ad-hoc`, `mesh`, `monitor`, ...
    #[schema(example = "client")]
    pub(crate) mode: &'static str,
    /// The network's name.
    #[schema(example = "home")]
    pub(crate) ssid: Option<String>,
    /// The access point's address; for an access point, none.
    pub(crate) bssid: Option<String>,
    /// MHz.
    #[schema(example = 5180)]
    pub(crate) frequency_mhz: Option<u32>,
    /// Strength of the signal, dBm: -50 is strong, -80 is weak.
    #[schema(example = -57)]
    pub(crate) signal_dbm: Option<i8>,
    /// Mbit/s in which it is received.
    pub(crate) rx_mbit_s: Option<f64>,
    /// Mbit/s in which it is sent.
    pub(crate) tx_mbit_s: Option<f64>,
    /// Other radios that it talks to: for an access point, its clients.
    pub(crate) stations: usize,
}

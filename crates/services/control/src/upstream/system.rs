//! The board in detail, from the info service. What it may add later is ignored; what it leaves out is unknown.

use bytes::Bytes;
use http::Method;
use pistack_api::service::Service;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Call;
use crate::error::Failure;
use crate::state::Dashboard;

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty,)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
        #[serde(default)]
        pub(crate) struct $name { $($(#[$attribute])* pub(crate) $field: $kind,)* }
    )* };
}

views! {
    /// `GET /api/info/board`: what does not change.
    BoardFacts {
        model: Option<String>,
        os: Option<String>,
        kernel: Option<String>,
        architecture: Option<String>,
        hostname: Option<String>,
        uptime_s: Option<i64>,
        cpus: Option<u32>,
        serial: Option<String>,
        boot_at: Option<i64>,
        reboot_required: Option<bool>,
        clock: Option<serde_json::Value>,
    }
    /// `GET /api/info/now`: the last sample.
    Now {
        cpu_percent: Option<f64>,
        cores: Vec<Option<f64>>,
        cpu_temperature: Option<f64>,
        load: Option<[f64; 3]>,
        memory: Option<Memory>,
        psi: Psi,
        temperatures: Vec<Temperature>,
        throttling: Option<Throttling>,
        fans: Vec<Fan>,
        disk_io: Vec<DiskRate>,
        net: Vec<NetRate>,
    }
    /// Bytes of memory and swap.
    Memory { total: u64, available: u64, swap_total: u64, swap_free: u64, }
    /// Time in which work stood still.
    Psi { cpu: Option<Pressure>, memory: Option<Pressure>, io: Option<Pressure>, }
    /// On one resource.
    Pressure { some: Stall, }
    /// Per cent.
    Stall { avg10: f64, avg60: f64, }
    /// One of the board's temperatures.
    Temperature { name: String, celsius: Option<f64>, }
    /// The firmware's warnings.
    Throttling {
        bits: Option<u32>,
        under_voltage: bool,
        frequency_capped: bool,
        throttled: bool,
        soft_temperature_limit: bool,
    }
    /// A fan.
    Fan { name: String, rpm: Option<u32>, }
    /// A disk's work.
    DiskRate { name: String, read_bytes_s: Option<f64>, write_bytes_s: Option<f64>, busy_percent: Option<f64>, }
    /// An interface's traffic.
    NetRate { name: String, rx_bytes_s: Option<f64>, tx_bytes_s: Option<f64>, }
    /// `GET /api/info/network`.
    Network { interfaces: Vec<Interface>, routes: Vec<Route>, dns: Dns, wifi: Vec<Wifi>, }
    /// An interface.
    Interface {
        name: String,
        mac: Option<String>,
        state: String,
        addresses: Vec<Address>,
        rx_bytes_s: Option<f64>,
        tx_bytes_s: Option<f64>,
    }
    /// An address of it.
    #[expect(clippy::struct_field_names, reason = "the names of the answer")]
    Address { address: String, prefix: u8, scope: String, }
    /// A way to other machines.
    Route { destination: String, gateway: Option<String>, interface: Option<String>, metric: u32, }
    /// Name servers.
    Dns { servers: Vec<String>, search: Vec<String>, }
    /// A wireless interface.
    Wifi { interface: String, ssid: Option<String>, signal_dbm: Option<i32>, frequency_mhz: Option<u32>, }
    /// `GET /api/info/storage`.
    Storage { mounts: Vec<Mount>, root_read_only: bool, disks: Vec<Disk>, written: Vec<Written>, }
    /// A file system.
    Mount {
        point: String,
        source: String,
        kind: String,
        read_only: bool,
        total: Option<u64>,
        available: Option<u64>,
        used_percent: Option<f64>,
        inodes: Option<u64>,
        inodes_free: Option<u64>,
    }
    /// A disk.
    Disk { name: String, model: Option<String>, kind: String, bytes: Option<u64>, wear: Option<Wear>, }
    /// What it tells of its wear.
    Wear { used_percent: Option<u8>, spare: Option<String>, }
    /// What was written on a day.
    Written { disk: String, day: String, bytes: u64, }
    /// `GET /api/info/users`.
    Users { #[serde(alias = "logged_in")] logins: Vec<Login>, }
    /// Somebody's login to the operating system.
    Login { user: String, service: Option<String>, tty: Option<String>, from: Option<String>, since: Option<i64>, }
    /// `GET /api/info/processes`.
    Busiest { processes: Vec<Process>, }
    /// One of them.
    Process {
        pid: i64,
        #[serde(alias = "command")] name: String,
        user: Option<String>,
        cpu_percent: Option<f64>,
        #[serde(alias = "pss_bytes", alias = "rss_bytes")] memory_bytes: Option<u64>,
        state: Option<String>,
    }
    /// `GET /api/info/reachability`.
    Reachability { gateway: Option<Probe>, host: Option<Probe>, }
    /// Whether somebody answered.
    Probe { target: String, reachable: bool, latency_ms: Option<f64>, error: Option<String>, }
    /// `GET /api/info/history`.
    History { from: i64, step_s: i64, series: std::collections::HashMap<String, Vec<Option<f64>>>, }
    /// `GET /api/info/weather`.
    Weather {
        temperature: Option<f64>,
        temperature_c: Option<f64>,
        feels_like_c: Option<f64>,
        humidity_pct: Option<f64>,
        pressure_hpa: Option<f64>,
        wind_kmh: Option<f64>,
        wind_dir_deg: Option<f64>,
        gust_kmh: Option<f64>,
        precip_mm: Option<f64>,
        cloud_pct: Option<f64>,
        code: Option<i64>,
        is_day: Option<serde_json::Value>,
        daily: Vec<Day>,
        attribution: Option<serde_json::Value>,
        provider: Option<String>,
        age_s: Option<i64>,
        stale: bool,
    }
    /// A day of the forecast.
    Day {
        date: String,
        code: Option<i64>,
        #[serde(alias = "temperature_max_c")] max_c: Option<f64>,
        #[serde(alias = "temperature_min_c")] min_c: Option<f64>,
        precip_mm: Option<f64>,
    }
}

/// Reads one of the calls; a failure is told as it is.
pub(crate) async fn ask<T: DeserializeOwned>(
    dashboard: &Dashboard,
    token: &str,
    path: &str,
) -> Result<T, Failure> {
    call(dashboard, token, path)
        .read(Bytes::new())
        .await
        .map(|(_, value)| value)
}

/// The answer as it came, for the scripts of a page.
pub(crate) async fn relay(dashboard: &Dashboard, token: &str, path: &str) -> Result<Bytes, Failure> {
    Ok(call(dashboard, token, path).send(Bytes::new()).await?.into_body())
}

fn call<'a>(dashboard: &'a Dashboard, token: &'a str, path: &'a str) -> Call<'a> {
    Call {
        service: Service::Info,
        client: &dashboard.info,
        method: Method::GET,
        path,
        token: Some(token),
        deadline: dashboard.config.upstream_timeout.0,
    }
}

/// The same for what the info service itself has to fetch from outside first.
pub(crate) async fn ask_patiently<T: DeserializeOwned>(
    dashboard: &Dashboard,
    token: &str,
    path: &str,
) -> Result<T, Failure> {
    let mut call = call(dashboard, token, path);
    call.deadline *= 2;
    call.read(Bytes::new()).await.map(|(_, value)| value)
}

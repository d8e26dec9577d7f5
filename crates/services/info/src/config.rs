//! Settings of the info service: `[info]` in `pistack.toml`.

use std::path::PathBuf;
use std::time::Duration;

use pistack_kit::config::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// Whom to ask for the weather and the board's outside address.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who is asked for the weather first. `met-norway` needs `weather_contact`; with `open-meteo` and a contact, MET
    /// Norway is asked when Open-Meteo does not answer.
    pub weather_provider: Provider,
    /// E-mail or web address that MET Norway may write to when something goes wrong: its terms ask for it. It is sent to
    /// MET Norway alone.
    pub weather_contact: Option<String>,
    /// Address of MET Norway's API. Without a path it is asked at `/weatherapi/locationforecast/2.0/compact`.
    pub met_norway_url: String,
    /// Address of Open-Meteo's forecast API, `http` or `https`. Without a path it is asked at `/v1/forecast`. The
    /// public one is free for non-commercial use.
    pub weather_url: String,
    /// Ask the outside for the address that this board has there. Off by default: `external_ip` is then always
    /// `unknown`, and nobody outside learns of this board.
    pub external_ip: bool,
    /// Who is asked, in turn, until one answers: each answers with the address as plain text.
    pub external_ip_urls: Vec<String>,
    /// How long the outside may take for one answer.
    pub timeout: Span,
    /// `HOST:PORT` that tells whether the outside can be reached, by a TCP connection when somebody asks for it.
    /// Without it only the gateway is asked.
    pub reachability_host: Option<String>,
    /// Root of the file tree in which `proc`, `sys`, `etc` and `run` are read; for tests on a copy.
    pub sysroot: PathBuf,
}

/// A provider of weather.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Open-Meteo: no key, non-commercial use.
    #[default]
    OpenMeteo,
    /// MET Norway's Locationforecast: wants a contact.
    MetNorway,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            weather_provider: Provider::OpenMeteo,
            weather_contact: None,
            met_norway_url: "https://api.met.no".into(),
            weather_url: "https://api.open-meteo.com".into(),
            external_ip: false,
            external_ip_urls: [
                "https://api.ipify.org",
                "https://icanhazip.com",
                "https://checkip.amazonaws.com",
                "https://ifconfig.me/ip",
            ]
            .map(str::to_owned)
            .to_vec(),
            timeout: Span(Duration::from_secs(5)),
            reachability_host: None,
            sysroot: "/".into(),
        }
    }
}

/// Something wrong in this section: the key's whole path, what is wrong, what to write.
pub type Finding = (Vec<String>, String, Option<String>);

/// What `config check` has to say beyond the types.
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let help = |text: &str| Some(text.to_owned());
    if let Err(error) = outside(&config.weather_url) {
        findings.push((
            vec!["info".into(), "weather_url".into()],
            error.to_string(),
            help("write \"https://api.open-meteo.com\""),
        ));
    }
    if let Err(error) = outside(&config.met_norway_url) {
        findings.push((
            vec!["info".into(), "met_norway_url".into()],
            error.to_string(),
            help("write \"https://api.met.no\""),
        ));
    }
    let contact = config.weather_contact.as_deref().unwrap_or_default();
    let is_header = contact.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if !is_header || (config.weather_provider == Provider::MetNorway && contact.trim().is_empty()) {
        findings.push((
            vec!["info".into(), "weather_contact".into()],
            "MET Norway wants an e-mail or web address, of plain characters".into(),
            help("write weather_contact = \"you@example.org\""),
        ));
    }
    for url in &config.external_ip_urls {
        if let Err(error) = outside(url) {
            findings.push((
                vec!["info".into(), "external_ip_urls".into()],
                error.to_string(),
                help("write \"https://api.ipify.org\""),
            ));
        }
    }
    if let Some(host) = &config.reachability_host
        && !is_host_and_port(host)
    {
        findings.push((
            vec!["info".into(), "reachability_host".into()],
            format!("`{host}` is no host and port"),
            help("write \"one.one.one.one:443\""),
        ));
    }
    if config.timeout.0.is_zero() {
        findings.push((
            vec!["info".into(), "timeout".into()],
            "`timeout` must be longer than 0".into(),
            help("write \"5s\""),
        ));
    }
    findings
}

/// `HOST:PORT`, an IPv6 address in brackets.
fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    !host.is_empty()
        && !host.chars().any(char::is_whitespace)
        && (is_bracketed || !host.contains(':'))
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// The text is no address that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no http or https address")]
pub struct BadUrl(pub String);

/// Reads an `http` or `https` address.
pub(crate) fn outside(text: &str) -> Result<Url, BadUrl> {
    let bad = || BadUrl(text.to_owned());
    let url = Url::parse(text.trim()).map_err(|_| bad())?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_sound_and_faults_are_named() {
        assert!(check(&Config::default()).is_empty());
        let config = Config {
            weather_url: "api.open-meteo.com".into(),
            weather_provider: Provider::MetNorway,
            met_norway_url: "met".into(),
            external_ip_urls: vec!["https://a.example".into(), "file:///etc/passwd".into()],
            timeout: Span(Duration::ZERO),
            reachability_host: Some("2001:db8::1:443".into()),
            ..Config::default()
        };
        let keys: Vec<_> = check(&config)
            .into_iter()
            .map(|(path, ..)| path.join("."))
            .collect();
        assert_eq!(
            keys,
            [
                "info.weather_url",
                "info.met_norway_url",
                "info.weather_contact",
                "info.external_ip_urls",
                "info.reachability_host",
                "info.timeout"
            ]
        );
    }
}

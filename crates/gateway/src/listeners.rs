//! Where the gateway listens, and the file that tells the others.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use pistack_kit::listen::{self, ListenError};
use pistack_kit::paths::{PathError, StatePaths, write_atomic};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::config::Config;

/// The listening sockets.
pub(crate) struct Listeners {
    /// HTTPS; never empty.
    pub(crate) https: Vec<TcpListener>,
    /// Plain HTTP; empty when switched off.
    pub(crate) http: Vec<TcpListener>,
}

impl Listeners {
    /// Binds both sides. An address from the configuration is taken as it stands; the well-known ports give
    /// way to the fallback ports where this user may not bind them.
    pub(crate) async fn bind(config: &Config) -> Result<Self, ListenError> {
        let https = side(config.https, 443, config.https_fallback, "[gateway] https").await?;
        let http = if config.redirect {
            side(config.http, 80, config.http_fallback, "[gateway] http").await?
        } else {
            Vec::new()
        };
        Ok(Self { https, http })
    }

    /// The addresses that were bound.
    pub(crate) fn addresses(&self, name: String) -> std::io::Result<Addresses> {
        let https = self.https[0].local_addr()?;
        let http = self.http.first().map(TcpListener::local_addr).transpose()?;
        Ok(Addresses { https, http, name })
    }
}

async fn side(
    explicit: Option<SocketAddr>,
    port: u16,
    fallback: u16,
    setting: &str,
) -> Result<Vec<TcpListener>, ListenError> {
    if let Some(address) = explicit {
        return Ok(vec![listen::tcp(address, setting).await?]);
    }
    match everywhere(port, setting).await {
        Err(ListenError::Forbidden { .. }) => {
            tracing::warn!(
                port,
                fallback,
                "this user may not bind the port, so another one is used"
            );
            everywhere(fallback, setting).await
        }
        result => result,
    }
}

/// All addresses of both versions: by one socket where the kernel lets version 6 carry version 4, else by two.
pub(crate) async fn everywhere(port: u16, setting: &str) -> Result<Vec<TcpListener>, ListenError> {
    let only_v6 =
        std::fs::read_to_string("/proc/sys/net/ipv6/bindv6only").is_ok_and(|text| text.trim() == "1");
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    match listen::tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), setting).await {
        Ok(v6) if only_v6 => Ok(vec![listen::tcp(v4, setting).await?, v6]),
        Ok(both) => Ok(vec![both]),
        // A kernel without version 6.
        Err(ListenError::Other { .. }) => Ok(vec![listen::tcp(v4, setting).await?]),
        Err(error) => Err(error),
    }
}

/// What `run/gateway.json` says while the gateway listens: where to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Where HTTPS is served.
    pub https: SocketAddr,
    /// Where plain HTTP leads to HTTPS; absent when switched off.
    pub http: Option<SocketAddr>,
    /// The board's name for people: `pi.local`, or `localhost`.
    pub name: String,
}

impl Addresses {
    /// The file.
    pub fn path(paths: &StatePaths) -> PathBuf {
        paths.run().join("gateway.json")
    }

    /// What the file says; `None` while no gateway listens.
    pub fn read(paths: &StatePaths) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::path(paths)).ok()?).ok()
    }

    /// The address for a browser: by name where the gateway listens everywhere.
    pub fn url(&self) -> String {
        let host = match self.https.ip().to_canonical() {
            ip if ip.is_unspecified() => self.name.clone(),
            ip @ std::net::IpAddr::V6(_) => format!("[{ip}]"),
            ip @ std::net::IpAddr::V4(_) => ip.to_string(),
        };
        match self.https.port() {
            443 => format!("https://{host}/"),
            port => format!("https://{host}:{port}/"),
        }
    }

    pub(crate) fn publish(&self, paths: &StatePaths) -> Result<Published, PathError> {
        let path = Self::path(paths);
        write_atomic(&path, serde_json::json!(self).to_string().as_bytes(), 0o600)?;
        Ok(Published(path))
    }
}

/// The file, for as long as the gateway listens.
#[derive(Debug)]
pub(crate) struct Published(PathBuf);

impl Drop for Published {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0); // gone already: as wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_one_that_a_browser_can_use() {
        let url = |https: &str| {
            Addresses {
                https: https.parse().unwrap(),
                http: None,
                name: "pi.local".to_owned(),
            }
            .url()
        };
        assert_eq!(url("[::]:443"), "https://pi.local/");
        assert_eq!(url("0.0.0.0:8443"), "https://pi.local:8443/");
        assert_eq!(url("127.0.0.1:8443"), "https://127.0.0.1:8443/");
        assert_eq!(url("[::1]:443"), "https://[::1]/");
    }

    #[tokio::test]
    async fn a_written_address_never_gives_way() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let config = Config {
            https: Some(address),
            redirect: false,
            ..Config::default()
        };
        let error = Listeners::bind(&config).await.map(drop).unwrap_err().to_string();
        assert!(
            error.contains(&address.to_string()) && error.contains("[gateway] https"),
            "{error}"
        );
    }
}

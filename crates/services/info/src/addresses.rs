//! The board's own address and the one that it has outside.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use pistack_kit::clock::Clock;
use url::Url;

use crate::fetch::Fetcher;

/// How long an answer of the outside is good.
const FRESH: Duration = Duration::from_mins(15);
/// How long nobody is asked again after nobody answered.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// The address of the interface by which this board reaches others. Nothing is sent.
pub(crate) fn local_ip() -> Option<IpAddr> {
    routed(IpAddr::V4(Ipv4Addr::UNSPECIFIED), "203.0.113.1:9")
        .or_else(first_interface)
        .or_else(|| routed("::".parse().ok()?, "[2001:db8::1]:9"))
}

/// The address that the kernel would send from; the far end is a documentation address (RFC 5737, RFC 3849).
fn routed(from: IpAddr, to: &str) -> Option<IpAddr> {
    let socket = UdpSocket::bind(SocketAddr::new(from, 0)).ok()?;
    socket.connect(to).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified() && !address.is_loopback()).then_some(address)
}

/// Without a route to the outside: the first address of an interface that is up, IPv4 before IPv6.
fn first_interface() -> Option<IpAddr> {
    let mut addresses: Vec<_> = if_addrs::get_if_addrs()
        .ok()?
        .into_iter()
        .filter(|interface| interface.is_oper_up() && !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| interface.ip())
        .collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.first().copied()
}

/// The outside address, kept for a quarter of an hour.
#[derive(Debug)]
pub(crate) struct External {
    /// Who is asked; empty = switched off.
    urls: Vec<Url>,
    timeout: Duration,
    /// When it was asked, and what came. Locked while asking, so that one asks for all.
    last: tokio::sync::Mutex<Option<(Duration, Option<IpAddr>)>>,
}

impl External {
    /// Asks `urls` in turn, all within `timeout`.
    pub(crate) fn new(urls: Vec<Url>, timeout: Duration) -> Self {
        Self {
            urls,
            timeout,
            last: tokio::sync::Mutex::new(None),
        }
    }

    /// The address; `None` when it cannot be had or is not to be asked for.
    pub(crate) async fn get(&self, fetcher: &Fetcher, clock: &Clock) -> Option<IpAddr> {
        if self.urls.is_empty() {
            return None;
        }
        let mut last = self.last.lock().await;
        if let Some((at, address)) = *last {
            let good = if address.is_some() { FRESH } else { AFTER_FAILURE };
            if clock.monotonic().saturating_sub(at) < good {
                return address;
            }
        }
        let address = self.ask(fetcher).await;
        *last = Some((clock.monotonic(), address));
        address
    }

    /// Each gets an equal share of the time that is left, so that one dead server cannot use it up.
    async fn ask(&self, fetcher: &Fetcher) -> Option<IpAddr> {
        let share = self.timeout / u32::try_from(self.urls.len()).unwrap_or(u32::MAX).max(1);
        for url in &self.urls {
            match fetcher.get(url, share).await {
                Ok(answer) if answer.status.is_success() => {
                    let text = String::from_utf8_lossy(&answer.body);
                    if let Ok(address) = text.trim().parse() {
                        return Some(address);
                    }
                    tracing::debug!(%url, "the answer is no address");
                }
                Ok(answer) => tracing::debug!(%url, status = %answer.status, "no address"),
                Err(error) => tracing::debug!(%error, "no address"),
            }
        }
        None
    }
}

//! How many requests one address may send.
//!
//! The generic cell rate algorithm (ITU-T I.371): one number an address, the time at which everything that it has
//! sent so far would have been due. The table is bounded; addresses that find no room share one entry.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use tokio::time::Instant;

use crate::config::Limits;
use crate::failure::Failure;

/// Addresses that are remembered at the same time.
const MAX_ADDRESSES: usize = 4096;
/// Attempts to log in that may come at once.
const LOGIN_BURST: u32 = 10;

/// All rates of the gateway.
#[derive(Debug)]
pub(crate) struct Rates {
    requests: Option<Rate>,
    logins: Option<Rate>,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        let second = Duration::from_secs(1);
        let minute = Duration::from_mins(1);
        Self {
            requests: Rate::new(limits.requests_per_second, second, limits.burst),
            logins: Rate::new(limits.logins_per_minute, minute, LOGIN_BURST),
        }
    }

    /// Counts one request, or refuses it with 429 and the time after which the next one is welcome. Loopback is not
    /// counted: it is this board, or a proxy on it that should be listed in `trusted_proxies`.
    pub(crate) fn admit(&self, address: IpAddr, method: &Method, path: &str) -> Result<(), Failure> {
        if address.is_loopback() {
            return Ok(());
        }
        let logins = self.logins.as_ref().filter(|_| is_login(method, path));
        for rate in [self.requests.as_ref(), logins].into_iter().flatten() {
            rate.admit(address, Instant::now())
                .map_err(|wait| Failure::too_many(whole_seconds(wait)))?;
        }
        Ok(())
    }
}

/// Where passwords are tried.
fn is_login(method: &Method, path: &str) -> bool {
    *method == Method::POST
        && matches!(
            path,
            "/api/auth/session/login" | "/api/auth/sessions/login" | "/control/login" | "/.pistack/login"
        )
}

/// Rounded up: a client that comes back then is let in.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// One rate for all addresses.
#[derive(Debug)]
struct Rate {
    start: Instant,
    /// Time between two requests at the allowed rate.
    interval: Duration,
    /// How far the due time may run ahead of the present.
    tolerance: Duration,
    due: Mutex<HashMap<IpAddr, Duration>>,
}

impl Rate {
    /// `None` without a limit.
    fn new(count: u32, per: Duration, burst: u32) -> Option<Self> {
        let interval = per.checked_div(count)?;
        Some(Self {
            start: Instant::now(),
            interval,
            tolerance: interval * burst.max(1).saturating_sub(1),
            due: Mutex::default(),
        })
    }

    /// `Err` says how long to wait.
    fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let now = now.saturating_duration_since(self.start);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = network(address);
        if due.len() >= MAX_ADDRESSES && !due.contains_key(&key) {
            due.retain(|_, due| *due > now);
            due.shrink_to(MAX_ADDRESSES / 4);
            if due.len() >= MAX_ADDRESSES {
                key = OVERFLOW;
            }
        }
        let slot = due.entry(key).or_default();
        let ahead = slot.saturating_sub(now);
        if let Some(wait) = ahead.checked_sub(self.tolerance)
            && !wait.is_zero()
        {
            return Err(wait);
        }
        *slot = (*slot).max(now) + self.interval;
        Ok(())
    }
}

/// Stands for all addresses that find no room: the unspecified address is nobody's.
const OVERFLOW: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// What counts as one address: a host has 2^64 of version 6 to choose from (RFC 4291 section 2.5.1).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let rate = Rate::new(10, Duration::from_secs(1), 3).unwrap();
        let (now, phone) = (rate.start, ip("192.168.1.5"));
        for _ in 0..3 {
            rate.admit(phone, now).unwrap();
        }
        assert_eq!(rate.admit(phone, now), Err(Duration::from_millis(100)));
        assert_eq!(rate.admit(ip("192.168.1.6"), now), Ok(()), "another address");
        let later = now + Duration::from_millis(100);
        assert_eq!(rate.admit(phone, later), Ok(()));
        assert!(rate.admit(phone, later).is_err(), "one interval is one request");
        let rested = now + Duration::from_secs(9);
        assert_eq!((0..9).filter(|_| rate.admit(phone, rested).is_ok()).count(), 3);
    }

    #[test]
    fn one_hosts_addresses_of_version_6_count_as_one() {
        let rate = Rate::new(1, Duration::from_secs(1), 1).unwrap();
        rate.admit(ip("2001:db8::1"), rate.start).unwrap();
        assert!(rate.admit(ip("2001:db8::2"), rate.start).is_err());
        assert!(rate.admit(ip("2001:db8:0:1::1"), rate.start).is_ok());
    }

    #[test]
    fn the_table_is_bounded_and_forgets() {
        let rate = Rate::new(1, Duration::from_secs(1), 1).unwrap();
        let many = |now| {
            (0..MAX_ADDRESSES as u32 * 2)
                .filter(|&bits| {
                    rate.admit(std::net::Ipv4Addr::from_bits(bits + 1).into(), now)
                        .is_ok()
                })
                .count()
        };
        assert_eq!(
            many(rate.start),
            MAX_ADDRESSES + 1,
            "those without room share one entry"
        );
        assert!(rate.due.lock().unwrap().len() <= MAX_ADDRESSES + 1);
        assert_eq!(many(rate.start + Duration::from_mins(1)), MAX_ADDRESSES + 1);
    }

    #[test]
    fn zero_is_no_limit_and_this_board_is_not_counted() {
        assert!(Rate::new(0, Duration::from_secs(1), 5).is_none());
        let strict = Limits {
            requests_per_second: 1,
            burst: 1,
            ..Limits::default()
        };
        let rates = Rates::new(&strict);
        for _ in 0..5 {
            assert!(rates.admit(ip("127.0.0.1"), &Method::GET, "/").is_ok());
        }
        assert!(rates.admit(ip("10.0.0.1"), &Method::GET, "/").is_ok());
        assert!(rates.admit(ip("10.0.0.1"), &Method::GET, "/").is_err());
    }

    #[test]
    fn logins_have_a_rate_of_their_own() {
        let rates = Rates::new(&Limits::default());
        let tries = (0..20).filter(|_| {
            rates
                .admit(ip("10.0.0.1"), &Method::POST, "/api/auth/session/login")
                .is_ok()
        });
        assert_eq!(tries.count(), LOGIN_BURST as usize);
        assert!(
            rates
                .admit(ip("10.0.0.1"), &Method::GET, "/api/auth/session/login")
                .is_ok()
        );
        assert!(
            rates
                .admit(ip("10.0.0.1"), &Method::POST, "/api/auth/session/refresh")
                .is_ok()
        );
    }
}

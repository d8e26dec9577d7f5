//! Slows guessing down: a growing pause per account and per address, before anything is hashed.
//!
//! Pauses are short and end by themselves; nothing is ever locked for good, and the console does not pass
//! through here. All of it is in monotonic time, so that a clock that is set has no effect.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;

use crate::error::Error;

/// Pauses after the first failure too many, the second, ...; the last one stays.
const LADDER: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(5),
    Duration::from_secs(10),
];
/// Failures after which nothing is remembered if nothing more happens.
const MEMORY: Duration = Duration::from_mins(15);
/// Keys remembered at once; about 100 bytes each.
const CAPACITY: usize = 4096;
/// Longest part of a name that is looked at, so that keys are of bounded size. Real names are shorter.
const NAME_LENGTH: usize = 64;

/// Who is slowed down.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// Guesses at one account, by folded name, whether it exists or not.
    Account(String),
    /// Guesses from one address (IPv6: one /64), at any account.
    Address(IpAddr),
    /// Guesses at the setup code, from one address or from this machine.
    Setup(Option<IpAddr>),
}

impl Key {
    /// The keys of one login attempt. This machine's own address is never slowed down as such: behind it may
    /// be a proxy, and so everybody.
    pub(crate) fn login(name: &str, address: Option<IpAddr>) -> Vec<Self> {
        let folded = name.to_lowercase().chars().take(NAME_LENGTH).collect();
        let address = address
            .filter(|address| !address.is_loopback())
            .map(network)
            .map(Self::Address);
        std::iter::once(Self::Account(folded)).chain(address).collect()
    }

    /// Failures that cost nothing yet.
    const fn free(&self) -> u32 {
        match self {
            Self::Account(_) | Self::Setup(_) => 2,
            Self::Address(_) => 9,
        }
    }
}

/// The address, or for IPv6 the network of 64 bits that one household or machine has to itself.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    failures: u32,
    until: Duration,
    last: Duration,
}

/// The memory of failures.
#[derive(Debug)]
pub(crate) struct Throttle {
    clock: Clock,
    entries: Mutex<HashMap<Key, Entry>>,
}

impl Throttle {
    /// Remembers nothing yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            entries: Mutex::default(),
        }
    }

    /// [`Error::Throttled`] with the rest of the longest pause, if any of `keys` has to wait.
    pub(crate) fn check(&self, keys: &[Key]) -> Result<(), Error> {
        let now = self.clock.monotonic();
        let entries = self.entries();
        let until = keys
            .iter()
            .filter_map(|key| entries.get(key))
            .map(|entry| entry.until)
            .max();
        match until
            .and_then(|until| until.checked_sub(now))
            .filter(|rest| !rest.is_zero())
        {
            Some(rest) => Err(Error::Throttled(rest)),
            None => Ok(()),
        }
    }

    /// Counts one failure. True when it began the first pause of one of the keys.
    pub(crate) fn failed(&self, keys: &[Key]) -> bool {
        let now = self.clock.monotonic();
        let mut entries = self.entries();
        let mut first = false;
        for key in keys {
            make_room(&mut entries, key, now);
            let entry = entries.entry(key.clone()).or_insert(Entry {
                failures: 0,
                until: now,
                last: now,
            });
            if now.saturating_sub(entry.last) > MEMORY {
                entry.failures = 0;
            }
            entry.failures = entry.failures.saturating_add(1);
            entry.last = now;
            if let Some(step) = entry.failures.checked_sub(key.free() + 1) {
                entry.until = now + LADDER[(step as usize).min(LADDER.len() - 1)];
                first |= step == 0;
            }
        }
        first
    }

    /// Forgets an account's failures after a good password. Addresses are not forgotten: somebody with an
    /// account of his own could go on guessing at others.
    pub(crate) fn succeeded(&self, keys: &[Key]) {
        let mut entries = self.entries();
        for key in keys.iter().filter(|key| !matches!(key, Key::Address(_))) {
            entries.remove(key);
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        // A panic elsewhere cannot leave a half-written entry: each is written in one step.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the map within its bound: forgets the stale ones, and else the one that failed longest ago.
fn make_room(entries: &mut HashMap<Key, Entry>, key: &Key, now: Duration) {
    if entries.len() < CAPACITY || entries.contains_key(key) {
        return;
    }
    entries.retain(|_, entry| now.saturating_sub(entry.last) <= MEMORY);
    if entries.len() >= CAPACITY {
        let oldest = entries
            .iter()
            .min_by_key(|(_, entry)| entry.last)
            .map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(throttle: &Throttle, keys: &[Key]) -> u64 {
        match throttle.check(keys) {
            Ok(()) => 0,
            Err(Error::Throttled(wait)) => wait.as_secs(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_ladder_begins_at_the_third_failure() {
        let clock = Clock::manual(1000);
        let throttle = Throttle::new(clock.clone());
        let keys = Key::login("Root", None);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            throttle.failed(&keys);
            pauses.push(wait(&throttle, &keys));
            clock.advance(Duration::from_secs(10));
        }
        assert_eq!(pauses, [0, 0, 1, 3, 5, 10, 10, 10]);
        assert_eq!(wait(&throttle, &keys), 0);
    }

    #[test]
    fn case_does_not_help_and_others_do_not_suffer() {
        let throttle = Throttle::new(Clock::manual(1000));
        for name in ["root", "ROOT", "rOOt"] {
            throttle.failed(&Key::login(name, None));
        }
        assert_eq!(wait(&throttle, &Key::login("Root", None)), 1);
        assert_eq!(wait(&throttle, &Key::login("anna", None)), 0);
    }

    #[test]
    fn success_forgets_the_account_but_not_the_address() {
        let address = Some("192.0.2.7".parse().unwrap());
        let throttle = Throttle::new(Clock::manual(1000));
        for index in 0..10 {
            throttle.failed(&Key::login(&format!("u{index}"), address));
        }
        throttle.succeeded(&Key::login("mine", address));
        assert_eq!(wait(&throttle, &Key::login("victim", address)), 1);
        assert_eq!(wait(&throttle, &Key::login("victim", None)), 0);
    }

    #[test]
    fn this_machine_is_not_an_address() {
        let throttle = Throttle::new(Clock::manual(1000));
        let address = Some("127.0.0.1".parse().unwrap());
        for index in 0..50 {
            throttle.failed(&Key::login(&format!("u{index}"), address));
        }
        assert_eq!(wait(&throttle, &Key::login("other", address)), 0);
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let throttle = Throttle::new(Clock::manual(1000));
        for index in 0..10 {
            let address = format!("2001:db8:1:2::{index}").parse().ok();
            throttle.failed(&Key::login(&format!("u{index}"), address));
        }
        assert_eq!(
            wait(
                &throttle,
                &Key::login("root", "2001:db8:1:2:ffff::1".parse().ok())
            ),
            1
        );
        assert_eq!(
            wait(&throttle, &Key::login("root", "2001:db8:1:3::1".parse().ok())),
            0
        );
    }

    #[test]
    fn a_quarter_of_an_hour_of_peace_is_enough() {
        let clock = Clock::manual(1000);
        let throttle = Throttle::new(clock.clone());
        let keys = Key::login("root", None);
        for _ in 0..5 {
            throttle.failed(&keys);
        }
        clock.advance(MEMORY + Duration::from_secs(1));
        throttle.failed(&keys);
        assert_eq!(wait(&throttle, &keys), 0);
    }

    #[test]
    fn memory_is_bounded_in_entries_and_in_their_size() {
        let throttle = Throttle::new(Clock::manual(1000));
        for index in 0..CAPACITY + 100 {
            throttle.failed(&Key::login(&format!("{index}{}", "x".repeat(1000)), None));
        }
        let entries = throttle.entries();
        assert_eq!(entries.len(), CAPACITY);
        assert!(
            entries
                .keys()
                .all(|key| matches!(key, Key::Account(name) if name.chars().count() <= 64))
        );
    }
}

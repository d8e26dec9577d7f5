//! Slows guessing down, before anything is hashed: a growing pause per account, a bucket per address.
//!
//! Pauses end by themselves; nothing is ever locked for good, the console does not pass through here, and a device
//! that logged in before has a ladder of its own, so that the guesses of others do not keep it out. All of it is in
//! monotonic time, so that a clock that is set has no effect.

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
/// Failures of one account within a day after which the pause is [`LONG`].
const PER_DAY: u32 = 100;
const DAY: Duration = Duration::from_hours(24);
const LONG: Duration = Duration::from_mins(15);
/// Failures that one address has at once, and how long one takes to come back.
const BURST: u32 = 10;
const REFILL: Duration = Duration::from_secs(6);
/// Time after which nothing is remembered if nothing more happens.
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
    /// Guesses from a device that logged in before, by the hash of its token.
    Device(String),
    /// Guesses at the setup code, from one address or from this machine.
    Setup(Option<IpAddr>),
}

impl Key {
    /// The keys of one login attempt. This machine's own address is never slowed down as such: behind it may
    /// be a proxy, and so everybody.
    pub(crate) fn login(name: &str, address: Option<IpAddr>) -> Vec<Self> {
        let address = address
            .filter(|address| !address.is_loopback())
            .map(network)
            .map(Self::Address);
        std::iter::once(Self::account(name)).chain(address).collect()
    }

    /// The key of an account.
    fn account(name: &str) -> Self {
        Self::Account(name.to_lowercase().chars().take(NAME_LENGTH).collect())
    }
}

/// The address, or for IPv6 the network of 64 bits that one household or machine has to itself.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// Failures that cost nothing yet.
const FREE: u32 = 2;

#[derive(Debug, Clone, Copy)]
struct Entry {
    failures: u32,
    until: Duration,
    last: Duration,
    /// When the bucket is full again (addresses).
    full_at: Duration,
    /// Failures since `day` began (accounts).
    in_day: u32,
    day: Duration,
}

impl Entry {
    const fn new(now: Duration) -> Self {
        Self {
            failures: 0,
            until: now,
            last: now,
            full_at: now,
            in_day: 0,
            day: now,
        }
    }

    /// Counts a failure on the ladder. True when it began the first pause.
    fn climb(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.last) > MEMORY {
            self.failures = 0;
        }
        if now.saturating_sub(self.day) > DAY {
            (self.in_day, self.day) = (0, now);
        }
        self.failures = self.failures.saturating_add(1);
        self.in_day = self.in_day.saturating_add(1);
        let Some(step) = self.failures.checked_sub(FREE + 1) else {
            return false;
        };
        let pause = if self.in_day > PER_DAY {
            LONG
        } else {
            LADDER[(step as usize).min(LADDER.len() - 1)]
        };
        self.until = now + pause;
        step == 0
    }

    /// Takes one from the bucket. True when it was the last.
    fn drain(&mut self, now: Duration) -> bool {
        let was_open = self.until <= now;
        self.full_at = self.full_at.max(now) + REFILL;
        self.until = self.full_at.saturating_sub(REFILL * (BURST - 1));
        was_open && self.until > now
    }
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
            let entry = entries.entry(key.clone()).or_insert(Entry::new(now));
            first |= match key {
                Key::Address(_) => entry.drain(now),
                Key::Account(_) | Key::Device(_) | Key::Setup(_) => entry.climb(now),
            };
            entry.last = now;
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

    /// Forgets an account's failures, for the console.
    pub(crate) fn unlock(&self, name: &str) {
        self.entries().remove(&Key::account(name));
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
    fn an_address_has_ten_at_once_and_one_more_every_six_seconds() {
        let clock = Clock::manual(1000);
        let throttle = Throttle::new(clock.clone());
        let keys = [Key::Address("192.0.2.7".parse().unwrap())];
        for _ in 0..10 {
            assert_eq!(wait(&throttle, &keys), 0);
            throttle.failed(&keys);
        }
        let mut taken = 0;
        for _ in 0..60 {
            clock.advance(Duration::from_secs(1));
            if wait(&throttle, &keys) == 0 {
                throttle.failed(&keys);
                taken += 1;
            }
        }
        assert_eq!(taken, 10, "one in six seconds");
        clock.advance(Duration::from_mins(1));
        for _ in 0..10 {
            assert_eq!(wait(&throttle, &keys), 0);
            throttle.failed(&keys);
        }
        assert!(wait(&throttle, &keys) > 0);
    }

    #[test]
    fn a_hundred_failures_a_day_make_the_pause_long_and_the_console_ends_it() {
        let clock = Clock::manual(1000);
        let throttle = Throttle::new(clock.clone());
        let (keys, device) = (Key::login("root", None), [Key::Device("d".to_owned())]);
        for _ in 0..100 {
            throttle.failed(&keys);
            assert!(wait(&throttle, &keys) <= 10);
            clock.advance(Duration::from_secs(10));
        }
        throttle.failed(&keys);
        assert_eq!(wait(&throttle, &keys), 900);
        assert_eq!(wait(&throttle, &device), 0, "a known device is not kept out");
        throttle.unlock("ROOT");
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
        assert_eq!(wait(&throttle, &Key::login("victim", address)), 6);
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
            6
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

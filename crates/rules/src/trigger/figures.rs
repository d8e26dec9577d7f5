//! Figures of the board, asked from the info service while a rule wants them, and the conditions that follow from
//! them: a disk that is nearly full or read-only, a supply that is too weak.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use pistack_api::event::Event;
use pistack_api::service::Service;
use pistack_kit::client::Client;
use serde::Deserialize;

use super::Follower;
use crate::decide::event::{self, METRIC, STACK};

/// How often the board is asked.
const EVERY: Duration = Duration::from_secs(5);
/// The info service answers at once or not at all.
const DEADLINE: Duration = Duration::from_secs(5);
/// A disk with less free is nearly full, in per cent.
const DISK_LOW: f64 = 5.0;
/// It is well again with so much free.
const DISK_WELL: f64 = 7.0;

/// What the info service says (`GET /internal/figures`). What a board does not have is absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Answer {
    temperature: Option<f64>,
    memory: Option<f64>,
    disk: Option<f64>,
    disk_read_only: Option<bool>,
    load: Option<f64>,
    uptime: Option<f64>,
    /// Busy and all ticks of all processors since the start.
    cpu_ticks: Option<(u64, u64)>,
    /// The firmware's bits.
    throttled: Option<u32>,
}

/// Asks now and then, until nobody listens any more.
pub(super) async fn follow(follower: Follower, metrics: BTreeSet<String>, conditions: bool) {
    let info = Client::unix(follower.paths.service_socket(Service::Info));
    let mut board = Board::default();
    let mut told = false;
    loop {
        match ask(&info).await {
            Ok(answer) => {
                told = false;
                let at = follower.clock.unix();
                let mut events = board.readings(at, &answer, &metrics);
                if conditions {
                    events.extend(board.conditions(at, &answer));
                }
                for event in events {
                    if follower.events.send(event).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) if !told => {
                tracing::warn!(
                    "rules wait for figures of the board, and the info service does not give any: {error}"
                );
                told = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn ask(info: &Client) -> Result<Answer, String> {
    let request = http::Request::get("/internal/figures")
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    let answer = info
        .send(request, DEADLINE)
        .await
        .map_err(|error| error.to_string())?;
    if !answer.status().is_success() {
        return Err(format!("it answered {}", answer.status()));
    }
    serde_json::from_slice(answer.body()).map_err(|error| error.to_string())
}

/// What the last answer was.
#[derive(Debug, Default)]
struct Board {
    ticks: Option<(u64, u64)>,
    /// The conditions that hold.
    holding: BTreeMap<&'static str, bool>,
}

impl Board {
    fn readings(&mut self, at: i64, answer: &Answer, metrics: &BTreeSet<String>) -> Vec<Event> {
        let cpu = self.cpu(answer.cpu_ticks);
        [
            ("temperature", answer.temperature),
            ("cpu", cpu),
            ("memory", answer.memory),
            ("disk", answer.disk),
            ("load", answer.load),
            ("uptime", answer.uptime),
        ]
        .into_iter()
        .filter(|(name, _)| metrics.contains(*name))
        .filter_map(|(name, value)| {
            let value = format!("{:.1}", value?);
            Some(event::make(METRIC, at, &[("metric", name), ("value", &value)]))
        })
        .collect()
    }

    /// Per cent since the last answer.
    fn cpu(&mut self, ticks: Option<(u64, u64)>) -> Option<f64> {
        let (busy, all) = ticks?;
        let before = self.ticks.replace((busy, all));
        let (busy_before, all_before) = before?;
        let all = all.checked_sub(all_before).filter(|all| *all > 0)?;
        Some(busy.saturating_sub(busy_before) as f64 * 100.0 / all as f64)
    }

    /// Conditions that began or ended with this answer.
    fn conditions(&mut self, at: i64, answer: &Answer) -> Vec<Event> {
        let free = answer.disk.map(|used| 100.0 - used);
        let was_low = self.holding.get("disk.low").copied().unwrap_or(false);
        let low = free.map(|free| free < if was_low { DISK_WELL } else { DISK_LOW });
        // vcgencmd get_throttled: bit 0 under-voltage, bit 1 frequency capped, bit 2 throttled, all of them now.
        let bit = |number: u32| answer.throttled.map(|bits| bits & (1 << number) != 0);
        let throttled = bit(1).zip(bit(2)).map(|(capped, throttled)| capped || throttled);
        let found = [
            (
                "disk.low",
                low,
                "The disk is nearly full",
                "The disk has room again",
            ),
            (
                "disk.readonly",
                answer.disk_read_only,
                "The disk can only be read",
                "The disk can be written again",
            ),
            (
                "power.undervoltage",
                bit(0),
                "The supply voltage is too low",
                "The supply voltage is fine again",
            ),
            (
                "power.throttled",
                throttled,
                "The processor is slowed down",
                "The processor runs at full speed again",
            ),
        ];
        found
            .into_iter()
            .filter_map(|(kind, holds, began, ended)| {
                let holds = holds?;
                let before = self.holding.insert(kind, holds).unwrap_or(false);
                let summary = if holds { began } else { ended };
                (holds != before).then(|| {
                    let resolved = if holds { "false" } else { "true" };
                    let fields = [
                        ("kind", kind),
                        ("summary", summary),
                        ("lasting", "true"),
                        ("resolved", resolved),
                    ];
                    event::make(STACK, at, &fields)
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(events: &[Event]) -> Vec<(&str, &str)> {
        events
            .iter()
            .map(|event| (event.field("kind").unwrap(), event.field("resolved").unwrap()))
            .collect()
    }

    #[test]
    fn conditions_begin_and_end_once() {
        let mut board = Board::default();
        let mut step = |disk: f64, throttled: u32| {
            let answer = Answer {
                disk: Some(disk),
                throttled: Some(throttled),
                ..Answer::default()
            };
            kinds(&board.conditions(0, &answer))
                .into_iter()
                .map(|(kind, over)| format!("{kind} {over}"))
                .collect::<Vec<_>>()
        };
        assert!(step(50.0, 0).is_empty());
        assert_eq!(
            step(96.0, 0x50005),
            [
                "disk.low false",
                "power.undervoltage false",
                "power.throttled false"
            ]
        );
        assert!(step(94.0, 0x50005).is_empty());
        // What the firmware remembers from before (bits 16 and up) is not now.
        assert_eq!(
            step(92.0, 0x50000),
            ["disk.low true", "power.undervoltage true", "power.throttled true"]
        );
    }

    #[test]
    fn processor_load_is_since_the_last_answer() {
        let mut board = Board::default();
        let metrics = BTreeSet::from(["cpu".to_owned(), "temperature".to_owned()]);
        let mut step = |busy, all| {
            let answer = Answer {
                cpu_ticks: Some((busy, all)),
                temperature: Some(61.54),
                memory: Some(10.0),
                ..Answer::default()
            };
            board
                .readings(0, &answer, &metrics)
                .iter()
                .map(|event| {
                    format!(
                        "{} {}",
                        event.field("metric").unwrap(),
                        event.field("value").unwrap()
                    )
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(step(100, 1000), ["temperature 61.5"]);
        assert_eq!(step(150, 1100), ["temperature 61.5", "cpu 50.0"]);
        // The counters started anew.
        assert_eq!(step(10, 20), ["temperature 61.5"]);
    }
}

//! The access log: one line a request, in memory. Nothing of it is written to the card; who wants to keep it reads it
//! from the gateway's socket. The values in a query are not kept: they may be secrets.

mod line;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::HeaderValue;
use http::{Method, Uri, Version};
use pistack_kit::clock::Clock;
use tokio::time::Instant;

use crate::config::AccessLog;
use crate::metrics::RouteStats;
use crate::request_id::RequestId;

/// Longest path that is kept.
const MAX_PATH: usize = 512;

/// The newest requests.
#[derive(Debug)]
pub(crate) struct Log {
    form: AccessLog,
    room: usize,
    clock: Clock,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Entry>,
    /// Of the newest entry; the first one is 1.
    serial: u64,
}

/// One request whose answer is through.
#[derive(Debug)]
struct Entry {
    serial: u64,
    /// When the answer was through, since 1970.
    at: Duration,
    took: Duration,
    client: HeaderValue,
    user: Option<HeaderValue>,
    method: Method,
    /// With the query's keys, without its values.
    path: String,
    version: Version,
    status: u16,
    bytes: u64,
    route: Arc<RouteStats>,
    id: RequestId,
}

impl Log {
    pub(crate) fn new(form: AccessLog, room: usize, clock: Clock) -> Arc<Self> {
        let room = if form == AccessLog::Off { 0 } else { room };
        Arc::new(Self {
            form,
            room,
            clock,
            ring: Mutex::default(),
        })
    }

    fn keep(&self, record: &mut Record, took: Duration) {
        if self.room == 0 {
            return;
        }
        let at = self.clock.wall();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        // The oldest line's room is used again.
        let mut path = if ring.entries.len() >= self.room {
            ring.entries.pop_front().map(|old| old.path).unwrap_or_default()
        } else {
            String::new()
        };
        path.clear();
        redacted(&record.uri, &mut path);
        ring.serial += 1;
        let entry = Entry {
            serial: ring.serial,
            at,
            took,
            client: record.client.clone(),
            user: record.user.take(),
            method: record.method.clone(),
            path,
            version: record.version,
            status: record.status,
            bytes: record.bytes,
            route: record.stats.clone(),
            id: record.id,
        };
        ring.entries.push_back(entry);
    }

    /// The newest `count` lines after `after`, and the number of the newest one. `form`: other than configured.
    pub(crate) fn lines(&self, after: u64, count: usize, form: Option<AccessLog>) -> (Vec<String>, u64) {
        let form = form.unwrap_or(self.form);
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = ring.entries.iter().filter(|entry| entry.serial > after).count();
        let skip = ring.entries.len() - newer.min(count);
        let lines = ring.entries.iter().skip(skip);
        let lines = lines.map(|entry| match form {
            AccessLog::Json => entry.json(),
            AccessLog::Common | AccessLog::Off => entry.common(),
        });
        (lines.collect(), ring.serial)
    }
}

/// One request under way. Counted and logged when dropped, which is when the answer's body is through or given up.
#[derive(Debug)]
pub(crate) struct Record {
    log: Arc<Log>,
    began: Instant,
    pub(crate) stats: Arc<RouteStats>,
    pub(crate) client: HeaderValue,
    pub(crate) user: Option<HeaderValue>,
    method: Method,
    uri: Uri,
    version: Version,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    id: RequestId,
}

impl Record {
    pub(crate) fn new<B>(
        log: &Arc<Log>,
        stats: &Arc<RouteStats>,
        client: &HeaderValue,
        id: RequestId,
        request: &http::Request<B>,
    ) -> Box<Self> {
        Box::new(Self {
            log: log.clone(),
            began: Instant::now(),
            stats: stats.clone(),
            client: client.clone(),
            user: None,
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            status: 499, // given up before there was an answer
            bytes: 0,
            id,
        })
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.stats.count(self.status, took, self.bytes);
        let log = self.log.clone();
        log.keep(self, took);
    }
}

/// The path, and of the query its keys.
fn redacted(uri: &Uri, into: &mut String) {
    let path = uri.path();
    into.push_str(path.get(..path.len().min(MAX_PATH)).unwrap_or_default());
    let Some(query) = uri.query() else { return };
    for (index, pair) in query.split('&').enumerate() {
        into.push(if index == 0 { '?' } else { '&' });
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if into.len() + key.len() > MAX_PATH {
            into.push('…');
            return;
        }
        into.push_str(key);
        if !value.is_empty() {
            into.push_str("=***");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(room: usize) -> Arc<Log> {
        Log::new(AccessLog::Common, room, Clock::manual(1_795_449_600))
    }

    fn request(log: &Arc<Log>, uri: &str) {
        let request = http::Request::get(uri).body(()).unwrap();
        let stats = Arc::new(RouteStats::new("camera"));
        let value = |text: &'static str| HeaderValue::from_static(text);
        let mut record = Record::new(log, &stats, &value("10.0.0.7"), RequestId(0xff), &request);
        record.status = 200;
        record.bytes = 12;
        record.user = Some(value("ada"));
    }

    #[test]
    fn values_of_a_query_are_not_kept() {
        let log = log(8);
        request(&log, "/x/y?token=secret&page=2&flag&empty=");
        let (lines, newest) = log.lines(0, 10, None);
        assert_eq!(newest, 1);
        assert_eq!(
            lines,
            [
                "10.0.0.7 - ada [23/Nov/2026:16:00:00 +0000] \"GET /x/y?token=***&page=***&flag&empty HTTP/1.1\" 200 12"
            ]
        );
        let (json, _) = log.lines(0, 10, Some(AccessLog::Json));
        let line: serde_json::Value = serde_json::from_str(&json[0]).unwrap();
        assert_eq!(line["path"], "/x/y?token=***&page=***&flag&empty");
        assert_eq!((&line["route"], &line["status"]), (&"camera".into(), &200.into()));
        assert_eq!(
            (&line["id"], &line["user"]),
            (&"00000000000000ff".into(), &"ada".into())
        );
        assert!(!json[0].contains("secret"));
    }

    #[test]
    fn the_newest_lines_are_kept_and_paths_are_bounded() {
        let log = log(3);
        for index in 0..10 {
            request(&log, &format!("/{index}"));
        }
        let paths = |after, count| {
            let (lines, _) = log.lines(after, count, None);
            let path = |line: &String| line.split(' ').nth(6).unwrap().to_owned();
            lines.iter().map(path).collect::<Vec<_>>()
        };
        assert_eq!(paths(0, 10), ["/7", "/8", "/9"]);
        assert_eq!(paths(9, 10), ["/9"]);
        assert_eq!(paths(10, 10), [""; 0]);
        assert_eq!(paths(0, 2), ["/8", "/9"]);
        request(&log, &format!("/{}?{}=1", "x".repeat(400), "y".repeat(400)));
        let (lines, _) = log.lines(10, 1, None);
        assert!(lines[0].len() < 600, "{}", lines[0].len());
    }

    #[test]
    fn off_keeps_nothing_and_counts_all_the_same() {
        let log = Log::new(AccessLog::Off, 10, Clock::manual(0));
        request(&log, "/");
        assert_eq!(log.lines(0, 10, None), (Vec::new(), 0));
    }
}

//! What happened on the board, kept in a file: state changes of programs, events of the stack, edges, configurations
//! taken over. One JSON object a line in `logs/events.jsonl`; at 1 MB it becomes `events.jsonl.1`, so that about the
//! last ten thousand events are there.
//!
//! Nobody waits for it. Lines are gathered and written together, grave ones within a second, others within a minute:
//! a memory card is not worn out by a log.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_api::event::Event;
use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Notify;
use utoipa::{IntoParams, ToSchema};

use crate::channel::message::one_line;
use crate::decide::event::{self, GPIO_EDGE, STACK, WEBHOOK};

/// A file has so many bytes at most.
const LARGEST: u64 = 1 << 20;
/// So many bytes wait in memory at most; what comes then is counted, not kept.
const MOST_WAITING: usize = 64 * 1024;
/// Events about one thing that are kept within a minute: a crash loop must not push everything else out.
const IN_A_ROW: u32 = 30;
/// After so long they are counted anew.
const ROW: Duration = Duration::from_mins(1);
/// Things that are told apart.
const MOST_THINGS: usize = 1000;
/// Longest text of one field, in characters.
const LONGEST: usize = 500;
/// How long grave lines wait for others.
const SOON: Duration = Duration::from_secs(1);
/// How long all others wait.
const LATER: Duration = Duration::from_mins(1);
/// Entries of one answer, unless asked for fewer, and at most.
const PAGE: usize = 200;
const LARGEST_PAGE: usize = 5000;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Its number; grows.
    pub id: u64,
    /// When, in seconds since 1970.
    pub at: i64,
    /// What: an event type of the supervisor, `STACK`, `GPIO_EDGE` or `WEBHOOK`.
    #[schema(example = "PROCESS_STATE_EXITED")]
    pub name: String,
    /// Its particulars: `processname`, `expected`, `kind`, `summary`, ...
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
    /// So many events about the same before this one were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EntryQuery {
    /// Only entries with a lower number: the last one of the page before.
    pub before: Option<u64>,
    /// Only entries whose name fits one of these, separated by commas; `*` at the end stands for anything.
    #[param(example = "PROCESS_STATE_*")]
    pub names: Option<String>,
    /// Only entries of this time and later, in seconds since 1970.
    pub from: Option<i64>,
    /// Only entries of this time and earlier, in seconds since 1970.
    pub to: Option<i64>,
    /// So many at most, 5000 at the utmost. Default: 200.
    pub limit: Option<usize>,
}

/// The record. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Chronicle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    clock: Clock,
    state: Mutex<State>,
    bell: Notify,
    hurry: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the newest entry; `None` until the file was looked at.
    last: Option<u64>,
    waiting: String,
    grave: bool,
    /// By thing: since when, and how many.
    rows: HashMap<String, (Duration, u32)>,
}

impl Chronicle {
    /// The record in `path`. Nothing is opened yet.
    pub fn new(path: PathBuf, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            path,
            clock,
            state: Mutex::default(),
            bell: Notify::new(),
            hurry: Notify::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event in, if it is one that people look back at. Never waits.
    pub fn note(&self, event: &Event) {
        if !is_kept(&event.name) {
            return;
        }
        let mut state = self.state();
        let Some(left_out) = state.count(self.0.clock.monotonic(), event) else {
            return;
        };
        let id = match state.last {
            Some(last) => last + 1,
            None => self.newest().unwrap_or(0) + 1,
        };
        state.last = Some(id);
        let fields = event
            .fields
            .iter()
            .map(|(key, value)| (key.clone(), short(value)));
        let entry = Entry {
            id,
            at: event.at,
            name: event.name.clone(),
            fields: fields.collect(),
            left_out,
        };
        let Ok(line) = serde_json::to_string(&entry) else {
            return;
        };
        if state.waiting.len() + line.len() > MOST_WAITING {
            return;
        }
        state.waiting.push_str(&line);
        state.waiting.push('\n');
        if is_grave(event) && !std::mem::replace(&mut state.grave, true) {
            self.0.hurry.notify_one();
        }
        self.0.bell.notify_one();
    }

    /// Notes something of the rules' own.
    pub fn tell(&self, kind: &str, summary: &str) {
        let now = self.0.clock.unix();
        self.note(&event::make(STACK, now, &[("kind", kind), ("summary", summary)]));
    }

    /// Writes what gathers, until the process stops.
    pub async fn run(self, lifecycle: Lifecycle) {
        while !lifecycle.is_stopping() {
            tokio::select! {
                () = self.0.bell.notified() => {}
                () = lifecycle.stopped() => break,
            }
            let patience = if self.state().grave { SOON } else { LATER };
            tokio::select! {
                () = tokio::time::sleep(patience) => {}
                () = self.0.hurry.notified() => tokio::select! {
                    () = tokio::time::sleep(SOON) => {}
                    () = lifecycle.stopped() => {}
                },
                () = lifecycle.stopped() => {}
            }
            self.write_down();
        }
        self.write_down();
    }

    /// Writes what has gathered. What a full disk does not take is tried again with what comes next.
    fn write_down(&self) {
        let mut state = self.state();
        if state.waiting.is_empty() {
            return;
        }
        state.grave = false;
        match self.append(state.waiting.as_bytes()) {
            Ok(()) => state.waiting.clear(),
            Err(error) => tracing::warn!(path = %self.0.path.display(), %error, "events could not be kept"),
        }
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let path = &self.0.path;
        let length = fs::metadata(path).map_or(0, |found| found.len());
        if length + bytes.len() as u64 > LARGEST && length > 0 {
            fs::rename(path, self.older())?;
        }
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)?;
        if file.seek(SeekFrom::End(-1)).is_ok() {
            let mut last = [0];
            file.read_exact(&mut last)?;
            // A line that a power cut tore must not spoil the next one.
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        file.write_all(bytes)
    }

    fn older(&self) -> PathBuf {
        let mut name = self.0.path.clone().into_os_string();
        name.push(".1");
        PathBuf::from(name)
    }

    /// Number of the newest entry on disk.
    fn newest(&self) -> Option<u64> {
        [self.0.path.clone(), self.older()].iter().find_map(|path| {
            let mut file = fs::File::open(path).ok()?;
            let length = file.metadata().ok()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(64 * 1024)))
                .ok()?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).ok()?;
            let text = String::from_utf8_lossy(&bytes);
            let ids = text.lines().rev().filter_map(read).map(|entry| entry.id);
            ids.max()
        })
    }

    /// Entries, newest first.
    pub fn entries(&self, query: &EntryQuery) -> Vec<Entry> {
        let limit = query.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
        let names: Vec<&str> = query
            .names
            .as_deref()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        let wanted = |entry: &Entry| {
            query.before.is_none_or(|before| entry.id < before)
                && query.from.is_none_or(|from| entry.at >= from)
                && query.to.is_none_or(|to| entry.at <= to)
                && (names.is_empty() || names.iter().any(|name| fits(name, &entry.name)))
        };
        let mut entries = Vec::new();
        let waiting = self.state().waiting.clone();
        let files = [self.0.path.clone(), self.older()];
        let texts = std::iter::once(waiting).chain(files.iter().map(|path| {
            let bytes = fs::read(path).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        }));
        for text in texts {
            let left = limit - entries.len();
            entries.extend(text.lines().rev().filter_map(read).filter(wanted).take(left));
            if entries.len() == limit {
                break;
            }
        }
        entries
    }
}

impl State {
    /// Counts an event about something; `None` if it is one too many, else how many were left out before it.
    fn count(&mut self, now: Duration, event: &Event) -> Option<u32> {
        let field = |key: &str| event.field(key).unwrap_or_default();
        let thing = format!(
            "{}:{}:{}{}",
            field("groupname"),
            field("processname"),
            field("kind"),
            field("line")
        );
        if self.rows.len() >= MOST_THINGS && !self.rows.contains_key(&thing) {
            self.rows.clear();
        }
        let (since, count) = self.rows.entry(thing).or_insert((now, 0));
        let mut left_out = 0;
        if now.saturating_sub(*since) >= ROW {
            left_out = count.saturating_sub(IN_A_ROW);
            (*since, *count) = (now, 0);
        }
        *count += 1;
        (*count <= IN_A_ROW).then_some(left_out)
    }
}

/// What people look back at.
fn is_kept(name: &str) -> bool {
    ["PROCESS_STATE_", "PROCESS_GROUP_", "SUPERVISOR_STATE_CHANGE"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || [STACK, GPIO_EDGE, WEBHOOK].contains(&name)
}

/// What must not be lost with the power.
fn is_grave(event: &Event) -> bool {
    match event.name.as_str() {
        "PROCESS_STATE_EXITED" => event.field("expected") != Some("1"),
        "PROCESS_STATE_FATAL" | STACK => true,
        name => name.starts_with("SUPERVISOR_STATE_CHANGE"),
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(name == pattern, |prefix| name.starts_with(prefix))
}

fn short(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(one_line(text, LONGEST)),
        Value::Array(_) | Value::Object(_) => Value::from(one_line(&value.to_string(), LONGEST)),
        other => other.clone(),
    }
}

/// A line that was cut off by a power failure is none.
fn read(line: &str) -> Option<Entry> {
    serde_json::from_str(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(name: &str, at: i64) -> Event {
        let fields = [("processname", name), ("groupname", name), ("expected", "0")];
        event::make("PROCESS_STATE_EXITED", at, &fields)
    }

    fn chronicle(folder: &std::path::Path) -> (Chronicle, Clock) {
        let clock = Clock::manual(1_700_000_000);
        (Chronicle::new(folder.join("events.jsonl"), clock.clone()), clock)
    }

    #[test]
    fn what_happened_is_there_after_a_restart_and_goes_on_counting() {
        let folder = tempfile::tempdir().unwrap();
        let (first, _) = chronicle(folder.path());
        first.note(&exited("cam", 10));
        first.note(&event::make("TICK_5", 11, &[]));
        first.tell("rules.reloaded", "read again");
        assert_eq!(
            first.entries(&EntryQuery::default()).len(),
            2,
            "before anything is written"
        );
        first.write_down();
        fs::write(
            folder.path().join("events.jsonl"),
            fs::read_to_string(folder.path().join("events.jsonl")).unwrap() + "{\"id\":9,\"at\":",
        )
        .unwrap();
        let (second, _) = chronicle(folder.path());
        second.note(&exited("mqtt", 12));
        second.write_down();
        let all = second.entries(&EntryQuery::default());
        let seen: Vec<_> = all.iter().map(|entry| (entry.id, entry.at)).collect();
        assert_eq!(seen[0], (3, 12));
        assert_eq!((seen.len(), seen[2]), (3, (1, 10)));
        let query = EntryQuery {
            names: Some("PROCESS_STATE_*".into()),
            before: Some(3),
            limit: Some(1),
            ..EntryQuery::default()
        };
        let page = second.entries(&query);
        assert_eq!((page.len(), page[0].id), (1, 1));
        let late = EntryQuery {
            from: Some(11),
            to: Some(12),
            ..EntryQuery::default()
        };
        assert!(second.entries(&late).iter().all(|entry| entry.at != 10));
    }

    #[test]
    fn a_crash_loop_leaves_room_for_others_and_the_files_stay_small() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, clock) = chronicle(folder.path());
        for at in 0..1000 {
            kept.note(&exited("cam", at));
        }
        kept.note(&exited("other", 5));
        clock.advance(ROW);
        kept.note(&exited("cam", 2000));
        let all = kept.entries(&EntryQuery::default());
        assert_eq!(all.len(), IN_A_ROW as usize + 2);
        assert_eq!(all[0].left_out, 1000 - IN_A_ROW);
        for round in 0..200 {
            clock.advance(ROW);
            for thing in 0..100 {
                kept.note(&exited(&format!("p{thing}-{}", "x".repeat(60)), round));
            }
            kept.write_down();
        }
        let length = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
        assert!(length("events.jsonl") <= LARGEST && length("events.jsonl.1") <= LARGEST);
        let query = EntryQuery {
            limit: Some(LARGEST_PAGE),
            ..EntryQuery::default()
        };
        let all = kept.entries(&query);
        assert_eq!(all.len(), LARGEST_PAGE);
        assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id));
    }

    #[tokio::test]
    async fn grave_events_are_on_disk_within_two_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, _) = chronicle(folder.path());
        let lifecycle = Lifecycle::new();
        let running = tokio::spawn(kept.clone().run(lifecycle.clone()));
        kept.note(&event::make(
            "PROCESS_STATE_RUNNING",
            1,
            &[("processname", "cam")],
        ));
        kept.note(&exited("cam", 2));
        let path = folder.path().join("events.jsonl");
        let lines = || fs::read_to_string(&path).map_or(0, |text| text.lines().count());
        let written = || async { (lines() == 2).then_some(()) };
        pistack_kit::testing::eventually("both lines", written).await;
        // What is not grave waits for company, or for the end.
        kept.note(&event::make(
            "PROCESS_STATE_STARTING",
            3,
            &[("processname", "cam")],
        ));
        assert_eq!(lines(), 2);
        lifecycle.stop();
        running.await.unwrap();
        assert_eq!(lines(), 3);
    }
}

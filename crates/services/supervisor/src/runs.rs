//! The runs of every process: when each began, how long it lasted and how it ended, as the events tell it. Bounded,
//! and kept in a file, so that a crash of last night is still there after an update.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pistack_api::event::{Event, process_state};
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::write_atomic;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use utoipa::ToSchema;

/// Runs kept of one process.
const RUNS: usize = 50;
/// Processes whose runs are kept; the one that was quiet for longest goes first.
const PROCESSES: usize = 300;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// At least so long between two writes of the file: a process that keeps crashing must not wear the card out.
const SAVE_EVERY: Duration = Duration::from_mins(1);

/// One run of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Run {
    /// Start, seconds since 1970.
    #[schema(example = 1_795_000_000)]
    pub(crate) start: i64,
    /// Its process; absent where it ended before it counted as running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<i64>,
    /// End, seconds since 1970; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<i64>,
    /// The state that it reached: `STARTING`, `RUNNING`, `STOPPING`, `EXITED`, `STOPPED` (by request), `BACKOFF`
    /// (ended too soon after its start), `FATAL` (given up), or `LOST` where its end was not seen.
    #[schema(example = "EXITED")]
    pub(crate) state: String,
    /// Its exit code, where it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exitstatus: Option<i64>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signal: Option<i64>,
    /// Whether its configuration expects this exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<bool>,
    /// Attempts before this one that failed.
    #[serde(default)]
    pub(crate) tries: i64,
}

/// Something that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Act {
    /// When, seconds since 1970.
    #[schema(example = 1_795_000_000)]
    pub(crate) at: i64,
    /// `start`, `stop` or `restart`.
    #[schema(example = "restart")]
    pub(crate) what: String,
    /// The person's name.
    #[schema(example = "anna")]
    pub(crate) by: String,
}

/// One process in the overview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Digest {
    /// `group:process`.
    #[schema(example = "camera:camera")]
    pub(crate) name: String,
    /// Starts within the last day that followed an end nobody asked for.
    #[schema(example = 0)]
    pub(crate) restarts: usize,
    /// The newest run.
    pub(crate) last: Option<Run>,
}

/// The runs of one process, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Track {
    runs: VecDeque<Run>,
    #[serde(default)]
    acts: VecDeque<Act>,
    /// When it was last heard of.
    #[serde(default)]
    at: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Book {
    /// Of the last event heard.
    serial: u64,
    /// When that was.
    at: i64,
    /// By `group:name`.
    tracks: BTreeMap<String, Track>,
    #[serde(skip)]
    unsaved: bool,
}

impl Book {
    /// Whether an event is new. Whoever connects gets the past again; serials that begin anew at a later time are
    /// those of another supervisor, and the ends of its predecessor's processes were not seen.
    fn is_new(&mut self, event: &Event) -> bool {
        if event.serial <= self.serial && !self.tracks.is_empty() {
            if event.at <= self.at {
                return false;
            }
            self.tracks.values_mut().for_each(Track::lose);
        }
        (self.serial, self.at) = (event.serial, event.at);
        true
    }
}

/// The book of all runs.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    book: Mutex<Book>,
    changed: Notify,
}

impl Runs {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runs of a process, newest first. `name` is `group:name`.
    pub(crate) fn of(&self, name: &str) -> Vec<Run> {
        let book = self.book();
        let track = book.tracks.get(name);
        track.map_or_else(Vec::new, |track| track.runs.iter().rev().cloned().collect())
    }

    /// What people asked of a process, newest first.
    pub(crate) fn acts_on(&self, name: &str) -> Vec<Act> {
        let book = self.book();
        let track = book.tracks.get(name);
        track.map_or_else(Vec::new, |track| track.acts.iter().rev().cloned().collect())
    }

    /// How a process fared lately. `now`: seconds since 1970.
    pub(crate) fn digest(&self, name: String, now: i64) -> Digest {
        let book = self.book();
        let runs = book.tracks.get(&name).map(|track| &track.runs);
        let lately = |run: &&Run| {
            let by_itself = matches!(run.state.as_str(), "EXITED" | "BACKOFF" | "LOST");
            by_itself && run.end.is_some_and(|end| now - end < DAY)
        };
        // The newest run has no successor yet, however it ended.
        let ended = |runs: &VecDeque<Run>| runs.iter().rev().skip(1).filter(lately).count();
        Digest {
            restarts: runs.map_or(0, ended),
            last: runs.and_then(|runs| runs.back().cloned()),
            name,
        }
    }

    /// Notes what somebody asked for.
    pub(crate) fn note(&self, name: String, act: Act) {
        let mut book = self.book();
        let track = book.tracks.entry(name).or_default();
        track.acts.push_back(act);
        while track.acts.len() > RUNS {
            track.acts.pop_front();
        }
        book.unsaved = true;
        drop(book);
        self.changed.notify_one();
    }

    /// Takes an event in; those of other kinds change nothing.
    pub(crate) fn hear(&self, event: &Event) {
        let mut book = self.book();
        if !book.is_new(event) {
            return;
        }
        let Some(state) = process_state(&event.name) else {
            return;
        };
        let (Some(group), Some(name)) = (event.field("groupname"), event.field("processname")) else {
            return;
        };
        let track = book.tracks.entry(format!("{group}:{name}")).or_default();
        track.at = event.at;
        track.hear(state, event);
        while book.tracks.len() > PROCESSES {
            let quietest = book.tracks.iter().min_by_key(|(_, track)| track.at);
            let Some(name) = quietest.map(|(name, _)| name.clone()) else {
                break;
            };
            book.tracks.remove(&name);
        }
        book.unsaved = true;
        drop(book);
        self.changed.notify_one();
    }

    /// Reads the file; one that is not there or makes no sense is no book.
    pub(crate) fn load(&self, path: &Path) {
        let Ok(bytes) = std::fs::read(path) else { return };
        match serde_json::from_slice(&bytes) {
            Ok(book) => *self.book() = book,
            Err(error) => tracing::warn!(error = %error, "the file of runs cannot be read; beginning anew"),
        }
    }

    /// Writes the file after changes, now and then, and at the end.
    pub(crate) async fn keep(self: Arc<Self>, path: PathBuf, lifecycle: Lifecycle) {
        loop {
            tokio::select! {
                () = self.changed.notified() => {}
                () = lifecycle.stopped() => {}
            }
            tokio::select! {
                () = tokio::time::sleep(SAVE_EVERY) => {}
                () = lifecycle.stopped() => {}
            }
            self.save(&path);
            if lifecycle.is_stopping() {
                return;
            }
        }
    }

    fn save(&self, path: &Path) {
        let bytes = {
            let mut book = self.book();
            if !std::mem::take(&mut book.unsaved) {
                return;
            }
            serde_json::to_vec(&*book)
        };
        let Ok(bytes) = bytes else { return };
        if let Err(error) = write_atomic(path, &bytes, 0o600) {
            tracing::warn!(error = %error, "the runs cannot be written; they are kept in memory");
        }
    }
}

impl Track {
    fn hear(&mut self, state: &str, event: &Event) {
        let number = |key: &str| event.field(key).and_then(|text| text.parse::<i64>().ok());
        match state {
            "STARTING" => {
                self.lose();
                self.runs.push_back(Run {
                    start: event.at,
                    pid: None,
                    end: None,
                    state: state.to_owned(),
                    exitstatus: None,
                    signal: None,
                    expected: None,
                    tries: number("tries").unwrap_or_default(),
                });
                while self.runs.len() > RUNS {
                    self.runs.pop_front();
                }
            }
            "RUNNING" | "STOPPING" => {
                if let Some(run) = self.open() {
                    state.clone_into(&mut run.state);
                    run.pid = number("pid").filter(|pid| *pid > 0).or(run.pid);
                }
            }
            "EXITED" | "STOPPED" | "BACKOFF" => {
                if let Some(run) = self.open() {
                    state.clone_into(&mut run.state);
                    run.end = Some(event.at);
                    run.pid = number("pid").filter(|pid| *pid > 0).or(run.pid);
                    run.exitstatus = number("exitstatus");
                    run.signal = number("signal");
                    run.expected = number("expected").map(|expected| expected == 1);
                }
            }
            // After the last BACKOFF: no run of its own.
            "FATAL" => {
                if let Some(run) = self.runs.back_mut() {
                    state.clone_into(&mut run.state);
                    run.end.get_or_insert(event.at);
                }
            }
            _ => {}
        }
    }

    /// The run that has not ended.
    fn open(&mut self) -> Option<&mut Run> {
        self.runs.back_mut().filter(|run| run.end.is_none())
    }

    fn lose(&mut self) {
        let at = self.at;
        if let Some(run) = self.open() {
            run.end = Some(at.max(run.start));
            "LOST".clone_into(&mut run.state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: i64, state: &str, payload: &str) -> Event {
        let (fields, data) = Event::split_payload(&format!("processname:cam groupname:yard {payload}"));
        Event {
            serial: at as u64,
            name: format!("PROCESS_STATE_{state}"),
            at,
            fields,
            data,
        }
    }

    #[test]
    fn a_run_has_begin_end_and_reason() {
        let runs = Runs::default();
        for (at, state, payload) in [
            (10, "STARTING", "from_state:STOPPED tries:0"),
            (11, "RUNNING", "from_state:STARTING pid:42"),
            (90, "EXITED", "from_state:RUNNING expected:0 pid:42 signal:9"),
            (91, "STARTING", "from_state:EXITED tries:0"),
            (92, "BACKOFF", "from_state:STARTING tries:1 exitstatus:127"),
            (93, "FATAL", "from_state:BACKOFF"),
        ] {
            runs.hear(&event(at, state, payload));
        }
        let all = runs.of("yard:cam");
        assert_eq!(all.len(), 2);
        let (last, first) = (&all[0], &all[1]);
        assert_eq!(
            (last.state.as_str(), last.end, last.exitstatus),
            ("FATAL", Some(92), Some(127))
        );
        assert_eq!((first.start, first.end, first.pid), (10, Some(90), Some(42)));
        assert_eq!(
            (first.signal, first.expected, first.exitstatus),
            (Some(9), Some(false), None)
        );
        assert_eq!(runs.of("cam"), []);
        let digest = runs.digest("yard:cam".to_owned(), 100);
        assert_eq!((digest.restarts, digest.last), (1, Some(last.clone())));
        assert_eq!(runs.digest("yard:cam".to_owned(), 100 + DAY).restarts, 0);
    }

    #[test]
    fn the_book_is_bounded_and_survives_its_service() {
        let runs = Runs::default();
        for at in 0..200 {
            runs.hear(&event(at * 2, "STARTING", "tries:0"));
            runs.hear(&event(at * 2 + 1, "STOPPED", "pid:0"));
        }
        runs.hear(&event(1000, "STARTING", "tries:0"));
        assert_eq!(runs.of("yard:cam").len(), RUNS);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runs.json");
        runs.save(&path);
        let next = Runs::default();
        next.load(&path);
        assert_eq!(next.of("yard:cam"), runs.of("yard:cam"));
        // the past is told again: nothing new
        for at in 0..200 {
            next.hear(&event(at * 2, "STARTING", "tries:0"));
        }
        assert_eq!(next.of("yard:cam"), runs.of("yard:cam"));
        // another supervisor: the end of the open run was not seen
        let mut other = event(5000, "STARTING", "tries:0");
        other.serial = 1;
        other.fields.insert("processname".to_owned(), "other".into());
        next.hear(&other);
        assert_eq!(
            (next.of("yard:cam")[0].state.as_str(), next.of("yard:cam")[0].end),
            ("LOST", Some(1000))
        );
        std::fs::write(&path, "{broken").unwrap();
        let broken = Runs::default();
        broken.load(&path);
        assert_eq!(broken.of("yard:cam"), []);
        for process in 0..PROCESSES + 5 {
            let mut one = event(2000 + process as i64, "STARTING", "tries:0");
            one.fields
                .insert("processname".to_owned(), format!("p{process}").into());
            runs.hear(&one);
        }
        assert!(runs.of("yard:cam").is_empty() && runs.book().tracks.len() == PROCESSES);
    }
}

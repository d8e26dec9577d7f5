//! What the views of a program show: runs in words, reasons for an end, charts of what it takes.

use crate::exit;
use crate::inert;
use crate::moment::Moment;
use crate::spark::Spark;
use crate::timeline::{Item, Kind};
use crate::upstream::runs::{History, Run};
use crate::upstream::usage::{Taken, Usage};
use crate::words::{Words, length};

/// What happened this many seconds before an end may have caused it.
const BEFORE: i64 = 600;
/// Seconds between two points of what a program takes.
const STEP: usize = 10;

/// A run as a line of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunLine {
    pub(crate) start: Moment,
    pub(crate) length: String,
    /// `ok`, `bad` or `idle`.
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) how: String,
    pub(crate) pid: Option<i64>,
}

impl RunLine {
    /// `now`: the supervisor's clock.
    pub(crate) fn new(run: &Run, now: i64, t: &Words) -> Self {
        let (class, icon) = match run {
            run if run.end.is_none() => ("ok", "circle-check"),
            run if is_bad(run) => ("bad", "circle-x"),
            _ => ("idle", "circle-stop"),
        };
        Self {
            start: Moment::at(run.start, t.lang()),
            length: length(run.end.unwrap_or(now) - run.start),
            class,
            icon,
            how: match run.end {
                None => t.run_goes_on.to_owned(),
                Some(_) if run.state == "STOPPED" => t.exit_stopped.to_owned(),
                Some(_) => exit::in_words(run, t),
            },
            pid: run.pid,
        }
    }
}

/// Whether a run ended in a way that nobody asked for.
fn is_bad(run: &Run) -> bool {
    match run.state.as_str() {
        "EXITED" => run.expected != Some(true),
        "BACKOFF" | "FATAL" => true,
        _ => false,
    }
}

/// The newest run that ended in a way that nobody asked for.
fn last_bad(history: &History) -> Option<&Run> {
    history.runs.iter().find(|run| is_bad(run))
}

/// The time before the last bad end in which its cause may lie, in seconds since 1970.
pub(crate) fn before_end(history: &History) -> Option<(i64, i64)> {
    let run = last_bad(history)?;
    let end = run.end.unwrap_or(run.start);
    Some((end - BEFORE, end))
}

/// Something that happened before an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Before {
    pub(crate) at: Moment,
    pub(crate) icon: &'static str,
    pub(crate) text: String,
    unix: i64,
}

/// Why a program ended the last time that it did so by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Why {
    /// Exit in words; empty where nothing went wrong.
    pub(crate) how: String,
    pub(crate) end: Moment,
    pub(crate) length: String,
    pub(crate) before: Vec<Before>,
    /// Channel, and its last lines.
    pub(crate) output: Vec<(&'static str, String)>,
}

impl Why {
    /// Of `full` (`group:name`), with how the other programs fared.
    pub(crate) fn new(full: &str, history: &History, others: &Usage, t: &Words) -> Self {
        let Some(run) = last_bad(history) else {
            return Self::default();
        };
        let lang = t.lang();
        let end = run.end.unwrap_or(run.start);
        let is_near = |at: i64| at <= end && end - at <= BEFORE;
        let acts = history.acts.iter().filter(|act| is_near(act.at)).map(|act| {
            let what = match act.what.as_str() {
                "start" => t.start,
                "stop" => t.stop,
                "restart" => t.restart,
                other => other,
            };
            Before {
                at: Moment::at(act.at, lang),
                icon: "user",
                text: t.before_act(inert::line(&act.by), inert::line(what)),
                unix: act.at,
            }
        });
        let ended = others.all_fared().filter_map(|(name, fared)| {
            let last = fared.last.as_ref()?;
            let at = last.end.filter(|at| is_near(*at) && name != full)?;
            let how = exit::in_words(last, t);
            Some(Before {
                at: Moment::at(at, lang),
                icon: "circle-x",
                text: t.before_other_ended(inert::line(name), how),
                unix: at,
            })
        });
        let mut before: Vec<_> = acts.chain(ended).collect();
        before.sort_by_key(|one| std::cmp::Reverse(one.unix));
        Self {
            how: exit::in_words(run, t),
            end: Moment::at(end, lang),
            length: length(end - run.start),
            before,
            output: Vec::new(),
        }
    }

    /// The same with what else happened on the board: configuration taken over, a clock that jumped, power warnings.
    pub(crate) fn with_events(mut self, history: &History, events: Vec<Item>, t: &Words) -> Self {
        let Some((from, to)) = before_end(history) else {
            return self;
        };
        let told = events.into_iter().filter(|item| {
            let kind = matches!(item.kind, Kind::Config | Kind::Clock | Kind::Power | Kind::Stack);
            kind && (from..=to).contains(&item.at)
        });
        self.before.extend(told.map(|item| Before {
            at: Moment::at(item.at, t.lang()),
            icon: item.icon,
            text: match (item.kind, item.subject.as_str()) {
                // The subject is a program's name; elsewhere it is a code, and the sentence says it.
                (Kind::Config, name) if !name.starts_with("config.") => format!("{name}: {}", item.text),
                _ => item.text,
            },
            unix: item.at,
        }));
        self.before.sort_by_key(|one| std::cmp::Reverse(one.unix));
        self
    }

    /// The same with what the program wrote; an empty channel is left out.
    pub(crate) fn with_output<const N: usize>(mut self, channels: [(&'static str, String); N]) -> Self {
        self.output = channels
            .into_iter()
            .filter(|(_, text)| !text.trim().is_empty())
            .collect();
        self
    }
}

/// One figure over the last minutes: drawing, words, table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    pub(crate) title: &'static str,
    pub(crate) spark: Spark,
    pub(crate) said: String,
    /// How long ago, and how much; newest first.
    pub(crate) rows: Vec<(String, String)>,
}

/// What a program takes, as charts.
pub(crate) fn metrics(taken: &Taken, t: &Words) -> Vec<Metric> {
    let lang = t.lang();
    let percent = |value: f32| lang.percent(value.into());
    let bytes = |value: f32| lang.bytes(value.max(0.0) as u64);
    [
        metric(t.metrics_cpu, &taken.cpu, 5.0, percent, t),
        metric(t.metrics_memory, &taken.memory, 1_000_000.0, bytes, t),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn metric(
    title: &'static str,
    points: &[Option<f32>],
    least: f32,
    write: impl Fn(f32) -> String,
    t: &Words,
) -> Option<Metric> {
    let (low, high, now) = Spark::range(points)?;
    let rows = points.iter().rev().enumerate();
    Some(Metric {
        title,
        spark: Spark::new(points, least),
        said: t.metrics_range(write(low), write(high), write(now)),
        rows: rows
            .filter_map(|(ago, point)| Some((length((ago * STEP) as i64), write((*point)?))))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::runs::Act;
    use crate::words::Lang;
    use serde_json::json;

    fn run(state: &str, start: i64, end: Option<i64>, code: Option<i64>) -> Run {
        Run {
            start,
            end,
            state: state.to_owned(),
            exitstatus: code,
            expected: (state == "EXITED").then_some(code == Some(0)),
            ..Run::default()
        }
    }

    /// Stopped, then crashed, then running again.
    fn crashed() -> History {
        let act = |at, what: &str| Act {
            at,
            what: what.to_owned(),
            by: "<anna>".to_owned(),
        };
        History {
            runs: vec![
                run("RUNNING", 2000, None, None),
                run("EXITED", 1000, Some(1500), Some(127)),
                run("STOPPED", 500, Some(900), None),
            ],
            acts: vec![act(1600, "stop"), act(1400, "restart"), act(100, "start")],
        }
    }

    #[test]
    fn the_last_bad_end_is_explained() {
        let t = Lang::English.words();
        let history = crashed();
        let why = Why::new("a:a", &history, &Usage::default(), t);
        assert!(why.how.contains("command not found"), "{}", why.how);
        assert_eq!(why.length, "8 min 20 s");
        let texts: Vec<_> = why.before.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["<anna> asked for: Restart"]);
        let fine = History {
            runs: vec![
                run("EXITED", 1, Some(2), Some(0)),
                run("STOPPED", 1, Some(2), None),
            ],
            acts: Vec::new(),
        };
        assert_eq!(Why::new("a:a", &fine, &Usage::default(), t), Why::default());
        let why = why.with_output([
            ("stderr", "no such file\n".to_owned()),
            ("stdout", "\n".to_owned()),
        ]);
        assert_eq!(why.output.len(), 1);
    }

    #[test]
    fn what_the_board_went_through_stands_before_the_end() {
        let (t, history) = (Lang::English.words(), crashed());
        let entry = |at, name: &str, fields: serde_json::Value| crate::upstream::rules::Entry {
            at,
            name: name.into(),
            fields: fields.as_object().cloned().unwrap(),
            ..Default::default()
        };
        let happened = [
            entry(
                1450,
                "STACK",
                json!({ "kind": "clock.jump", "seconds": "3600", "summary": "The clock jumped by 3600 s" }),
            ),
            entry(1300, "PROCESS_GROUP_ADDED", json!({ "groupname": "a" })),
            entry(
                1350,
                "STACK",
                json!({ "kind": "config.rules", "summary": "Rules and channels were read again: 2 rules" }),
            ),
            entry(800, "PROCESS_GROUP_ADDED", json!({ "groupname": "too early" })),
            entry(
                1499,
                "PROCESS_STATE_RUNNING",
                json!({ "groupname": "b", "processname": "b" }),
            ),
            entry(
                1501,
                "STACK",
                json!({ "kind": "clock.jump", "summary": "too late" }),
            ),
        ];
        let told = |t| {
            let items = happened
                .iter()
                .filter_map(|entry| Item::happened(entry, t))
                .collect();
            let why = Why::new("a:a", &history, &Usage::default(), t).with_events(&history, items, t);
            why.before.into_iter().map(|one| one.text).collect::<Vec<_>>()
        };
        assert_eq!(
            told(t),
            [
                "The clock jumped by 3600 s.",
                "<anna> asked for: Restart",
                "Rules and channels were read again.",
                "a: added to the configuration"
            ]
        );
        assert_eq!(told(Lang::Polish.words())[0], "Zegar przeskoczył o 3600 s.");
    }

    #[test]
    fn runs_and_figures_read_well() {
        let t = Lang::Polish.words();
        let line = RunLine::new(&run("EXITED", 100, Some(160), Some(1)), 0, t);
        assert_eq!(
            (line.class, line.length.as_str(), line.how.as_str()),
            ("bad", "1 min 0 s", "kod wyjścia 1")
        );
        let line = RunLine::new(&run("RUNNING", 100, None, None), 130, t);
        assert_eq!((line.class, line.length.as_str()), ("ok", "30 s"));
        let metric = metric(
            "x",
            &[Some(1.0), None, Some(3.0)],
            5.0,
            |value| format!("{value}"),
            t,
        )
        .unwrap();
        assert_eq!(metric.said, "od 1 do 3, teraz 3");
        let rows: Vec<_> = metric
            .rows
            .iter()
            .map(|(ago, value)| format!("{ago}={value}"))
            .collect();
        assert_eq!(rows, ["0 s=3", "20 s=1"]);
    }
}

//! What happens outside of the supervisor's events: log lines, figures of the board, GPIO lines.
//!
//! Nothing is asked, followed or polled unless a rule names it. When the rules change, what they name is worked out
//! anew, and the followers are changed with it.

mod figures;
mod lines;
mod logs;

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use pistack_api::event::Event;
use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use pistack_kit::service::Context;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::config::{Rule, Stream, Subject};
use crate::glob::fits;
use crate::hub::Tables;

/// Kinds of stack events that the board's figures make.
const CONDITIONS: [&str; 4] = [
    "disk.low",
    "disk.readonly",
    "power.undervoltage",
    "power.throttled",
];

/// What the rules name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Wanted {
    /// Programs and their outputs: `name` or `group:name`, and true for standard error.
    logs: BTreeSet<(String, bool)>,
    /// Figures of the board.
    metrics: BTreeSet<String>,
    /// Conditions of the board.
    conditions: bool,
    /// Lines whose edges count.
    edges: BTreeSet<String>,
    /// Lines that are read now and then.
    sensors: BTreeSet<String>,
}

impl Wanted {
    fn of(rules: &IndexMap<String, Rule>) -> Self {
        let mut wanted = Self::default();
        for rule in rules.values().filter(|rule| rule.enabled) {
            let when = &rule.when;
            match when.subject() {
                Subject::Log => {
                    let stream = when.stream.unwrap_or_default();
                    if let Some(program) = when.process() {
                        if stream != Stream::Stderr {
                            wanted.logs.insert((program.clone(), false));
                        }
                        if stream != Stream::Stdout {
                            wanted.logs.insert((program.clone(), true));
                        }
                    }
                }
                Subject::Metric => wanted.metrics.extend(when.metric.clone()),
                Subject::Sensor => wanted.sensors.extend(when.sensor.clone()),
                Subject::Gpio => wanted.edges.extend(when.gpio.as_ref().map(ToString::to_string)),
                Subject::Stack => {
                    let glob = when.stack.as_deref().unwrap_or_default();
                    wanted.conditions |= CONDITIONS.iter().any(|kind| fits(glob, kind));
                }
                Subject::Event | Subject::Cron | Subject::Webhook => {}
            }
        }
        wanted
    }
}

/// What every follower gets.
#[derive(Debug, Clone)]
struct Follower {
    paths: StatePaths,
    clock: Clock,
    events: mpsc::Sender<Event>,
}

/// Follows what the rules name, now and after each change, until the process stops.
pub fn start(context: &Context, events: mpsc::Sender<Event>, tables: watch::Receiver<Arc<Tables>>) {
    let follower = Follower {
        paths: context.paths.clone(),
        clock: context.clock.clone(),
        events,
    };
    context
        .lifecycle
        .spawn(follow(follower, tables, context.lifecycle.clone()));
}

async fn follow(follower: Follower, mut tables: watch::Receiver<Arc<Tables>>, lifecycle: Lifecycle) {
    let mut running = JoinSet::new();
    let mut known = Wanted::default();
    loop {
        let wanted = Wanted::of(&tables.borrow_and_update().setup().rules);
        if wanted != known {
            running.shutdown().await;
            spawn(&mut running, &follower, &wanted);
            known = wanted;
        }
        tokio::select! {
            changed = tables.changed() => if changed.is_err() { break },
            () = lifecycle.stopped() => break,
        }
    }
    running.shutdown().await;
}

fn spawn(running: &mut JoinSet<()>, follower: &Follower, wanted: &Wanted) {
    for (program, stderr) in &wanted.logs {
        running.spawn(logs::follow(follower.clone(), program.clone(), *stderr));
    }
    if !wanted.metrics.is_empty() || wanted.conditions {
        running.spawn(figures::follow(
            follower.clone(),
            wanted.metrics.clone(),
            wanted.conditions,
        ));
    }
    if !wanted.edges.is_empty() {
        running.spawn(lines::follow_edges(follower.clone(), wanted.edges.clone()));
    }
    if !wanted.sensors.is_empty() {
        running.spawn(lines::poll(follower.clone(), wanted.sensors.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_enabled_rules_name_is_followed() {
        #[derive(serde::Deserialize)]
        struct File {
            rule: IndexMap<String, Rule>,
        }
        let file: File = toml::from_str(
            r#"
            [rule.a]
            when = { program = "cam", log = "x", stream = "stderr" }
            then = []
            [rule.b]
            when = { program = "cam", log = "y" }
            then = []
            [rule.c]
            when = { metric = "cpu", above = 1 }
            then = []
            enabled = false
            [rule.d]
            when = { gpio = 17 }
            then = []
            [rule.e]
            when = { stack = "power.*" }
            then = []
            [rule.f]
            when = { stack = "login.*" }
            then = []
            "#,
        )
        .unwrap();
        let wanted = Wanted::of(&file.rule);
        assert_eq!(
            wanted.logs,
            BTreeSet::from([("cam".to_owned(), false), ("cam".to_owned(), true)])
        );
        assert!(wanted.metrics.is_empty() && wanted.sensors.is_empty() && wanted.conditions);
        assert_eq!(wanted.edges, BTreeSet::from(["17".to_owned()]));
    }
}

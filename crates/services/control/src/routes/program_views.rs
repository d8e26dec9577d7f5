//! The views of a program beside its log: why it ended, its history, what it takes, its configuration, its rules.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use pistack_api::process::ProcessInfo;
use pistack_api::right::{ReadEvents, Right as _};

use super::Name;
use crate::error::Failure;
use crate::identity::Person;
use crate::inert;
use crate::process::{Row, full_name};
use crate::program::{Metric, RunLine, Why, before_end, metrics};
use crate::program_config::ConfigTables;
use crate::state::Dashboard;
use crate::timeline::Item;
use crate::upstream::rules::Rules;
use crate::upstream::runs::{self, History};
use crate::upstream::supervisor::{self, Channel};
use crate::upstream::usage::usage;
use crate::view::{self, ProgramView, View};

/// Lines of output that explain an end.
const LAST_LINES: usize = 20;
/// Events of the board that may be the cause of an end.
const BEFORE: &str = "PROCESS_GROUP_*,STACK,SUPERVISOR_STATE_CHANGE*";
/// So many of them at most.
const MOST_EVENTS: usize = 50;
/// Bytes read for them.
const LAST_BYTES: u32 = 8 * 1024;

/// What every view begins with.
async fn opened(dashboard: &Dashboard, person: &Person, name: &str) -> Result<ProcessInfo, Failure> {
    if !person.sees_programs() {
        return Err(Failure::Forbidden);
    }
    supervisor::find(dashboard, &person.token, name).await
}

fn show(person: &Person, info: &ProcessInfo, view: View) -> Result<Response, Failure> {
    let page = ProgramView {
        v: &person.visit,
        row: Row::of_page(info, person),
        view,
    };
    view::page(StatusCode::OK, &page)
}

/// `GET /programs/{name}/history`
pub(crate) async fn history(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
) -> Result<Response, Failure> {
    let info = opened(&dashboard, &person, &name).await?;
    let history = runs::history(&dashboard, &person.token, &full_name(&info)).await?;
    let lines = history
        .runs
        .iter()
        .map(|run| RunLine::new(run, info.now, person.visit.t))
        .collect();
    show(&person, &info, View::History(lines))
}

/// `GET /programs/{name}/why`
pub(crate) async fn why(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
) -> Result<Response, Failure> {
    let info = opened(&dashboard, &person, &name).await?;
    let full = full_name(&info);
    let history = runs::history(&dashboard, &person.token, &full).await?;
    let (happened, others, stderr, stdout) = tokio::join!(
        happened(&dashboard, &person, &history),
        usage(&dashboard, &person),
        last_lines(&dashboard, &person, &full, Channel::Stderr),
        last_lines(&dashboard, &person, &full, Channel::Stdout),
    );
    let t = person.visit.t;
    let why = Why::new(&full, &history, &others, t)
        .with_events(&history, happened?, t)
        .with_output([("stderr", stderr?), ("stdout", stdout?)]);
    show(&person, &info, View::Why(why))
}

/// What else happened on the board before the last bad end. Without the rules' record there is the rest.
async fn happened(dashboard: &Dashboard, person: &Person, history: &History) -> Result<Vec<Item>, Failure> {
    let Some((from, to)) = before_end(history).filter(|_| person.may(ReadEvents::INFO)) else {
        return Ok(Vec::new());
    };
    let asker = Rules {
        dashboard,
        token: &person.token,
    };
    match asker.events(BEFORE, Some(from), Some(to), MOST_EVENTS).await {
        Ok(entries) => Ok(entries
            .iter()
            .filter_map(|entry| Item::happened(entry, person.visit.t))
            .collect()),
        Err(Failure::SignIn) => Err(Failure::SignIn),
        Err(_) => Ok(Vec::new()),
    }
}

/// The end of a log. A log that cannot be had is an empty one.
async fn last_lines(
    dashboard: &Dashboard,
    person: &Person,
    name: &str,
    channel: Channel,
) -> Result<String, Failure> {
    match supervisor::log_tail(dashboard, &person.token, name, channel, LAST_BYTES).await {
        Ok(piece) => {
            let text = inert::log(&piece.data);
            let lines: Vec<_> = text.lines().collect();
            Ok(lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
        }
        Err(Failure::SignIn) => Err(Failure::SignIn),
        Err(_) => Ok(String::new()),
    }
}

/// `GET /programs/{name}/metrics`
pub(crate) async fn measures(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
) -> Result<Response, Failure> {
    let info = opened(&dashboard, &person, &name).await?;
    let usage = usage(&dashboard, &person).await;
    let shown: Vec<Metric> = usage
        .taken(&info)
        .map(|taken| metrics(taken, person.visit.t))
        .unwrap_or_default();
    show(&person, &info, View::Metrics(shown))
}

/// `GET /programs/{name}/config`
pub(crate) async fn config(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
) -> Result<Response, Failure> {
    let info = opened(&dashboard, &person, &name).await?;
    let told = runs::configuration(&dashboard, &person.token, &full_name(&info)).await?;
    show(&person, &info, View::Config(ConfigTables::new(&told)))
}

/// `GET /programs/{name}/rules`
pub(crate) async fn rules_of(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
) -> Result<Response, Failure> {
    let info = opened(&dashboard, &person, &name).await?;
    let asker = Rules {
        dashboard: &dashboard,
        token: &person.token,
    };
    let all = asker.list().await?;
    let full = full_name(&info);
    let names = all
        .iter()
        .filter(|rule| names_program(&rule.definition, &info.name, &full))
        .map(|rule| inert::line(&rule.name))
        .collect();
    show(&person, &info, View::Rules(names))
}

/// Whether any text of a rule is the program's name.
fn names_program(definition: &serde_json::Value, name: &str, full: &str) -> bool {
    use serde_json::Value;
    match definition {
        Value::String(text) => text == name || text == full,
        Value::Array(items) => items.iter().any(|item| names_program(item, name, full)),
        Value::Object(members) => members.values().any(|item| names_program(item, name, full)),
        _ => false,
    }
}

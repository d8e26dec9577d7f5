//! The same for several programs at once: those that were ticked. Their names come as in addresses, since a name may
//! hold anything.

use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use futures_util::future::join_all;
use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::Form;
use crate::error::{Failure, reason};
use crate::identity::Person;
use crate::inert;
use crate::process::is_essential;
use crate::state::Dashboard;
use crate::upstream::supervisor::{self, Action};
use crate::view::{self, Notice};
use crate::visit::own_path;
use crate::words::Words;

/// Programs in one request, at most.
const MOST: usize = 200;

/// `POST /programs`: `do`, `back`, and `name` once for each program.
pub(crate) async fn control(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let field = |wanted: &str| {
        fields
            .iter()
            .find(|(key, _)| key == wanted)
            .map(|(_, value)| value.as_str())
    };
    let action = match field("do") {
        Some("start") => Action::Start,
        Some("stop") => Action::Stop,
        Some("restart") => Action::Restart,
        _ => return Err(Failure::Form),
    };
    let back = field("back").and_then(own_path).unwrap_or("/");
    let named: Vec<_> = fields
        .iter()
        .filter(|(key, _)| key == "name")
        .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy())
        .collect();
    let names: Vec<&str> = named
        .iter()
        .map(|name| &**name)
        // What the dashboard hangs on is stopped one by one, after a question.
        .filter(|name| !is_essential(name))
        .take(MOST)
        .collect();
    if names.iter().any(|name| !person.controls(action, [name, name])) || !person.acts_on_programs() {
        return Err(Failure::Forbidden);
    }
    let acts = names
        .iter()
        .map(|name| supervisor::act(&dashboard, &person.token, name, action));
    let outcomes = join_all(acts).await;
    tracing::info!(
        by = person.claims.nam,
        programs = names.len(),
        action = action.name(),
        "control"
    );
    let refused = refusals(&names, &outcomes, person.visit.t)?;
    answer(&person, names.len(), &refused, back)
}

/// What was refused, and why, in words.
fn refusals<T>(names: &[&str], outcomes: &[Result<T, Failure>], t: &Words) -> Result<Vec<String>, Failure> {
    let mut refused = Vec::new();
    for (name, outcome) in names.iter().zip(outcomes) {
        let Err(failure) = outcome else { continue };
        let why = match failure {
            Failure::SignIn => return Err(Failure::SignIn),
            Failure::Refused(body) => reason(t, body),
            other => other.words(t).1,
        };
        let short = name.rsplit(':').next().unwrap_or(name);
        refused.push(t.action_refused(inert::line(short), why));
    }
    Ok(refused)
}

/// A message for htmx, else the page that the buttons were on, or one that says what was refused.
fn answer(person: &Person, asked: usize, refused: &[String], back: &str) -> Result<Response, Failure> {
    let t = person.visit.t;
    let (class, icon, text) = match (asked, refused.len()) {
        (0, _) => ("", "info", t.several_none.to_owned()),
        (count, 0) => ("ok", "check", t.did_several(count)),
        (_, count) => (
            "bad",
            "circle-alert",
            t.several_refused(count, refused.join("; ")),
        ),
    };
    if person.visit.pieces {
        let notice = Notice {
            v: &person.visit,
            class,
            icon,
            text,
            undo: String::new(),
        };
        return Ok(Html(view::text(&notice)?).into_response());
    }
    if refused.is_empty() {
        return Ok(person.visit.redirect(back));
    }
    let page = view::ErrorPage {
        v: &person.visit,
        status: StatusCode::CONFLICT.as_u16(),
        heading: t.error_conflict,
        text,
    };
    view::page(StatusCode::CONFLICT, &page)
}

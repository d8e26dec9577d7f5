//! One program: its page, and starting and stopping it.

use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use pistack_api::process::ProcessInfo;
use serde::Deserialize;

use super::{Form, Lenient, Name};
use crate::error::{Failure, reason};
use crate::identity::Person;
use crate::inert;
use crate::process::{Row, full_name, is_essential};
use crate::state::Dashboard;
use crate::upstream::supervisor::{self, Action, Channel, segment};
use crate::upstream::usage::{Usage, usage};
use crate::view::{self, ChangedRow, ChangedState, ConfirmPage, Log, Notice, ProgramPage};
use crate::visit::own_path;

/// Which log.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    pub(crate) channel: Channel,
}

/// `GET /programs/{name}`
pub(crate) async fn program(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
    Lenient(which): Lenient<Which>,
) -> Result<Response, Failure> {
    if !person.sees_programs() {
        return Err(Failure::Forbidden);
    }
    let channel = which.channel;
    let info = supervisor::find(&dashboard, &person.token, &name).await?;
    let log = log(&dashboard, &person, &full_name(&info), channel).await?;
    let page = ProgramPage {
        v: &person.visit,
        row: Row::of_page(&info, &person).with_log_file(&info, channel),
        log,
    };
    view::page(StatusCode::OK, &page)
}

/// The end of a log. A log that cannot be had leaves the page standing.
async fn log(dashboard: &Dashboard, person: &Person, name: &str, channel: Channel) -> Result<Log, Failure> {
    let t = person.visit.t;
    let bytes = dashboard.config.log_bytes;
    let (text, cut, offset) = match supervisor::log_tail(dashboard, &person.token, name, channel, bytes).await
    {
        Ok(piece) => (Ok(inert::log(&piece.data)), piece.overflow, piece.offset),
        Err(Failure::SignIn) => return Err(Failure::SignIn),
        Err(Failure::Refused(_) | Failure::NotFound) => (Err(t.log_none.to_owned()), false, 0),
        Err(failure) => (Err(failure.words(t).1), false, 0),
    };
    Ok(Log {
        channel: channel.to_string(),
        text,
        cut,
        offset,
    })
}

/// The fields of the buttons.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    #[serde(rename = "do")]
    action: Action,
    #[serde(default)]
    back: String,
    #[serde(default)]
    sure: String,
}

/// `POST /programs/{name}/control`
pub(crate) async fn control(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
    Form(fields): Form<Fields>,
) -> Result<Response, Failure> {
    if !person.controls(fields.action, [&name, &name]) {
        return Err(Failure::Forbidden);
    }
    let back = own_path(&fields.back).unwrap_or("/");
    if fields.action != Action::Start && is_essential(&name) && fields.sure != "yes" {
        return confirm(&person, &name, fields.action, back);
    }
    let life = &dashboard.context.lifecycle;
    let outcome = tokio::select! {
        outcome = supervisor::act(&dashboard, &person.token, &name, fields.action) => outcome,
        // It is this very process that is being stopped: answer before it ends.
        () = life.stopped() => Ok(None),
    };
    tracing::info!(
        by = person.claims.nam,
        program = name,
        action = fields.action.name(),
        "control"
    );
    let usage = if person.visit.pieces {
        usage(&dashboard, &person).await
    } else {
        Usage::default()
    };
    answer(&person, &name, fields.action, outcome, back, &usage)
}

/// Asks before the dashboard takes itself away.
fn confirm(person: &Person, name: &str, action: Action, back: &str) -> Result<Response, Failure> {
    let t = person.visit.t;
    let shown = inert::line(name.rsplit(':').next().unwrap_or(name));
    let (warning, button) = match action {
        Action::Stop => (t.confirm_stop(&shown), t.confirm_stop_button),
        Action::Restart | Action::Start => (t.confirm_restart(&shown), t.confirm_restart_button),
    };
    let page = ConfirmPage {
        v: &person.visit,
        warning,
        address: &segment(name),
        back,
        action: action.name(),
        button,
    };
    view::page(StatusCode::OK, &page)
}

/// What became of it: pieces for htmx, else the page that the button was on.
fn answer(
    person: &Person,
    name: &str,
    action: Action,
    outcome: Result<Option<ProcessInfo>, Failure>,
    back: &str,
    usage: &Usage,
) -> Result<Response, Failure> {
    let visit = &person.visit;
    let t = visit.t;
    let shown = inert::line(name.rsplit(':').next().unwrap_or(name));
    let (status, class, icon, text, info) = match outcome {
        Ok(Some(info)) => {
            let text = match action {
                Action::Start => t.did_start(&shown),
                Action::Stop => t.did_stop(&shown),
                Action::Restart => t.did_restart(&shown),
            };
            (StatusCode::OK, "ok", "check", text, Some(info))
        }
        Ok(None) => (StatusCode::ACCEPTED, "", "info", t.did_send(&shown), None),
        // The supervisor service cannot answer while it restarts itself.
        Err(Failure::Down(_)) if is_essential(name) => {
            (StatusCode::ACCEPTED, "", "info", t.did_send(&shown), None)
        }
        Err(Failure::SignIn) => return Err(Failure::SignIn),
        Err(failure) => {
            let why = match &failure {
                Failure::Refused(body) => reason(t, body),
                Failure::NotFound => t.why_unknown.to_owned(),
                Failure::Forbidden => t.why_level.to_owned(),
                other => other.words(t).1,
            };
            let text = t.action_refused(&shown, why);
            (failure.status(), "bad", "circle-alert", text, None)
        }
    };
    if !visit.pieces {
        if status.is_success() && action == Action::Stop && back == "/" && !is_essential(name) {
            return Ok(visit.redirect(&format!("/?stopped={}", segment(name))));
        }
        if status.is_success() {
            return Ok(visit.redirect(back));
        }
        let page = view::ErrorPage {
            v: visit,
            status: status.as_u16(),
            heading: t.error_conflict,
            text,
        };
        return view::page(status, &page);
    }
    let mut pieces = view::text(&Notice {
        v: visit,
        class,
        icon,
        text,
        undo: match action {
            Action::Stop if status == StatusCode::OK => segment(name),
            _ => String::new(),
        },
    })?;
    if let Some(info) = info {
        let row = &Row::new(&info, person, "/").with_usage(&info, usage, t);
        pieces += &view::text(&ChangedRow {
            v: visit,
            row,
            table_acts: person.acts_on_programs(),
        })?;
        let row = &Row::of_page(&info, person);
        pieces += &view::text(&ChangedState { v: visit, row })?;
    }
    Ok((status, Html(pieces)).into_response())
}

//! Other people's accounts: listed, added, changed, removed; rights granted; sessions and tokens ended. Everything
//! dangerous takes a login of the last ten minutes, which auth asks for.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use pistack_api::token::Level;
use serde::Deserialize;
use serde_json::json;

use super::account::prove;
use super::{Form, Lenient, Name};
use crate::access::{
    AccessPage, PersonPage, PersonRow, RemovePage, levels, line_boxes, other_grants, right_boxes,
};
use crate::account::{SessionLine, TokenLine};
use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;
use crate::upstream::people::{self, Account};
use crate::upstream::{account, io};
use crate::view;
use crate::words::Words;

const ACCESS: &str = "/access";

/// What was done just now, for the word at the top of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    done: String,
}

fn told(t: &Words, done: &str) -> Option<&'static str> {
    Some(match done {
        "add" => t.access_did_add,
        "remove" => t.access_did_remove,
        "level" | "email" => t.access_did_save,
        "password" => t.access_did_password,
        "disable" => t.access_did_disable,
        "enable" => t.access_did_enable,
        "unlock" => t.access_did_unlock,
        "factor-off" => t.access_did_factor_off,
        "grants" => t.access_did_grant,
        "end-session" | "end-sessions" => t.access_did_end,
        "revoke" => t.did_revoke,
        "reauth" => t.did_reauth,
        _ => return None,
    })
}

/// `GET /access`
pub(crate) async fn list(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(query): Lenient<Done>,
) -> Result<Response, Failure> {
    let told = told(person.visit.t, &query.done);
    list_page(&dashboard, &person, StatusCode::OK, told, None, "").await
}

async fn list_page(
    dashboard: &Dashboard,
    person: &Person,
    status: StatusCode,
    told: Option<&'static str>,
    problem: Option<String>,
    name: &str,
) -> Result<Response, Failure> {
    let accounts = people::all(dashboard, &person.token).await?;
    let page = AccessPage {
        v: &person.visit,
        told,
        problem,
        people: accounts
            .iter()
            .map(|account| PersonRow::new(account, person))
            .collect(),
        name: name.to_owned(),
        levels: levels(person),
        sees_audit: person.claims.lvl >= Level::Root,
    };
    view::page(status, &page)
}

/// An account to add.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct New {
    name: String,
    password: String,
    level: String,
}

/// `POST /access/add`
pub(crate) async fn add(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(new): Form<New>,
) -> Result<Response, Failure> {
    let name = new.name.trim();
    match people::add(&dashboard, &person.token, name, &new.password, &new.level).await {
        Ok(()) => Ok(person.visit.redirect("/access?done=add")),
        Err(failure) if failure.is("reauthentication-required") => {
            prove(&dashboard, &person, StatusCode::OK, None, ACCESS).await
        }
        Err(failure @ Failure::Refused(_)) => {
            let said = reason(&failure, person.visit.t);
            list_page(&dashboard, &person, failure.status(), None, Some(said), name).await
        }
        Err(failure) => Err(failure),
    }
}

/// What auth says of accounts, in the person's language as far as it is known here.
fn reason(failure: &Failure, t: &Words) -> String {
    if let Failure::Refused(body) = failure {
        match (body.code.as_str(), body.message.as_str()) {
            ("user_exists", _) | (_, "user exists") => return t.access_name_taken.to_owned(),
            ("last_root", _) | (_, "last Root") => return t.access_last_root.to_owned(),
            ("root_is_not_limited", _) => return t.access_root_limited.to_owned(),
            _ => {}
        }
    }
    failure.words(t).1
}

async fn find(dashboard: &Dashboard, person: &Person, id: &str) -> Result<Account, Failure> {
    let accounts = people::all(dashboard, &person.token).await?;
    accounts
        .into_iter()
        .find(|account| account.id == id)
        .ok_or(Failure::NotFound)
}

/// `GET /access/{id}`
pub(crate) async fn person(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(id): Name,
    Lenient(query): Lenient<Done>,
) -> Result<Response, Failure> {
    let told = told(person.visit.t, &query.done);
    person_page(&dashboard, &person, &id, StatusCode::OK, told, None).await
}

async fn person_page(
    dashboard: &Dashboard,
    person: &Person,
    id: &str,
    status: StatusCode,
    told: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, Failure> {
    let (t, token) = (person.visit.t, person.token.as_str());
    let found = find(dashboard, person, id).await?;
    let sessions = async {
        if person.claims.lvl < Level::Root {
            return Ok(None);
        }
        people::sessions(dashboard, token, id).await.map(Some)
    };
    let (sessions, tokens, lines) = tokio::join!(
        sessions,
        people::tokens(dashboard, token, id),
        io::lines(dashboard, token)
    );
    // Without the io service there are no boxes for lines; their grants are shown as text.
    let names: Vec<_> = lines
        .map(|lines| lines.lines.into_iter().filter_map(|line| line.name).collect())
        .unwrap_or_default();
    let rights = right_boxes(&found, person.claims.lvl, t);
    let lines = line_boxes(&found, &names, t);
    let page = PersonPage {
        v: &person.visit,
        told,
        problem,
        row: PersonRow::new(&found, person),
        levels: levels(person),
        others: other_grants(&found, &rights, &lines),
        rights,
        lines,
        sessions: sessions?.map(|sessions| {
            sessions
                .into_iter()
                .map(|session| SessionLine::new(session, t))
                .collect()
        }),
        tokens: tokens?
            .into_iter()
            .map(|token| TokenLine::new(token, t.lang()))
            .collect(),
    };
    view::page(status, &page)
}

/// The fields of all forms of a person's page, in their order; a box that is ticked is a `grant`.
type Fields = Vec<(String, String)>;

fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value.as_str())
}

/// `POST /access/{id}`: whatever `do` says.
pub(crate) async fn act(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(id): Name,
    Form(fields): Form<Fields>,
) -> Result<Response, Failure> {
    let action = field(&fields, "do");
    if action == "remove" && field(&fields, "sure") != "yes" {
        let found = find(&dashboard, &person, &id).await?;
        let page = RemovePage {
            v: &person.visit,
            row: PersonRow::new(&found, &person),
        };
        return view::page(StatusCode::OK, &page);
    }
    let page = format!("{ACCESS}/{}", segment(&id));
    match carry_out(&dashboard, &person.token, &id, action, &fields).await {
        Ok(()) if action == "remove" => Ok(person.visit.redirect("/access?done=remove")),
        Ok(()) => Ok(person.visit.redirect(&format!("{page}?done={}", segment(action)))),
        Err(failure) if failure.is("reauthentication-required") => {
            prove(&dashboard, &person, StatusCode::OK, None, &page).await
        }
        Err(failure @ Failure::Refused(_)) => {
            let said = reason(&failure, person.visit.t);
            person_page(&dashboard, &person, &id, failure.status(), None, Some(said)).await
        }
        Err(failure) => Err(failure),
    }
}

fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn carry_out(
    dashboard: &Dashboard,
    token: &str,
    id: &str,
    action: &str,
    fields: &Fields,
) -> Result<(), Failure> {
    let change = |wanted| people::change(dashboard, token, id, wanted);
    match action {
        "level" => change(json!({ "level": field(fields, "level") })).await,
        "email" => change(json!({ "email": field(fields, "email").trim() })).await,
        "password" => change(json!({ "password": field(fields, "password") })).await,
        "disable" => change(json!({ "disabled": true })).await,
        "enable" => change(json!({ "disabled": false })).await,
        "unlock" => people::unlock(dashboard, token, id).await,
        "factor-off" => people::factor_off(dashboard, token, id).await,
        "remove" => people::remove(dashboard, token, id).await,
        "grants" => {
            let grants = wanted_grants(fields);
            let limited = field(fields, "limited") == "yes";
            people::grant(dashboard, token, id, &grants, limited).await
        }
        "end-session" => {
            let sid = field(fields, "id");
            gone_is_fine(people::end_sessions(dashboard, token, id, Some(sid)).await)
        }
        "end-sessions" => people::end_sessions(dashboard, token, id, None).await,
        "revoke" => gone_is_fine(account::revoke_token(dashboard, token, field(fields, "id")).await),
        _ => Err(Failure::Form),
    }
}

/// One that is over already is what was wanted.
fn gone_is_fine(outcome: Result<(), Failure>) -> Result<(), Failure> {
    outcome.or_else(|failure| match failure {
        Failure::NotFound => Ok(()),
        other => Err(other),
    })
}

/// The ticked boxes and what was written beside them, each once.
fn wanted_grants(fields: &Fields) -> Vec<String> {
    let ticked = fields
        .iter()
        .filter(|(key, _)| key == "grant")
        .map(|(_, value)| value.as_str());
    let written = field(fields, "others").split([' ', ',', '\r', '\n', '\t']);
    let mut grants: Vec<_> = ticked
        .chain(written)
        .filter(|grant| !grant.is_empty())
        .map(str::to_owned)
        .collect();
    grants.sort();
    grants.dedup();
    grants
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_come_from_boxes_and_text_each_once() {
        let fields: Fields = [
            ("do", "grants"),
            ("grant", "gpio:*:read"),
            ("grant", "process:*:read"),
            ("others", "process:camera:restart,\r\n gpio:*:read\n"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
        assert_eq!(
            wanted_grants(&fields),
            ["gpio:*:read", "process:*:read", "process:camera:restart"]
        );
        assert_eq!((field(&fields, "do"), field(&fields, "sure")), ("grants", ""));
    }
}

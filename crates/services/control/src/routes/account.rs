//! A person's own account: sessions, second factor, API tokens.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use pistack_api::token::Level;
use serde::Deserialize;

use super::{Form, Lenient};
use crate::account::{SessionLine, TokenLine};
use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;
use crate::upstream::account as upstream;
use crate::view::{self, AccountPage, EnrolmentPage, ReauthPage, ShownOncePage};
use crate::visit::own_path;
use crate::words::Words;

const ACCOUNT: &str = "/account";

/// What was done just now, for the word at the top of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    done: String,
}

fn told(t: &Words, done: &str) -> Option<&'static str> {
    Some(match done {
        "session" => t.did_sign_out,
        "sessions" => t.did_sign_out_others,
        "factor-off" => t.did_factor_off,
        "token" => t.did_revoke,
        "reauth" => t.did_reauth,
        _ => return None,
    })
}

/// `GET /account`
pub(crate) async fn account(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(query): Lenient<Done>,
) -> Result<Response, Failure> {
    let told = told(person.visit.t, &query.done);
    page(&dashboard, &person, StatusCode::OK, told, None).await
}

async fn page(
    dashboard: &Dashboard,
    person: &Person,
    status: StatusCode,
    told: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, Failure> {
    let (visit, token) = (&person.visit, person.token.as_str());
    let (sessions, factor, tokens) = tokio::try_join!(
        upstream::sessions(dashboard, token),
        upstream::factor(dashboard, token),
        upstream::tokens(dashboard, token),
    )?;
    let left = factor.recovery_codes_left;
    let page = AccountPage {
        v: visit,
        told,
        problem,
        sessions: sessions
            .into_iter()
            .map(|session| SessionLine::new(session, visit.t))
            .collect(),
        factor_text: match (factor.enabled, factor.clock.as_str()) {
            (_, "untrusted") => visit.t.factor_clock.to_owned(),
            (true, _) => visit.t.factor_on_text(left),
            (false, _) => visit.t.factor_off_text.to_owned(),
        },
        factor,
        tokens: tokens
            .into_iter()
            .map(|token| TokenLine::new(token, visit.lang))
            .collect(),
        sees_audit: person.claims.lvl >= Level::Root,
    };
    view::page(status, &page)
}

/// Back to the page, or what auth refused: with a form where it asks for more.
async fn after(
    dashboard: &Dashboard,
    person: &Person,
    outcome: Result<(), Failure>,
    done: &str,
) -> Result<Response, Failure> {
    match outcome {
        Ok(()) => Ok(person.visit.redirect(&format!("{ACCOUNT}?done={done}"))),
        Err(failure) => refused(dashboard, person, failure).await,
    }
}

async fn refused(dashboard: &Dashboard, person: &Person, failure: Failure) -> Result<Response, Failure> {
    if failure.is("reauthentication-required") {
        return prove(dashboard, person, StatusCode::OK, None, ACCOUNT).await;
    }
    let Failure::Refused(_) = failure else {
        return Err(failure);
    };
    let problem = failure.words(person.visit.t).1;
    page(dashboard, person, failure.status(), None, Some(problem)).await
}

/// The form that asks who it is, and leads back to the page `back`.
pub(crate) async fn prove(
    dashboard: &Dashboard,
    person: &Person,
    status: StatusCode,
    problem: Option<String>,
    back: &str,
) -> Result<Response, Failure> {
    let factor = upstream::factor(dashboard, &person.token).await?;
    let page = ReauthPage {
        v: &person.visit,
        problem,
        back,
        wants_code: factor.enabled,
    };
    view::page(status, &page)
}

/// The fields of the proof.
#[derive(Debug, Deserialize)]
pub(crate) struct Proof {
    #[serde(default)]
    password: String,
    #[serde(default)]
    otp: String,
    /// Where to go on.
    #[serde(default)]
    back: String,
}

/// `POST /account/reauth`
pub(crate) async fn reauth(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(proof): Form<Proof>,
) -> Result<Response, Failure> {
    let outcome = upstream::reauth(&dashboard, &person.token, &proof.password, proof.otp.trim()).await;
    let back = own_path(&proof.back)
        .filter(|path| !path.contains(['?', '#']))
        .unwrap_or(ACCOUNT);
    let problem = match outcome {
        Ok(()) => return Ok(person.visit.redirect(&format!("{back}?done=reauth"))),
        // The session is good, or we would not be here: it is the password that is wrong.
        Err(Failure::SignIn) => person.visit.t.wrong_password.to_owned(),
        Err(failure @ Failure::Refused(_)) => failure.words(person.visit.t).1,
        Err(failure) => return Err(failure),
    };
    prove(&dashboard, &person, StatusCode::UNAUTHORIZED, Some(problem), back).await
}

/// Which session.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    id: String,
}

/// `POST /account/sessions/end`
pub(crate) async fn end_session(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(which): Form<Which>,
) -> Result<Response, Failure> {
    let outcome = upstream::end_session(&dashboard, &person.token, &which.id).await;
    // One that is over already is what was wanted.
    let outcome = outcome.or_else(|failure| match failure {
        Failure::NotFound => Ok(()),
        other => Err(other),
    });
    after(&dashboard, &person, outcome, "session").await
}

/// `POST /account/sessions/end-others`
pub(crate) async fn end_others(
    State(dashboard): State<Dashboard>,
    person: Person,
) -> Result<Response, Failure> {
    let outcome = upstream::end_others(&dashboard, &person.token).await;
    after(&dashboard, &person, outcome, "sessions").await
}

/// `POST /account/factor/begin`: the QR code and the field for the first code.
pub(crate) async fn begin_factor(
    State(dashboard): State<Dashboard>,
    person: Person,
) -> Result<Response, Failure> {
    let enrolment = match upstream::begin_factor(&dashboard, &person.token).await {
        Ok(enrolment) => enrolment,
        Err(failure) => return refused(&dashboard, &person, failure).await,
    };
    let page = EnrolmentPage {
        v: &person.visit,
        problem: None,
        qr_svg: &enrolment.qr_svg,
        uri: &enrolment.uri,
        secret: &enrolment.secret,
    };
    view::page(StatusCode::OK, &page)
}

/// The first code.
#[derive(Debug, Deserialize)]
pub(crate) struct FirstCode {
    #[serde(default)]
    code: String,
}

/// `POST /account/factor/confirm`
pub(crate) async fn confirm_factor(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(fields): Form<FirstCode>,
) -> Result<Response, Failure> {
    match upstream::confirm_factor(&dashboard, &person.token, fields.code.trim()).await {
        Ok(codes) => show_codes(&person, &codes.recovery_codes),
        Err(failure) if failure.is("reauthentication-required") => {
            prove(&dashboard, &person, StatusCode::OK, None, ACCOUNT).await
        }
        Err(failure @ Failure::Refused(_)) => {
            let page = EnrolmentPage {
                v: &person.visit,
                problem: Some(failure.words(person.visit.t).1),
                qr_svg: "",
                uri: "",
                secret: "",
            };
            view::page(failure.status(), &page)
        }
        Err(failure) => Err(failure),
    }
}

fn show_codes(person: &Person, codes: &[String]) -> Result<Response, Failure> {
    let t = person.visit.t;
    let page = ShownOncePage {
        v: &person.visit,
        heading: t.codes_title,
        lead: t.codes_lead,
        lines: codes,
    };
    view::page(StatusCode::OK, &page)
}

/// `POST /account/factor/codes`
pub(crate) async fn renew_codes(
    State(dashboard): State<Dashboard>,
    person: Person,
) -> Result<Response, Failure> {
    match upstream::renew_codes(&dashboard, &person.token).await {
        Ok(codes) => show_codes(&person, &codes.recovery_codes),
        Err(failure) => refused(&dashboard, &person, failure).await,
    }
}

/// `POST /account/factor/off`
pub(crate) async fn factor_off(
    State(dashboard): State<Dashboard>,
    person: Person,
) -> Result<Response, Failure> {
    let outcome = upstream::factor_off(&dashboard, &person.token).await;
    after(&dashboard, &person, outcome, "factor-off").await
}

/// A token to make.
#[derive(Debug, Deserialize)]
pub(crate) struct NewToken {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    days: i64,
}

/// `POST /account/tokens/add`
pub(crate) async fn make_token(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(wanted): Form<NewToken>,
) -> Result<Response, Failure> {
    let scope: Vec<_> = wanted
        .scope
        .split([' ', ',', '\r', '\n'])
        .filter(|word| !word.is_empty())
        .collect();
    let (name, days) = (wanted.name.trim(), wanted.days);
    let made = match upstream::make_token(&dashboard, &person.token, name, &scope, days).await {
        Ok(made) => made,
        Err(failure) => return refused(&dashboard, &person, failure).await,
    };
    let t = person.visit.t;
    let page = ShownOncePage {
        v: &person.visit,
        heading: t.token_title,
        lead: t.token_lead,
        lines: &[made.token],
    };
    view::page(StatusCode::OK, &page)
}

/// `POST /account/tokens/revoke`
pub(crate) async fn revoke_token(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(which): Form<Which>,
) -> Result<Response, Failure> {
    let outcome = upstream::revoke_token(&dashboard, &person.token, &which.id).await;
    after(&dashboard, &person, outcome, "token").await
}

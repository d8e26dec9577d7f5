//! The steps of the first start that follow the account: language, second factor, trust, a channel, what next.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use pistack_api::token::Level;
use serde::Deserialize;

use super::account::prove;
use super::apis::read_authority;
use super::settings::{channels_part, tls_part};
use super::{Form, Lenient, Name};
use crate::error::Failure;
use crate::identity::Person;
use crate::inert;
use crate::setup::{FactorView, STEP_COOKIE, Step, StepPage, StepView};
use crate::state::Dashboard;
use crate::upstream::{account as upstream, channels, info};
use crate::view;
use crate::visit::Visit;

/// A month in seconds: after that nobody goes on.
const KEPT: u32 = 2_592_000;

/// What was done just now.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    done: String,
}

/// Who may be here: whoever made the first account, or has its level.
fn allowed(person: &Person) -> Result<(), Failure> {
    if person.claims.lvl < Level::Root {
        return Err(Failure::Forbidden);
    }
    Ok(())
}

/// `GET /setup/{step}`
pub(crate) async fn step(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(name): Name,
    Lenient(query): Lenient<Done>,
) -> Result<Response, Failure> {
    allowed(&person)?;
    let step = Step::of(&name).ok_or(Failure::NotFound)?;
    let view = look(&dashboard, &person, step).await?;
    let told = (query.done == "reauth").then(|| person.visit.t.did_reauth.to_owned());
    show(&person, StatusCode::OK, step, view, told, None)
}

/// What a step shows at first.
async fn look(dashboard: &Dashboard, person: &Person, step: Step) -> Result<StepView, Failure> {
    Ok(match step {
        Step::Look => StepView::Look {
            board: info::host_name(dashboard, person).await,
        },
        Step::Factor => {
            let factor = upstream::factor(dashboard, &person.token).await?;
            StepView::Factor(if factor.enabled {
                FactorView::On
            } else {
                FactorView::Offer
            })
        }
        Step::Trust => {
            let (tls, authority) = tokio::join!(tls_part(dashboard, person), read_authority(dashboard));
            StepView::Trust {
                has_authority: authority.is_some(),
                tls,
            }
        }
        Step::Channel => StepView::Channel(channels_part(dashboard, person).await?),
        Step::Done => StepView::Done,
    })
}

/// The page. It has no menu: there is one thing to do.
fn show(
    person: &Person,
    status: StatusCode,
    step: Step,
    view: StepView,
    told: Option<String>,
    problem: Option<String>,
) -> Result<Response, Failure> {
    let visit = Visit {
        who: None,
        here: step.path(),
        ..person.visit.clone()
    };
    let page = StepPage {
        v: &visit,
        step,
        view,
        told,
        problem,
    };
    let mut response = view::page(status, &page)?;
    keep(&mut response, &visit, Some(step));
    Ok(response)
}

/// Keeps the step for later, or forgets it.
pub(crate) fn keep(response: &mut Response, visit: &Visit, step: Option<Step>) {
    let (value, age) = step.map_or(("", 0), |step| (step.code(), KEPT));
    let base = &visit.base;
    let cookie = format!("{STEP_COOKIE}={value}; Path={base}/; HttpOnly; SameSite=Lax; Max-Age={age}");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// No fields.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

/// `POST /setup/{step}`: this step is done, or left out.
pub(crate) async fn go_on(
    person: Person,
    Name(name): Name,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    allowed(&person)?;
    let step = Step::of(&name).ok_or(Failure::NotFound)?;
    let next = step.next();
    let target = next.map_or_else(|| "/".to_owned(), Step::path);
    let mut response = person.visit.redirect(&target);
    keep(&mut response, &person.visit, next);
    Ok(response)
}

/// `POST /setup/factor/begin`: the code to scan.
pub(crate) async fn begin_factor(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Failure> {
    allowed(&person)?;
    match upstream::begin_factor(&dashboard, &person.token).await {
        Ok(enrolment) => {
            let view = FactorView::Enrol {
                qr_svg: enrolment.qr_svg,
                uri: enrolment.uri,
                secret: enrolment.secret,
            };
            show(
                &person,
                StatusCode::OK,
                Step::Factor,
                StepView::Factor(view),
                None,
                None,
            )
        }
        Err(failure) => factor_refused(&dashboard, &person, failure, FactorView::Offer).await,
    }
}

/// The first code.
#[derive(Debug, Deserialize)]
pub(crate) struct FirstCode {
    #[serde(default)]
    code: String,
}

/// `POST /setup/factor/confirm`: turns it on, and shows the recovery codes.
pub(crate) async fn confirm_factor(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(fields): Form<FirstCode>,
) -> Result<Response, Failure> {
    allowed(&person)?;
    match upstream::confirm_factor(&dashboard, &person.token, fields.code.trim()).await {
        Ok(codes) => {
            let view = StepView::Factor(FactorView::Codes(codes.recovery_codes));
            show(&person, StatusCode::OK, Step::Factor, view, None, None)
        }
        Err(failure) => {
            let again = FactorView::Enrol {
                qr_svg: String::new(),
                uri: String::new(),
                secret: String::new(),
            };
            factor_refused(&dashboard, &person, failure, again).await
        }
    }
}

async fn factor_refused(
    dashboard: &Dashboard,
    person: &Person,
    failure: Failure,
    view: FactorView,
) -> Result<Response, Failure> {
    if failure.is("reauthentication-required") {
        return prove(dashboard, person, StatusCode::OK, None, &Step::Factor.path()).await;
    }
    let Failure::Refused(_) = failure else {
        return Err(failure);
    };
    let problem = Some(failure.words(person.visit.t).1);
    let view = StepView::Factor(view);
    show(person, failure.status(), Step::Factor, view, None, problem)
}

/// Which channel.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    name: String,
}

/// `POST /setup/channel/test`: sends a test message and says what came of it.
pub(crate) async fn test_channel(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(which): Form<Which>,
) -> Result<Response, Failure> {
    allowed(&person)?;
    let t = person.visit.t;
    let shown = inert::line(&which.name);
    let (status, told, problem) = match channels::test(&dashboard, &person.token, &which.name).await {
        Ok(tested) if tested.ok => (StatusCode::OK, Some(t.set_test_sent(shown)), None),
        Ok(tested) => {
            let said = t.set_test_failed(shown, inert::line(&tested.detail));
            (StatusCode::OK, None, Some(said))
        }
        Err(failure @ (Failure::Refused(_) | Failure::NotFound | Failure::Down(_))) => {
            (failure.status(), None, Some(failure.words(t).1))
        }
        Err(failure) => return Err(failure),
    };
    let view = look(&dashboard, &person, Step::Channel).await?;
    show(&person, status, Step::Channel, view, told, problem)
}

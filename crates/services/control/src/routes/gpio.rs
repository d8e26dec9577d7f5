//! The GPIO page: lines, header, sensors, and what the person may do to them.

use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use pistack_api::problem::ProblemBody;
use serde::Deserialize;

use super::{Form, Lenient, Name};
use crate::error::Failure;
use crate::gpio::{ChangedSensors, GpioConfirmPage, GpioPage, SensorRow, Shown, sensor_rows};
use crate::identity::Person;
use crate::live;
use crate::state::Dashboard;
use crate::upstream::io;
use crate::view;
use crate::words::Words;

/// Longest pulse that the form takes, in milliseconds.
const LONGEST_PULSE: u64 = 600_000;
/// Takes the notice of an earlier refusal away.
const NO_NOTICE: &str = "<hx-partial hx-target=\"#notice\" hx-swap=\"innerHTML\"></hx-partial>";

/// What was done just now, for the word at the top of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    done: String,
}

/// `GET /gpio`
pub(crate) async fn gpio(
    State(dashboard): State<Dashboard>,
    person: Person,
    Lenient(query): Lenient<Done>,
) -> Result<Response, Failure> {
    let t = person.visit.t;
    let told = match query.done.as_str() {
        "stop" => Some(t.gpio_did_stop),
        "release" => Some(t.gpio_did_release),
        _ => None,
    };
    page(&dashboard, &person, StatusCode::OK, told, None).await
}

async fn page(
    dashboard: &Dashboard,
    person: &Person,
    status: StatusCode,
    told: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, Failure> {
    let (shown, sensors) = tokio::join!(look(dashboard, person), sensors(dashboard, person));
    let shown = match shown {
        Ok(shown) => Some(shown),
        Err(Failure::Down(_)) => None,
        Err(failure) => return Err(failure),
    };
    let page = GpioPage {
        v: &person.visit,
        told,
        problem,
        shown,
        sensors,
    };
    view::page(status, &page)
}

/// Survey and header as they are now, for this person.
pub(crate) async fn look(dashboard: &Dashboard, person: &Person) -> Result<Shown, Failure> {
    let (lines, board) = tokio::try_join!(
        io::lines(dashboard, &person.token),
        io::board(dashboard, &person.token)
    )?;
    Ok(Shown::new(&lines, &board, person))
}

async fn sensors(dashboard: &Dashboard, person: &Person) -> Option<Vec<SensorRow>> {
    let sensors = io::sensors(dashboard, &person.token).await.ok()?;
    Some(sensor_rows(&sensors, person.visit.t))
}

/// `GET /gpio/events`: what keeps the page up to date.
pub(crate) async fn events(State(dashboard): State<Dashboard>, person: Person) -> Response {
    live::gpio(&dashboard, person)
}

/// `GET /gpio/sensors`: the sensors' table alone, which htmx asks for now and then.
pub(crate) async fn sensors_card(
    State(dashboard): State<Dashboard>,
    person: Person,
) -> Result<Response, Failure> {
    let card = ChangedSensors {
        v: &person.visit,
        sensors: sensors(&dashboard, &person).await,
    };
    view::page(StatusCode::OK, &card)
}

/// What to do to a line.
#[derive(Debug, Deserialize)]
pub(crate) struct Act {
    #[serde(default)]
    r#do: String,
}

/// `POST /gpio/lines/{line}`: the buttons of a row.
pub(crate) async fn act(
    State(dashboard): State<Dashboard>,
    person: Person,
    Name(line): Name,
    Form(act): Form<Act>,
) -> Result<Response, Failure> {
    let token = &person.token;
    let outcome = match act.r#do.as_str() {
        "on" => io::set(&dashboard, token, &line, true, None).await,
        "off" => io::set(&dashboard, token, &line, false, None).await,
        "toggle" => io::toggle(&dashboard, token, &line).await,
        "cancel" => io::cancel(&dashboard, token, &line).await,
        _ => return Err(Failure::Form),
    };
    after(&dashboard, &person, outcome).await
}

/// What the form below the table asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Drive {
    line: String,
    r#do: String,
    ms: String,
    duty: String,
    freq: String,
}

/// `POST /gpio/drive`: a pulse, or PWM.
pub(crate) async fn drive(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(drive): Form<Drive>,
) -> Result<Response, Failure> {
    let t = person.visit.t;
    let number = |text: &str| {
        text.trim()
            .replace(',', ".")
            .parse::<f64>()
            .ok()
            .filter(|n| n.is_finite())
    };
    let token = &person.token;
    let outcome = match drive.r#do.as_str() {
        "pulse" => match drive.ms.trim().parse::<u64>() {
            Ok(ms) if (1..=LONGEST_PULSE).contains(&ms) => {
                io::set(&dashboard, token, &drive.line, true, Some(ms)).await
            }
            _ => return wrong(&dashboard, &person, t.gpio_bad_pulse).await,
        },
        "pwm" => match (number(&drive.duty), number(&drive.freq)) {
            (Some(duty), Some(freq)) if (0.0..=100.0).contains(&duty) && freq > 0.0 => {
                io::pwm(&dashboard, token, &drive.line, duty / 100.0, freq).await
            }
            _ => return wrong(&dashboard, &person, t.gpio_bad_pwm).await,
        },
        _ => return Err(Failure::Form),
    };
    after(&dashboard, &person, outcome).await
}

async fn wrong(dashboard: &Dashboard, person: &Person, what: &str) -> Result<Response, Failure> {
    if person.visit.pieces {
        return notice(person, what.to_owned());
    }
    page(
        dashboard,
        person,
        StatusCode::BAD_REQUEST,
        None,
        Some(what.to_owned()),
    )
    .await
}

fn notice(person: &Person, text: String) -> Result<Response, Failure> {
    let notice = view::Notice {
        v: &person.visit,
        class: "bad",
        icon: "circle-alert",
        text,
        undo: String::new(),
    };
    view::page(StatusCode::OK, &notice)
}

/// Back to the page, or what the io service refused. A page that is live hears of the change by its stream.
async fn after(
    dashboard: &Dashboard,
    person: &Person,
    outcome: Result<(), Failure>,
) -> Result<Response, Failure> {
    match outcome {
        Ok(()) if person.visit.pieces => Ok(Html(NO_NOTICE).into_response()),
        Ok(()) => Ok(person.visit.redirect("/gpio")),
        Err(Failure::Refused(body)) => {
            let said = refusal(person.visit.t, &body);
            if person.visit.pieces {
                return notice(person, said);
            }
            let status = Failure::Refused(body).status();
            page(dashboard, person, status, None, Some(said)).await
        }
        Err(failure) => Err(failure),
    }
}

/// Why the io service did not do it, in the person's language as far as the code is known here.
fn refusal(t: &Words, body: &ProblemBody) -> String {
    let text = |key: &str| {
        let value = body.extra.get(key).and_then(serde_json::Value::as_str);
        crate::inert::line(value.unwrap_or("?"))
    };
    match body.code.as_str() {
        "line_busy" => t.gpio_held_by(text("holder")),
        "wrong_direction" => t.gpio_is_input.to_owned(),
        "interlock" => t.gpio_interlock(text("blocked_by")),
        "min_off" => t.gpio_min_off.to_owned(),
        "safe_mode" => t.gpio_is_stopped.to_owned(),
        "not_supported" => t.gpio_not_supported(crate::inert::line(
            body.detail.as_deref().unwrap_or(&body.message),
        )),
        _ => crate::error::reason(t, body),
    }
}

/// Whether the person was asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sure {
    sure: String,
}

/// `POST /gpio/stop`: first the question, then the emergency stop.
pub(crate) async fn stop(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(sure): Form<Sure>,
) -> Result<Response, Failure> {
    all(&dashboard, &person, &sure, true).await
}

/// `POST /gpio/release`: first the question, then the end of the emergency stop.
pub(crate) async fn release(
    State(dashboard): State<Dashboard>,
    person: Person,
    Form(sure): Form<Sure>,
) -> Result<Response, Failure> {
    all(&dashboard, &person, &sure, false).await
}

async fn all(dashboard: &Dashboard, person: &Person, sure: &Sure, stop: bool) -> Result<Response, Failure> {
    if sure.sure != "yes" {
        let page = GpioConfirmPage {
            v: &person.visit,
            stop,
        };
        return view::page(StatusCode::OK, &page);
    }
    let (outcome, done) = if stop {
        (io::stop(dashboard, &person.token).await, "stop")
    } else {
        (io::release(dashboard, &person.token).await, "release")
    };
    match outcome {
        Ok(()) => Ok(person.visit.redirect(&format!("/gpio?done={done}"))),
        other => after(dashboard, person, other).await,
    }
}

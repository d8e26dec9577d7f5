//! Signing in and out.

use axum::extract::{Extension, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pistack_api::auth::{COOKIE, CookieLogin, CookieSession, SessionEnd};
use pistack_api::token::Level;
use pistack_kit::service::Peer;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Form, Lenient};
use crate::error::{Failure, reason};
use crate::identity::{Person, identify, setup_required};
use crate::setup;
use crate::state::Dashboard;
use crate::upstream::auth;
use crate::view::{self, LoginPage, SecondStepPage, Step};
use crate::visit::{Visit, cookie, own_path};
use crate::words::Words;

/// Cookie of a device that somebody signed in from before: others' guesses do not keep it out.
const DEVICE_COOKIE: &str = "__Host-pistack-device";
/// Longest `User-Agent` that is passed on for the list of sessions, in characters.
const MAX_DEVICE: usize = 200;

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Return {
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub(crate) async fn form(
    State(dashboard): State<Dashboard>,
    visit: Visit,
    Lenient(query): Lenient<Return>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let next = safe_next(&query.next);
    if identify(&headers, &dashboard).await.is_ok() {
        return Ok(visit.redirect(next));
    }
    let problem = match setup_required(&dashboard).await {
        Ok(true) => return Ok(visit.redirect("/setup")),
        Ok(false) => None,
        // The form is worth showing all the same: the service comes back by itself.
        Err(failure) => Some(failure.words(visit.t).1),
    };
    let status = if problem.is_some() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    let page = LoginPage {
        v: &visit,
        problem,
        name: "",
        next,
    };
    view::page(status, &page)
}

/// The fields of the sign-in form.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
    /// The first step, where this is the second one.
    #[serde(default)]
    pending: String,
    /// A code of the authenticator, or a recovery code.
    #[serde(default)]
    otp: String,
    /// A password in place of one that is known to the world, twice.
    #[serde(default)]
    new_password: String,
    #[serde(default)]
    again: String,
}

/// `POST /login`: name and password; where the account has a second factor, its code in a second step.
pub(crate) async fn sign_in(
    State(dashboard): State<Dashboard>,
    visit: Visit,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Failure> {
    let next = safe_next(&fields.next);
    let again = |status, problem: String| {
        let page = LoginPage {
            v: &visit,
            problem: Some(problem),
            name: &fields.name,
            next,
        };
        view::page(status, &page)
    };
    let clock = &dashboard.context.clock;
    let (name, password) = if fields.pending.is_empty() {
        (fields.name.clone(), Zeroizing::new(fields.password.clone()))
    } else if let Some(first) = dashboard.pending.find(clock, &fields.pending) {
        first
    } else {
        return again(StatusCode::UNAUTHORIZED, visit.t.otp_too_late.to_owned());
    };
    if name.is_empty() || password.is_empty() {
        return again(StatusCode::BAD_REQUEST, visit.t.fill_both.to_owned());
    }
    if !fields.pending.is_empty() && fields.new_password != fields.again {
        let problem = Some(visit.t.passwords_differ.to_owned());
        return second_step(
            &visit,
            Step::NewPassword,
            &fields.pending,
            next,
            StatusCode::BAD_REQUEST,
            problem,
        );
    }
    let login = CookieLogin {
        name,
        password: password.to_string(),
        device: device(&headers),
        address: address(peer, &headers),
        otp: fields.otp.trim().to_owned(),
        new_password: fields.new_password.clone(),
        device_token: cookie(&headers, DEVICE_COOKIE).unwrap_or_default().to_owned(),
        remember_device: true,
        replaces: identify(&headers, &dashboard)
            .await
            .map_or_else(|_| String::new(), |(_, claims)| claims.sid),
    };
    match auth::sign_in(&dashboard, &login).await {
        Ok(session) => {
            dashboard.pending.forget(clock, &fields.pending);
            // A first start that was left is gone on with.
            let step =
                setup::Step::kept(&headers).filter(|_| next == "/" && session.user.level >= Level::Root);
            signed_in(
                &visit,
                &session,
                step.map_or_else(|| next.to_owned(), setup::Step::path).as_str(),
            )
        }
        Err(failure) => {
            let Some((step, wrong)) = further_step(&failure, !fields.pending.is_empty()) else {
                return again(refusal_status(&failure), refusal(visit.t, &failure));
            };
            if wrong {
                let problem = Some(refusal(visit.t, &failure));
                return second_step(&visit, step, &fields.pending, next, failure.status(), problem);
            }
            let pending = dashboard.pending.keep(clock, &login.name, &login.password);
            second_step(&visit, step, &pending, next, StatusCode::OK, None)
        }
    }
}

/// The step that auth asks for, and whether what was given in it was wrong.
fn further_step(failure: &Failure, is_second: bool) -> Option<(Step, bool)> {
    let asked = [
        ("second-factor-required", Step::Code, false),
        ("password_change_required", Step::NewPassword, false),
        ("invalid-second-factor", Step::Code, true),
        ("weak_password", Step::NewPassword, true),
    ];
    asked
        .into_iter()
        .find(|(code, _, wrong)| failure.is(code) && (is_second || !wrong))
        .map(|(_, step, wrong)| (step, wrong))
}

/// The form of the second step.
fn second_step(
    visit: &Visit,
    step: Step,
    pending: &str,
    next: &str,
    status: StatusCode,
    problem: Option<String>,
) -> Result<Response, Failure> {
    let page = SecondStepPage {
        v: visit,
        step,
        problem,
        pending,
        next,
    };
    view::page(status, &page)
}

/// `POST /logout`. The cookie goes in any case; the session ends as well if auth can be reached.
pub(crate) async fn sign_out(
    State(dashboard): State<Dashboard>,
    headers: HeaderMap,
    person: Result<Person, Failure>,
    visit: Visit,
) -> Response {
    if let Ok(person) = person {
        let end = SessionEnd {
            cookie: cookie(&headers, COOKIE).unwrap_or_default().to_owned(),
            sid: person.claims.sid.clone(),
        };
        if let Err(failure) = auth::sign_out(&dashboard, &end).await {
            tracing::warn!(
                user = person.claims.nam,
                ?failure,
                "the session could not be ended"
            );
        }
    }
    let mut response = visit.redirect("/login");
    let cookie = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Sets the cookie and goes to the page that was wanted.
pub(crate) fn signed_in(visit: &Visit, session: &CookieSession, next: &str) -> Result<Response, Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte);
    if session.cookie.is_empty() || !session.cookie.bytes().all(plain) {
        tracing::error!("auth gave a session that is no cookie value");
        return Err(Failure::Internal);
    }
    let cookie = format!(
        "{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}",
        session.cookie, session.max_age
    );
    let cookie = HeaderValue::try_from(cookie).map_err(|_| Failure::Internal)?;
    let mut response = visit.redirect(next);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    if let Some(token) = session
        .device_token
        .as_deref()
        .filter(|token| token.bytes().all(plain))
    {
        let cookie = format!(
            "{DEVICE_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}",
            365 * 24 * 3600
        );
        let cookie = HeaderValue::try_from(cookie).map_err(|_| Failure::Internal)?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A page of ours to go to after signing in; the home page where the wish is none, or would lead round.
fn safe_next(next: &str) -> &str {
    let forms = ["/login", "/logout", "/setup"];
    own_path(next)
        .filter(|path| !forms.iter().any(|form| path.starts_with(form)))
        .unwrap_or("/")
}

/// What auth's refusal means to the person at the form.
pub(crate) fn refusal(t: &Words, failure: &Failure) -> String {
    match failure {
        Failure::SignIn => t.wrong_credentials.to_owned(),
        Failure::Refused(body) => reason(t, body),
        Failure::Down(_) => t.auth_down.to_owned(),
        other => other.words(t).1,
    }
}

/// The status of the form shown again: auth's own.
pub(crate) fn refusal_status(failure: &Failure) -> StatusCode {
    failure.status()
}

/// The browser's name for itself, for the list of sessions.
pub(crate) fn device(headers: &HeaderMap) -> String {
    let agent = headers
        .get(header::USER_AGENT)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    String::from_utf8_lossy(agent).chars().take(MAX_DEVICE).collect()
}

/// The browser's address as the gateway saw it.
pub(crate) fn address(peer: Option<Extension<Peer>>, headers: &HeaderMap) -> String {
    let address = peer.and_then(|Extension(peer)| peer.client(headers));
    address.map(|address| address.to_string()).unwrap_or_default()
}

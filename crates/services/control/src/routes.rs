//! Every address of the dashboard, in one place. All are below the base path that the gateway takes off.

mod access;
mod account;
mod apis;
mod audit;
mod events;
mod gpio;
mod home;
mod install;
pub(crate) mod logs;
mod mail;
mod preferences;
mod program;
mod program_views;
pub(crate) mod rule_edit;
mod rules;
mod session;
mod settings;
mod setup;
mod setup_steps;
mod several;
mod system;
mod timeline;
mod weather;

pub(crate) use gpio::look as look_at_gpio;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;

use crate::assets;
use crate::error::Failure;
use crate::pages;
use crate::state::Dashboard;

/// Largest form; a password has 1024 characters at most.
const MAX_FORM_BYTES: usize = 16 * 1024;

/// Largest form that holds a text: a rule, a mail.
const MAX_TEXT_BYTES: usize = 256 * 1024;

/// The routes with everything around them.
pub(crate) fn public(dashboard: Dashboard) -> Router {
    Router::new()
        .route("/", get(home::home))
        .route("/board", get(home::board))
        .route("/live", get(events::home))
        .route("/programs", post(several::control))
        .route("/programs/{name}", get(program::program))
        .route("/programs/{name}/control", post(program::control))
        .route("/programs/{name}/events", get(events::program))
        .route("/programs/{name}/history", get(program_views::history))
        .route("/programs/{name}/why", get(program_views::why))
        .route("/programs/{name}/metrics", get(program_views::measures))
        .route("/programs/{name}/config", get(program_views::config))
        .route("/programs/{name}/rules", get(program_views::rules_of))
        .merge(operations())
        .route("/account", get(account::account))
        .route("/account/reauth", post(account::reauth))
        .route("/account/sessions/end", post(account::end_session))
        .route("/account/sessions/end-others", post(account::end_others))
        .route("/account/factor/begin", post(account::begin_factor))
        .route("/account/factor/confirm", post(account::confirm_factor))
        .route("/account/factor/codes", post(account::renew_codes))
        .route("/account/factor/off", post(account::factor_off))
        .route("/account/tokens/add", post(account::make_token))
        .route("/account/tokens/revoke", post(account::revoke_token))
        .route("/audit", get(audit::audit))
        .merge(board_pages())
        .route("/apis", get(apis::apis))
        .route("/apis/try", get(apis::explore))
        .route("/apis/ui/{file}", get(apis::ui))
        .route("/ca.crt", get(apis::authority))
        .route("/login", get(session::form).post(session::sign_in))
        .route("/logout", post(session::sign_out))
        .route("/setup", get(setup::form).post(setup::set_up))
        .route("/setup/{step}", get(setup_steps::step).post(setup_steps::go_on))
        .route("/setup/factor/begin", post(setup_steps::begin_factor))
        .route("/setup/factor/confirm", post(setup_steps::confirm_factor))
        .route("/setup/channel/test", post(setup_steps::test_channel))
        .route("/preferences", post(preferences::choose))
        .route("/manifest.webmanifest", get(install::manifest))
        .route("/offline", get(install::offline))
        .route("/assets/{file}", get(assets::asset))
        .fallback(async || Failure::NotFound)
        .method_not_allowed_fallback(async || Failure::Method)
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(axum::middleware::from_fn_with_state(
            dashboard.clone(),
            pages::dress,
        ))
        .with_state(dashboard)
}

/// GPIO, System, weather, Access and Settings.
fn board_pages() -> Router<Dashboard> {
    Router::new()
        .route("/gpio", get(gpio::gpio))
        .route("/gpio/events", get(gpio::events))
        .route("/gpio/sensors", get(gpio::sensors_card))
        .route("/gpio/lines/{line}", post(gpio::act))
        .route("/gpio/drive", post(gpio::drive))
        .route("/gpio/stop", post(gpio::stop))
        .route("/gpio/release", post(gpio::release))
        .route("/system", get(system::system))
        .route("/system/now", get(system::now))
        .route("/system/history.json", get(system::history))
        .route("/weather", get(weather::weather))
        .route("/weather/card", get(weather::piece))
        .route("/access", get(access::list))
        .route("/access/add", post(access::add))
        .route("/access/{id}", get(access::person).post(access::act))
        .route("/settings", get(settings::settings))
        .route("/settings/channels/{name}/test", post(settings::test_channel))
        .route("/settings/copies", post(settings::copy))
}

/// Logs, events, rules and mail.
fn operations() -> Router<Dashboard> {
    let large = || DefaultBodyLimit::max(MAX_TEXT_BYTES);
    Router::new()
        .route("/logs", get(logs::logs))
        .route("/logs/window", get(logs::piece))
        .route("/logs/follow", get(logs::follow))
        .route("/logs/download", get(logs::download))
        .route("/events", get(timeline::page))
        .route("/events.csv", get(timeline::csv))
        .route("/events.json", get(timeline::json))
        .route("/rules", get(rules::rules))
        .route("/rules/new", get(rule_edit::new))
        .route("/rules/save", post(rule_edit::save).layer(large()))
        .route("/rules/edit/{name}", get(rule_edit::edit))
        .route("/rules/rule/{name}", get(rules::rule))
        .route("/rules/rule/{name}/set", post(rules::set))
        .route("/rules/rule/{name}/test", post(rules::test))
        .route("/rules/rule/{name}/remove", post(rule_edit::remove))
        .route("/rules/channel/{name}/test", post(rules::test_channel))
        .route("/mail", get(mail::mail))
        .route("/mail/new", get(mail::write))
        .route("/mail/send", post(mail::send).layer(large()))
        .route("/mail/test", post(mail::test))
        .route("/mail/resume", post(mail::resume))
        .route("/mail/message/{id}", get(mail::message).post(mail::act))
}

/// The `{name}` or `{file}` of an address. One that is no UTF-8 names nothing.
#[derive(Debug)]
pub(crate) struct Name(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Failure> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Failure::NotFound),
        }
    }
}

/// The query of an address; one that makes no sense is as good as none.
#[derive(Debug)]
pub(crate) struct Lenient<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequestParts<S> for Lenient<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        Ok(Self(query.map(|Query(query)| query).unwrap_or_default()))
    }
}

/// The fields of a form (`application/x-www-form-urlencoded`); anything else is [`Failure::Form`].
#[derive(Debug)]
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(fields)) => Ok(Self(fields)),
            Err(_) => Err(Failure::Form),
        }
    }
}

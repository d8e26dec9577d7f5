//! What can go wrong on the way to a page. A handler returns a [`Failure`]; the layer in `pages` turns it into a
//! page (or a message, for htmx) in the visitor's language, since only it knows the language in every case.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use pistack_api::problem::ProblemBody;
use pistack_api::service::Service;
use pistack_kit::client::ClientError;

use crate::words::{Words, length};

/// Why there is no ordinary page.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// Nobody is signed in; with the page to return to.
    SignIn,
    /// Nobody can sign in yet: there is no account.
    SetUp,
    /// Nothing at this address.
    NotFound,
    /// An address that takes other methods.
    Method,
    /// Signed in, but not allowed.
    Forbidden,
    /// A form from another site, or from nowhere.
    CrossSite,
    /// A form without its fields.
    Form,
    /// A service that the page needs does not answer.
    Down(Service),
    /// A service answered with a problem that is for the person to read.
    Refused(Box<ProblemBody>),
    /// A fault of ours; logged where it was noticed.
    Internal,
}

/// Codes of auth that are answered by a further form.
const ASKS_FOR_MORE: &[&str] = &[
    "second-factor-required",
    "invalid-second-factor",
    "reauthentication-required",
    "password_change_required",
];

impl Failure {
    /// Whether a service refused with this code.
    pub(crate) fn is(&self, code: &str) -> bool {
        matches!(self, Self::Refused(body) if body.code == code)
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::SignIn | Self::SetUp => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Forbidden | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Form => StatusCode::BAD_REQUEST,
            Self::Down(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(body) => {
                StatusCode::from_u16(body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Heading and text for the person.
    pub(crate) fn words(&self, t: &Words) -> (&'static str, String) {
        let (heading, text) = match self {
            Self::SignIn | Self::SetUp => (t.login_title, t.login_lead),
            Self::NotFound => (t.error_not_found, t.error_not_found_text),
            Self::Method => (t.error_method, t.error_method_text),
            Self::Forbidden => (t.error_forbidden, t.error_forbidden_text),
            Self::CrossSite => (t.error_cross_site, t.error_cross_site_text),
            Self::Form => (t.error_form, t.error_form_text),
            Self::Down(Service::Auth) => (t.error_down, t.auth_down),
            Self::Down(Service::Info) => (t.error_down, t.board_down),
            Self::Down(Service::Rules) => (t.error_down, t.rules_down),
            Self::Down(Service::Email) => (t.error_down, t.mail_down),
            Self::Down(_) => (t.error_down, t.supervisor_down),
            Self::Refused(body) => return (t.error_conflict, reason(t, body)),
            Self::Internal => (t.error_internal, t.error_internal_text),
        };
        (heading, text.to_owned())
    }

    /// A service could not be asked. The cause goes into the log.
    pub(crate) fn unreachable(service: Service, error: &ClientError) -> Self {
        tracing::warn!(service = service.name(), error = %error, "service does not answer");
        Self::Down(service)
    }

    /// A service answered with an error status.
    pub(crate) fn refused(service: Service, status: StatusCode, body: &[u8]) -> Self {
        let parsed = match serde_json::from_slice::<ProblemBody>(body) {
            // Somebody is known, but more is asked of the person: no reason to begin at the sign-in form.
            Ok(body) if ASKS_FOR_MORE.contains(&body.code.as_str()) => return Self::Refused(Box::new(body)),
            parsed => parsed,
        };
        match status {
            StatusCode::UNAUTHORIZED => return Self::SignIn,
            StatusCode::FORBIDDEN => return Self::Forbidden,
            StatusCode::NOT_FOUND => return Self::NotFound,
            _ => {}
        }
        match parsed {
            Ok(body) if status.is_client_error() => Self::Refused(Box::new(body)),
            body => {
                let message = body.map_or_else(|_| String::new(), |body| body.message);
                tracing::warn!(
                    service = service.name(),
                    status = status.as_u16(),
                    message,
                    "service failed"
                );
                Self::Down(service)
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A service's problem in the person's language, as far as its code is known here.
pub(crate) fn reason(t: &Words, body: &ProblemBody) -> String {
    let said = || crate::inert::line(body.detail.as_deref().unwrap_or(&body.message));
    match body.code.as_str() {
        "already_started" => t.why_already_started.to_owned(),
        "not_running" => t.why_not_running.to_owned(),
        "abnormal_termination" => t.why_start_failed.to_owned(),
        "spawn_error" | "not_executable" | "no_file" => t.why_spawn(said()),
        "still_stopping" => t.why_still_stopping.to_owned(),
        "shutting_down" => t.why_shutting_down.to_owned(),
        "second-factor-required" => t.otp_lead.to_owned(),
        "invalid-second-factor" => t.otp_wrong.to_owned(),
        "reauthentication-required" => t.reauth_lead.to_owned(),
        "password_change_required" => t.password_known.to_owned(),
        "second-factor-off" => t.factor_is_off.to_owned(),
        "second-factor-on" => t.factor_is_on.to_owned(),
        "invalid_scope" | "invalid-scope" => t.scope_refused(said()),
        "invalid_credentials" => t.wrong_credentials.to_owned(),
        "invalid_payload" => t.fill_both.to_owned(),
        "invalid_setup_code" => t.setup_code_wrong.to_owned(),
        "already_set_up" => t.setup_done_already.to_owned(),
        "weak_password" => t.password_refused(crate::inert::line(&body.message)),
        "throttled" => match body.extra.get("retry_after").and_then(serde_json::Value::as_i64) {
            Some(seconds) => t.too_many_wait(length(seconds)),
            None => t.too_many.to_owned(),
        },
        _ => said(),
    }
}

//! The first account of an installation, against the code that `pistack up` printed.

use axum::extract::{Extension, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use pistack_api::auth::SetupRequest;
use pistack_api::token::Level;
use pistack_kit::service::Peer;
use serde::Deserialize;

use super::Form;
use super::session::{address, device, refusal, refusal_status, signed_in};
use super::setup_steps::keep;
use crate::error::Failure;
use crate::identity::{identify, setup_required};
use crate::setup::Step;
use crate::state::Dashboard;
use crate::upstream::auth;
use crate::view::{self, SetupPage};
use crate::visit::Visit;

/// The name that the form proposes.
const DEFAULT_NAME: &str = "root";

/// `GET /setup`. The code is in the address's fragment, which browsers keep to themselves; a script of ours
/// puts it into the form.
pub(crate) async fn form(
    State(dashboard): State<Dashboard>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if !setup_required(&dashboard).await? {
        // Whoever has the account goes on where it was left.
        let here = identify(&headers, &dashboard).await;
        let goes_on = here.is_ok_and(|(_, claims)| claims.lvl >= Level::Root);
        let step = Step::kept(&headers).unwrap_or(Step::Look).path();
        return Ok(visit.redirect(if goes_on { &step } else { "/login" }));
    }
    let page = SetupPage {
        v: &visit,
        problem: None,
        code: "",
        name: DEFAULT_NAME,
    };
    view::page(StatusCode::OK, &page)
}

/// The fields of the form.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// `POST /setup`
pub(crate) async fn set_up(
    State(dashboard): State<Dashboard>,
    visit: Visit,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Failure> {
    let again = |status, problem: &str| {
        let page = SetupPage {
            v: &visit,
            problem: Some(problem.to_owned()),
            code: &fields.code,
            name: &fields.name,
        };
        view::page(status, &page)
    };
    let (code, name) = (fields.code.trim(), fields.name.trim());
    if code.is_empty() || name.is_empty() || fields.password.is_empty() {
        return again(StatusCode::BAD_REQUEST, visit.t.password_missing);
    }
    if fields.password != fields.again {
        return again(StatusCode::BAD_REQUEST, visit.t.passwords_differ);
    }
    let request = SetupRequest {
        code: code.to_owned(),
        name: name.to_owned(),
        password: fields.password.clone(),
        device: device(&headers),
        address: address(peer, &headers),
    };
    match auth::set_up(&dashboard, &request).await {
        Ok(session) => {
            let mut response = signed_in(&visit, &session, &Step::Look.path())?;
            keep(&mut response, &visit, Some(Step::Look));
            Ok(response)
        }
        // 403 has one meaning here.
        Err(Failure::Forbidden) => again(StatusCode::FORBIDDEN, visit.t.setup_code_wrong),
        Err(failure) => again(refusal_status(&failure), &refusal(visit.t, &failure)),
    }
}

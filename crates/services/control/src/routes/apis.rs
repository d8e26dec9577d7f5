//! The services' interfaces: listed, and tried out with Swagger UI; and the certificate to trust.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use pistack_api::service::Service;
use serde::Deserialize;

use super::{Lenient, Name};
use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;
use crate::view::{self, Api, ApisPage};
use crate::visit::Visit;
use crate::words::Words;

/// `GET /apis`
pub(crate) async fn apis(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    let page = ApisPage {
        v: &person.visit,
        apis: listed(&person),
        has_authority: read_authority(&dashboard).await.is_some(),
    };
    view::page(StatusCode::OK, &page)
}

/// What stands before the services' addresses: the gateway shows us below its root, and them beside us.
fn root(person: &Person) -> &str {
    person.visit.base.rsplit_once('/').map_or("", |(root, _)| root)
}

fn listed(person: &Person) -> Vec<Api> {
    let root = root(person);
    Service::ALL
        .into_iter()
        .filter_map(|service| {
            let name = service.name();
            Some(Api {
                name,
                about: about(service, person.visit.t)?,
                docs: format!("{}/apis/try?service={name}", person.visit.base),
                spec: format!("{root}/api/{name}/apispec.json"),
            })
        })
        .collect()
}

/// Which service.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Which {
    service: String,
}

/// Swagger UI in the dashboard's frame.
#[derive(Debug, Template)]
#[template(path = "apis_try.html")]
struct TryPage<'a> {
    v: &'a Visit,
    apis: Vec<Api>,
    chosen: &'static str,
    spec: String,
    root: &'a str,
}

/// `GET /apis/try`: one service's document in Swagger UI, under the policy that it needs.
pub(crate) async fn explore(person: Person, Lenient(which): Lenient<Which>) -> Result<Response, Failure> {
    let apis = listed(&person);
    let chosen = apis
        .iter()
        .find(|api| api.name == which.service)
        .or_else(|| apis.first())
        .ok_or(Failure::NotFound)?;
    let page = TryPage {
        v: &person.visit,
        chosen: chosen.name,
        spec: chosen.spec.clone(),
        root: root(&person),
        apis,
    };
    let mut response = view::page(StatusCode::OK, &page)?;
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(EXPLORER_POLICY),
    );
    Ok(response)
}

/// The dashboard's own policy, but for the styles and small pictures that Swagger UI makes itself.
const EXPLORER_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                               object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// `GET /apis/ui/{file}`: the files of Swagger UI.
pub(crate) async fn ui(Name(file): Name) -> Result<Response, Failure> {
    pistack_kit::openapi::ui_file(&file).ok_or(Failure::NotFound)
}

/// What a service is for; `None` for ourselves, who have no interface for programs.
fn about(service: Service, t: &Words) -> Option<&'static str> {
    Some(match service {
        Service::Auth => t.api_auth,
        Service::Supervisor => t.api_supervisor,
        Service::Email => t.api_email,
        Service::Info => t.api_info,
        Service::Io => t.api_io,
        Service::Rules => t.api_rules,
        Service::Control => return None,
    })
}

/// `GET /ca.crt`: the root certificate of the local authority. It is public, so that a phone can take it
/// before anybody signs in there.
pub(crate) async fn authority(State(dashboard): State<Dashboard>) -> Result<Response, Failure> {
    let pem = read_authority(&dashboard).await.ok_or(Failure::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"pistack-ca.crt\"",
        ),
    ];
    Ok((headers, pem).into_response())
}

/// The certificate. A file with anything beside certificates in it (a key, put there by mistake) is not
/// given out.
pub(crate) async fn read_authority(dashboard: &Dashboard) -> Option<String> {
    let path = dashboard.context.paths.tls().join("ca.pem");
    let pem = tokio::fs::read_to_string(path).await.ok()?;
    let certificates_only = pem.contains("-----BEGIN CERTIFICATE-----") && !pem.contains("PRIVATE KEY");
    certificates_only.then_some(pem)
}

//! The services' interfaces, and the certificate to trust.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use pistack_api::service::Service;

use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;
use crate::view::{self, Api, ApisPage};
use crate::words::Words;

/// `GET /apis`
pub(crate) async fn apis(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    let visit = &person.visit;
    // The gateway shows us below its root and the services beside us.
    let root = visit.base.rsplit_once('/').map_or("", |(root, _)| root);
    let apis = Service::ALL
        .into_iter()
        .filter_map(|service| {
            let name = service.name();
            Some(Api {
                name,
                about: about(service, visit.t)?,
                docs: format!("{root}/api/{name}/apidocs/"),
                spec: format!("{root}/api/{name}/apispec.json"),
            })
        })
        .collect();
    let page = ApisPage {
        v: visit,
        apis,
        has_authority: read_authority(&dashboard).await.is_some(),
    };
    view::page(StatusCode::OK, &page)
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
async fn read_authority(dashboard: &Dashboard) -> Option<String> {
    let path = dashboard.context.paths.tls().join("ca.pem");
    let pem = tokio::fs::read_to_string(path).await.ok()?;
    let certificates_only = pem.contains("-----BEGIN CERTIFICATE-----") && !pem.contains("PRIVATE KEY");
    certificates_only.then_some(pem)
}

//! `apispec.json` and Swagger UI for every service, from files shipped in the binary.

mod assets;

use std::collections::BTreeMap;

use axum::Router;
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::get;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use pistack_api::problem::{MEDIA_TYPE, ProblemBody};
use pistack_api::service::Service;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::Response;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, HttpMethod, License, ObjectBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Schema,
    Type,
};
use utoipa::{PartialSchema as _, ToSchema as _};

const SCHEME: &str = "BearerAuth";
const PROBLEM: &str = "ProblemBody";

/// Completes a service's document: title, version, bearer scheme `BearerAuth` (applied to every operation
/// that does not say `security(())`), problem answers (401/403/500 as fitting) and the health operation.
/// What an operation says itself stays.
pub fn complete(service: Service, mut spec: OpenApi) -> OpenApi {
    spec.info.title = format!("pistack {service} service");
    env!("CARGO_PKG_VERSION").clone_into(&mut spec.info.version);
    let mut license = License::new("MIT OR Apache-2.0");
    license.identifier = Some("MIT OR Apache-2.0".to_owned());
    spec.info.license = Some(license);
    spec.info.contact = None;
    spec.paths.add_path_operation(
        format!("/api/{service}/health"),
        vec![HttpMethod::Get],
        health(service),
    );
    for item in spec.paths.paths.values_mut() {
        for operation in operations(item) {
            complete_operation(operation);
        }
    }
    add_components(spec.components.get_or_insert_default());
    spec
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        options,
        head,
        patch,
        trace,
        ..
    } = item;
    [get, put, post, delete, options, head, patch, trace]
        .into_iter()
        .flatten()
}

fn complete_operation(operation: &mut Operation) {
    let security = operation
        .security
        .get_or_insert_with(|| vec![SecurityRequirement::new::<_, [&str; 0], _>(SCHEME, [])]);
    let needs_token = !security.contains(&SecurityRequirement::default());
    let takes_input =
        operation.request_body.is_some() || operation.parameters.as_ref().is_some_and(|p| !p.is_empty());
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            tell_media_type(response);
        }
    }
    if takes_input {
        add_problem(responses, "400", "The request is not of the described form.");
    }
    if operation.request_body.is_some() {
        add_problem(responses, "413", "The body is larger than this call takes.");
    }
    if needs_token {
        add_problem(
            responses,
            "401",
            "The token is missing, wrong, expired or revoked.",
        );
        add_problem(responses, "403", "The token does not grant enough rights.");
        add_problem(
            responses,
            "503",
            "The token cannot be checked: the auth service was not reached yet.",
        );
    }
    add_problem(responses, "500", "A fault in this service.");
}

/// Every error travels as a problem: what an operation says of one is completed by its form.
fn tell_media_type(response: &mut Response) {
    let is_problem = |content: &RefOr<Content>| match content {
        RefOr::T(Content {
            schema: Some(RefOr::Ref(schema)),
            ..
        }) => schema.ref_location.ends_with(PROBLEM),
        _ => false,
    };
    if response.content.get("application/json").is_some_and(is_problem)
        && let Some(content) = response.content.shift_remove("application/json")
    {
        response.content.insert(MEDIA_TYPE.to_owned(), content);
    }
    if response.content.is_empty() {
        let content = Content::new(Some(Ref::from_schema_name(PROBLEM)));
        response.content.insert(MEDIA_TYPE.to_owned(), RefOr::T(content));
    }
}

fn add_problem(responses: &mut BTreeMap<String, RefOr<Response>>, status: &str, description: &str) {
    responses.entry(status.to_owned()).or_insert_with(|| {
        let content = Content::new(Some(Ref::from_schema_name(PROBLEM)));
        RefOr::T(
            ResponseBuilder::new()
                .description(description)
                .content(MEDIA_TYPE, content)
                .build(),
        )
    });
}

fn health(service: Service) -> Operation {
    let text = |example: &str| ObjectBuilder::new().schema_type(Type::String).examples([example]);
    let body = ObjectBuilder::new()
        .property("service", text(service.name()))
        .property("status", text("ok"))
        .property(
            "uptime",
            ObjectBuilder::new()
                .schema_type(Type::Number)
                .description(Some("Seconds since the start.")),
        )
        .required("service")
        .required("status")
        .required("uptime");
    let content = Content::new(Some(RefOr::T(Schema::from(body))));
    let mut operation = Operation::new();
    operation.tags = Some(vec!["health".to_owned()]);
    operation.summary = Some("Says that this service answers.".to_owned());
    operation.operation_id = Some("get_health".to_owned());
    operation.security = Some(vec![SecurityRequirement::default()]);
    let answer = ResponseBuilder::new()
        .description("It does.")
        .content("application/json", content)
        .build();
    operation
        .responses
        .responses
        .insert("200".to_owned(), RefOr::T(answer));
    operation
}

fn add_components(components: &mut Components) {
    let mut schemas = vec![(ProblemBody::name().into_owned(), ProblemBody::schema())];
    ProblemBody::schemas(&mut schemas);
    for (name, schema) in schemas {
        components.schemas.entry(name).or_insert(schema);
    }
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.bearer_format = Some("JWT".to_owned());
    scheme.description = Some("The access token, without the word `Bearer`.".to_owned());
    components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
}

/// `swagger-ui-bundle.js`, `swagger-ui.css` or `theme.css` as an answer, for a page that shows Swagger UI in its own
/// frame; `None` for any other name.
pub fn ui_file(name: &str) -> Option<axum::response::Response> {
    assets::file(name)
}

/// `/api/NAME/apispec.json` and `/api/NAME/apidocs/` (authorisation remembered, operations collapsed, no
/// inline script, no outside request).
pub fn routes(service: Service, spec: &OpenApi) -> Router {
    let text = spec.to_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the API document cannot be written as JSON");
        String::from("{}")
    });
    let text = Bytes::from(text.into_boxed_str().into_boxed_bytes());
    let answer = move || async move {
        (
            [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")],
            text,
        )
            .into_response()
    };
    // Relative, so that it holds behind any prefix.
    let redirect = || async { Redirect::temporary("apidocs/") };
    Router::new()
        .route(&format!("/api/{service}/apispec.json"), get(answer))
        .route(&format!("/api/{service}/apidocs"), get(redirect))
        .merge(assets::routes(&format!("/api/{service}/apidocs/")))
}

#[cfg(test)]
mod tests;

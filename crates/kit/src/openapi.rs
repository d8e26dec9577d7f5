//! `apispec.json` and Swagger UI for every service, from files shipped in the binary.

use axum::Router;
use pistack_api::service::Service;
use utoipa::openapi::OpenApi;

/// Completes a service's document: title, version, bearer scheme `BearerAuth` (applied to every operation
/// that does not say `security(())`), problem answers (401/403/500 as fitting) and the health operation.
pub fn complete(_service: Service, _spec: OpenApi) -> OpenApi {
    todo!()
}

/// `/api/NAME/apispec.json` and `/api/NAME/apidocs/` (authorisation remembered, operations collapsed, no
/// inline script, no outside request).
pub fn routes(_service: Service, _spec: &OpenApi) -> Router {
    todo!()
}

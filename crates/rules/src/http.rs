//! The HTTP side of the rules process, on `run/rules.sock`.

use pistack_api::service::Service;
use utoipa_axum::router::OpenApiRouter;

fn router() -> OpenApiRouter {
    OpenApiRouter::new()
}

/// The document.
pub fn spec() -> utoipa::openapi::OpenApi {
    pistack_kit::openapi::complete(Service::Rules, router().into_openapi())
}

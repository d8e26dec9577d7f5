//! Every route of this service, in one place.

mod send;

use axum::Router;
use axum::routing::post;
use pistack_api::service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Email;

fn router() -> OpenApiRouter<Email> {
    OpenApiRouter::new().routes(routes!(send::send_email))
}

/// The document.
pub(crate) fn spec() -> utoipa::openapi::OpenApi {
    pistack_kit::openapi::complete(Service::Email, router().into_openapi())
}

/// The routes for both listeners.
pub(crate) fn public(state: Email) -> Router {
    router().with_state(state).split_for_parts().0
}

/// The route for the stack's own processes, which have no token: the unix socket's file mode is their right.
pub(crate) fn internal(state: Email) -> Router {
    Router::new()
        .route("/internal/send", post(send::send_internal))
        .with_state(state)
}

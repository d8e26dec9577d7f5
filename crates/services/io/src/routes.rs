//! Every route of this service, in one place.

mod gpio;
mod internal;
mod lines;

use axum::Router;
use axum::routing::{get, post};
use pistack_api::service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Gpio;

fn router() -> OpenApiRouter<Gpio> {
    OpenApiRouter::new()
        .routes(routes!(gpio::set_gpio))
        .routes(routes!(gpio::read_gpio))
        .routes(routes!(lines::list_lines))
}

/// The document.
pub(crate) fn spec() -> utoipa::openapi::OpenApi {
    pistack_kit::openapi::complete(Service::Io, router().into_openapi())
}

/// The routes for both listeners. `/api/gpio` is the original's own spelling; the gateway never asks for it.
pub(crate) fn public(state: Gpio) -> Router {
    let documented = router().with_state(state.clone()).split_for_parts().0;
    let original = Router::new()
        .route("/api/gpio/set", post(gpio::set_gpio))
        .route("/api/gpio/read", get(gpio::read_gpio))
        .with_state(state);
    documented.merge(original)
}

/// The routes for the stack's own processes.
pub(crate) fn private(state: Gpio) -> Router {
    Router::new()
        .route("/internal/gpio/set", post(internal::set))
        .route("/internal/gpio/read", post(internal::read))
        .route("/internal/gpio/edges", post(internal::edges))
        .with_state(state)
}

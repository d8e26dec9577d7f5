//! Every route of this service, in one place.

mod board;
mod figures;
mod ip;
mod weather;

use axum::Router;
use pistack_api::service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Info;

fn router() -> OpenApiRouter<Info> {
    OpenApiRouter::new()
        .routes(routes!(ip::get_ip))
        .routes(routes!(weather::get_weather))
        .routes(routes!(board::get_board))
}

/// The document.
pub(crate) fn spec() -> utoipa::openapi::OpenApi {
    pistack_kit::openapi::complete(Service::Info, router().into_openapi())
}

/// The routes for both listeners.
pub(crate) fn public(state: Info) -> Router {
    router().with_state(state).split_for_parts().0
}

/// The routes for the unix socket alone: the rules process asks for figures while a rule wants them.
pub(crate) fn internal(state: Info) -> Router {
    Router::new()
        .route("/internal/figures", axum::routing::get(figures::get_figures))
        .with_state(state)
}

//! Every route of this service, in one place.

mod board;
mod figures;
mod history;
mod ip;
mod metrics;
mod network;
mod now;
mod processes;
mod programs;
mod reachability;
mod storage;
mod weather;

use axum::Router;
use axum::routing::get;
use pistack_api::service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Info;

fn router() -> OpenApiRouter<Info> {
    OpenApiRouter::new()
        .routes(routes!(ip::get_ip))
        .routes(routes!(weather::get_weather))
        .routes(routes!(board::get_board))
        .routes(routes!(now::get_now))
        .routes(routes!(history::get_history))
        .routes(routes!(network::get_network))
        .routes(routes!(reachability::get_reachability))
        .routes(routes!(storage::get_storage))
        .routes(routes!(processes::get_processes))
        .routes(routes!(processes::get_users))
        .routes(routes!(programs::get_programs))
        .routes(routes!(metrics::get_metrics))
}

/// The document.
pub(crate) fn spec() -> utoipa::openapi::OpenApi {
    pistack_kit::openapi::complete(Service::Info, router().into_openapi())
}

/// The routes for both listeners.
pub(crate) fn public(state: Info) -> Router {
    router().with_state(state).split_for_parts().0
}

/// The routes for the unix socket alone: the rules process asks for figures while a rule wants them, `pistack metrics`
/// for the whole text.
pub(crate) fn internal(state: Info) -> Router {
    Router::new()
        .route("/internal/figures", get(figures::get_figures))
        .route("/internal/metrics", get(metrics::get_internal_metrics))
        .with_state(state)
}

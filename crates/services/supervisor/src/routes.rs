//! Every route of this service, in one place.

mod configuration;
mod events;
mod log;
mod processes;
mod runs;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use pistack_api::service::Service;
use pistack_kit::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Supervisor;

fn router() -> OpenApiRouter<Supervisor> {
    OpenApiRouter::new()
        .routes(routes!(processes::list_processes))
        .routes(routes!(processes::stop_processes))
        .routes(routes!(processes::get_process))
        .routes(routes!(processes::start_process))
        .routes(routes!(processes::stop_process))
        .routes(routes!(processes::restart_process))
        .routes(routes!(log::read_process_log))
        .routes(routes!(runs::list_process_runs))
        .routes(routes!(runs::list_runs))
        .routes(routes!(configuration::get_process_config))
        .routes(routes!(events::stream_events))
}

/// The document.
pub(crate) fn spec() -> utoipa::openapi::OpenApi {
    pistack_kit::openapi::complete(Service::Supervisor, router().into_openapi())
}

/// The routes for both listeners.
pub(crate) fn public(state: Supervisor) -> Router {
    router().with_state(state).split_for_parts().0
}

/// The `{name}` of a path.
#[derive(Debug)]
pub(crate) struct ProcessName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for ProcessName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Problem> {
        // A name that is no UTF-8 is the name of no process.
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::not_found("unknown process")),
        }
    }
}

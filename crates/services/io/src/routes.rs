//! Every route of this service, in one place.

mod events;
mod gpio;
mod internal;
mod lines;
mod plan;
mod safe;
mod sensors;
mod socket;
mod write;

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
        .routes(routes!(lines::get_board))
        .routes(routes!(lines::list_lines))
        .routes(routes!(lines::get_line, lines::reconfigure_line))
        .routes(routes!(write::set_lines))
        .routes(routes!(write::set_line))
        .routes(routes!(write::toggle_line))
        .routes(routes!(write::set_pwm))
        .routes(routes!(write::start_action, write::stop_action))
        .routes(routes!(events::stream_line_events))
        .routes(routes!(socket::open_line_socket))
        .routes(routes!(sensors::list))
        .routes(routes!(sensors::read))
        .routes(routes!(safe::stop))
        .routes(routes!(safe::release))
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
        .route("/internal/gpio/toggle", post(internal::toggle))
        .route("/internal/gpio/pwm", post(internal::pwm))
        .route("/internal/gpio/act", post(internal::act))
        .route("/internal/gpio/board", get(internal::board))
        .route("/internal/gpio/pull", post(internal::pull))
        .route("/internal/metrics", get(internal::metrics))
        .route("/internal/sensors/read", post(sensors::read_inside))
        .with_state(state)
}

//! The HTTP side of the rules process, on `run/rules.sock`: rules, channels and what they did.
//!
//! The same calls stand below `/internal/` for the command line and the stack's own processes, which have no token: the
//! unix socket's file mode is their right.

mod channels;
mod desk;
mod edit;
mod events;
mod fresh;
mod front;
mod hooks;
mod internal;
mod rules;

use axum::Router;
use pistack_api::service::Service;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use desk::Desk;
pub(crate) use front::Front;

fn router() -> OpenApiRouter<Front> {
    OpenApiRouter::new()
        .routes(routes!(rules::list_rules))
        .routes(routes!(edit::read_rule, edit::write_rule, edit::delete_rule))
        .routes(routes!(edit::check_rule))
        .routes(routes!(edit::list_names))
        .routes(routes!(events::list_events))
        .routes(routes!(rules::enable_rule))
        .routes(routes!(rules::disable_rule))
        .routes(routes!(rules::fire_rule))
        .routes(routes!(rules::resolve_rule))
        .routes(routes!(rules::reload_rules))
        .routes(routes!(rules::test_rules))
        .routes(routes!(rules::list_firings))
        .routes(routes!(rules::read_firing))
        .routes(routes!(rules::list_held))
        .routes(routes!(hooks::call_hook))
        .routes(routes!(channels::list_channels))
        .routes(routes!(channels::test_channel))
        .routes(routes!(channels::send_message))
        .routes(routes!(channels::list_deliveries))
        .routes(routes!(channels::retry_delivery))
}

/// The document.
pub(crate) fn spec() -> utoipa::openapi::OpenApi {
    pistack_kit::openapi::complete(Service::Rules, router().into_openapi())
}

/// The routes for both listeners.
pub(crate) fn public(front: Front) -> Router {
    router().with_state(front).split_for_parts().0
}

/// The routes for the stack's own processes.
pub(crate) fn private(front: Front) -> Router {
    internal::routes(front)
}

#[cfg(test)]
mod tests;

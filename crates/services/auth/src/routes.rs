//! Every route of the service, in one place.

pub(crate) mod api_tokens;
pub(crate) mod audit;
pub(crate) mod copies;
pub(crate) mod grants;
pub(crate) mod internal;
pub(crate) mod keys;
pub(crate) mod people;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod session_list;
pub(crate) mod setup;
pub(crate) mod user;
pub(crate) mod verify;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Auth;

/// The documented routes, in the contract's spelling.
pub(crate) fn documented() -> OpenApiRouter<Arc<Auth>> {
    OpenApiRouter::new()
        .routes(routes!(session::login_session))
        .routes(routes!(session::refresh_session))
        .routes(routes!(session::validate_session))
        .routes(routes!(session::logout_session))
        .routes(routes!(session::read_session))
        .routes(routes!(session_list::list_sessions))
        .routes(routes!(session_list::end_other_sessions))
        .routes(routes!(session_list::reauth_session))
        .routes(routes!(session_list::delete_session))
        .routes(routes!(user::create_user))
        .routes(routes!(user::list_users))
        .routes(routes!(people::list_people))
        .routes(routes!(user::read_user, user::update_user, user::delete_user))
        .routes(routes!(grants::read_grants, grants::update_grants))
        .routes(routes!(second_factor::reset_second_factor))
        .routes(routes!(
            people::list_sessions_of_user,
            people::delete_sessions_of_user
        ))
        .routes(routes!(people::delete_session_of_user))
        .routes(routes!(people::unlock_user))
        .routes(routes!(copies::list_copies, copies::create_copy))
        .routes(routes!(api_tokens::create_token))
        .routes(routes!(api_tokens::list_tokens))
        .routes(routes!(api_tokens::delete_token))
        .routes(routes!(
            second_factor::read_second_factor,
            second_factor::delete_second_factor
        ))
        .routes(routes!(second_factor::begin_second_factor))
        .routes(routes!(second_factor::confirm_second_factor))
        .routes(routes!(second_factor::renew_recovery_codes))
        .routes(routes!(verify::verify_request))
        .routes(routes!(audit::list_audit))
        .routes(routes!(setup::create_setup))
        .routes(routes!(keys::list_keys))
}

/// The same under the spelling of the original's later revision.
fn later_spelling() -> Router<Arc<Auth>> {
    Router::new()
        .route("/api/auth/sessions/login", post(session::login_session))
        .route("/api/auth/sessions/refresh", post(session::refresh_session))
        .route("/api/auth/sessions/validate", post(session::validate_session))
        .route("/api/auth/sessions/logout", post(session::logout_session))
        .route("/api/auth/sessions/me", get(session::read_session))
        .route("/api/auth/user/create", post(user::create_user))
        .route("/api/auth/users/add", post(user::create_user))
        .route("/api/auth/users/create", post(user::create_user))
        .route("/api/auth/users/list", get(user::list_users))
        .route(
            "/api/auth/users/{id}",
            get(user::read_user)
                .patch(user::update_user)
                .delete(user::delete_user),
        )
}

/// All public routes.
pub(crate) fn public(auth: Arc<Auth>) -> Router {
    let (documented, _) = documented().split_for_parts();
    documented.merge(later_spelling()).with_state(auth)
}

/// The routes of the unix socket, which the stack's own processes call.
pub(crate) fn internal(auth: Arc<Auth>) -> Router {
    Router::new()
        .route("/internal/session", post(internal::login))
        .route("/internal/session/end", post(internal::end))
        .route("/internal/exchange", post(internal::exchange))
        .route("/internal/setup", post(internal::set_up))
        .route("/internal/state", get(internal::state))
        .route("/internal/recent/{sid}", get(internal::recent))
        .route("/internal/feed", get(internal::feed))
        .route("/internal/jwks", get(keys::list_keys))
        .route("/internal/unlock", post(internal::unlock))
        .route("/internal/reload", post(internal::reload))
        .with_state(auth)
}

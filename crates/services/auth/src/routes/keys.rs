//! The public keys that verify access tokens.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use pistack_api::token::Jwks;

use crate::state::Auth;

/// The public keys of this installation (RFC 7517).
#[utoipa::path(
    get,
    path = "/api/auth/jwks.json",
    tag = "keys",
    security(()),
    responses((status = 200, description = "The keys, newest first.", body = Jwks))
)]
pub(crate) async fn list_keys(State(auth): State<Arc<Auth>>) -> Answer<Jwks> {
    Answer(auth.feed.keys())
}

//! Signing in and out, and the first account.

use bytes::Bytes;
use http::Method;
use pistack_api::auth::{
    AuthState, CookieExchange, CookieLogin, CookieSession, ExchangedToken, SessionEnd, SetupRequest,
};
use pistack_api::service::Service;

use super::{Call, json};
use crate::error::Failure;
use crate::state::Dashboard;

fn call<'a>(dashboard: &'a Dashboard, method: Method, path: &'a str) -> Call<'a> {
    Call {
        service: Service::Auth,
        client: &dashboard.auth,
        method,
        path,
        token: None,
        deadline: dashboard.config.upstream_timeout.0,
    }
}

/// Whether there is an account yet.
pub(crate) async fn state(dashboard: &Dashboard) -> Result<AuthState, Failure> {
    let call = call(dashboard, Method::GET, "/internal/state");
    Ok(call.read(Bytes::new()).await?.1)
}

/// Turns a cookie into a short token.
pub(crate) async fn exchange(dashboard: &Dashboard, cookie: &str) -> Result<ExchangedToken, Failure> {
    let body = json(&CookieExchange {
        cookie: cookie.to_owned(),
        ..CookieExchange::default()
    })?;
    let call = call(dashboard, Method::POST, "/internal/exchange");
    Ok(call.read(body).await?.1)
}

/// Signs a person in. Wrong credentials come as [`Failure::SignIn`].
pub(crate) async fn sign_in(dashboard: &Dashboard, login: &CookieLogin) -> Result<CookieSession, Failure> {
    let call = call(dashboard, Method::POST, "/internal/session");
    Ok(call.read(json(login)?).await?.1)
}

/// Makes the first account. A wrong code comes as [`Failure::Forbidden`].
pub(crate) async fn set_up(dashboard: &Dashboard, request: &SetupRequest) -> Result<CookieSession, Failure> {
    let call = call(dashboard, Method::POST, "/internal/setup");
    Ok(call.read(json(request)?).await?.1)
}

/// Ends a session: by its cookie where we see it, else (the gateway keeps it to itself) by the token's `sid`.
pub(crate) async fn sign_out(dashboard: &Dashboard, end: &SessionEnd) -> Result<(), Failure> {
    let call = call(dashboard, Method::POST, "/internal/session/end");
    call.send(json(end)?).await.map(drop)
}

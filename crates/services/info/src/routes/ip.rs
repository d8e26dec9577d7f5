//! `GET /api/info/ip`.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::addresses::local_ip;
use crate::state::Info;

/// The board's addresses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IpAnswer {
    /// In its own network, or `unknown`.
    #[schema(example = "192.168.1.20")]
    local_ip: String,
    /// As the outside sees it, or `unknown`.
    #[schema(example = "unknown")]
    external_ip: String,
}

/// The board's addresses.
///
/// The outside one is asked for every 15 minutes at most, and only if the configuration allows it.
#[utoipa::path(
    get, path = "/api/info/ip", operation_id = "get_ip", tag = "info", security(()),
    responses((status = 200, description = "The addresses", body = IpAnswer))
)]
pub(crate) async fn get_ip(State(info): State<Info>) -> Json<IpAnswer> {
    let external = info.external.get(&info.fetcher, &info.clock).await;
    Json(IpAnswer {
        local_ip: text(local_ip()),
        external_ip: text(external),
    })
}

fn text(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), |address| address.to_string())
}

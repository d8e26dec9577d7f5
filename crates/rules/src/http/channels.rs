//! `/api/notify/...`

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use pistack_api::right::{ReadChannel, SendChannel};
use pistack_kit::extract;
use pistack_kit::guard::{May, MayOn};
use pistack_kit::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::front::{Front, Queued, SendRequest, TestAnswer};
use crate::deliver::ChannelView;
use crate::history::{DeliveryQuery, DeliveryView};

/// The channels.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelsAnswer {
    /// In the order of the configuration.
    pub(super) channels: Vec<ChannelView>,
}

/// Deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveriesAnswer {
    /// Newest first.
    pub(super) deliveries: Vec<DeliveryView>,
}

/// Channels with their last result.
#[utoipa::path(
    get, path = "/api/notify/channels", operation_id = "list_channels", tag = "channels",
    responses((status = 200, description = "The channels", body = ChannelsAnswer))
)]
pub(super) async fn list_channels(
    caller: MayOn<ReadChannel>,
    State(front): State<Front>,
) -> Result<Json<ChannelsAnswer>, Problem> {
    let mut channels = front.dispatch().channels().await?;
    channels.retain(|channel| caller.covers(&channel.name));
    Ok(Json(ChannelsAnswer { channels }))
}

/// Send a test message.
///
/// At once, past limits and quiet hours. The answer is 200 whether it worked or not; `ok` tells.
#[utoipa::path(
    post, path = "/api/notify/channels/{name}/test", operation_id = "test_channel", tag = "channels",
    params(("name" = String, Path, description = "The channel")),
    responses(
        (status = 200, description = "Tried", body = TestAnswer),
        (status = 429, description = "Too many messages sent by hand within an hour")
    )
)]
pub(super) async fn test_channel(
    caller: MayOn<SendChannel>,
    State(front): State<Front>,
    Path(name): Path<String>,
) -> Result<Json<TestAnswer>, Problem> {
    let claims = caller.on(&name)?;
    front.limit_by_hand(&claims.sub)?;
    front.test_channel(&name).await.map(Json)
}

/// Send a message.
///
/// It is put into the channels' queues and not counted by their limits; one person may send 30 an hour.
#[utoipa::path(
    post, path = "/api/notify/send", operation_id = "send_message", tag = "channels",
    request_body = SendRequest,
    responses(
        (status = 202, description = "Queued", body = Queued),
        (status = 429, description = "Too many messages sent by hand within an hour")
    )
)]
pub(super) async fn send_message(
    caller: MayOn<SendChannel>,
    State(front): State<Front>,
    extract::Json(request): extract::Json<SendRequest>,
) -> Result<(StatusCode, Json<Queued>), Problem> {
    for channel in &request.channels {
        let claims = caller.on(channel)?;
        front.limit_by_hand(&claims.sub)?;
    }
    let queued = front.send(request).await?;
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

/// Messages and what became of them.
#[utoipa::path(
    get, path = "/api/notify/deliveries", operation_id = "list_deliveries", tag = "channels",
    params(DeliveryQuery),
    responses((status = 200, description = "Deliveries, newest first", body = DeliveriesAnswer))
)]
pub(super) async fn list_deliveries(
    caller: MayOn<ReadChannel>,
    State(front): State<Front>,
    extract::Query(query): extract::Query<DeliveryQuery>,
) -> Result<Json<DeliveriesAnswer>, Problem> {
    let mut deliveries = front.dispatch().history().deliveries(&query).await?;
    deliveries.retain(|delivery| caller.covers(&delivery.channel));
    Ok(Json(DeliveriesAnswer { deliveries }))
}

/// Try a message again that was given up.
#[utoipa::path(
    post, path = "/api/notify/deliveries/{id}/retry", operation_id = "retry_delivery", tag = "channels",
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 204, description = "Queued again"))
)]
pub(super) async fn retry_delivery(
    _: May<SendChannel>,
    State(front): State<Front>,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    front.retry(id).await.map(|()| StatusCode::NO_CONTENT)
}

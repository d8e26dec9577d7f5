//! `/internal/...`: the same calls for the command line, and events of the stack's own processes.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use pistack_api::event::Event;
use pistack_kit::extract;
use pistack_kit::problem::Problem;
use serde::Deserialize;

use super::channels::{ChannelsAnswer, DeliveriesAnswer};
use super::front::{Front, Queued, ReloadAnswer, SendRequest, StateAnswer, TestAnswer, TestRequest};
use super::rules::{FiringsAnswer, HeldAnswer, OutcomesAnswer, RulesAnswer};
use crate::channel::message::one_line;
use crate::config::RuleState;
use crate::decide::event::STACK;
use crate::history::{DeliveryQuery, FiringView, Page};

/// Fields of a stack event.
const MOST_FIELDS: usize = 32;
/// Longest text of one, in characters.
const MOST_VALUE: usize = 1_000;

/// Something that happened in the stack.
#[derive(Debug, Deserialize)]
struct StackEvent {
    /// `login.new_place`, `disk.low`, ...
    kind: String,
    /// One sentence for people.
    summary: String,
    /// Further facts.
    #[serde(default)]
    fields: serde_json::Map<String, serde_json::Value>,
}

pub(super) fn routes(front: Front) -> Router {
    Router::new()
        .route("/internal/event", post(take_event))
        .route("/internal/rules/list", get(list_rules))
        .route("/internal/rules/rule/{name}/{state}", post(set_rule))
        .route("/internal/rules/reload", post(reload))
        .route("/internal/rules/test", post(test_rules))
        .route("/internal/rules/log", get(list_firings))
        .route("/internal/rules/log/{id}", get(read_firing))
        .route("/internal/rules/held", get(list_held))
        .route("/internal/notify/channels", get(list_channels))
        .route("/internal/notify/channels/{name}/test", post(test_channel))
        .route("/internal/notify/send", post(send_message))
        .route("/internal/notify/given-up", post(given_up))
        .route("/internal/notify/deliveries", get(list_deliveries))
        .route("/internal/notify/deliveries/{id}/retry", post(retry))
        .with_state(front)
}

async fn take_event(
    State(front): State<Front>,
    extract::Json(given): extract::Json<StackEvent>,
) -> Result<StatusCode, Problem> {
    if given.kind.is_empty()
        || given.kind.len() > 64
        || given.kind.contains(|c: char| c.is_control() || c == ' ')
    {
        return Err(Problem::bad_request("`kind` is a word of at most 64 characters"));
    }
    let mut fields = serde_json::Map::new();
    fields.insert("kind".to_owned(), given.kind.into());
    fields.insert("summary".to_owned(), one_line(&given.summary, MOST_VALUE).into());
    for (key, value) in given.fields.into_iter().take(MOST_FIELDS) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        fields
            .entry(key)
            .or_insert_with(|| one_line(&text, MOST_VALUE).into());
    }
    front.event(Event {
        serial: 0,
        name: STACK.to_owned(),
        at: front.now(),
        fields,
        data: String::new(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// A message that the mail service took and could not deliver.
#[derive(Debug, Deserialize)]
struct GivenUp {
    /// The key with which it was put into the outbox.
    key: String,
    /// Why.
    reason: String,
}

async fn given_up(
    State(front): State<Front>,
    extract::Json(given): extract::Json<GivenUp>,
) -> Result<StatusCode, Problem> {
    let id = given.key.strip_prefix("rules-").unwrap_or_default();
    let reason = one_line(&given.reason, MOST_VALUE);
    if front.dispatch().given_up(id, &reason).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("there is no such message"))
    }
}

async fn list_rules(State(front): State<Front>) -> Result<Json<RulesAnswer>, Problem> {
    let rules = front.rules().await?;
    Ok(Json(RulesAnswer { rules }))
}

async fn set_rule(
    State(front): State<Front>,
    Path((name, state)): Path<(String, String)>,
) -> Result<Json<StateAnswer>, Problem> {
    let state = match state.as_str() {
        "enable" => RuleState::On,
        "disable" => RuleState::Off,
        "fire" => RuleState::Fire,
        "resolve" => RuleState::Resolve,
        _ => return Err(Problem::not_found("not found")),
    };
    front.set(name, state).await.map(Json)
}

async fn reload(State(front): State<Front>) -> Result<Json<ReloadAnswer>, Problem> {
    front.reload().map(Json)
}

async fn test_rules(
    State(front): State<Front>,
    extract::Json(request): extract::Json<TestRequest>,
) -> Result<Json<OutcomesAnswer>, Problem> {
    let outcomes = front.test(request).await?;
    Ok(Json(OutcomesAnswer { outcomes }))
}

async fn list_firings(
    State(front): State<Front>,
    extract::Query(page): extract::Query<Page>,
) -> Result<Json<FiringsAnswer>, Problem> {
    let firings = front.dispatch().history().firings(&page).await?;
    Ok(Json(FiringsAnswer { firings }))
}

async fn read_firing(State(front): State<Front>, Path(id): Path<i64>) -> Result<Json<FiringView>, Problem> {
    let firing = front.dispatch().history().firing(id).await?;
    firing
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("there is no firing {id}")))
}

async fn list_held(
    State(front): State<Front>,
    extract::Query(page): extract::Query<Page>,
) -> Result<Json<HeldAnswer>, Problem> {
    let held = front.dispatch().history().held(&page).await?;
    Ok(Json(HeldAnswer { held }))
}

async fn list_channels(State(front): State<Front>) -> Result<Json<ChannelsAnswer>, Problem> {
    let channels = front.dispatch().channels().await?;
    Ok(Json(ChannelsAnswer { channels }))
}

async fn test_channel(
    State(front): State<Front>,
    Path(name): Path<String>,
) -> Result<Json<TestAnswer>, Problem> {
    front.test_channel(&name).await.map(Json)
}

async fn send_message(
    State(front): State<Front>,
    extract::Json(request): extract::Json<SendRequest>,
) -> Result<(StatusCode, Json<Queued>), Problem> {
    let queued = front.send(request).await?;
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

async fn list_deliveries(
    State(front): State<Front>,
    extract::Query(query): extract::Query<DeliveryQuery>,
) -> Result<Json<DeliveriesAnswer>, Problem> {
    let deliveries = front.dispatch().history().deliveries(&query).await?;
    Ok(Json(DeliveriesAnswer { deliveries }))
}

async fn retry(State(front): State<Front>, Path(id): Path<i64>) -> Result<StatusCode, Problem> {
    front.retry(id).await.map(|()| StatusCode::NO_CONTENT)
}

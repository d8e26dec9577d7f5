//! `/api/rules/...`

use axum::Json;
use axum::extract::{Path, State};
use pistack_api::right::{ManageRule, ReadRule, RunRule};
use pistack_kit::extract;
use pistack_kit::guard::{May, MayOn};
use pistack_kit::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::front::{Front, ReloadAnswer, StateAnswer, TestRequest};
use crate::ask::{Outcome, RuleView};
use crate::config::RuleState;
use crate::history::{FiringView, HeldView, Page};

/// The rules.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RulesAnswer {
    /// Highest priority first.
    pub(super) rules: Vec<RuleView>,
}

/// What would happen.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutcomesAnswer {
    /// One a rule.
    pub(super) outcomes: Vec<Outcome>,
}

/// Firings.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FiringsAnswer {
    /// Newest first.
    pub(super) firings: Vec<FiringView>,
}

/// Matches that did not become a firing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldAnswer {
    /// The latest first.
    pub(super) held: Vec<HeldView>,
}

/// Rules as they stand.
#[utoipa::path(
    get, path = "/api/rules/list", operation_id = "list_rules", tag = "rules",
    responses((status = 200, description = "The rules", body = RulesAnswer))
)]
pub(super) async fn list_rules(
    caller: MayOn<ReadRule>,
    State(front): State<Front>,
) -> Result<Json<RulesAnswer>, Problem> {
    let mut rules = front.rules().await?;
    rules.retain(|rule| caller.covers(&rule.name));
    Ok(Json(RulesAnswer { rules }))
}

/// Switch a rule on.
#[utoipa::path(
    post, path = "/api/rules/rule/{name}/enable", operation_id = "enable_rule", tag = "rules",
    params(("name" = String, Path, description = "The rule")),
    responses((status = 200, description = "It matches again", body = StateAnswer))
)]
pub(super) async fn enable_rule(
    caller: MayOn<ManageRule>,
    State(front): State<Front>,
    Path(name): Path<String>,
) -> Result<Json<StateAnswer>, Problem> {
    caller.on(&name)?;
    front.set(name, RuleState::On).await.map(Json)
}

/// Switch a rule off.
#[utoipa::path(
    post, path = "/api/rules/rule/{name}/disable", operation_id = "disable_rule", tag = "rules",
    params(("name" = String, Path, description = "The rule")),
    responses((status = 200, description = "It matches no longer", body = StateAnswer))
)]
pub(super) async fn disable_rule(
    caller: MayOn<ManageRule>,
    State(front): State<Front>,
    Path(name): Path<String>,
) -> Result<Json<StateAnswer>, Problem> {
    caller.on(&name)?;
    front.set(name, RuleState::Off).await.map(Json)
}

/// Let a rule fire.
///
/// Whatever its `when` says; its actions are carried out.
#[utoipa::path(
    post, path = "/api/rules/rule/{name}/fire", operation_id = "fire_rule", tag = "rules",
    params(("name" = String, Path, description = "The rule")),
    responses((status = 200, description = "It fires", body = StateAnswer))
)]
pub(super) async fn fire_rule(
    caller: MayOn<RunRule>,
    State(front): State<Front>,
    Path(name): Path<String>,
) -> Result<Json<StateAnswer>, Problem> {
    caller.on(&name)?;
    front.set(name, RuleState::Fire).await.map(Json)
}

/// End what a rule is about.
#[utoipa::path(
    post, path = "/api/rules/rule/{name}/resolve", operation_id = "resolve_rule", tag = "rules",
    params(("name" = String, Path, description = "The rule")),
    responses((status = 200, description = "It is over", body = StateAnswer))
)]
pub(super) async fn resolve_rule(
    caller: MayOn<RunRule>,
    State(front): State<Front>,
    Path(name): Path<String>,
) -> Result<Json<StateAnswer>, Problem> {
    caller.on(&name)?;
    front.set(name, RuleState::Resolve).await.map(Json)
}

/// Read the configuration again.
///
/// Rules and channels only. With an error in it everything stays as it is; 409 tells the errors.
#[utoipa::path(
    post, path = "/api/rules/reload", operation_id = "reload_rules", tag = "rules",
    responses((status = 200, description = "Read", body = ReloadAnswer))
)]
pub(super) async fn reload_rules(
    _: May<ManageRule>,
    State(front): State<Front>,
) -> Result<Json<ReloadAnswer>, Problem> {
    front.reload().map(Json)
}

/// Try rules on an event.
///
/// A dry run: tells which rules would fire, why, and what they would do. Nothing is done.
#[utoipa::path(
    post, path = "/api/rules/test", operation_id = "test_rules", tag = "rules",
    request_body = TestRequest,
    responses((status = 200, description = "What would happen", body = OutcomesAnswer))
)]
pub(super) async fn test_rules(
    caller: MayOn<ReadRule>,
    State(front): State<Front>,
    extract::Json(request): extract::Json<TestRequest>,
) -> Result<Json<OutcomesAnswer>, Problem> {
    if let Some(rule) = &request.rule {
        caller.on(rule)?;
    }
    let mut outcomes = front.test(request).await?;
    outcomes.retain(|outcome| caller.covers(&outcome.rule));
    Ok(Json(OutcomesAnswer { outcomes }))
}

/// What fired.
#[utoipa::path(
    get, path = "/api/rules/log", operation_id = "list_firings", tag = "rules",
    params(Page),
    responses((status = 200, description = "Firings, newest first", body = FiringsAnswer))
)]
pub(super) async fn list_firings(
    caller: MayOn<ReadRule>,
    State(front): State<Front>,
    extract::Query(page): extract::Query<Page>,
) -> Result<Json<FiringsAnswer>, Problem> {
    let mut firings = front.dispatch().history().firings(&page).await?;
    firings.retain(|firing| caller.covers(&firing.rule));
    Ok(Json(FiringsAnswer { firings }))
}

/// One firing with its messages.
#[utoipa::path(
    get, path = "/api/rules/log/{id}", operation_id = "read_firing", tag = "rules",
    params(("id" = i64, Path, description = "Its number")),
    responses((status = 200, description = "The firing", body = FiringView))
)]
pub(super) async fn read_firing(
    caller: MayOn<ReadRule>,
    State(front): State<Front>,
    Path(id): Path<i64>,
) -> Result<Json<FiringView>, Problem> {
    let firing = front
        .dispatch()
        .history()
        .firing(id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no firing {id}")))?;
    caller.on(&firing.rule)?;
    Ok(Json(firing))
}

/// What did not fire, and why.
#[utoipa::path(
    get, path = "/api/rules/held", operation_id = "list_held", tag = "rules",
    params(Page),
    responses((status = 200, description = "Matches that were held back, the latest first", body = HeldAnswer))
)]
pub(super) async fn list_held(
    caller: MayOn<ReadRule>,
    State(front): State<Front>,
    extract::Query(page): extract::Query<Page>,
) -> Result<Json<HeldAnswer>, Problem> {
    let mut held = front.dispatch().history().held(&page).await?;
    held.retain(|held| caller.covers(&held.rule));
    Ok(Json(HeldAnswer { held }))
}

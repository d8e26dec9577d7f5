//! What is known of one process beside its state: its runs, and its configuration.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadProcess;
use pistack_api::xmlrpc::Value;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::names::namespec;
use crate::permission::visible;
use crate::routes::ProcessName;
use crate::runs::{Act, Digest, Run};
use crate::state::Supervisor;

/// The runs of a process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunsView {
    /// Newest first, 50 at most.
    runs: Vec<Run>,
    /// What people asked of it, newest first, 50 at most.
    acts: Vec<Act>,
}

/// How all processes fared.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DigestsView {
    /// Those that the caller may see.
    processes: Vec<Digest>,
}

/// Restarts and the newest run of every process.
#[utoipa::path(
    get, path = "/api/supervisor/runs", operation_id = "list_runs", tag = "processes",
    responses((status = 200, description = "One entry a process", body = DigestsView))
)]
pub(crate) async fn list_runs(
    caller: MayOn<ReadProcess>,
    State(state): State<Supervisor>,
) -> Result<Json<DigestsView>, Problem> {
    let snapshot = state.snapshot().await?;
    let now = state.clock.unix();
    let processes = visible(&caller, &snapshot.processes)
        .iter()
        .map(|process| state.runs.digest(namespec(process), now))
        .collect();
    Ok(Json(DigestsView { processes }))
}

/// The runs of a process: start, end, and how each ended.
#[utoipa::path(
    get, path = "/api/supervisor/processes/{name}/runs", operation_id = "list_process_runs", tag = "processes",
    params(("name" = String, Path, description = "`process` or `group:process`", example = "auth_service")),
    responses((status = 200, description = "The runs", body = RunsView))
)]
pub(crate) async fn list_process_runs(
    caller: MayOn<ReadProcess>,
    ProcessName(name): ProcessName,
    State(state): State<Supervisor>,
) -> Result<Json<RunsView>, Problem> {
    state.permit(&caller, &name).await?;
    let process = state.find(&name).await?;
    let name = namespec(&process);
    Ok(Json(RunsView {
        runs: state.runs.of(&name),
        acts: state.runs.acts_on(&name),
    }))
}

/// One value of a process's configuration.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigValue {
    /// supervisord's name for it.
    #[schema(example = "startsecs")]
    key: String,
    /// What is in effect, as text; empty where nothing is set.
    #[schema(example = "1")]
    value: String,
}

/// What a process is run with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigView {
    /// Every value in effect, by key. The environment is left out: it may hold secrets.
    values: Vec<ConfigValue>,
}

/// The configuration that is in effect for a process, as `getAllConfigInfo` tells it.
#[utoipa::path(
    get, path = "/api/supervisor/processes/{name}/config", operation_id = "get_process_config", tag = "processes",
    params(("name" = String, Path, description = "`process` or `group:process`", example = "auth_service")),
    responses((status = 200, description = "The values", body = ConfigView))
)]
pub(crate) async fn get_process_config(
    caller: MayOn<ReadProcess>,
    ProcessName(name): ProcessName,
    State(state): State<Supervisor>,
) -> Result<Json<ConfigView>, Problem> {
    state.permit(&caller, &name).await?;
    let process = state.find(&name).await?;
    let members = state.daemon.config(&process.group, &process.name).await?;
    let mut values: Vec<_> = members
        .iter()
        .filter(|(key, _)| !["inuse", "name", "group"].contains(&key.as_str()))
        .map(|(key, value)| ConfigValue {
            key: key.clone(),
            value: text(value),
        })
        .collect();
    values.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(Json(ConfigView { values }))
}

/// A value as a configuration file would have it.
fn text(value: &Value) -> String {
    match value {
        Value::Bool(yes) => yes.to_string(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Int(number) => number.to_string(),
        other => match other.as_str() {
            None | Some("none") => String::new(),
            Some(text) => text.to_owned(),
        },
    }
}

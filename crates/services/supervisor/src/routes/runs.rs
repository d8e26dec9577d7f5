//! The runs of processes, and how they fared.

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadProcess;
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

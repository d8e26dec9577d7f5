//! The process list and control of one process.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use pistack_api::process::ProcessInfo;
use pistack_api::right::{ReadProcess, RestartProcess, StartProcess, StopProcess};
use pistack_kit::guard::{May, MayOn};
use pistack_kit::problem::Problem;

use crate::control::Restarted;
use crate::permission::visible;
use crate::routes::ProcessName;
use crate::snapshot::Snapshot;
use crate::state::Supervisor;

/// All processes.
///
/// supervisord's `getAllProcessInfo` as a JSON array, ordered by group and name. Who may see only some processes
/// gets only those.
#[utoipa::path(
    get, path = "/api/supervisor/processes/list", operation_id = "list_processes", tag = "processes",
    responses((status = 200, description = "All processes", body = [ProcessInfo]))
)]
pub(crate) async fn list_processes(
    caller: MayOn<ReadProcess>,
    State(state): State<Supervisor>,
) -> Result<Response, Problem> {
    let snapshot = state.snapshot().await?;
    if caller.covers_all() {
        return Ok(list(&snapshot));
    }
    Ok(Json(visible(&caller, &snapshot.processes)).into_response())
}

/// One process.
#[utoipa::path(
    get, path = "/api/supervisor/processes/{name}", operation_id = "get_process", tag = "processes",
    params(("name" = String, Path, description = "`process` or `group:process`", example = "auth_service")),
    responses((status = 200, description = "The process", body = ProcessInfo))
)]
pub(crate) async fn get_process(
    caller: MayOn<ReadProcess>,
    ProcessName(name): ProcessName,
    State(state): State<Supervisor>,
) -> Result<Json<ProcessInfo>, Problem> {
    state.permit(&caller, &name).await?;
    Ok(Json(state.find(&name).await?))
}

/// Start a process.
///
/// Answers when it runs, or with the state reached when the configured wait is over.
#[utoipa::path(
    post, path = "/api/supervisor/processes/{name}/start", operation_id = "start_process", tag = "processes",
    params(("name" = String, Path, description = "`process` or `group:process`", example = "auth_service")),
    responses((status = 200, description = "The process afterwards", body = ProcessInfo))
)]
pub(crate) async fn start_process(
    caller: MayOn<StartProcess>,
    ProcessName(name): ProcessName,
    State(state): State<Supervisor>,
) -> Result<Json<ProcessInfo>, Problem> {
    let claims = state.permit(&caller, &name).await?;
    tracing::info!(by = %claims.nam, process = %name, "start");
    state.note(&name, "start", &claims.nam).await;
    Ok(Json(state.start(&name).await?))
}

/// Stop a process.
///
/// Answers when it has ended. This service itself answers first, then ends.
#[utoipa::path(
    post, path = "/api/supervisor/processes/{name}/stop", operation_id = "stop_process", tag = "processes",
    params(("name" = String, Path, description = "`process` or `group:process`", example = "auth_service")),
    responses((status = 200, description = "The process afterwards", body = ProcessInfo))
)]
pub(crate) async fn stop_process(
    caller: MayOn<StopProcess>,
    ProcessName(name): ProcessName,
    State(state): State<Supervisor>,
) -> Result<Json<ProcessInfo>, Problem> {
    let claims = state.permit(&caller, &name).await?;
    tracing::info!(by = %claims.nam, process = %name, "stop");
    state.note(&name, "stop", &claims.nam).await;
    Ok(Json(state.stop(&name).await?))
}

/// Restart a process.
///
/// Stops it if it runs, then starts it. This service itself answers 202 and is started again by the supervisor.
#[utoipa::path(
    post, path = "/api/supervisor/processes/{name}/restart", operation_id = "restart_process", tag = "processes",
    params(("name" = String, Path, description = "`process` or `group:process`", example = "auth_service")),
    responses(
        (status = 200, description = "The process afterwards", body = ProcessInfo),
        (status = 202, description = "This service restarts itself; the process before", body = ProcessInfo)
    )
)]
pub(crate) async fn restart_process(
    caller: MayOn<RestartProcess>,
    ProcessName(name): ProcessName,
    State(state): State<Supervisor>,
) -> Result<Response, Problem> {
    let claims = state.permit(&caller, &name).await?;
    tracing::info!(by = %claims.nam, process = %name, "restart");
    state.note(&name, "restart", &claims.nam).await;
    Ok(match state.restart(&name).await? {
        Restarted::Done(process) => Json(process).into_response(),
        Restarted::Accepted(process) => (StatusCode::ACCEPTED, Json(process)).into_response(),
    })
}

/// Stop all processes.
///
/// All at once, except this service and the gateway, which carry the answer. Answers with the list afterwards.
#[utoipa::path(
    post, path = "/api/supervisor/processes/stop_all", operation_id = "stop_processes", tag = "processes",
    responses((status = 200, description = "All processes afterwards", body = [ProcessInfo]))
)]
pub(crate) async fn stop_processes(
    caller: May<StopProcess>,
    State(state): State<Supervisor>,
) -> Result<Response, Problem> {
    tracing::info!(by = %caller.claims().nam, "stop all");
    Ok(list(&*state.stop_all().await?))
}

fn list(snapshot: &Snapshot) -> Response {
    let mut response = Response::new(Body::from(snapshot.json.clone()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

//! `GET /api/supervisor/processes/{name}/log`.

#![expect(
    unused_qualifications,
    reason = "written by utoipa's macro for query parameters"
)]

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadProcessLog;
use pistack_kit::extract::Query;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::daemon::Channel;
use crate::logs::{DEFAULT_LENGTH, LogPiece, MAX_LENGTH, Part, from_file};
use crate::names::namespec;
use crate::routes::ProcessName;
use crate::state::Supervisor;

/// Which piece of which log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    /// `stdout` (the default) or `stderr`.
    channel: Option<Channel>,
    /// First byte.
    #[param(example = 0)]
    offset: Option<u64>,
    /// Number of bytes, 16384 unless given, 1048576 at most.
    length: Option<u64>,
    /// The last so many bytes, in place of `offset` and `length`; 1048576 at most.
    tail: Option<u64>,
}

/// A piece of a process's log.
///
/// With neither `tail` nor `offset` it is the log's last 16384 bytes. Read on at the `offset` of the answer.
#[utoipa::path(
    get, path = "/api/supervisor/processes/{name}/log", operation_id = "read_process_log", tag = "processes",
    params(("name" = String, Path, description = "`process` or `group:process`", example = "auth_service"), LogQuery),
    responses((status = 200, description = "The piece", body = LogPiece))
)]
pub(crate) async fn read_process_log(
    caller: MayOn<ReadProcessLog>,
    ProcessName(name): ProcessName,
    State(state): State<Supervisor>,
    Query(query): Query<LogQuery>,
) -> Result<Json<LogPiece>, Problem> {
    state.permit(&caller, &name).await?;
    let channel = query.channel.unwrap_or(Channel::Stdout);
    if query.tail.is_some() && (query.offset.is_some() || query.length.is_some()) {
        return Err(bad("`tail` stands alone, or `offset` and `length` do"));
    }
    if query.offset.is_some_and(|offset| i32::try_from(offset).is_err()) {
        return Err(bad(
            "`offset` is 2147483647 at most: XML-RPC has no larger number",
        ));
    }
    let length = query.tail.or(query.length).unwrap_or(DEFAULT_LENGTH);
    if length > MAX_LENGTH {
        return Err(bad("1048576 bytes at most at once"));
    }
    let info = state.find(&name).await?;
    let part = match query.offset {
        Some(offset) => Part::From(offset, length),
        None => Part::Tail(length),
    };
    let file = match channel {
        Channel::Stdout => &info.stdout_logfile,
        Channel::Stderr => &info.stderr_logfile,
    };
    if state.daemon.is_local
        && let Some(piece) = from_file(file, part).await
    {
        return Ok(Json(piece));
    }
    let process = namespec(&info);
    let piece = match query.offset {
        Some(offset) => state.daemon.log_read(&process, channel, offset, length).await?,
        None => state.daemon.log_tail(&process, channel, length).await?,
    };
    Ok(Json(piece))
}

fn bad(detail: &str) -> Problem {
    Problem::bad_request("invalid query").detail(detail)
}

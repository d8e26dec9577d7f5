//! `GET /api/info/processes` and `GET /api/info/users`.

#![expect(
    unused_qualifications,
    reason = "written by utoipa's macro for query parameters"
)]

use axum::Json;
use axum::extract::State;
use pistack_api::right::ReadBoard;
use pistack_kit::extract::Query;
use pistack_kit::guard::May;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::process_list::{self, Order, ProcessView, Users};
use crate::state::Info;

/// Most processes in one answer.
const LARGEST: usize = 1000;

/// Which processes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProcessesQuery {
    /// What they are ordered by, largest first.
    #[param(inline)]
    sort: Order,
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, example = 50)]
    limit: usize,
}

impl Default for ProcessesQuery {
    fn default() -> Self {
        Self {
            sort: Order::Cpu,
            limit: 50,
        }
    }
}

/// Processes of the system.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Processes {
    /// The largest ones.
    processes: Vec<ProcessView>,
}

/// The largest processes of the system.
///
/// Shares of CPU are those since the last time somebody asked, half a second at least.
#[utoipa::path(
    get, path = "/api/info/processes", operation_id = "list_system_processes", tag = "info",
    params(ProcessesQuery),
    responses((status = 200, description = "The processes", body = Processes))
)]
pub(crate) async fn get_processes(
    _: May<ReadBoard>,
    State(info): State<Info>,
    Query(query): Query<ProcessesQuery>,
) -> Result<Json<Processes>, Problem> {
    if !(1..=LARGEST).contains(&query.limit) {
        return Err(Problem::bad_request(format!("limit must be from 1 to {LARGEST}")));
    }
    let uptime = info.sampler.latest().uptime;
    let processes = info
        .process_list
        .get(query.sort, query.limit, uptime, &info.clock)
        .await;
    Ok(Json(Processes { processes }))
}

/// Users of the operating system.
///
/// Accounts of `/etc/passwd` and who is logged in. Not pistack's own users.
#[utoipa::path(
    get, path = "/api/info/users", operation_id = "list_system_users", tag = "info",
    responses((status = 200, description = "The users", body = Users))
)]
pub(crate) async fn get_users(_: May<ReadBoard>, State(info): State<Info>) -> Json<Users> {
    Json(process_list::users(&info.tree))
}

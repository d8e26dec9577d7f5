//! `GET /api/info/history`.

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
use serde::Deserialize;
use utoipa::IntoParams;

use crate::history::{Range, Series};
use crate::sampler::Metric;
use crate::state::Info;

/// What, and how far back.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// `cpu`, `memory`, `temperature`, `load`, `disk`, `net_rx`, `net_tx`, separated by commas; all of them when left
    /// out.
    #[param(example = "cpu,memory")]
    metric: Option<String>,
    /// `1h` in steps of 2 s, `24h` by the minute, `7d` in steps of 10 minutes, `30d` by the hour.
    #[param(inline)]
    range: Range,
}

/// Values over time.
///
/// Means of each step; `null` where nothing is known. CPU, memory and disk are in per cent, temperature in °C, `net_*` in
/// bytes a second.
#[utoipa::path(
    get, path = "/api/info/history", operation_id = "get_history", tag = "info",
    params(HistoryQuery),
    responses((status = 200, description = "The values", body = Series))
)]
pub(crate) async fn get_history(
    _: May<ReadBoard>,
    State(info): State<Info>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Series>, Problem> {
    let metrics = metrics(query.metric.as_deref())?;
    Ok(Json(
        info.history.series(query.range, &metrics, &info.sampler).await,
    ))
}

fn metrics(names: Option<&str>) -> Result<Vec<Metric>, Problem> {
    let Some(names) = names else {
        return Ok(Metric::ALL.to_vec());
    };
    let mut wanted = Vec::new();
    for name in names.split(',') {
        let metric = Metric::ALL
            .into_iter()
            .find(|metric| metric.name() == name.trim())
            .ok_or_else(|| {
                let known = Metric::ALL.map(Metric::name).join(", ");
                Problem::bad_request(format!("there is no metric `{name}`; there are {known}"))
            })?;
        if !wanted.contains(&metric) {
            wanted.push(metric);
        }
    }
    Ok(wanted)
}

//! `GET /api/info/weather`.

#![expect(
    unused_qualifications,
    reason = "written by utoipa's macro for query parameters"
)]

use axum::Json;
use axum::extract::State;
use pistack_kit::extract::Query;
use pistack_kit::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::state::Info;
use crate::weather::{Place, Weather};

/// Where. The defaults are the original's: Warsaw.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct WeatherQuery {
    /// Degrees north.
    #[param(minimum = -90, maximum = 90, example = 52.2297)]
    lat: f64,
    /// Degrees east.
    #[param(minimum = -180, maximum = 180, example = 21.0122)]
    lon: f64,
}

impl Default for WeatherQuery {
    fn default() -> Self {
        Self {
            lat: 52.2297,
            lon: 21.0122,
        }
    }
}

/// The weather now.
///
/// From Open-Meteo, 15 minutes old at most. 503 `weather_unavailable` when it cannot be had.
#[utoipa::path(
    get, path = "/api/info/weather", operation_id = "get_weather", tag = "info", security(()),
    params(WeatherQuery),
    responses((status = 200, description = "The weather", body = Weather))
)]
pub(crate) async fn get_weather(
    State(info): State<Info>,
    Query(query): Query<WeatherQuery>,
) -> Result<Json<Weather>, Problem> {
    let place = Place::new(query.lat, query.lon)?;
    Ok(Json(info.forecasts.get(place, &info.fetcher, &info.clock).await?))
}

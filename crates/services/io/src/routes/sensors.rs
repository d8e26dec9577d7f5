//! `GET /api/io/sensors` and `GET /api/io/sensors/{id}`.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use pistack_api::right::ReadLine;
use pistack_kit::extract;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::sensors::{Unread, View};
use crate::state::Gpio;

/// The sensors.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SensorsAnswer {
    /// By their ids.
    sensors: Vec<View>,
}

/// How a sensor is read.
#[derive(Debug, Deserialize)]
pub(crate) struct How {
    /// `1`: read it now, instead of giving the last value.
    #[serde(default)]
    fresh: Option<String>,
}

/// All sensors.
///
/// Every sensor that the kernel has a driver for, with its last value, how old that is, and how far it is to be
/// believed. Sensors that the caller may not read are left out; rights name them as lines are named.
#[utoipa::path(
    get, path = "/api/io/sensors", operation_id = "list_sensors", tag = "sensors",
    responses((status = 200, description = "The sensors", body = SensorsAnswer))
)]
pub(crate) async fn list(caller: MayOn<ReadLine>, State(gpio): State<Gpio>) -> Json<SensorsAnswer> {
    let mut sensors = gpio.sensors().list();
    if !caller.covers_all() {
        sensors.retain(|sensor| caller.covers(&sensor.id));
    }
    Json(SensorsAnswer { sensors })
}

/// One sensor.
///
/// With `?fresh=1` it is read first; one that does not answer within three seconds is answered with 504. A read that
/// fails gives the last good value with quality `stale` and the reason.
#[utoipa::path(
    get, path = "/api/io/sensors/{id}", operation_id = "read_sensor", tag = "sensors",
    params(
        ("id" = String, Path, description = "Name in the configuration, or the sensor's own id"),
        ("fresh" = Option<String>, Query, description = "`1`: read it now, instead of giving the last value"),
    ),
    responses(
        (status = 200, description = "The sensor", body = View),
        (status = 504, description = "It did not answer (`sensor_timeout`)"),
    )
)]
pub(crate) async fn read(
    caller: MayOn<ReadLine>,
    State(gpio): State<Gpio>,
    Path(id): Path<String>,
    extract::Query(how): extract::Query<How>,
) -> Result<Json<View>, Problem> {
    caller.on(&id)?;
    let fresh = how
        .fresh
        .is_some_and(|text| !matches!(&*text, "" | "0" | "false"));
    one(&gpio, &id, fresh).await.map(Json)
}

async fn one(gpio: &Gpio, id: &str, fresh: bool) -> Result<View, Problem> {
    let sensors = gpio.sensors();
    let outcome = if fresh {
        sensors.fresh(id).await
    } else {
        sensors.get(id).ok_or(Unread::Unknown)
    };
    outcome.map_err(|error| match error {
        Unread::Unknown => Problem::new(
            StatusCode::NOT_FOUND,
            "sensor_unknown",
            format!("there is no sensor `{}`", id.chars().take(60).collect::<String>()),
        )
        .detail("GET /api/io/sensors lists them. A new sensor shows up once its driver is loaded."),
        Unread::Timeout => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "sensor_timeout",
            "the sensor did not answer within 3 s",
        )
        .detail("Its last value is there without `fresh=1`. Look at the wiring, and at `dmesg`."),
    })
}

/// Which sensor.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    sensor: String,
}

/// `POST /internal/sensors/read`: for the stack's own processes. A value that is not `ok` is no value.
pub(crate) async fn read_inside(
    State(gpio): State<Gpio>,
    extract::Json(which): extract::Json<Which>,
) -> Result<Json<Value>, Problem> {
    let view = one(&gpio, &which.sensor, false).await?;
    match (view.value, view.error) {
        (Some(value), None) if view.quality.name() == "ok" => {
            Ok(Json(json!({ "value": value, "unit": view.unit })))
        }
        (_, error) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "sensor_bad",
            error.unwrap_or_else(|| "the sensor has no value now".to_owned()),
        )),
    }
}

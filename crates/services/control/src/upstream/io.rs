//! The GPIO lines of the board, from the io service. What it may add later is ignored; what it leaves out is unknown.

use bytes::Bytes;
use http::{Method, Request, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pistack_api::service::Service;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::changes::Changes;
use super::{Call, json as body};
use crate::error::Failure;
use crate::state::Dashboard;

/// A line, as `GET /api/io/lines` tells it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Line {
    pub(crate) name: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) bcm: Option<u32>,
    pub(crate) pin: Option<u8>,
    pub(crate) chip: Option<String>,
    pub(crate) offset: Option<u32>,
    /// `input` or `output`.
    pub(crate) direction: Option<String>,
    #[serde(deserialize_with = "level")]
    pub(crate) value: Option<bool>,
    pub(crate) active_low: bool,
    pub(crate) pwm: Option<Pwm>,
    pub(crate) action: Option<Action>,
    pub(crate) reserved: Option<bool>,
    pub(crate) holder: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) changed_at: Option<String>,
    pub(crate) changed_by: Option<String>,
    /// `read` and `write`, as far as the person may.
    pub(crate) allowed: Option<Vec<String>>,
}

/// PWM on a line.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Pwm {
    /// From 0 to 1.
    pub(crate) duty: f64,
    pub(crate) freq_hz: f64,
}

/// Something that a line does by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Action {
    #[serde(rename = "do")]
    pub(crate) what: String,
}

/// Every line that the person may read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Survey {
    pub(crate) lines: Vec<Line>,
    /// `no_gpio_backend` where there is no hardware.
    pub(crate) warning: Option<String>,
    /// The emergency stop is on: all outputs are held at their safe level.
    pub(crate) safe_mode: bool,
}

/// The header and its chips.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Board {
    pub(crate) model: Option<String>,
    pub(crate) header: Vec<HeaderPin>,
}

/// One of the forty pins.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HeaderPin {
    pub(crate) pin: u8,
    pub(crate) bcm: Option<u32>,
    pub(crate) name: String,
    pub(crate) functions: Vec<String>,
    pub(crate) used_by: Option<Value>,
}

/// A sensor's last value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sensor {
    pub(crate) id: String,
    pub(crate) label: Option<String>,
    pub(crate) kind: String,
    pub(crate) quantity: String,
    pub(crate) value: Option<f64>,
    pub(crate) unit: String,
    pub(crate) age_ms: Option<i64>,
    pub(crate) quality: String,
}

/// A list, bare or as the only member of an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Listing<T> {
    Bare(Vec<T>),
    Named { sensors: Vec<T> },
}

/// 0 and 1, or false and true.
fn level<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Bool(on) => Some(on),
        Value::Number(number) => Some(number.as_f64().is_some_and(|number| number != 0.0)),
        _ => None,
    })
}

async fn ask<T: DeserializeOwned>(
    dashboard: &Dashboard,
    token: &str,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<T, Failure> {
    let call = Call {
        service: Service::Io,
        client: &dashboard.io,
        method,
        path,
        token: Some(token),
        deadline: dashboard.config.upstream_timeout.0,
    };
    Ok(call.read(body).await?.1)
}

/// An order whose answer says nothing that is needed; it may be empty.
async fn order(
    dashboard: &Dashboard,
    token: &str,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(), Failure> {
    let call = Call {
        service: Service::Io,
        client: &dashboard.io,
        method,
        path,
        token: Some(token),
        deadline: dashboard.config.upstream_timeout.0,
    };
    call.send(body).await.map(drop)
}

fn line_path(line: &str, rest: &str) -> String {
    format!(
        "/api/io/lines/{}{rest}",
        utf8_percent_encode(line, NON_ALPHANUMERIC)
    )
}

/// The header.
pub(crate) async fn board(dashboard: &Dashboard, token: &str) -> Result<Board, Failure> {
    ask(dashboard, token, Method::GET, "/api/io/board", Bytes::new()).await
}

/// The lines.
pub(crate) async fn lines(dashboard: &Dashboard, token: &str) -> Result<Survey, Failure> {
    ask(dashboard, token, Method::GET, "/api/io/lines", Bytes::new()).await
}

/// The sensors.
pub(crate) async fn sensors(dashboard: &Dashboard, token: &str) -> Result<Vec<Sensor>, Failure> {
    let listing = ask(dashboard, token, Method::GET, "/api/io/sensors", Bytes::new()).await?;
    Ok(match listing {
        Listing::Bare(sensors) | Listing::Named { sensors } => sensors,
    })
}

/// Drives an output; with a length of time, back again after it.
pub(crate) async fn set(
    dashboard: &Dashboard,
    token: &str,
    line: &str,
    on: bool,
    for_ms: Option<u64>,
) -> Result<(), Failure> {
    let mut wanted = json!({ "value": on });
    if let Some(for_ms) = for_ms {
        wanted["for_ms"] = for_ms.into();
    }
    let path = line_path(line, "/value");
    order(dashboard, token, Method::PUT, &path, body(&wanted)?).await
}

/// Turns an output over.
pub(crate) async fn toggle(dashboard: &Dashboard, token: &str, line: &str) -> Result<(), Failure> {
    let path = line_path(line, "/toggle");
    order(dashboard, token, Method::POST, &path, Bytes::new()).await
}

/// Starts PWM; `duty` from 0 to 1.
pub(crate) async fn pwm(
    dashboard: &Dashboard,
    token: &str,
    line: &str,
    duty: f64,
    freq_hz: f64,
) -> Result<(), Failure> {
    let wanted = body(&json!({ "duty": duty, "freq_hz": freq_hz }))?;
    let path = line_path(line, "/pwm");
    order(dashboard, token, Method::PUT, &path, wanted).await
}

/// Ends what a line does by itself.
pub(crate) async fn cancel(dashboard: &Dashboard, token: &str, line: &str) -> Result<(), Failure> {
    let path = line_path(line, "/actions");
    order(dashboard, token, Method::DELETE, &path, Bytes::new()).await
}

/// The emergency stop: every output to its safe level, and held there.
pub(crate) async fn stop(dashboard: &Dashboard, token: &str) -> Result<(), Failure> {
    order(dashboard, token, Method::POST, "/api/io/stop", Bytes::new()).await
}

/// Ends it.
pub(crate) async fn release(dashboard: &Dashboard, token: &str) -> Result<(), Failure> {
    order(dashboard, token, Method::POST, "/api/io/release", Bytes::new()).await
}

/// The service's events, as far as they say that something changed.
pub(crate) async fn events(dashboard: &Dashboard, token: &str) -> Result<Changes, Failure> {
    let request = Request::builder()
        .method(Method::GET)
        .uri("/api/io/events")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::ACCEPT, "text/event-stream")
        .body(Bytes::new())
        .map_err(|_| Failure::SignIn)?;
    let answer = dashboard
        .io
        .stream(request, dashboard.config.upstream_timeout.0)
        .await
        .map_err(|error| Failure::unreachable(Service::Io, &error))?;
    if answer.status().is_success() {
        return Ok(Changes::new(axum::body::Body::new(answer.into_body())));
    }
    Err(Failure::refused(Service::Io, answer.status(), b""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_as_numbers_or_words() {
        for (text, value) in [
            ("0", Some(false)),
            ("1", Some(true)),
            ("true", Some(true)),
            ("null", None),
        ] {
            let line: Line = serde_json::from_str(&format!("{{\"value\":{text},\"new\":[]}}")).unwrap();
            assert_eq!(line.value, value, "{text}");
        }
        assert_eq!(serde_json::from_str::<Line>("{}").unwrap().value, None);
    }

    #[test]
    fn lists_come_bare_or_named() {
        for text in [
            r#"[{"id":"a","value":21.4}]"#,
            r#"{"sensors":[{"id":"a","value":21.4}]}"#,
        ] {
            let (Listing::Bare(sensors) | Listing::Named { sensors }) =
                serde_json::from_str::<Listing<Sensor>>(text).unwrap();
            assert_eq!((sensors[0].id.as_str(), sensors[0].value), ("a", Some(21.4)));
        }
    }

    #[test]
    fn a_line_s_name_stays_one_segment() {
        assert_eq!(
            line_path("chip:pinctrl-rp1/17", "/value"),
            "/api/io/lines/chip%3Apinctrl%2Drp1%2F17/value"
        );
    }
}

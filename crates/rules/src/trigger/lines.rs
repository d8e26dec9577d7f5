//! GPIO lines of the io service: edges from its stream, levels by asking.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use pistack_api::service::Service;
use pistack_kit::client::Client;
use serde::Deserialize;
use serde_json::json;

use super::Follower;
use crate::decide::event::{self, GPIO_EDGE, SENSOR};

/// How often levels are asked for.
const EVERY: Duration = Duration::from_secs(5);
/// The io service answers at once or not at all.
const DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait before the stream is opened again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A longer line is not ours.
const LONGEST_LINE: usize = 4096;

/// One line of the stream.
#[derive(Debug, Deserialize)]
struct Edge {
    /// As asked for, or the name in the configuration.
    line: String,
    /// BCM number.
    bcm: u32,
    /// 0 or 1.
    level: u8,
}

/// Follows the edges, and opens the stream again when it ends.
pub(super) async fn follow_edges(follower: Follower, lines: BTreeSet<String>) {
    let io = Client::unix(follower.paths.service_socket(Service::Io));
    let mut wait = Duration::from_secs(1);
    let mut told = false;
    loop {
        match stream(&follower, &io, &lines).await {
            Ok(true) => {
                wait = Duration::from_secs(1);
                told = false;
            }
            Ok(false) => return,
            Err(error) if !told => {
                tracing::warn!("rules wait for GPIO edges, and the io service does not give any: {error}");
                told = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Reads one stream to its end; false if nobody listens any more.
async fn stream(follower: &Follower, io: &Client, lines: &BTreeSet<String>) -> Result<bool, String> {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let body = json!({ "lines": lines }).to_string();
    let request = http::Request::post("/internal/gpio/edges")
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body))
        .map_err(|error| error.to_string())?;
    let answer = io
        .stream(request, DEADLINE)
        .await
        .map_err(|error| error.to_string())?;
    if !answer.status().is_success() {
        let body = answer
            .into_body()
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        let problem: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        return Err(problem["message"].as_str().unwrap_or("refused").to_owned());
    }
    let mut body = answer.into_body();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| error.to_string())?;
        let Some(bytes) = frame.data_ref() else { continue };
        rest.extend_from_slice(bytes);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            // An empty line keeps the connection alive.
            let Ok(edge) = serde_json::from_slice::<Edge>(&line) else {
                continue;
            };
            let (pin, level) = (edge.bcm.to_string(), edge.level.to_string());
            let fields = [("line", edge.line.as_str()), ("pin", &pin), ("level", &level)];
            let event = event::make(GPIO_EDGE, follower.clock.unix(), &fields);
            if follower.events.send(event).await.is_err() {
                return Ok(false);
            }
        }
        if rest.len() > LONGEST_LINE {
            return Err("the stream has no ends of lines".to_owned());
        }
    }
    Ok(true)
}

/// Asks for levels now and then.
pub(super) async fn poll(follower: Follower, sensors: BTreeSet<String>) {
    let io = Client::unix(follower.paths.service_socket(Service::Io));
    let mut told = false;
    loop {
        for sensor in &sensors {
            match reading(&io, sensor).await {
                Ok(value) => {
                    let value = value.to_string();
                    let fields = [("sensor", sensor.as_str()), ("value", &value)];
                    let event = event::make(SENSOR, follower.clock.unix(), &fields);
                    if follower.events.send(event).await.is_err() {
                        return;
                    }
                }
                Err(error) if !told => {
                    tracing::warn!(sensor, "it cannot be read: {error}");
                    told = true;
                }
                Err(_) => {}
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// A line's level, else a sensor's value: names of lines and sensors do not mix in one configuration, and a line that is
/// known is answered at once.
async fn reading(io: &Client, name: &str) -> Result<f64, String> {
    let line = ask(io, "/internal/gpio/read", &json!({ "pin": name })).await;
    match line {
        Ok(level) => Ok(level),
        Err(_) => ask(io, "/internal/sensors/read", &json!({ "sensor": name })).await,
    }
}

async fn ask(io: &Client, path: &str, body: &serde_json::Value) -> Result<f64, String> {
    let request = http::Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()))
        .map_err(|error| error.to_string())?;
    let answer = io
        .send(request, DEADLINE)
        .await
        .map_err(|error| error.to_string())?;
    let value: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    value["value"]
        .as_f64()
        .ok_or_else(|| value["message"].as_str().unwrap_or("no value").to_owned())
}

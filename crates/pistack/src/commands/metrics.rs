//! `pistack metrics`: the figures of the whole stack in Prometheus' text format, from the info service's socket.

use std::time::Duration;

use bytes::Bytes;
use pistack_api::service::Service;
use pistack_kit::client::Client;

use super::peer::block_on;
use crate::cli::Place;
use crate::exit::{Code, Failure};
use crate::state;

/// The service waits for others at most two seconds.
const DEADLINE: Duration = Duration::from_secs(5);

/// Prints them.
pub(crate) fn metrics(place: &Place) -> Result<Code, Failure> {
    let info = Client::unix(state::paths(place)?.service_socket(Service::Info));
    let request = http::Request::get("/internal/metrics")
        .body(Bytes::new())
        .map_err(|error| Failure::new(error.to_string()))?;
    let answer = block_on(async move {
        let answer = info.send(request, DEADLINE).await;
        answer.map_err(|error| Failure::new(format!("{error}. Is info_service running?")))
    })?;
    if !answer.status().is_success() {
        return Err(Failure::new(format!(
            "the info service answered {}",
            answer.status()
        )));
    }
    print!("{}", String::from_utf8_lossy(answer.body()));
    Ok(Code::Ok)
}

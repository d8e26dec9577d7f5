//! `/metrics`: the whole stack in Prometheus' text format (version 0.0.4): the board, the supervised programs, and
//! what the gateway and the io service say of requests and lines.

mod board;
mod join;
mod text;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use pistack_api::service::Service;
use pistack_kit::client::Client;
use pistack_kit::paths::StatePaths;

pub(crate) use text::Text;

use crate::state::Info;

/// The format's media type.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// A scrape waits no longer for the others.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where others' figures come from.
#[derive(Debug)]
pub(crate) struct Sources(Vec<(&'static str, Client)>);

impl Sources {
    /// The gateway's and the io service's sockets.
    pub(crate) fn new(paths: &StatePaths) -> Self {
        Self(vec![
            ("gateway", Client::unix(paths.run().join("gateway.sock"))),
            ("io", Client::unix(paths.service_socket(Service::Io))),
        ])
    }
}

/// The whole text. A source that does not answer is said to be down, and the rest is there all the same.
pub(crate) async fn whole(info: &Info) -> String {
    let sample = info.sampler.latest();
    let mut text = Text::default();
    board::write(&mut text, info, &sample);
    board::write_programs(&mut text, &info.programs.totals());
    let asked = info.sources.0.iter().map(|(name, client)| async move {
        let got = ask(client).await;
        if let Err(reason) = &got {
            tracing::debug!(source = name, reason, "no figures");
        }
        (*name, got.ok())
    });
    let answers = futures_util::future::join_all(asked).await;
    text.family(
        "pistack_source_up",
        "gauge",
        "1 when the service gave its figures for this answer, else 0.",
    );
    for (name, answer) in &answers {
        text.sample(
            "pistack_source_up",
            &[("source", name)],
            f64::from(u8::from(answer.is_some())),
        );
    }
    let mut whole = text.finish();
    for (_, answer) in answers {
        if let Some(answer) = answer {
            join::append(&mut whole, &answer);
        }
    }
    whole
}

async fn ask(client: &Client) -> Result<String, String> {
    let request = Request::get("/internal/metrics")
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    let answer = client
        .send(request, PATIENCE)
        .await
        .map_err(|error| error.to_string())?;
    if !answer.status().is_success() {
        return Err(format!("it answered {}", answer.status()));
    }
    String::from_utf8(answer.into_body().into()).map_err(|error| error.to_string())
}

#[cfg(test)]
pub(crate) mod strict;

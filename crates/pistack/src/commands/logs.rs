//! `pistack logs`: the last lines of a program's output, and what follows.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::Value;
use pistack_kit::client::Client;

use crate::cli::{LogsOptions, Place, Stream};
use crate::commands::peer::{Peer, block_on, select};
use crate::exit::{Code, Failure};

/// More than this is not read from the end of a log.
const MOST_BYTES: i64 = 1024 * 1024;

/// Prints the end of the log and follows it if asked to.
pub(crate) fn logs(place: &Place, options: &LogsOptions) -> Result<Code, Failure> {
    let peer = Peer::new(place)?;
    block_on(async {
        let Some(name) = &options.name else {
            return main_log(&peer, options).await;
        };
        let chosen = select(peer.processes().await?, std::slice::from_ref(name))?;
        let [process] = chosen.as_slice() else {
            return Err(Failure::new(format!(
                "`{name}` names {} programs; name one",
                chosen.len()
            )));
        };
        program_log(&peer, process, options).await
    })
}

async fn program_log(peer: &Peer, process: &ProcessInfo, options: &LogsOptions) -> Result<Code, Failure> {
    let name = format!("{}:{}", process.group, process.name);
    let (method, channel) = match options.stream {
        Stream::Out => ("supervisor.tailProcessStdoutLog", "stdout"),
        Stream::Err => ("supervisor.tailProcessStderrLog", "stderr"),
    };
    let tail = peer
        .call(
            method,
            vec![Value::from(&*name), Value::Int(0), Value::Int(MOST_BYTES)],
        )
        .await?;
    let parts = tail.as_array().unwrap_or_default();
    let text = parts.first().and_then(Value::as_str).unwrap_or_default();
    print(last_lines(text, options.lines))?;
    if !options.follow {
        return Ok(Code::Ok);
    }
    let offset = parts.get(1).and_then(Value::as_int).unwrap_or_default();
    follow(peer, &name, channel, offset).await
}

/// The stream at `/logtail` only wakes us: what is printed is read by offset, so that nothing is printed twice
/// and nothing is missed between the two calls.
async fn follow(peer: &Peer, name: &str, channel: &str, mut offset: i64) -> Result<Code, Failure> {
    let (tail, read) = match channel {
        "stdout" => (
            "supervisor.tailProcessStdoutLog",
            "supervisor.readProcessStdoutLog",
        ),
        _ => (
            "supervisor.tailProcessStderrLog",
            "supervisor.readProcessStderrLog",
        ),
    };
    let request = http::Request::get(format!("/logtail/{name}/{channel}"))
        .body(Bytes::new())
        .map_err(|error| Failure::new(error.to_string()))?;
    let response = Client::unix(peer.socket())
        .stream(request, Duration::from_secs(10))
        .await
        .map_err(|error| peer.explain(error.into()))?;
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            break;
        }
        let end = peer
            .call(tail, vec![Value::from(name), Value::Int(0), Value::Int(1)])
            .await?;
        let end = end
            .as_array()
            .and_then(|parts| parts.get(1))
            .and_then(Value::as_int)
            .unwrap_or(offset);
        if end < offset {
            offset = 0; // rotated or cleared
        }
        if end > offset {
            let new = peer
                .call(read, vec![Value::from(name), Value::Int(offset), Value::Int(0)])
                .await?;
            print(new.as_str().unwrap_or_default())?;
            offset = end;
        }
    }
    Ok(Code::Ok)
}

async fn main_log(peer: &Peer, options: &LogsOptions) -> Result<Code, Failure> {
    if options.follow {
        return Err(Failure::new(
            "name a program to follow; the supervisor's own log is shown without -f",
        ));
    }
    let text = peer
        .call("supervisor.readLog", vec![Value::Int(-MOST_BYTES), Value::Int(0)])
        .await?;
    print(last_lines(text.as_str().unwrap_or_default(), options.lines))?;
    Ok(Code::Ok)
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// The last `count` lines of a text.
fn last_lines(text: &str, count: usize) -> &str {
    let body = text.strip_suffix('\n').unwrap_or(text);
    match body.rmatch_indices('\n').nth(count.saturating_sub(1)) {
        Some((at, _)) if count > 0 => &text[at + 1..],
        _ if count == 0 => "",
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn takes_lines_from_the_end() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(last_lines("a\nb\nc", 1), "c");
        assert_eq!(last_lines("a\n", 5), "a\n");
        assert_eq!(last_lines("a\nb\n", 0), "");
    }
}

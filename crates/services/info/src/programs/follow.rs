//! Which programs the supervisor runs: its list, asked for again when an event says that it changed.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use pistack_api::process::ProcessInfo;
use pistack_kit::client::Client;
use pistack_kit::paths::StatePaths;
use pistack_kit::rpc::Rpc;

use super::{Programs, Running};

/// The supervisor answers at once.
const DEADLINE: Duration = Duration::from_secs(3);
/// Between two attempts to reach it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Events come in groups (exited, starting, running): the list is asked for when they are through.
const SETTLE: Duration = Duration::from_millis(300);
/// A supervisor without an event stream (a supervisord) is asked as often as programs are looked at.
const POLL: Duration = super::EVERY;

/// Follows until the process stops. A supervisor that cannot be reached is tried again.
pub(crate) async fn follow(programs: &Programs, paths: &StatePaths) {
    let client = Client::unix(paths.supervisor_socket());
    let rpc = Rpc::new(client.clone(), DEADLINE);
    let mut pause = FIRST_PAUSE;
    loop {
        match follow_once(programs, &client, &rpc).await {
            Ok(()) => pause = FIRST_PAUSE,
            Err(reason) => {
                tracing::debug!(reason, "the supervisor's programs are not known");
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        tokio::time::sleep(pause).await;
    }
}

async fn follow_once(programs: &Programs, client: &Client, rpc: &Rpc) -> Result<(), String> {
    // Listening first, asking then: nothing falls between the two.
    let request = Request::get("/pistack/events")
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    let response = client
        .stream(request, DEADLINE)
        .await
        .map_err(|error| error.to_string())?;
    ask(programs, rpc).await?;
    if response.status() != StatusCode::OK {
        tokio::time::sleep(POLL).await;
        return Ok(());
    }
    let mut events = pistack_kit::sse::json_lines::<pistack_api::event::Event>(response.into_body());
    while let Some(event) = events.next().await {
        if !changes_programs(&event.name) {
            continue;
        }
        let settled = tokio::time::sleep(SETTLE);
        tokio::pin!(settled);
        loop {
            tokio::select! {
                () = &mut settled => break,
                more = events.next() => if more.is_none() { break },
            }
        }
        ask(programs, rpc).await?;
    }
    Ok(())
}

async fn ask(programs: &Programs, rpc: &Rpc) -> Result<(), String> {
    let answer = rpc
        .call("supervisor.getAllProcessInfo", Vec::new())
        .await
        .map_err(|error| error.to_string())?;
    let rows = answer.as_array().ok_or("the list is none")?;
    let running = rows
        .iter()
        .filter_map(ProcessInfo::from_value)
        .filter_map(|info| {
            Some(Running {
                name: info.full_name(),
                pid: u32::try_from(info.pid).ok().filter(|pid| *pid > 0)?,
            })
        })
        .collect();
    programs.set_running(running);
    Ok(())
}

/// Log, tick and message events leave the list as it is.
fn changes_programs(name: &str) -> bool {
    ["PROCESS_STATE", "PROCESS_GROUP", "SUPERVISOR_STATE_CHANGE"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

//! The rules listener: a process of its own that hears every supervisor event over supervisord's listener
//! protocol, logs it, and acts by the rules of the configuration.
//!
//! [`decide`] is pure: events and time in, actions out. [`listener`] speaks the protocol on standard input and
//! output; [`act`] carries actions out at arm's length, so that a hanging command or mail server never delays an
//! event.

#![forbid(unsafe_code)]

pub mod act;
pub mod ask;
pub mod channel;
pub mod check;
pub mod chronicle;
pub mod config;
pub mod decide;
pub mod deliver;
pub mod firing;
pub mod glob;
pub mod history;
mod http;
pub mod hub;
pub mod listener;
pub mod outgoing;
pub mod overlay;
pub mod reason;
pub mod reload;
pub mod schedule;
pub mod text;
pub mod trigger;
pub mod written;

pub use pistack_kit::service::Context;
use pistack_kit::service::{App, RunError};

use std::sync::Arc;

use chronicle::Chronicle;
use deliver::Dispatch;
use history::History;
use hub::Hub;
use tokio::sync::mpsc;

pub use check::{Finding, Known, check};
pub use config::{Action, Channel, Config, Matching, Rule, When};
pub use hub::{Names, Reload, RulePlace, Tables};
pub use overlay::Overlay;
pub use reload::Reloader;

/// The OpenAPI document of the HTTP side.
pub fn spec() -> utoipa::openapi::OpenApi {
    http::spec()
}

/// Speaks the listener protocol on standard input and output until the supervisor closes it or the process is told
/// to stop; answers HTTP on its socket meanwhile. `reload` reads the configuration again, on SIGHUP and when asked;
/// `overlay` is the file in which rules are made and switched over HTTP, where there is a configuration beside which it
/// can lie.
pub async fn run(
    context: Context,
    tables: Tables,
    reload: Reload,
    overlay: Option<Overlay>,
) -> Result<(), RunError> {
    let (events, heard) = mpsc::channel(hub::WAITING);
    let (asker, asks) = ask::Asker::pair();
    let reloader = Reloader::new(tables.clone(), reload);
    let database = context.paths.database(pistack_api::service::Service::Rules);
    let history = Arc::new(History::new(database, context.clock.clone()));
    let dispatch = Dispatch::start(&context, &tables.channels, history);
    dispatch.follow(&context.lifecycle, reloader.tables());
    let outbox = act::Outbox::start(&context, &dispatch, asker.clone());
    let chronicle = Chronicle::new(context.paths.logs().join("events.jsonl"), context.clock.clone());
    context
        .lifecycle
        .spawn(chronicle.clone().run(context.lifecycle.clone()));
    let desk = http::Desk::new(&context, overlay, chronicle.clone());
    let front = http::Front::new(asker, dispatch, reloader.clone(), desk);
    reloader.on_hangup(&context.lifecycle)?;
    let mut hub = Hub::new(&tables, outbox, context.clock.clone()).keeping(chronicle);
    if !tables.config.depends_on.is_empty() {
        prime(&mut hub, &context).await;
    }
    let inputs = hub::Inputs {
        events: heard,
        asks,
        tables: reloader.tables(),
    };
    context
        .lifecycle
        .spawn(hub.run(inputs, context.lifecycle.clone()));
    trigger::start(&context, events.clone(), reloader.tables());
    let input = tokio::io::BufReader::new(tokio::io::stdin());
    let session = listener::Session::new(input, tokio::io::stdout(), events, context.clock.clone());
    answer(context.clone(), front);
    tokio::select! {
        ended = session.run() => ended?,
        () = context.lifecycle.stopped() => {}
    }
    Ok(())
}

/// Tells the hub which programs are down already: a listener that starts anew did not hear how they went. Without an
/// answer it learns from the events to come.
async fn prime(hub: &mut Hub, context: &Context) {
    let client = pistack_kit::client::Client::unix(context.paths.supervisor_socket());
    let rpc = pistack_kit::rpc::Rpc::new(client, std::time::Duration::from_secs(2));
    let Ok(answer) = rpc.call("supervisor.getAllProcessInfo", Vec::new()).await else {
        return;
    };
    let rows = answer.as_array().unwrap_or_default();
    for process in rows
        .iter()
        .filter_map(pistack_api::process::ProcessInfo::from_value)
    {
        let down = match process.statename.as_str() {
            "EXITED" => process.exitstatus != 0,
            "FATAL" | "BACKOFF" | "STOPPED" | "UNKNOWN" => true,
            _ => false,
        };
        hub.note_program(&process.group, &process.name, down);
    }
}

/// Serves HTTP beside the protocol. Rules act without it too: a socket that cannot be bound is no reason to stop.
fn answer(context: Context, front: http::Front) {
    let app = App {
        public: http::public(front.clone()),
        internal: http::private(front),
        spec: Some(spec()),
    };
    context.lifecycle.clone().spawn(async move {
        if let Err(error) = pistack_kit::service::serve(&context, app).await {
            tracing::error!("no HTTP side: {error}");
        }
    });
}

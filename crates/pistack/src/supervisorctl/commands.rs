//! The commands by name.

use super::controller::Controller;
use super::trouble::Trouble;

mod clear;
mod config;
mod daemon;
mod follow;
mod foreground;
mod groups;
pub(super) mod help;
mod query;
mod run_state;
mod signal;
mod tail;

/// The actions that `help` lists and the Tab key offers, sorted.
pub(super) const ACTIONS: [&str; 21] = [
    "add", "avail", "clear", "exit", "fg", "maintail", "open", "pid", "quit", "reload", "remove", "reread",
    "restart", "shutdown", "signal", "start", "status", "stop", "tail", "update", "version",
];

/// Carries out an action; `None` if there is no such action.
pub(super) async fn run(
    controller: &mut Controller,
    action: &str,
    argument: &str,
) -> Option<Result<(), Trouble>> {
    Some(match action {
        "status" => query::status(controller, argument).await,
        "pid" => query::pid(controller, argument).await,
        "version" => query::version(controller, argument).await,
        "open" => query::open(controller, argument).await,
        "start" => run_state::start(controller, argument).await,
        "stop" => run_state::stop(controller, argument).await,
        "restart" => run_state::restart(controller, argument).await,
        "signal" => signal::signal(controller, argument).await,
        "clear" => clear::clear(controller, argument).await,
        "tail" => tail::tail(controller, argument).await,
        "maintail" => tail::maintail(controller, argument).await,
        "fg" => foreground::fg(controller, argument).await,
        "avail" => config::avail(controller, argument).await,
        "reread" => config::reread(controller, argument).await,
        "update" => groups::update(controller, argument).await,
        "add" => groups::add(controller, argument).await,
        "remove" => groups::remove(controller, argument).await,
        "reload" => daemon::reload(controller, argument).await,
        "shutdown" => daemon::shutdown(controller, argument).await,
        "help" => {
            help::help(controller, argument);
            Ok(())
        }
        _ => return None,
    })
}

//! `shutdown` and `reload`: the daemon itself.

use std::io;

use pistack_api::xmlrpc::fault;

use super::help;
use crate::supervisorctl::controller::{Controller, exit};
use crate::supervisorctl::trouble::Trouble;

/// Asks first where somebody can answer.
async fn is_meant(controller: &mut Controller, question: &str) -> Result<bool, Trouble> {
    if !controller.interactive {
        return Ok(true);
    }
    let answer = controller.ask(question).await?;
    Ok(answer.to_lowercase().starts_with('y'))
}

/// `shutdown`.
pub(super) async fn shutdown(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        controller.refuse("Error: shutdown accepts no arguments");
        help::of(controller, "shutdown");
        return Ok(());
    }
    if !is_meant(
        controller,
        "Really shut the remote supervisord process down y/N? ",
    )
    .await?
    {
        return Ok(());
    }
    let Err(trouble) = controller.call("shutdown", Vec::new()).await else {
        controller.say("Shut down");
        return Ok(());
    };
    let url = controller.server.url.clone();
    match (trouble.fault(), trouble.io()) {
        (Some(fault::SHUTDOWN_STATE), _) => controller.say("ERROR: already shutting down"),
        (_, Some(io::ErrorKind::ConnectionRefused)) => {
            controller.refuse(&format!("ERROR: {url} refused connection (already shut down?)"));
        }
        (_, Some(io::ErrorKind::NotFound)) => {
            controller.refuse(&format!("ERROR: {url} no such file (already shut down?)"));
        }
        _ => return Err(trouble),
    }
    Ok(())
}

/// `reload`: the daemon starts again with what its configuration says now.
pub(super) async fn reload(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        controller.refuse("Error: reload accepts no arguments");
        help::of(controller, "reload");
        return Ok(());
    }
    if !is_meant(controller, "Really restart the remote supervisord process y/N? ").await? {
        return Ok(());
    }
    match controller.call("restart", Vec::new()).await {
        Ok(_) => controller.say("Restarted supervisord"),
        Err(trouble) if trouble.fault() == Some(fault::SHUTDOWN_STATE) => {
            controller.refuse("ERROR: already shutting down");
        }
        Err(trouble) => {
            controller.exit = exit::GENERIC;
            return Err(trouble);
        }
    }
    Ok(())
}

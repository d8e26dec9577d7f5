//! `fg`: a process's output on the screen, and the keyboard on its standard input.

use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::fault;

use super::{follow, help};
use crate::supervisorctl::controller::{Controller, exit};
use crate::supervisorctl::trouble::Trouble;

/// State code of RUNNING.
const RUNNING: i32 = 20;

/// `fg NAME`.
pub(super) async fn fg(controller: &mut Controller, argument: &str) -> Result<(), Trouble> {
    if !controller.is_up().await? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    let name = match words.as_slice() {
        [name] => *name,
        [] => {
            controller.refuse("ERROR: no process name supplied");
            help::of(controller, "fg");
            return Ok(());
        }
        _ => {
            controller.refuse("ERROR: too many process names supplied");
            return Ok(());
        }
    };
    let running = match is_running(controller, name).await {
        Ok(running) => running,
        Err(trouble) if trouble.fault() == Some(fault::BAD_NAME) => {
            controller.refuse("ERROR: bad process name supplied");
            return Ok(());
        }
        Err(trouble) if trouble.fault().is_some() => {
            controller.say(&format!("ERROR: {}", trouble.text()));
            return Ok(());
        }
        Err(trouble) => return Err(trouble),
    };
    if !running {
        controller.say("ERROR: process not running");
        controller.exit = exit::GENERIC;
        return Ok(());
    }
    println!("==> Press Ctrl-C to exit <==");
    let server = controller.server.clone();
    let output = async {
        let (stdout, stderr) = (
            format!("/logtail/{name}/stdout"),
            format!("/logtail/{name}/stderr"),
        );
        let _ = tokio::join!(follow::copy(&server, &stdout), follow::copy(&server, &stderr));
        // The logs' end is not the keyboard's.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = output => {}
        done = type_into(controller, name) => done?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    println!("Exiting foreground");
    Ok(())
}

async fn is_running(controller: &mut Controller, name: &str) -> Result<bool, Trouble> {
    let answer = controller.call("getProcessInfo", vec![name.into()]).await?;
    Ok(ProcessInfo::from_value(&answer).is_some_and(|process| process.state == RUNNING))
}

/// Sends lines until the input or the process ends.
async fn type_into(controller: &mut Controller, name: &str) -> Result<(), Trouble> {
    while let Some(line) = controller.input.line().await? {
        let params = vec![name.into(), format!("{line}\n").into()];
        match controller.call("sendProcessStdin", params).await {
            Ok(_) => {}
            Err(trouble) if trouble.fault() == Some(fault::NOT_RUNNING) => {
                println!("Process got killed");
                return Ok(());
            }
            Err(trouble) if trouble.fault().is_some() => {
                println!("ERROR: {}", trouble.text());
                return Ok(());
            }
            Err(trouble) => return Err(trouble),
        }
        if !is_running(controller, name).await? {
            println!("Process got killed");
            return Ok(());
        }
    }
    Ok(())
}

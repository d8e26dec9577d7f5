//! What the status page's links do, and the messages that come of it: supervisord's, word by word.

use pistack_api::xmlrpc::{Fault, Value, fault};

use super::super::route::Site;
use super::{ask, unexpected};
use crate::sys::local_time::LocalTime;

/// Does what a link asks for and gives the message to show; `None` when there is no such action.
pub(super) async fn perform(action: &str, name: Option<&str>, site: &Site) -> Option<String> {
    // how single programs fared is in the table that is shown next
    match action {
        "refresh" => return Some(at("Page refreshed", site)),
        "stopall" => {
            return Some(match ask(site, "stopAllProcesses", vec![]).await {
                Ok(_) => at("All stopped", site),
                Err(fault) => unexpected(&fault),
            });
        }
        "restartall" => {
            let _ = ask(site, "stopAllProcesses", vec![]).await;
            return Some(match ask(site, "startAllProcesses", vec![]).await {
                Ok(_) => at("All restarted", site),
                Err(fault) => unexpected(&fault),
            });
        }
        _ => {}
    }
    let name = name?;
    if !matches!(action, "start" | "stop" | "restart" | "clearlog") {
        return None;
    }
    let params = || vec![Value::from(name)];
    match ask(site, "getProcessInfo", params()).await {
        Err(fault) if fault.code == fault::BAD_NAME => return Some(format!("No such process named {name}")),
        Err(fault) => return Some(unexpected(&fault)),
        Ok(_) => {}
    }
    Some(match action {
        "start" => match ask(site, "startProcess", params()).await {
            Ok(_) => format!("Process {name} started"),
            Err(fault) => format!("ERROR: Process {name}: {}", why_not_started(&fault)),
        },
        "stop" => match ask(site, "stopProcess", params()).await {
            Ok(_) => format!("Process {name} stopped"),
            Err(fault) => unexpected(&fault),
        },
        "restart" => {
            // one that does not run is just started; how it fared is in the table
            let _ = ask(site, "stopProcess", params()).await;
            let _ = ask(site, "startProcess", params()).await;
            format!("Process {name} restarted")
        }
        _ => match ask(site, "clearProcessLogs", params()).await {
            Ok(_) => format!("Log for {name} cleared"),
            Err(fault) => unexpected(&fault),
        },
    })
}

fn why_not_started(fault: &Fault) -> String {
    match fault.code {
        fault::NO_FILE => "no such file".to_owned(),
        fault::NOT_EXECUTABLE => "file not executable".to_owned(),
        fault::ALREADY_STARTED => "already started".to_owned(),
        fault::SPAWN_ERROR => "spawn error".to_owned(),
        fault::ABNORMAL_TERMINATION => "abnormal termination".to_owned(),
        _ => unexpected(fault),
    }
}

/// `All stopped at Mon Nov 23 14:05:09 2026`.
fn at(what: &str, site: &Site) -> String {
    format!("{what} at {}", LocalTime::at(site.clock.unix()).long())
}

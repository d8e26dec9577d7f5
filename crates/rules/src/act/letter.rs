//! Title and text of a message: the rule's own, or a plain sentence with how the program ended and its last lines.

use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::Value;
use pistack_kit::rpc::Rpc;

use super::actor::FETCHING;
use crate::config::Action;
use crate::firing::{Firing, Kind};
use crate::text::{self, Extra};

/// So many lines of a program's log are told.
const LINES: usize = 10;
/// So many bytes from the end are read for them.
const TAIL: i64 = 2_000;
/// So much of the supervisor's own log is searched for the exit.
const OWN_TAIL: i64 = 8_000;

/// Whether a text of the firing asks for the program's exit or its last lines; those without a text do.
pub(super) fn needs_extra(firing: &Firing) -> bool {
    fn wants(action: &Action) -> bool {
        match action {
            Action::Notify(notify) => notify.text.as_deref().is_none_or(text::asks_for_extra),
            Action::Mail(mail) => mail.text.as_deref().is_none_or(text::asks_for_extra),
            Action::Log(template) => text::asks_for_extra(template),
            Action::Run(run) => run.command.iter().any(|part| text::asks_for_extra(part)),
            Action::Webhook(_) => true,
            Action::OnFail(actions) => actions.iter().any(wants),
            _ => false,
        }
    }
    firing.kind != Kind::Resolved
        && firing.event.name.starts_with("PROCESS_STATE_")
        && firing.event.field("processname").is_some()
        && firing.actions.iter().any(wants)
}

/// Asks the supervisor. What it does not tell in time is left out.
pub(super) async fn fetch(supervisor: &Rpc, firing: &Firing) -> Extra {
    let field = |key: &str| firing.event.field(key).unwrap_or_default();
    let name = field("processname");
    let full = format!("{}:{name}", field("groupname"));
    let fetching = async {
        let exit_text = exit(supervisor, &full, name).await;
        let last_lines = lines(supervisor, &full).await;
        Extra {
            last_lines,
            exit_text,
        }
    };
    tokio::time::timeout(FETCHING, fetching).await.unwrap_or_default()
}

/// How it ended: from the supervisor's own log, because by now it may be running again; or why it could not start.
async fn exit(supervisor: &Rpc, full: &str, name: &str) -> Option<String> {
    let info = supervisor
        .call("supervisor.getProcessInfo", vec![full.into()])
        .await
        .ok()
        .and_then(|value| ProcessInfo::from_value(&value));
    // Of a program that did start, its exit says more.
    let tells_nothing = ["", "Exited too quickly", "Bad exit code"];
    if let Some(info) = &info
        && !tells_nothing
            .iter()
            .any(|begin| info.spawnerr == *begin || (!begin.is_empty() && info.spawnerr.starts_with(begin)))
    {
        return Some(format!("it could not be started: {}", info.spawnerr));
    }
    let log = supervisor
        .call("supervisor.readLog", vec![Value::Int(-OWN_TAIL), Value::Int(0)])
        .await
        .ok()?;
    exit_of(log.as_str()?, name)
}

/// The newest `exited: NAME (exit status 1; not expected)` or `(terminated by SIGKILL; not expected)` in words.
fn exit_of(log: &str, name: &str) -> Option<String> {
    let mark = format!("exited: {name} (");
    let (_, rest) = log.rsplit_once(&mark)?;
    let inside = rest.split([')', ';', '\n']).next()?.trim();
    if let Some(status) = inside.strip_prefix("exit status ") {
        return status.parse().ok().map(text::exit_in_words);
    }
    let signal = inside.strip_prefix("terminated by ")?;
    let word = signal.split([' ', '(']).next().unwrap_or(signal);
    Some(match number_of(word) {
        Some(number) => text::exit_in_words(-number),
        None => format!("{word} ended it"),
    })
}

fn number_of(signal: &str) -> Option<i64> {
    Some(match signal {
        "SIGHUP" => 1,
        "SIGINT" => 2,
        "SIGQUIT" => 3,
        "SIGILL" => 4,
        "SIGTRAP" => 5,
        "SIGABRT" => 6,
        "SIGBUS" => 7,
        "SIGFPE" => 8,
        "SIGKILL" => 9,
        "SIGUSR1" => 10,
        "SIGSEGV" => 11,
        "SIGUSR2" => 12,
        "SIGPIPE" => 13,
        "SIGALRM" => 14,
        "SIGTERM" => 15,
        _ => return None,
    })
}

/// The last lines of standard error, or of standard output where nothing was written there.
async fn lines(supervisor: &Rpc, full: &str) -> Option<String> {
    for method in [
        "supervisor.readProcessStderrLog",
        "supervisor.readProcessStdoutLog",
    ] {
        let parameters = vec![full.into(), Value::Int(-TAIL), Value::Int(0)];
        if let Ok(value) = supervisor.call(method, parameters).await
            && let Some(text) = value.as_str()
            && !text.trim().is_empty()
        {
            let mut last: Vec<&str> = text.trim_end().lines().rev().take(LINES).collect();
            last.reverse();
            return Some(last.join("\n"));
        }
    }
    None
}

/// Title and text.
pub(super) fn write(
    firing: &Firing,
    extra: &Extra,
    title: Option<&str>,
    text: Option<&str>,
) -> (String, String) {
    let sentence = text::sentence_of(firing);
    let fill = |template: &str| text::fill_firing(template, firing, extra);
    let body = text.map_or_else(|| plain(&sentence, extra), fill);
    let title = title.map_or_else(
        || match text {
            // A text of the rule's own says it better than we can.
            Some(_) => body.lines().next().unwrap_or_default().to_owned(),
            None => sentence.clone(),
        },
        fill,
    );
    (title, body)
}

fn plain(sentence: &str, extra: &Extra) -> String {
    let mut text = sentence.to_owned();
    if let Some(exit) = &extra.exit_text {
        text.push_str(&format!("\nHow: {exit}."));
    }
    if let Some(lines) = &extra.last_lines {
        text.push_str(&format!("\nIts last lines:\n{lines}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_exit_from_the_supervisors_log() {
        let log = "2026-01-01 00:00:00,000 WARN exited: cam (exit status 2; not expected)\n\
                   2026-01-01 00:00:01,000 INFO spawned: 'cam' with pid 5\n\
                   2026-01-01 00:00:02,000 WARN exited: camera (exit status 1; not expected)\n\
                   2026-01-01 00:00:03,000 WARN exited: cam (terminated by SIGSEGV (core dumped); not expected)\n";
        assert!(exit_of(log, "cam").unwrap().contains("SIGSEGV"));
        assert_eq!(exit_of(log, "camera").unwrap(), text::exit_in_words(1));
        assert_eq!(exit_of(log, "other"), None);
    }
}

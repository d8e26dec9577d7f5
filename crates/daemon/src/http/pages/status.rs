//! The table of all processes.

use std::fmt::Write as _;

use pistack_api::process::ProcessInfo;

use super::super::route::Site;
use super::form::quote;
use super::markup::{Escaped, frame};
use super::{ask, unexpected};

/// The page, with a message above the table.
pub(super) async fn page(message: Option<&str>, site: &Site) -> String {
    let mut body = String::new();
    if let Some(message) = message {
        line(
            &mut body,
            format_args!("<p class=\"message\" role=\"status\">{}</p>", Escaped(message)),
        );
    }
    body.push_str(
        "<nav aria-label=\"All programs\"><a href=\"index.html?action=refresh\">Refresh</a> \
         <a href=\"index.html?action=restartall\">Restart all</a> \
         <a href=\"index.html?action=stopall\">Stop all</a> \
         <a href=\"mainlogtail\" target=\"_blank\" rel=\"noopener\">Main log</a></nav>\n",
    );
    match ask(site, "getAllProcessInfo", vec![]).await {
        Ok(answer) => {
            let processes: Vec<ProcessInfo> = answer
                .as_array()
                .unwrap_or_default()
                .iter()
                .filter_map(ProcessInfo::from_value)
                .collect();
            table(&mut body, &processes);
        }
        Err(fault) => line(
            &mut body,
            format_args!("<p class=\"message\">{}</p>", Escaped(&unexpected(&fault))),
        ),
    }
    frame("Supervisor status", &body, &site.title)
}

fn table(body: &mut String, processes: &[ProcessInfo]) {
    if processes.is_empty() {
        body.push_str("<p>No programs to manage</p>\n");
        return;
    }
    body.push_str(
        "<table>\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Description</th>\
         <th scope=\"col\">Name</th><th scope=\"col\">Action</th></tr></thead>\n<tbody>\n",
    );
    for process in processes {
        row(body, process);
    }
    body.push_str("</tbody>\n</table>\n");
}

fn row(body: &mut String, process: &ProcessInfo) {
    let name = process.full_name();
    let quoted = quote(&name);
    let mut actions = String::new();
    let offered: &[(&str, &str)] = match process.statename.as_str() {
        "RUNNING" => &[("restart", "Restart"), ("stop", "Stop")],
        "STOPPED" | "EXITED" | "FATAL" => &[("start", "Start")],
        _ => &[],
    };
    for (action, label) in offered.iter().chain(&[("clearlog", "Clear log")]) {
        line(
            &mut actions,
            format_args!("<a href=\"index.html?processname={quoted}&amp;action={action}\">{label}</a>"),
        );
    }
    for (channel, label) in [("", "Tail -f stdout"), ("/stderr", "Tail -f stderr")] {
        line(
            &mut actions,
            format_args!(
                "<a href=\"logtail/{quoted}{channel}\" target=\"_blank\" rel=\"noopener\">{label}</a>"
            ),
        );
    }
    line(
        body,
        format_args!(
            "<tr><td><span class=\"state {class}\">{state}</span></td><td>{description}</td>\
             <td><a href=\"tail.html?processname={quoted}\">{name}</a></td><td class=\"actions\">{actions}</td></tr>",
            class = class(&process.statename),
            state = Escaped(&process.statename.to_lowercase()),
            description = Escaped(&process.description),
            name = Escaped(&name),
        ),
    );
}

fn class(state: &str) -> &'static str {
    match state {
        "RUNNING" => "good",
        "FATAL" | "BACKOFF" => "bad",
        _ => "quiet",
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // writing to a string cannot fail
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, state: &str) -> ProcessInfo {
        ProcessInfo {
            name: name.into(),
            group: "pets".into(),
            start: 0,
            stop: 0,
            now: 0,
            state: 0,
            statename: state.into(),
            spawnerr: String::new(),
            exitstatus: 0,
            logfile: String::new(),
            stdout_logfile: String::new(),
            stderr_logfile: String::new(),
            pid: 0,
            description: "<b>&".into(),
        }
    }

    #[test]
    fn states_offer_what_they_allow() {
        let links = |state: &str| {
            let mut html = String::new();
            row(&mut html, &process("dog", state));
            let offers =
                |action: &str| html.contains(&format!("?processname=pets%3Adog&amp;action={action}\""));
            (
                offers("start"),
                offers("stop"),
                offers("restart"),
                offers("clearlog"),
            )
        };
        assert_eq!(links("RUNNING"), (false, true, true, true));
        for state in ["STOPPED", "EXITED", "FATAL"] {
            assert_eq!(links(state), (true, false, false, true), "{state}");
        }
        for state in ["STARTING", "STOPPING", "BACKOFF", "UNKNOWN"] {
            assert_eq!(links(state), (false, false, false, true), "{state}");
        }
    }

    #[test]
    fn names_and_descriptions_are_escaped() {
        let mut html = String::new();
        table(&mut html, &[process("\"><script>", "RUNNING")]);
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
        assert!(
            html.contains("tail.html?processname=pets%3A%22%3E%3Cscript%3E\""),
            "{html}"
        );
        assert!(
            html.contains("logtail/pets%3A%22%3E%3Cscript%3E/stderr\""),
            "{html}"
        );
        let mut empty = String::new();
        table(&mut empty, &[]);
        assert!(empty.contains("No programs to manage"));
    }
}

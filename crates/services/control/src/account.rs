//! Sessions, tokens and audit entries as lines of a table: inert text and readable times.

use crate::inert;
use crate::moment::Moment;
use crate::upstream::account::{ApiToken, AuditEntry, Session};
use crate::words::{Lang, Words};

/// A session's line.
#[derive(Debug)]
pub(crate) struct SessionLine {
    pub(crate) sid: String,
    pub(crate) device: String,
    /// The whole of what the client called itself.
    pub(crate) agent: String,
    pub(crate) icon: &'static str,
    pub(crate) address: String,
    pub(crate) began: Moment,
    pub(crate) used: Moment,
    pub(crate) current: bool,
}

/// A token's line.
#[derive(Debug)]
pub(crate) struct TokenLine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) expires: Moment,
    pub(crate) used: Option<Moment>,
}

/// An audit entry's line.
#[derive(Debug)]
pub(crate) struct AuditLine {
    pub(crate) seq: i64,
    pub(crate) at: Moment,
    pub(crate) kind: String,
    pub(crate) refused: bool,
    pub(crate) actor: String,
    pub(crate) address: String,
    pub(crate) detail: String,
    pub(crate) times: i64,
    pub(crate) clock_unsure: bool,
}

impl SessionLine {
    pub(crate) fn new(session: Session, t: &Words) -> Self {
        let agent = inert::line(&session.device);
        let device = if session.kind == "api" && agent.is_empty() {
            t.device_api.to_owned()
        } else {
            short_device(&agent).unwrap_or_else(|| t.device_unknown.to_owned())
        };
        Self {
            icon: if session.kind == "api" { "terminal" } else { "user" },
            sid: session.sid,
            device,
            agent,
            address: inert::line(&session.address),
            began: Moment::at(session.created_at, t.lang()),
            used: Moment::at(session.last_used_at, t.lang()),
            current: session.current,
        }
    }
}

impl TokenLine {
    pub(crate) fn new(token: ApiToken, lang: Lang) -> Self {
        Self {
            id: token.id,
            name: inert::line(&token.name),
            scope: inert::line(&token.scope.join(" ")),
            expires: Moment::at(token.expires_at, lang),
            used: token.last_used_at.map(|at| Moment::at(at, lang)),
        }
    }
}

impl AuditLine {
    pub(crate) fn new(entry: &AuditEntry, lang: Lang) -> Self {
        Self {
            seq: entry.seq,
            at: Moment::at(entry.at, lang),
            kind: inert::line(&entry.kind),
            refused: entry.outcome == "refused",
            actor: inert::line(entry.actor_name.as_deref().unwrap_or_default()),
            address: inert::line(&entry.address),
            detail: inert::line(&entry.detail),
            times: entry.times,
            clock_unsure: entry.clock == "untrusted",
        }
    }
}

/// Browser and system out of a `User-Agent`, as people call them; other programs by their first word.
fn short_device(agent: &str) -> Option<String> {
    let first = |names: &[(&str, &'static str)]| {
        let known = names.iter().find(|(sign, _)| agent.contains(sign));
        known.map(|(_, name)| *name)
    };
    // The order matters: Edge and Opera call themselves Chrome too, and Chrome calls itself Safari.
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => Some(format!("{browser}, {system}")),
        (Some(name), None) => Some(name.to_owned()),
        _ => agent.split_whitespace().next().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_the_names_that_people_use() {
        for (agent, shown) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
                Some("Chrome, Linux"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                Some("Edge, Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Safari/604.1",
                Some("Safari, iPhone"),
            ),
            ("curl/8.1.2", Some("curl/8.1.2")),
            ("", None),
        ] {
            assert_eq!(short_device(agent).as_deref(), shown, "{agent}");
        }
    }
}

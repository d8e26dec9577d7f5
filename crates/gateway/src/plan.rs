//! `[route.NAME]` read and checked as a whole: what clashes, leads nowhere or is reserved is found here, for
//! `pistack config check` and for a reload alike.

mod address;
mod door;

use std::path::PathBuf;
use std::time::Duration;

use http::header::HeaderValue;
use pistack_api::right::{self, Right as _, RightInfo, UseApp};
use pistack_api::token::Level;

use crate::config::{Config, Route, Routes};
use crate::names::{Name, Names};
pub(crate) use address::Address;
pub(crate) use door::Door;

/// Where the gateway's own sign-in pages for routes are, on every address.
pub(crate) const GATE: &str = "/.pistack";
/// What belongs to the stack on its own names.
const RESERVED: [&str; 9] = [
    "/api",
    "/control",
    "/internal",
    "/metrics",
    "/ca",
    "/ca.pem",
    "/pistack-ca.pem",
    "/.well-known/acme-challenge",
    GATE,
];

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Keys from the top: `["route", "camera", "to"]`.
    pub path: Vec<String>,
    /// What.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// True where it may be right all the same: a folder on a disk that is not there yet.
    pub warning: bool,
}

/// One route, ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) hosts: Vec<Name>,
    /// Without a slash at its end; empty = everything.
    pub(crate) path: String,
    pub(crate) to: Destination,
    pub(crate) strip: bool,
    /// `None`: the gateway's own address.
    pub(crate) door: Option<Door>,
    pub(crate) auth: Auth,
    pub(crate) send_host: Option<HeaderValue>,
    pub(crate) response_timeout: Duration,
    /// `None` = any.
    pub(crate) max_body: Option<u64>,
    pub(crate) compress: bool,
    pub(crate) cache: HeaderValue,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    Upstream(Address),
    Files(PathBuf),
}

/// Who may use a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Auth {
    /// Everyone.
    Public,
    /// Who has this right to this object, by level or by grant.
    Right {
        /// As it was written.
        shown: Box<str>,
        right: RightInfo,
        object: Box<str>,
    },
}

impl Auth {
    /// `user`, `admin` and `root` are the right to use the application, given to that level without a grant.
    fn parse(text: &str, route: &str) -> Option<Self> {
        let level = match text {
            "public" => return Some(Self::Public),
            "user" => Some(Level::User),
            "admin" => Some(Level::Admin),
            "root" => Some(Level::Root),
            _ => None,
        };
        let (right, object) = if let Some(level) = level {
            (
                RightInfo {
                    level,
                    ..UseApp::INFO
                },
                route,
            )
        } else {
            let mut parts = text.splitn(3, ':');
            let (area, object, action) = (parts.next()?, parts.next()?, parts.next()?);
            let known = |right: &&RightInfo| right.area == area && right.action == action;
            (*right::ALL.iter().find(known)?, object)
        };
        (!object.is_empty()).then(|| Self::Right {
            shown: text.into(),
            right,
            object: object.into(),
        })
    }
}

impl std::fmt::Display for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Right { shown, .. } => f.write_str(shown),
        }
    }
}

/// All routes, or everything that is wrong with them.
pub(crate) fn plan(config: &Config, routes: &Routes) -> Result<Vec<Planned>, Vec<Finding>> {
    let (planned, findings) = look(config, routes);
    if findings.iter().all(|finding| finding.warning) {
        Ok(planned)
    } else {
        Err(findings)
    }
}

/// The routes that can be used, for a start: one that is wrong must not keep the others, and the dashboard, away.
pub(crate) fn usable(config: &Config, routes: &Routes) -> Vec<Planned> {
    let mut routes = routes.clone();
    loop {
        let (planned, findings) = look(config, &routes);
        let wrong: Vec<&Finding> = findings.iter().filter(|finding| !finding.warning).collect();
        if wrong.is_empty() {
            return planned;
        }
        for finding in wrong {
            tracing::error!(problem = finding.message, "a route is left out");
            routes.shift_remove(&finding.path[1]);
        }
    }
}

/// Everything that is wrong, for `pistack config check`.
pub fn check_routes(config: &Config, routes: &Routes) -> Vec<Finding> {
    look(config, routes).1
}

fn look(config: &Config, routes: &Routes) -> (Vec<Planned>, Vec<Finding>) {
    let mut findings = Vec::new();
    // What the board is called by itself; a name in `[gateway]` that is none is told elsewhere.
    let own = Names::gather(&config.names).or_else(|_| Names::gather(&[])).ok();
    let planned: Vec<Planned> = routes
        .iter()
        .filter_map(|(name, route)| {
            let mut found = Found {
                name,
                findings: &mut findings,
            };
            read(config, own.as_ref(), name, route, &mut found)
        })
        .collect();
    clashes(&planned, &mut findings);
    (planned, findings)
}

/// Collects what is wrong with one route.
struct Found<'a> {
    name: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Found<'_> {
    fn add(&mut self, key: &str, message: impl std::fmt::Display, help: Option<&str>) {
        self.findings.push(Finding {
            path: vec!["route".into(), self.name.into(), key.into()],
            message: format!("route `{}`: {message}", self.name),
            help: help.map(str::to_owned),
            warning: false,
        });
    }
}

fn read(
    config: &Config,
    own: Option<&Names>,
    name: &str,
    route: &Route,
    found: &mut Found<'_>,
) -> Option<Planned> {
    let before = found.findings.len();
    let hosts = hosts(route, own, found);
    let path = path(route, found);
    let door = door::read(config, route, found);
    let to = destination(config, route, found);
    let auth = Auth::parse(&route.auth, name).or_else(|| {
        let help =
            "write \"public\", \"user\", \"admin\", \"root\", or a right such as \"gpio:relay1:write\"";
        found.add(
            "auth",
            format_args!("`{}` says not who may in", route.auth),
            Some(help),
        );
        None
    })?;
    let door = door?;
    if !route.tls && door.is_none() {
        found.add(
            "tls",
            "`tls` goes with `listen`",
            Some("add listen = \":8444\", or remove tls"),
        );
    }
    if !route.tls && auth != Auth::Public {
        let help = "a login must not travel in the clear: remove `tls = false`, or write auth = \"public\"";
        found.add("tls", "plain HTTP and a login do not go together", Some(help));
    }
    let mut value = |key: &str, text: &str| {
        let value = HeaderValue::from_str(text).ok().filter(|value| !value.is_empty());
        if value.is_none() {
            found.add(key, format_args!("`{text}` is no header value"), None);
        }
        value
    };
    let send_host = route.send_host.as_deref().map(|host| value("send_host", host));
    let cache = value("cache", &route.cache);
    let wrong = found.findings[before..].iter().any(|finding| !finding.warning);
    (!wrong).then_some(())?;
    Some(Planned {
        name: name.to_owned(),
        hosts,
        path,
        to: to?,
        strip: route.strip || route.files.is_some(),
        door,
        auth,
        send_host: send_host.flatten(),
        response_timeout: route.patience(config.response_timeout.0),
        max_body: Some(route.max_body.0).filter(|most| *most > 0),
        compress: route.compress,
        cache: cache?,
    })
}

fn hosts(route: &Route, own: Option<&Names>, found: &mut Found<'_>) -> Vec<Name> {
    let mut hosts: Vec<Name> = Vec::new();
    for text in &route.hosts {
        match text.parse::<Name>() {
            Ok(Name::Address(_)) => found.add(
                "hosts",
                format_args!("`{text}` is an address, and an address is the board itself"),
                Some("write a host name, or give the route a port of its own with `listen`"),
            ),
            Ok(name) if route.listen.is_none() && own.is_some_and(|own| own.holds(&name)) => found.add(
                "hosts",
                format_args!("`{text}` is the board's own name, where the dashboard is"),
                Some("leave `hosts` out and choose a `path`, or take another name"),
            ),
            Ok(name) => hosts.push(name),
            Err(error) => found.add("hosts", error, None),
        }
    }
    hosts
}

fn path(route: &Route, found: &mut Found<'_>) -> String {
    let path = route.path.trim_end_matches('/').to_owned();
    let odd = |segment: &str| {
        matches!(segment, "" | "." | "..")
            || !segment
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"%?#;\\\"".contains(&byte))
    };
    if !route.path.starts_with('/') || path.split('/').skip(1).any(odd) {
        let help =
            "write a path such as \"/camera\": it begins with a slash and holds letters, digits and `-._~`";
        found.add("path", format_args!("`{}` is no path", route.path), Some(help));
    }
    let shared = route.listen.is_none() && route.hosts.is_empty();
    let reserved: &[&str] = if shared { &RESERVED } else { &[GATE] };
    if let Some(taken) = reserved.iter().find(|taken| is_below(&path, taken)) {
        let help = if shared {
            "choose another path, or give the route a host or a port of its own"
        } else {
            "choose another path"
        };
        found.add(
            "path",
            format_args!(
                "`{}` belongs to the stack itself (`{taken}` is reserved)",
                route.path
            ),
            Some(help),
        );
    }
    path
}

/// Whether `path` is `above` or lies below it.
pub(crate) fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn destination(config: &Config, route: &Route, found: &mut Found<'_>) -> Option<Destination> {
    match (&route.to, &route.files) {
        (None, None) => {
            let help =
                "add to = \"http://127.0.0.1:3000\", to = \"unix:/run/app.sock\", or files = \"/srv/site\"";
            found.add("path", "it leads nowhere", Some(help));
            None
        }
        (Some(_), Some(_)) => {
            found.add("files", "both `to` and `files` are set", Some("keep one of them"));
            None
        }
        (Some(to), None) => match to.parse::<Address>() {
            Ok(address) if address.is_ours(config, route) => {
                let help = "write the port on which the application itself listens";
                found.add(
                    "to",
                    format_args!("`{to}` is the gateway itself: requests would go round"),
                    Some(help),
                );
                None
            }
            Ok(address) => Some(Destination::Upstream(address)),
            Err(error) => {
                found.add("to", error, None);
                None
            }
        },
        (None, Some(folder)) => {
            if !folder.is_absolute() {
                let help = "write the whole path, beginning with a slash";
                found.add(
                    "files",
                    format_args!("`{}` is no whole path", folder.display()),
                    Some(help),
                );
            } else if !folder.is_dir() {
                let help = "make the folder, or mend the path";
                found.add(
                    "files",
                    format_args!("there is no folder `{}`", folder.display()),
                    Some(help),
                );
                if let Some(finding) = found.findings.last_mut() {
                    finding.warning = true;
                }
            }
            Some(Destination::Files(folder.clone()))
        }
    }
}

/// Every pair once, told at the second one.
fn clashes(planned: &[Planned], findings: &mut Vec<Finding>) {
    for (index, second) in planned.iter().enumerate() {
        let mut found = Found {
            name: &second.name,
            findings,
        };
        for first in &planned[..index] {
            if let (Some(one), Some(other)) = (&first.door, &second.door)
                && one.clashes_with(other)
            {
                found.add(
                    "listen",
                    format_args!(
                        "`{other}` and `{one}` of route `{}` are the same port, once with and once without TLS or \
                         for other addresses",
                        first.name
                    ),
                    Some("write both alike, or choose another port"),
                );
            }
            let same_host = first.hosts.is_empty() && second.hosts.is_empty()
                || first.hosts.iter().any(|host| second.hosts.contains(host));
            if first.door == second.door && same_host && first.path == second.path {
                found.add(
                    "path",
                    format_args!(
                        "it has the same host and path (`{}/`) as route `{}`",
                        second.path, first.name
                    ),
                    Some("which of the two is meant cannot be told: change the path or the host of one"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;

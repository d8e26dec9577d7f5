//! Sections and options that mean nothing: legal, since extensions live there, but mostly mistyped.

use super::{Document, FASTCGI_KEYS, GROUP_KEYS, LISTENER_KEYS, Warning, program, servers, settings};
use crate::config::values;

/// What a section may say.
enum Known {
    /// Nothing: no one reads the section.
    Nothing,
    /// Anything.
    Anything,
    /// These options.
    Only(Vec<&'static str>),
}

fn known(section: &str) -> Known {
    let program = |more: &[&'static str]| Known::Only([&program::KEYS[..], more].concat());
    let only = |keys: &[&'static str]| Known::Only(keys.to_vec());
    let kind = section.split_once(':').map_or(section, |(kind, _)| kind);
    match (kind, kind != section) {
        ("supervisord", false) => only(&settings::KEYS),
        ("supervisorctl", false) => only(&servers::CTL_KEYS),
        ("include", false) => only(&["files"]),
        ("unix_http_server", _) => only(&servers::UNIX_KEYS),
        ("inet_http_server", _) => only(&servers::INET_KEYS),
        ("program", true) => program(&[]),
        ("fcgi-program", true) => program(&FASTCGI_KEYS),
        ("eventlistener", true) => program(&LISTENER_KEYS),
        ("group", true) => only(&GROUP_KEYS),
        // What a plugin reads is its own business. `x-` says aloud: not for the supervisor.
        ("rpcinterface" | "ctlplugin", true) => Known::Anything,
        _ if section.starts_with("x-") => Known::Anything,
        _ => Known::Nothing,
    }
}

/// Kinds of sections, for suggestions.
const KINDS: [&str; 10] = [
    "supervisord",
    "supervisorctl",
    "include",
    "unix_http_server",
    "inet_http_server",
    "program",
    "fcgi-program",
    "eventlistener",
    "group",
    "rpcinterface",
];

/// Warns of every unknown section and option. What `[DEFAULT]` gives is for whoever can use it.
pub(super) fn warn(document: &Document, warnings: &mut Vec<Warning>) {
    for section in document.sections() {
        let Some(options) = document.own_options(section) else {
            continue;
        };
        let known = match known(section) {
            Known::Only(known) => known,
            Known::Anything => continue,
            Known::Nothing => {
                warnings.push(Warning {
                    origin: options.origin.clone(),
                    message: unknown(section),
                });
                continue;
            }
        };
        for (key, setting) in options.iter().filter(|(key, _)| !known.contains(key)) {
            let help =
                values::nearest(key, known.iter().copied()).map(|near| format!(": did you mean `{near}`?"));
            let message = format!("[{section}] unknown option `{key}`{}", help.unwrap_or_default());
            warnings.push(Warning {
                origin: setting.origin.clone(),
                message,
            });
        }
    }
}

fn unknown(section: &str) -> String {
    let (kind, name) = section
        .split_once(':')
        .map_or((section, ""), |(kind, name)| (kind.trim(), name));
    let help = values::nearest(kind, KINDS).map(|near| match name {
        "" => format!(": did you mean `[{near}]`?"),
        name => format!(": did you mean `[{near}:{name}]`?"),
    });
    format!("unknown section [{section}]{}", help.unwrap_or_default())
}

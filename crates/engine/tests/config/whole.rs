//! Whole configurations beside supervisor 4.3.0: `tests/data/configs.json` holds random ones (valid and not) with
//! the groups, servers and settings, or the first error, that supervisord makes of them.

use std::path::Path;

use indexmap::IndexMap;
use pistack_engine::config::model::{
    AutoRestart, ChannelSpec, GroupKind, GroupSpec, LogTarget, Model, ProcessSpec, Server, ServerAddress,
    Settings,
};
use pistack_engine::config::supervisord::{IniError, Request, read};
use pistack_engine::config::surroundings::{Anything, Surroundings};
use serde_json::{Value, json};

const CASES: &str = include_str!("../data/configs.json");

#[test]
fn every_recorded_configuration_gives_the_same_model() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() >= 30, "the record is cut off");
    let wrong: Vec<String> = cases.iter().filter_map(difference).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n----\n")
    );
}

fn difference(case: &Value) -> Option<String> {
    let text = case["config"].as_str()?;
    let expected = &case["output"];
    match (ours(text), expected["error"].as_str()) {
        (Ok(model), None) => {
            let found = json!({
                "groups": model.groups.values().map(group).collect::<Vec<_>>(),
                "servers": model.servers.iter().map(server).collect::<Vec<_>>(),
                "settings": settings(&model.settings),
            });
            (found != *expected).then(|| format!("{text}\n  python {expected}\n  ours   {found}"))
        }
        (Err(errors), Some(expected)) => {
            let known = errors.iter().any(|error| matches(error, expected));
            (!known).then(|| format!("{text}\n  python {expected}\n  ours   {errors:#?}"))
        }
        (Ok(_), Some(expected)) => Some(format!("{text}\n  python {expected}\n  ours   no error")),
        (Err(errors), None) => Some(format!("{text}\n  python has no error\n  ours   {errors:#?}")),
    }
}

/// True if supervisord's sentence is ours. It names some options by a shorter name, and a group by its last program.
fn matches(error: &IniError, expected: &str) -> bool {
    if expected.starts_with("Format string") {
        let formatted = expected.split(" for ").next().unwrap_or(expected);
        return error.message.starts_with(formatted);
    }
    if let Some((_, unknown)) = expected.split_once("names unknown") {
        return error.message.ends_with(unknown);
    }
    if let Some((_, ambiguous)) = expected.split_once("] name ") {
        return error.message.ends_with(ambiguous);
    }
    expected.starts_with(&error.message)
}

fn ours(text: &str) -> Result<Model, Vec<IniError>> {
    let environment: IndexMap<String, String> =
        [("HOME", "/root"), ("A", "env_a"), ("PCT", "50%"), ("NUM", "3")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
    let around = Surroundings {
        environment: &environment,
        host: "pi",
        cwd: Path::new("/etc/x"),
        outside: &Anything,
    };
    read(&Request {
        file: Path::new("/etc/x/s.conf"),
        text,
        around,
    })
}

fn group(group: &GroupSpec) -> Value {
    let mut value = json!({
        "name": group.name,
        "priority": group.priority,
        "processes": group.processes.iter().map(process).collect::<Vec<_>>(),
    });
    match &group.kind {
        GroupKind::Programs => value["kind"] = json!("ProcessGroupConfig"),
        GroupKind::Listeners(pool) => {
            value["kind"] = json!("EventListenerPoolConfig");
            let mut events: Vec<String> = pool.events.iter().map(|kind| kind.name().to_owned()).collect();
            events.sort();
            value["events"] = json!(events);
            value["buffer_size"] = json!(pool.buffer_size.unwrap_or(10));
        }
        GroupKind::FastCgi { socket, backlog, .. } => {
            value["kind"] = json!("FastCGIGroupConfig");
            value["socket"] = json!(socket);
            value["backlog"] = json!(backlog);
        }
    }
    value
}

fn process(spec: &ProcessSpec) -> Value {
    let mut value = json!({
        "name": spec.name,
        "uid": spec.user.as_ref().map(|_| "set"),
        "command": spec.command,
        "directory": spec.directory,
        "umask": spec.umask,
        "priority": spec.priority,
        "autostart": spec.autostart,
        "autorestart": match spec.autorestart {
            AutoRestart::Always => json!("always"),
            AutoRestart::Unexpected => json!("unexpected"),
            AutoRestart::Never => json!(false),
        },
        "startsecs": spec.startsecs,
        "startretries": spec.startretries,
        "stopsignal": spec.stopsignal,
        "stopwaitsecs": spec.stopwaitsecs,
        "stopasgroup": spec.stopasgroup,
        "killasgroup": spec.killasgroup,
        "exitcodes": spec.exitcodes,
        "redirect_stderr": spec.redirect_stderr,
        "environment": spec.environment.iter().collect::<Vec<_>>(),
        "serverurl": spec.serverurl,
    });
    for (name, channel) in [("stdout", &spec.stdout), ("stderr", &spec.stderr)] {
        let ChannelSpec {
            logfile,
            maxbytes,
            backups,
            capture_maxbytes,
            events_enabled,
            syslog,
        } = channel;
        value[format!("{name}_logfile")] = match logfile {
            LogTarget::None => Value::Null,
            LogTarget::Auto => json!("AUTO"),
            LogTarget::File(path) => json!(path),
            LogTarget::Syslog => panic!("a program's log is never syslog alone"),
        };
        value[format!("{name}_logfile_maxbytes")] = json!(maxbytes);
        value[format!("{name}_logfile_backups")] = json!(backups);
        value[format!("{name}_capture_maxbytes")] = json!(capture_maxbytes);
        value[format!("{name}_events_enabled")] = json!(events_enabled);
        value[format!("{name}_syslog")] = json!(syslog);
    }
    value
}

fn server(server: &Server) -> Value {
    let (username, password) = server.credentials.clone().unzip();
    let mut value = json!({
        "host": null, "port": null, "file": null, "chmod": null, "username": username, "password": password,
    });
    match &server.address {
        ServerAddress::Inet { host, port } => {
            value["host"] = json!(host);
            value["port"] = json!(port);
        }
        ServerAddress::Unix { path, mode, .. } => {
            value["file"] = json!(path);
            value["chmod"] = json!(mode);
        }
    }
    value
}

fn settings(settings: &Settings) -> Value {
    use pistack_engine::config::model::LogLevel::{Blather, Critical, Debug, Error, Info, Trace, Warn};
    let LogTarget::File(logfile) = &settings.logfile else {
        panic!("{:?}", settings.logfile)
    };
    json!({
        "minfds": settings.minfds,
        "minprocs": settings.minprocs,
        "umask": settings.umask,
        "logfile": logfile,
        "logfile_maxbytes": settings.logfile_maxbytes,
        "logfile_backups": settings.logfile_backups,
        "loglevel": match settings.loglevel {
            Critical => 50,
            Error => 40,
            Warn => 30,
            Info => 20,
            Debug => 10,
            Trace => 5,
            Blather => 3,
        },
        "pidfile": settings.pidfile,
        "identifier": settings.identifier,
        "nodaemon": settings.nodaemon,
        "silent": settings.silent,
        "nocleanup": settings.nocleanup,
        "strip_ansi": settings.strip_ansi,
        "environment": settings.environment.iter().collect::<Vec<_>>(),
    })
}

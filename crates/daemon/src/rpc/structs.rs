//! Engine values as the structs that clients know (supervision.md 1.8).

use std::path::{Path, PathBuf};

use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::Value;
use pistack_engine::ProcessView;
use pistack_engine::config::model::{ChannelSpec, GroupSpec, LogTarget, ProcessSpec};
use pistack_engine::io::{Channel, Now, Reply, StatusRow};

use crate::logs::process::ProcessLogs;
use crate::sys::identity;
use crate::sys::local_time::LocalTime;

/// A process as `getProcessInfo` tells it.
pub(crate) fn process_info(view: &ProcessView<'_>, logs: Option<&ProcessLogs>, now: Now) -> ProcessInfo {
    let path = |channel| {
        logs.and_then(|logs| logs.path(channel))
            .map(|path| path.display().to_string())
            .unwrap_or_default()
    };
    let stdout = path(Channel::Stdout);
    ProcessInfo {
        name: view.spec.name.clone(),
        group: view.spec.group.clone(),
        start: view.start,
        stop: view.stop,
        now: now.wall.as_secs() as i64,
        state: view.state.code(),
        statename: view.state.name().to_owned(),
        spawnerr: view.spawnerr.to_owned(),
        exitstatus: view.exitstatus.unwrap_or(0),
        logfile: stdout.clone(),
        stdout_logfile: stdout,
        stderr_logfile: path(Channel::Stderr),
        pid: view.pid,
        description: view.description(now, &|unix| LocalTime::at(unix).short()),
    }
}

/// The answer to a command.
pub(crate) fn reply(reply: Reply) -> Value {
    let texts = |names: Vec<String>| Value::Array(names.into_iter().map(Value::from).collect());
    match reply {
        Reply::True => Value::Bool(true),
        Reply::Rows(rows) => Value::Array(rows.into_iter().map(row).collect()),
        Reply::Changes {
            added,
            changed,
            removed,
        } => Value::Array(vec![Value::Array(vec![
            texts(added),
            texts(changed),
            texts(removed),
        ])]),
    }
}

/// One row of the answer to a group call.
pub(crate) fn row(row: StatusRow) -> Value {
    Value::Struct(vec![
        ("name".into(), row.name.into()),
        ("group".into(), row.group.into()),
        ("status".into(), Value::Int(row.status.into())),
        ("description".into(), row.description.into()),
    ])
}

/// A process as `getAllConfigInfo` tells it, in supervisord's order; `autorestart`, which 4.4 adds, comes last.
/// `in_use`: its group is active. `logs`: those whose automatic names are known.
pub(crate) fn config_info(
    group: &GroupSpec,
    spec: &ProcessSpec,
    in_use: bool,
    logs: Option<&ProcessLogs>,
) -> Value {
    let or_none = |text: Option<String>| Value::from(text.unwrap_or_else(|| "none".to_owned()));
    let uid = spec.user.as_deref().and_then(|user| identity::account(user).ok());
    let codes = spec.exitcodes.iter().map(|code| Value::Int((*code).into()));
    let directory = spec.directory.as_ref().map(|path| path.display().to_string());
    let known = |channel| logs.and_then(|logs| logs.path(channel)).map(Path::to_owned);
    let mut members = named([
        ("autostart", Value::Bool(spec.autostart)),
        ("directory", or_none(directory)),
        (
            "uid",
            uid.map_or_else(|| or_none(None), |account| Value::Int(account.uid.into())),
        ),
        ("command", Value::from(&*spec.command)),
        ("exitcodes", Value::Array(codes.collect())),
        ("group", Value::from(&*group.name)),
        ("group_prio", Value::Int(group.priority.into())),
        ("inuse", Value::Bool(in_use)),
        ("killasgroup", Value::Bool(spec.killasgroup)),
        ("name", Value::from(&*spec.name)),
        ("process_prio", Value::Int(spec.priority.into())),
        ("redirect_stderr", Value::Bool(spec.redirect_stderr)),
        ("startretries", Value::Int(spec.startretries.into())),
        ("startsecs", Value::Int(spec.startsecs.into())),
    ]);
    members.extend(channel_info(
        "stdout",
        &spec.stdout,
        false,
        known(Channel::Stdout),
    ));
    members.extend(named([
        ("stopsignal", Value::Int(spec.stopsignal.into())),
        ("stopwaitsecs", Value::Int(spec.stopwaitsecs.into())),
    ]));
    let redirected = spec.redirect_stderr;
    members.extend(channel_info(
        "stderr",
        &spec.stderr,
        redirected,
        known(Channel::Stderr),
    ));
    members.extend(named([
        ("serverurl", or_none(spec.serverurl.clone())),
        ("autorestart", autorestart(spec)),
    ]));
    Value::Struct(members)
}

fn named<const N: usize>(members: [(&str, Value); N]) -> Vec<(String, Value)> {
    members.map(|(key, value)| (key.to_owned(), value)).into()
}

fn autorestart(spec: &ProcessSpec) -> Value {
    use pistack_engine::config::model::AutoRestart;
    match spec.autorestart {
        AutoRestart::Never => Value::Bool(false),
        AutoRestart::Unexpected => Value::from("unexpected"),
        AutoRestart::Always => Value::Bool(true),
    }
}

/// `redirected`: the channel has no log of its own. `known`: the name that an automatic log was given.
fn channel_info(
    prefix: &str,
    channel: &ChannelSpec,
    redirected: bool,
    known: Option<PathBuf>,
) -> [(String, Value); 6] {
    let logfile = match &channel.logfile {
        _ if redirected => "none".to_owned(),
        LogTarget::None | LogTarget::Syslog => "none".to_owned(),
        LogTarget::Auto => known.map_or_else(|| "auto".to_owned(), |path| path.display().to_string()),
        LogTarget::File(path) => path.display().to_string(),
    };
    [
        ("capture_maxbytes", Value::Int(clamped(channel.capture_maxbytes))),
        ("events_enabled", Value::Bool(channel.events_enabled)),
        ("logfile", logfile.into()),
        ("logfile_backups", Value::Int(channel.backups.into())),
        ("logfile_maxbytes", Value::Int(clamped(channel.maxbytes))),
        (
            "syslog",
            Value::Bool(channel.syslog || channel.logfile == LogTarget::Syslog),
        ),
    ]
    .map(|(key, value)| (format!("{prefix}_{key}"), value))
}

fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use pistack_engine::config::model::{GroupKind, Origin};
    use pistack_engine::io::ProcessId;
    use pistack_engine::state::ProcessState;

    #[test]
    fn process_info_shows_local_times_and_log_paths() {
        let spec = ProcessSpec::new("cat", "cat");
        let view = ProcessView {
            id: ProcessId(1),
            spec: &spec,
            state: ProcessState::Stopped,
            pid: 0,
            start: 1000,
            stop: 1_000_000_000,
            started_mono: None,
            spawnerr: "",
            exitstatus: Some(-1),
        };
        let info = process_info(
            &view,
            None,
            Now {
                mono: Duration::ZERO,
                wall: Duration::from_secs(5000),
            },
        );
        assert_eq!(info.description, LocalTime::at(1_000_000_000).short());
        assert_eq!(
            (info.now, info.exitstatus, info.stdout_logfile.as_str()),
            (5000, -1, "")
        );
    }

    #[test]
    fn config_info_has_supervisords_keys_and_no_nil() {
        let mut spec = ProcessSpec::new("cat", "cat -u");
        spec.redirect_stderr = true;
        let group = GroupSpec {
            name: "cat".into(),
            priority: 5,
            kind: GroupKind::Programs,
            processes: Vec::new(),
            origin: Origin::default(),
        };
        let info = config_info(&group, &spec, true, None);
        for key in [
            "autostart",
            "directory",
            "uid",
            "command",
            "exitcodes",
            "group",
            "group_prio",
            "inuse",
            "killasgroup",
            "name",
            "process_prio",
            "redirect_stderr",
            "startretries",
            "startsecs",
            "stopsignal",
            "stopwaitsecs",
            "serverurl",
            "stdout_capture_maxbytes",
            "stdout_events_enabled",
            "stdout_logfile",
            "stdout_logfile_backups",
            "stdout_logfile_maxbytes",
            "stdout_syslog",
            "stderr_capture_maxbytes",
            "stderr_events_enabled",
            "stderr_logfile",
            "stderr_logfile_backups",
            "stderr_logfile_maxbytes",
            "stderr_syslog",
            "autorestart",
        ] {
            assert!(info.get(key).is_some(), "{key}");
        }
        assert_eq!(info.get("stdout_logfile").unwrap().as_str(), Some("auto"));
        assert_eq!(info.get("stderr_logfile").unwrap().as_str(), Some("none"));
        assert_eq!(info.get("uid").unwrap().as_str(), Some("none"));
        assert_eq!(info.get("stopsignal").unwrap().as_int(), Some(15));
    }
}

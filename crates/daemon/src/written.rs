//! Where each value of a program's configuration was written, for the services of the stack.

use pistack_api::written::{Place, Written, WrittenValue, WrittenVariable};
use pistack_engine::config::model::{GroupKind, GroupSpec, Model, ProcessSpec};
use pistack_engine::config::places::GROUP_PRIORITY;

/// What `getAllConfigInfo` calls an option by another name than its own.
const RENAMED: [(&str, &str); 3] = [
    ("uid", "user"),
    ("process_prio", "priority"),
    ("group_prio", GROUP_PRIORITY),
];

/// What `getAllConfigInfo` calls by its own name.
const SAME: [&str; 24] = [
    "autorestart",
    "autostart",
    "command",
    "directory",
    "exitcodes",
    "killasgroup",
    "redirect_stderr",
    "serverurl",
    "startretries",
    "startsecs",
    "stopsignal",
    "stopwaitsecs",
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
];

/// Of the process `group:name`; `None` where there is none in the configuration as it was read last.
pub(crate) fn written(model: &Model, name: &str) -> Option<Written> {
    let (group, name) = name.split_once(':')?;
    let group = model.groups.get(group)?;
    let spec = group.processes.iter().find(|spec| spec.name == name)?;
    Some(Written {
        built_in: spec.origin.file.as_os_str().is_empty(),
        values: values(group, spec),
        environment: environment(spec),
    })
}

fn values(group: &GroupSpec, spec: &ProcessSpec) -> Vec<WrittenValue> {
    let same = SAME.map(|key| (key, key));
    let told = RENAMED.into_iter().chain(same).map(|(key, option)| WrittenValue {
        key: key.to_owned(),
        value: None,
        place: place(spec, option),
    });
    let (events, socket) = match &group.kind {
        GroupKind::Programs => (None, None),
        GroupKind::Listeners(pool) => {
            let names: Vec<_> = pool.events.iter().map(|event| event.name()).collect();
            (Some(names.join(", ")), None)
        }
        GroupKind::FastCgi { socket, .. } => (None, Some(socket.clone())),
    };
    let further = [
        ("events", events),
        ("socket", socket),
        ("stopasgroup", Some(spec.stopasgroup.to_string())),
        ("umask", spec.umask.map(|mask| format!("{mask:03o}"))),
        ("user", spec.user.clone()),
    ];
    let further = further.into_iter().filter_map(|(key, value)| {
        Some(WrittenValue {
            key: key.to_owned(),
            value: Some(value?),
            place: place(spec, key),
        })
    });
    told.chain(further).collect()
}

fn place(spec: &ProcessSpec, option: &str) -> Option<Place> {
    let places = &spec.places;
    // What `killasgroup` does not say, `stopasgroup` decides.
    let implied = || {
        (option == "killasgroup")
            .then(|| places.option("stopasgroup"))
            .flatten()
    };
    let found = places.option(option).or_else(implied);
    found.map(|(file, line)| Place {
        file: file.display().to_string(),
        line,
    })
}

fn environment(spec: &ProcessSpec) -> Vec<WrittenVariable> {
    let variables = spec.environment.iter().map(|(name, value)| WrittenVariable {
        name: name.clone(),
        value: value.clone(),
        place: spec.places.variable(name).map(|(file, line)| Place {
            file: file.display().to_string(),
            line,
        }),
    });
    variables.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pistack_engine::config::model::Origin;

    #[test]
    fn every_value_is_told_with_or_without_a_place() {
        let mut spec = ProcessSpec::new("cat", "cat");
        spec.stopasgroup = true;
        spec.umask = Some(0o22);
        spec.environment.insert("TOKEN".into(), "secret".into());
        let group = GroupSpec {
            name: "zoo".into(),
            priority: 5,
            kind: GroupKind::Programs,
            processes: vec![spec],
            origin: Origin::default(),
        };
        let mut model = Model::default();
        model.groups.insert("zoo".into(), group);
        let told = written(&model, "zoo:cat").unwrap();
        assert!(told.built_in);
        let value = |key: &str| told.values.iter().find(|value| value.key == key).unwrap();
        assert_eq!(value("umask").value.as_deref(), Some("022"));
        assert_eq!(value("command").place, None);
        assert_eq!(told.environment[0].value, "secret");
        assert_eq!(told.values.len(), SAME.len() + RENAMED.len() + 2);
        assert_eq!((written(&model, "cat"), written(&model, "zoo:dog")), (None, None));
    }
}

//! The environment of children (supervision.md 1.10).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use pistack_engine::config::model::{Model, ProcessSpec, ServerAddress};

/// What all children of one configuration share.
#[derive(Debug, Clone)]
pub(crate) struct BaseEnvironment {
    /// The daemon's own environment with what the daemon adds to it.
    inherited: BTreeMap<OsString, OsString>,
    /// `[supervisord] environment`.
    configured: Vec<(OsString, OsString)>,
    /// The server that children can call, if there is one.
    server_url: Option<String>,
}

impl BaseEnvironment {
    /// The shared part: `inherited` is the daemon's environment, `added` wins over it.
    pub(crate) fn new(
        inherited: impl Iterator<Item = (OsString, OsString)>,
        added: &[(String, String)],
        model: &Model,
    ) -> Self {
        let mut inherited: BTreeMap<OsString, OsString> = inherited.collect();
        inherited.extend(added.iter().map(|(key, value)| (key.into(), value.into())));
        let configured = model
            .settings
            .environment
            .iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        Self {
            inherited,
            configured,
            server_url: server_url(model),
        }
    }

    /// The whole environment of one process.
    pub(crate) fn of(&self, spec: &ProcessSpec) -> Vec<(OsString, OsString)> {
        let mut all = self.inherited.clone();
        let mut set = |key: &str, value: &str| all.insert(key.into(), value.into());
        set("SUPERVISOR_ENABLED", "1");
        if let Some(url) = spec.serverurl.as_ref().or(self.server_url.as_ref()) {
            set("SUPERVISOR_SERVER_URL", url);
        }
        set("SUPERVISOR_PROCESS_NAME", &spec.name);
        set("SUPERVISOR_GROUP_NAME", &spec.group);
        all.extend(self.configured.iter().cloned());
        all.extend(
            spec.environment
                .iter()
                .map(|(key, value)| (key.into(), value.into())),
        );
        all.into_iter().collect()
    }

    /// The PATH that a command of `spec` is looked up in.
    pub(crate) fn path(&self, spec: &ProcessSpec) -> Option<OsString> {
        let path = OsStr::new("PATH");
        if let Some(own) = spec.environment.get("PATH") {
            return Some(own.into());
        }
        let configured = self
            .configured
            .iter()
            .rev()
            .find(|(key, _)| key == path)
            .map(|(_, value)| value);
        configured.or_else(|| self.inherited.get(path)).cloned()
    }
}

/// The first unix server, else the first inet one, as children and `supervisorctl` name it.
fn server_url(model: &Model) -> Option<String> {
    let addresses = || model.servers.iter().map(|server| &server.address);
    let unix = addresses().find_map(|address| match address {
        ServerAddress::Unix { path, .. } => Some(format!("unix://{}", path.display())),
        ServerAddress::Inet { .. } => None,
    });
    unix.or_else(|| {
        addresses().find_map(|address| match address {
            ServerAddress::Inet { host, port } => {
                let host = if host.is_empty() || host == "*" {
                    "localhost"
                } else {
                    host
                };
                Some(format!("http://{host}:{port}"))
            }
            ServerAddress::Unix { .. } => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pistack_engine::config::model::{Origin, Server};

    fn server(address: ServerAddress) -> Server {
        Server {
            address,
            credentials: None,
            origin: Origin::default(),
        }
    }

    fn value(all: &[(OsString, OsString)], key: &str) -> Option<String> {
        all.iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn later_sources_win() {
        let mut model = Model::default();
        model.servers.push(server(ServerAddress::Inet {
            host: String::new(),
            port: 9001,
        }));
        model.servers.push(server(ServerAddress::Unix {
            path: "/run/s.sock".into(),
            mode: 0o700,
            owner: None,
        }));
        model.settings.environment.insert("A".into(), "settings".into());
        model.settings.environment.insert("B".into(), "settings".into());
        let mut spec = ProcessSpec::new("cat", "cat");
        spec.group = "pets".into();
        spec.environment.insert("B".into(), "program".into());
        let own = [
            ("A".into(), "daemon".into()),
            ("C".into(), "daemon".into()),
            ("D".into(), "daemon".into()),
        ];
        let base = BaseEnvironment::new(own.into_iter(), &[("D".into(), "added".into())], &model);
        let all = base.of(&spec);
        for (key, wanted) in [
            ("A", "settings"),
            ("B", "program"),
            ("C", "daemon"),
            ("D", "added"),
            ("SUPERVISOR_ENABLED", "1"),
            ("SUPERVISOR_PROCESS_NAME", "cat"),
            ("SUPERVISOR_GROUP_NAME", "pets"),
            ("SUPERVISOR_SERVER_URL", "unix:///run/s.sock"),
        ] {
            assert_eq!(value(&all, key).as_deref(), Some(wanted), "{key}");
        }
    }

    #[test]
    fn the_path_comes_from_the_nearest_source() {
        let mut model = Model::default();
        let own = || [("PATH".into(), "daemon".into())].into_iter();
        let mut spec = ProcessSpec::new("x", "x");
        assert_eq!(
            BaseEnvironment::new(own(), &[], &model).path(&spec),
            Some("daemon".into())
        );
        model
            .settings
            .environment
            .insert("PATH".into(), "settings".into());
        assert_eq!(
            BaseEnvironment::new(own(), &[], &model).path(&spec),
            Some("settings".into())
        );
        spec.environment.insert("PATH".into(), "program".into());
        assert_eq!(
            BaseEnvironment::new(own(), &[], &model).path(&spec),
            Some("program".into())
        );
    }

    #[test]
    fn an_inet_server_is_named_by_a_host_that_a_client_can_use() {
        let mut model = Model::default();
        assert_eq!(server_url(&model), None);
        model.servers.push(server(ServerAddress::Inet {
            host: "*".into(),
            port: 9001,
        }));
        assert_eq!(server_url(&model).as_deref(), Some("http://localhost:9001"));
    }
}

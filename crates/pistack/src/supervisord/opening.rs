//! The first lines of the log: what the reading of the configuration and the change of user have to tell.

use std::rc::Rc;

use pistack_daemon::Opening;
use pistack_engine::config::model::{LogLevel, Model};

use super::config::Loader;

/// The lines of each beginning; `once` come at the first one only, last.
pub(super) fn lines(loader: Rc<Loader>, mut once: Vec<(LogLevel, String)>) -> Opening {
    Box::new(move |model| {
        let uid = pistack_daemon::current_uid();
        let mut lines = of_model(model, uid);
        for path in loader.included() {
            let text = format!("Included extra file \"{}\" during parsing", path.display());
            lines.push((LogLevel::Info, text));
        }
        if model.settings.user.is_some() {
            lines.push((LogLevel::Info, format!("Set uid to user {uid} succeeded")));
        }
        if loader.flags.profile {
            let text = "--profile_options has no effect: there is no profiler in this supervisord";
            lines.push((LogLevel::Warn, text.to_owned()));
        }
        lines.append(&mut once);
        lines
    })
}

fn of_model(model: &Model, uid: u32) -> Vec<(LogLevel, String)> {
    let mut lines = Vec::new();
    if model.settings.user.is_none() && uid == 0 {
        let text = "Supervisor is running as root.  Privileges were not dropped because no user is specified in the \
                    config file.  If you intend to run as root, you can set user=root in the config file to avoid \
                    this message.";
        lines.push((LogLevel::Critical, text.to_owned()));
    }
    let told = model
        .warnings
        .iter()
        .filter(|warning| !is_silent(&warning.message));
    lines.extend(told.map(|warning| {
        // an interface that is asked for and not there is more than a warning
        let level = if warning.message.contains("is Python code and cannot be loaded") {
            LogLevel::Error
        } else {
            LogLevel::Warn
        };
        (level, warning.message.clone())
    }));
    lines
}

/// supervisord passes over unknown sections and options: other programs keep theirs in the same file.
fn is_silent(message: &str) -> bool {
    message.starts_with("unknown section [") || message.contains("] unknown option `")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pistack_engine::config::model::{Origin, Settings, Warning};

    #[test]
    fn tells_of_root_and_of_what_is_mistaken_but_not_of_the_unknown() {
        let warning = |message: &str| Warning {
            origin: Origin::default(),
            message: message.to_owned(),
        };
        let mut model = Model {
            warnings: vec![
                warning("unknown section [mine]"),
                warning("[program:x] unknown option `mine`"),
                warning("No file matches via include \"x\""),
                warning(
                    "[rpcinterface:x] supervisor.rpcinterface_factory: `x:y` is Python code and cannot be loaded",
                ),
            ],
            ..Model::default()
        };
        let lines = of_model(&model, 0);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2].0, LogLevel::Error);
        assert_eq!(lines[0].0, LogLevel::Critical);
        assert_eq!(
            lines[1],
            (LogLevel::Warn, "No file matches via include \"x\"".to_owned())
        );
        assert_eq!(of_model(&model, 1000).len(), 2);
        model.settings = Settings {
            user: Some("root".to_owned()),
            ..Settings::default()
        };
        assert_eq!(of_model(&model, 0).len(), 2);
    }
}

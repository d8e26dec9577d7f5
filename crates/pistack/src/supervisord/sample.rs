//! `echo_supervisord_conf`: prints a configuration to begin with.

use std::ffi::OsString;
use std::process::ExitCode;

/// The sample.
const SAMPLE: &str = include_str!("sample.conf");

/// Prints it. Arguments mean nothing, as for the original.
pub(crate) fn echo_configuration(_arguments: Vec<OsString>, _program: &str) -> ExitCode {
    print!("{SAMPLE}");
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use indexmap::IndexMap;
    use pistack_daemon::System;
    use pistack_engine::config::model::Model;
    use pistack_engine::config::supervisord::{self, Request};
    use pistack_engine::config::surroundings::Surroundings;

    fn read(text: &str) -> Model {
        let environment = IndexMap::from([("HOME".to_owned(), "/root".to_owned())]);
        let request = Request {
            file: Path::new("/etc/supervisord.conf"),
            text,
            around: Surroundings {
                environment: &environment,
                host: "pi",
                cwd: Path::new("/"),
                outside: &System,
            },
        };
        supervisord::read(&request).unwrap_or_else(|errors| panic!("{errors:#?}"))
    }

    #[test]
    fn the_sample_is_read_without_errors_or_warnings() {
        let model = read(SAMPLE);
        assert_eq!(model.warnings, []);
        assert!(model.rpc_enabled && model.servers.len() == 1 && model.groups.is_empty());
        assert_eq!(
            model.ctl.serverurl.as_deref(),
            Some("unix:///tmp/supervisor.sock")
        );
    }

    /// With every `;option` line taken in, too: each stands for a default or an example that works.
    #[test]
    fn what_it_has_in_comments_is_right_as_well() {
        let whole: String = SAMPLE
            .lines()
            .map(|line| match line.strip_prefix(';') {
                // `; words` is prose, `;key=value` an option
                Some(option) if !option.starts_with(' ') => format!("{option}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let model = read(&whole);
        let warnings: Vec<&str> = model
            .warnings
            .iter()
            .map(|warning| warning.message.as_str())
            .collect();
        // the example's directory need not be there
        assert_eq!(
            warnings,
            ["No file matches via include \"/etc/supervisord.d/*.ini\""]
        );
        assert_eq!(model.servers.len(), 2);
        let groups: Vec<&str> = model.groups.keys().map(String::as_str).collect();
        for name in ["web", "mailer", "watcher", "php"] {
            assert!(groups.contains(&name), "{groups:?}");
        }
    }
}

//! One file, many names: called as `supervisord` or `supervisorctl` (a link to the binary), or with such a name as
//! the first argument, the binary is that program, with that program's own command line.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// A program of the supervisord family that this binary can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applet {
    /// The daemon.
    Supervisord,
    /// Its command line client.
    Supervisorctl,
    /// Prints a sample configuration.
    EchoSupervisordConf,
    /// Stands in for a program that puts itself into the background.
    Pidproxy,
}

impl Applet {
    /// The applet with this name.
    fn named(name: &OsStr) -> Option<Self> {
        match name.to_str()? {
            "supervisord" => Some(Self::Supervisord),
            "supervisorctl" => Some(Self::Supervisorctl),
            "echo_supervisord_conf" => Some(Self::EchoSupervisordConf),
            "pidproxy" => Some(Self::Pidproxy),
            _ => None,
        }
    }
}

/// What the command line asks for: the applet, how it was called (for messages), and its own arguments.
fn choose(mut arguments: Vec<OsString>) -> Option<(Applet, String, Vec<OsString>)> {
    let base = |text: &OsString| Path::new(text).file_name().map(OsStr::to_os_string);
    let called = arguments.first()?.to_string_lossy().into_owned();
    if let Some(applet) = arguments
        .first()
        .and_then(base)
        .and_then(|name| Applet::named(&name))
    {
        arguments.remove(0);
        return Some((applet, called, arguments));
    }
    let first = arguments.get(1)?.clone();
    let applet = Applet::named(&first)?;
    arguments.drain(..2);
    Some((applet, format!("{called} {}", first.display()), arguments))
}

/// Runs the program this binary was called as, if it was called as one of the family; else the caller goes on with
/// pistack's own command line.
pub(crate) fn run() -> Option<ExitCode> {
    let (applet, program, arguments) = choose(std::env::args_os().collect())?;
    Some(match applet {
        Applet::Supervisord => crate::supervisord::run(arguments, &program),
        Applet::Supervisorctl => crate::supervisorctl::run(arguments, &program),
        Applet::EchoSupervisordConf => crate::supervisord::echo_configuration(arguments, &program),
        Applet::Pidproxy => crate::supervisord::pidproxy(arguments, &program),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(words: &[&str]) -> Option<(Applet, String, Vec<OsString>)> {
        choose(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn the_binarys_name_or_the_first_argument_decides() {
        assert_eq!(
            chosen(&["/usr/bin/supervisord", "-n"]),
            Some((
                Applet::Supervisord,
                "/usr/bin/supervisord".into(),
                vec!["-n".into()]
            ))
        );
        assert_eq!(
            chosen(&["pistack", "supervisorctl", "status", "all"]),
            Some((
                Applet::Supervisorctl,
                "pistack supervisorctl".into(),
                vec!["status".into(), "all".into()]
            ))
        );
        assert_eq!(
            chosen(&["./pidproxy", "supervisord"]),
            Some((Applet::Pidproxy, "./pidproxy".into(), vec!["supervisord".into()]))
        );
        assert_eq!(
            chosen(&["pistack", "echo_supervisord_conf"]).map(|it| it.0),
            Some(Applet::EchoSupervisordConf)
        );
        for own in [
            &["pistack"][..],
            &["pistack", "status", "supervisord"],
            &["pistack", "-c", "supervisord"],
            &[],
        ] {
            assert_eq!(chosen(own), None);
        }
    }
}

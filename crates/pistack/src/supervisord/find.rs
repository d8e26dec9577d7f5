//! Where the configuration is looked for when `-c` does not say it.

use std::path::{Path, PathBuf};

use super::config::World;

/// The first that exists. The error is supervisord's sentence.
pub(super) fn configuration(world: &World) -> Result<String, String> {
    if pistack_daemon::current_uid() == 0 {
        eprintln!(
            "supervisord: warning: Supervisord is running as root and it is searching for its configuration file in \
             default locations (including its current working directory); you probably want to specify a \"-c\" \
             argument specifying an absolute path to a configuration file for improved security."
        );
    }
    let program = std::env::args_os().next().unwrap_or_default();
    let search = std::env::var_os("PATH").unwrap_or_default();
    let places = places(&directory(Path::new(&program), &search));
    let found = places.iter().find(|place| world.cwd.join(place).exists());
    found.cloned().ok_or_else(|| {
        format!(
            "No config file found at default paths ({}); use the -c option to specify a config file at a different path",
            places.join(", ")
        )
    })
}

/// The directory of the program as it was called: a link to this binary counts with the link's directory.
fn directory(program: &Path, search: &std::ffi::OsStr) -> PathBuf {
    let path = if program.components().count() > 1 {
        program.to_owned()
    } else {
        std::env::split_paths(search)
            .map(|directory| directory.join(program))
            .find(|path| path.is_file())
            .unwrap_or_default()
    };
    path.parent().unwrap_or(Path::new("")).to_owned()
}

/// All places, in order. `bin` is the program's directory.
fn places(bin: &Path) -> Vec<String> {
    let above = bin.parent().unwrap_or(Path::new(""));
    let near =
        ["etc/supervisord.conf", "supervisord.conf"].map(|name| above.join(name).display().to_string());
    let fixed = [
        "supervisord.conf",
        "etc/supervisord.conf",
        "/etc/supervisord.conf",
        "/etc/supervisor/supervisord.conf",
    ];
    near.into_iter().chain(fixed.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_beside_the_program_first() {
        let bin = directory(Path::new("/opt/x/bin/supervisord"), "".as_ref());
        assert_eq!(
            places(&bin),
            [
                "/opt/x/etc/supervisord.conf",
                "/opt/x/supervisord.conf",
                "supervisord.conf",
                "etc/supervisord.conf",
                "/etc/supervisord.conf",
                "/etc/supervisor/supervisord.conf",
            ]
        );
    }

    #[test]
    fn a_program_called_by_name_is_where_the_search_path_has_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        std::fs::write(dir.path().join("bin/supervisord"), "").unwrap();
        let search = std::env::join_paths([Path::new("/no/such"), &dir.path().join("bin")]).unwrap();
        assert_eq!(
            directory(Path::new("supervisord"), &search),
            dir.path().join("bin")
        );
        assert_eq!(directory(Path::new("elsewhere"), &search), Path::new(""));
    }
}

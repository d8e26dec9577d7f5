//! A Rust compiler that has the target's standard library, and a C compiler that has its C library.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::semver::Version;

use super::{Machine, native};
use crate::run;

/// The script that takes Debian's packages without installing them.
const APART: &str = "scripts/debian_apart.sh";

/// The compiler to use.
#[derive(Debug)]
pub(super) enum Compiler {
    /// The one that cargo would use anyway.
    Own,
    /// Another one.
    Other(PathBuf),
}

impl Compiler {
    /// What `RUSTC` must say; `None` where it need not be set.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Own => None,
            Self::Other(path) => Some(path),
        }
    }

    fn program(&self) -> &Path {
        self.path().unwrap_or(Path::new("rustc"))
    }

    /// Whether it runs, is new enough and has the standard library of `triple`.
    fn serves(&self, triple: &str) -> Result<bool> {
        let Ok(version) = output(self.program(), &["--version"]) else {
            return Ok(false);
        };
        let least = env!("CARGO_PKG_RUST_VERSION");
        let least = Version::parse(&format!("{least}.0")).or_else(|_| Version::parse(least))?;
        let version = version
            .split_whitespace()
            .nth(1)
            .and_then(|text| Version::parse(text).ok())
            .with_context(|| format!("{self}: says no version"))?;
        if version < least {
            return Ok(false);
        }
        let folder = output(self.program(), &["--print", "target-libdir", "--target", triple])?;
        Ok(has_std(Path::new(folder.trim())))
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program().display())
    }
}

/// The first of: cargo's own compiler, Debian's, the one that `--fetch` took before.
pub(super) fn find(machine: &Machine, fetch: bool) -> Result<Compiler> {
    let fetched = Compiler::Other(folder().join("rustc"));
    for compiler in [
        Compiler::Own,
        Compiler::Other("/usr/bin/rustc".into()),
        Compiler::Other(folder().join("rustc")),
    ] {
        if compiler.serves(machine.triple)? {
            return Ok(compiler);
        }
    }
    if !fetch {
        bail!("{}", cure(machine));
    }
    take(machine)?;
    ensure!(
        fetched.serves(machine.triple)?,
        "{fetched}: Debian's compiler does not run here, is older than {}, or has no library for {}",
        env!("CARGO_PKG_RUST_VERSION"),
        machine.triple
    );
    Ok(fetched)
}

/// What to do where no compiler has the target's library.
fn cure(machine: &Machine) -> String {
    let Machine { triple, debian, .. } = machine;
    format!(
        "no Rust compiler of version {least} or newer on this machine has the standard library of {triple}. One of \
         these cures it:\n  \
         rustup target add {triple}\n  \
         sudo dpkg --add-architecture {debian} && sudo apt-get update && sudo apt-get install --no-install-recommends \
         rustc-web libstd-rust-web-dev:{debian}\n  \
         cargo xtask dist --target {triple} --fetch     (takes Debian's compiler into target/arm/compiler and \
         installs nothing; about 130 MB)",
        least = env!("CARGO_PKG_RUST_VERSION"),
    )
}

/// The C compiler that links for the machine; an error names the packages that are missing.
pub(super) fn linker(machine: &Machine) -> Result<String> {
    let (program, packages) = if machine.triple == native() {
        ("cc".to_owned(), "gcc libc6-dev binutils".to_owned())
    } else {
        (
            // The tools have an underscore in their names where the packages must not.
            format!("{}-gcc", machine.tools.replace("x86-64", "x86_64")),
            format!(
                "gcc-{} libc6-dev-{}-cross binutils",
                machine.tools, machine.debian
            ),
        )
    };
    // gcc repeats the bare name of a file that it has not.
    let has_libc = output(Path::new(&program), &["-print-file-name=libc.so"])
        .is_ok_and(|path| Path::new(path.trim()).is_absolute());
    ensure!(
        has_libc,
        "no C compiler and C library for {}: sudo apt-get install --no-install-recommends {packages}",
        machine.triple
    );
    Ok(program)
}

/// Where `--fetch` keeps the compiler.
fn folder() -> PathBuf {
    run::root().join("target/arm/compiler")
}

/// Takes Debian's compiler with the libraries of this machine and the target.
fn take(machine: &Machine) -> Result<()> {
    let folder = folder();
    let Some(host) = super::MACHINES.iter().find(|known| known.triple == native()) else {
        bail!("{}: Debian's compiler is not taken for this machine", native());
    };
    println!("taking Debian's Rust compiler into {}", folder.display());
    let unpacked = folder.join("unpacked");
    // The runtime library's package has the compiler's version in its name.
    let about = run::output(run::command(APART).args(["show", "libstd-rust-web-dev"]))?;
    let runtime = about
        .lines()
        .find_map(|line| line.strip_prefix("Depends: "))
        .and_then(|list| {
            list.split([' ', ','])
                .find(|name| name.starts_with("libstd-rust-web-"))
        })
        .context("libstd-rust-web-dev: names no runtime library")?
        .to_owned();
    let foreign = format!("libstd-rust-web-dev:{}", machine.debian);
    run::output(run::command(APART).arg("unpack").arg(&unpacked).args([
        "rustc-web",
        "libstd-rust-web-dev",
        &foreign,
        &runtime,
    ]))?;
    // What these need besides, such as LLVM, where the machine has not got it.
    run::output(run::command(APART).arg("whole").arg(&unpacked).arg("rustc-web"))?;
    let libraries = unpacked
        .join("usr/lib")
        .join(format!("{}-linux-gnu", std::env::consts::ARCH));
    let script = format!(
        "#!/bin/sh\n# Debian's compiler for {}, unpacked beside this file.\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n",
        host.debian,
        libraries.display(),
        unpacked.join("usr/bin/rustc").display()
    );
    let path = folder.join("rustc");
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Whether a folder holds Rust's standard library.
fn has_std(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.filter_map(Result::ok).any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
    })
}

fn output(program: &Path, arguments: &[&str]) -> Result<String> {
    run::output(run::command(&program.to_string_lossy()).args(arguments))
}

#[cfg(test)]
mod tests {
    use super::super::MACHINES;
    use super::{cure, has_std};

    #[test]
    fn the_cure_is_a_line_to_type() {
        let text = cure(&MACHINES[0]);
        assert!(text.contains("dpkg --add-architecture arm64"), "{text}");
        assert!(text.contains("rustc-web libstd-rust-web-dev:arm64"), "{text}");
        assert!(
            text.contains("rustup target add aarch64-unknown-linux-gnu"),
            "{text}"
        );
    }

    #[test]
    fn an_empty_or_missing_folder_has_no_library() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_std(folder.path()));
        assert!(!has_std(&folder.path().join("missing")));
        std::fs::write(folder.path().join("libstd-0123.rlib"), "").unwrap();
        assert!(has_std(folder.path()));
    }
}

//! `cargo xtask dist --target TRIPLE`: a stripped release build, packed with licences and an example configuration.
//!
//! The Raspberry Pi is not asked to compile: its program is cross-built on a PC, with Debian's own cross compiler for
//! the C parts (SQLite, ring, zstd) and any Rust compiler that has the target's standard library. `compiler` finds one
//! or says what to install.

mod archive;
mod compiler;
mod licences;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::run;
use compiler::Compiler;

/// Newest glibc that a shipped program may need: Debian 12's, which Raspberry Pi OS "bookworm" has too.
const GLIBC: (u32, u32) = (2, 36);

/// What `cargo xtask dist` is asked for.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For which machine: aarch64-unknown-linux-gnu (Raspberry Pi 3, 4, 5 with a 64 bit system) or
    /// x86_64-unknown-linux-gnu.
    #[arg(long, value_name = "TRIPLE")]
    target: String,
    /// Take Debian's compiler into target/arm/compiler, without installing it, where this machine has none for the
    /// target.
    #[arg(long)]
    fetch: bool,
    /// For tests: compile quickly instead of well, and pack nothing. The program's path is the last line of output.
    #[arg(long)]
    quick: bool,
}

/// A machine that can be built for.
#[derive(Debug, Clone, Copy)]
struct Machine {
    /// As Rust calls it.
    triple: &'static str,
    /// As Debian calls it.
    debian: &'static str,
    /// What the names of its GNU tools begin with, on another machine.
    tools: &'static str,
}

const MACHINES: [Machine; 2] = [
    Machine {
        triple: "aarch64-unknown-linux-gnu",
        debian: "arm64",
        tools: "aarch64-linux-gnu",
    },
    Machine {
        triple: "x86_64-unknown-linux-gnu",
        debian: "amd64",
        tools: "x86-64-linux-gnu",
    },
];

/// Settings of the quick profile: what `--release` spends its minutes on is left out. Rust code is not optimised; what
/// would be slow by far without that is C code (TLS, the database) and, as `profile.dev` has it, the hashing of
/// passwords.
const QUICK: [&str; 9] = [
    "profile.quick.inherits=\"dev\"",
    "profile.quick.opt-level=0",
    "profile.quick.debug=0",
    "profile.quick.debug-assertions=false",
    "profile.quick.incremental=false",
    "profile.quick.strip=\"symbols\"",
    "profile.quick.package.\"*\".opt-level=0",
    "profile.quick.package.ring.opt-level=1",
    "profile.quick.package.libsqlite3-sys.opt-level=1",
];

/// Builds and packs; prints where the result is.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Some(machine) = MACHINES.iter().find(|known| known.triple == options.target) else {
        bail!(
            "{}: not one of {}",
            options.target,
            MACHINES.map(|known| known.triple).join(", ")
        );
    };
    let linker = compiler::linker(machine)?;
    let compiler = compiler::find(machine, options.fetch)?;
    println!("compiler: {compiler}; linker: {linker}");
    let program = build(machine, &compiler, &linker, options.quick)?;
    let needs = glibc(&program)?;
    println!("needs glibc {}.{} or newer", needs.0, needs.1);
    if options.quick {
        println!("{}", program.display());
        return Ok(());
    }
    ensure!(
        needs <= GLIBC,
        "the program needs glibc {}.{}, Debian 12 and Raspberry Pi OS have {}.{}: build it on Debian 12 (a container \
         will do)",
        needs.0,
        needs.1,
        GLIBC.0,
        GLIBC.1
    );
    archive::pack(machine.triple, &program)
}

/// Runs cargo; the program's path.
fn build(machine: &Machine, compiler: &Compiler, linker: &str, quick: bool) -> Result<PathBuf> {
    let target = folder(machine);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = run::command(&cargo);
    let profile = if quick { "quick" } else { "release" };
    command
        .args(["build", "--locked", "--package", "pistack", "--profile", profile])
        .args(["--target", machine.triple])
        .arg("--target-dir")
        .arg(&target);
    if quick {
        command.args(QUICK.iter().flat_map(|setting| ["--config", setting]));
    }
    let name = machine.triple.replace('-', "_").to_uppercase();
    command.env(format!("CARGO_TARGET_{name}_LINKER"), linker);
    if let Some(path) = compiler.path() {
        command.env("RUSTC", path);
    }
    let status = command.status().with_context(|| format!("cannot run {cargo}"))?;
    ensure!(status.success(), "the build for {} failed", machine.triple);
    Ok(target.join(machine.triple).join(profile).join("pistack"))
}

/// Where cargo works. A foreign target has a folder of its own: its compiler may be another one, and would make cargo
/// forget what it built for this machine.
fn folder(machine: &Machine) -> PathBuf {
    let target = run::root().join("target");
    if machine.triple == native() {
        target
    } else {
        target.join("arm")
    }
}

/// The triple of the machine that this runs on.
fn native() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// The newest version of glibc whose symbols a program names.
fn glibc(program: &Path) -> Result<(u32, u32)> {
    let text = run::output(
        run::command("readelf")
            .args(["--version-info", "--wide"])
            .arg(program),
    )
    .context("readelf is part of Debian's package binutils")?;
    newest(&text).with_context(|| format!("{}: names no version of glibc", program.display()))
}

fn newest(versions: &str) -> Option<(u32, u32)> {
    versions
        .split("GLIBC_")
        .skip(1)
        .filter_map(|rest| {
            let number = rest
                .split(|letter: char| !letter.is_ascii_digit() && letter != '.')
                .next()?;
            let (major, rest) = number.split_once('.')?;
            Some((major.parse().ok()?, rest.split('.').next()?.parse().ok()?))
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::newest;

    #[test]
    fn versions_are_numbers_not_text() {
        let text =
            "0x0020: Name: GLIBC_2.4  Flags: none  Version: 9\n Name: GLIBC_2.34 Flags\n Name: GLIBC_2.2.5";
        assert_eq!(newest(text), Some((2, 34)));
        assert_eq!(newest("Name: GCC_3.0"), None);
    }
}

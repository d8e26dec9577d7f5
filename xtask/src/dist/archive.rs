//! The archive that is given away: program, licences, example configuration, with its SHA-256 beside it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::licences;
use crate::run;

/// Writes `target/dist/pistack-VERSION-TRIPLE.tar.gz` and `.sha256`, and prints both.
pub(super) fn pack(triple: &str, program: &Path) -> Result<()> {
    let name = format!("pistack-{}-{triple}", env!("CARGO_PKG_VERSION"));
    let dist = run::root().join("target/dist");
    let folder = dist.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    fs::copy(program, folder.join("pistack")).with_context(|| program.display().to_string())?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(run::root().join(licence), folder.join(licence)).context(licence)?;
    }
    fs::write(folder.join("LICENSES-OF-PARTS.txt"), licences::text(triple)?)?;
    fs::write(
        folder.join("pistack.example.toml"),
        include_str!("pistack.example.toml"),
    )?;
    fs::write(folder.join("INSTALL.txt"), include_str!("INSTALL.txt"))?;
    let archive = dist.join(format!("{name}.tar.gz"));
    // The same sources give the same archive: time of the commit, nobody's names, one order.
    let time = run::output(run::command("git").args(["log", "-1", "--format=@%ct"]))
        .map_or_else(|_| "@0".to_owned(), |text| text.trim().to_owned());
    run::output(
        run::command("tar")
            .args(["--create", "--gzip", "--sort=name", "--owner=0", "--group=0"])
            .args(["--numeric-owner", "--mode=u+rwX,go+rX,go-w", "--format=gnu"])
            .arg(format!("--mtime={time}"))
            .arg("--file")
            .arg(&archive)
            .arg("--directory")
            .arg(&dist)
            .arg(&name),
    )?;
    fs::remove_dir_all(&folder)?;
    let bytes = fs::read(&archive)?;
    let mut sum = String::new();
    for byte in Sha256::digest(&bytes) {
        let _ = write!(sum, "{byte:02x}");
    }
    // As `sha256sum --check` reads it.
    fs::write(
        dist.join(format!("{name}.tar.gz.sha256")),
        format!("{sum}  {name}.tar.gz\n"),
    )?;
    println!(
        "program {:.1} MB, archive {:.1} MB",
        megabytes(program.metadata()?.len()),
        megabytes(bytes.len() as u64)
    );
    println!("{sum}  {}", archive.display());
    Ok(())
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

//! `cargo xtask vendor`: the front-end files that come from npm packages, pinned by version and sum.
//!
//! Each `vendor.toml` lists the files of one crate. Without `--check` the packages are fetched with `npm pack`
//! into a temporary directory and the files written beside the list; nothing else of a package is kept, and
//! a file whose sum differs from the list is refused. With `--check` no network is used: the committed
//! files alone are compared with the sums, so a build never needs npm.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The crates that carry a `vendor.toml`, relative to the workspace root.
const CRATES: [&str; 2] = ["crates/kit", "crates/services/control"];

/// One `vendor.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    file: Vec<File>,
    #[serde(default)]
    sprite: Vec<Sprite>,
}

/// A file taken over unchanged, or gzipped.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    package: String,
    version: String,
    /// Inside the package.
    path: String,
    /// Relative to the crate.
    to: String,
    gzip: bool,
    /// Of the original, before compression.
    sha256: String,
}

/// Several SVG icons joined into one file of `<symbol>`s.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sprite {
    package: String,
    version: String,
    /// Folder of the icons inside the package.
    folder: String,
    /// What the comment at the top says about the licence.
    licence: String,
    to: String,
    /// Of the whole sprite.
    sha256: String,
    icons: Vec<String>,
}

/// Fetches and writes the vendored files, or with `check` verifies the committed ones.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask lies in the workspace")?;
    let mut wrong = Vec::new();
    let mut packages = Packages::default();
    for name in CRATES {
        let folder = root.join(name);
        let list = read_list(&folder)?;
        if check {
            wrong.extend(check_list(&folder, &list));
        } else {
            write_list(&folder, &list, &mut packages)?;
        }
    }
    ensure!(
        wrong.is_empty(),
        "vendored files differ from their list:\n  {}\nRun `cargo xtask vendor` and look at the difference.",
        wrong.join("\n  ")
    );
    Ok(())
}

fn read_list(folder: &Path) -> Result<List> {
    let path = folder.join("vendor.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

/// Every committed file of the list that is missing or different, in words.
fn check_list(folder: &Path, list: &List) -> Vec<String> {
    let files = list.file.iter().map(|file| (&file.to, file.gzip, &file.sha256));
    let sprites = list
        .sprite
        .iter()
        .map(|sprite| (&sprite.to, false, &sprite.sha256));
    files
        .chain(sprites)
        .filter_map(|(to, gzip, sha256)| {
            let path = folder.join(to);
            match committed(&path, gzip) {
                Ok(bytes) if sum(&bytes) == *sha256 => None,
                Ok(bytes) => Some(format!(
                    "{}: has {}, should have {sha256}",
                    path.display(),
                    sum(&bytes)
                )),
                Err(error) => Some(format!("{}: {error}", path.display())),
            }
        })
        .collect()
}

fn write_list(folder: &Path, list: &List, packages: &mut Packages) -> Result<()> {
    for file in &list.file {
        let package = packages.fetch(&file.package, &file.version)?;
        let from = package.join(&file.path);
        let bytes = fs::read(&from).with_context(|| format!("{} {}", file.package, file.path))?;
        write_checked(&folder.join(&file.to), &bytes, file.gzip, &file.sha256)?;
    }
    for sprite in &list.sprite {
        let package = packages.fetch(&sprite.package, &sprite.version)?;
        let text = join_icons(&package.join(&sprite.folder), sprite)?;
        write_checked(&folder.join(&sprite.to), text.as_bytes(), false, &sprite.sha256)?;
    }
    Ok(())
}

/// Writes `bytes` if their sum is right. A committed file that already holds them stays as it is, since
/// another version of the compressor may pack the same bytes differently.
fn write_checked(path: &Path, bytes: &[u8], gzip: bool, sha256: &str) -> Result<()> {
    let found = sum(bytes);
    ensure!(
        found == sha256,
        "{}: the package has {found}, vendor.toml says {sha256}",
        path.display()
    );
    if committed(path, gzip).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, if gzip { pack(bytes)? } else { bytes.to_vec() })
        .with_context(|| path.display().to_string())
}

/// The original bytes of a committed file.
fn committed(path: &Path, gzip: bool) -> std::io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    if !gzip {
        return Ok(bytes);
    }
    let mut original = Vec::new();
    GzDecoder::new(&*bytes).read_to_end(&mut original)?;
    Ok(original)
}

/// gzip without name and time, so that the same input gives the same file.
fn pack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// One `<symbol>` an icon; size, stroke and colour come from the place of use.
fn join_icons(folder: &Path, sprite: &Sprite) -> Result<String> {
    let mut joined = format!(
        "<!-- {} {}, {}. Made by `cargo xtask vendor`. -->\n<svg xmlns=\"http://www.w3.org/2000/svg\">\n",
        sprite.package, sprite.version, sprite.licence
    );
    for icon in &sprite.icons {
        let path = folder.join(format!("{icon}.svg"));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let drawing = drawing(&text).with_context(|| format!("{}: no SVG", path.display()))?;
        joined += &format!("<symbol id=\"{icon}\" viewBox=\"0 0 24 24\">{drawing}</symbol>\n");
    }
    joined += "</svg>\n";
    Ok(joined)
}

/// What stands between `<svg ...>` and `</svg>`, on one line.
fn drawing(text: &str) -> Option<String> {
    let text = &text[text.find("<svg")?..];
    let inner = text.get(text.find('>')? + 1..text.rfind("</svg>")?)?;
    Some(inner.lines().map(str::trim).collect())
}

/// npm packages fetched in this run, each once.
#[derive(Debug, Default)]
struct Packages {
    folder: Option<tempfile::TempDir>,
    fetched: BTreeMap<String, PathBuf>,
}

impl Packages {
    /// The unpacked `package` folder of one exact version.
    fn fetch(&mut self, package: &str, version: &str) -> Result<PathBuf> {
        let id = format!("{package}@{version}");
        if let Some(path) = self.fetched.get(&id) {
            return Ok(path.clone());
        }
        let base = match &self.folder {
            Some(folder) => folder.path().to_owned(),
            None => self.folder.insert(tempfile::tempdir()?).path().to_owned(),
        };
        let target = base.join(id.replace('/', "+"));
        fs::create_dir(&target)?;
        output("npm", &["pack", "--silent", &id], &target)?;
        let archive = fs::read_dir(&target)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
            .with_context(|| format!("npm pack {id} left no archive"))?;
        output("tar", &["-xzf", &archive.to_string_lossy()], &target)?;
        let unpacked = target.join("package");
        let manifest: serde_json::Value = serde_json::from_slice(&fs::read(unpacked.join("package.json"))?)?;
        // A bare or unlucky `npm pack` can hand out another version than the one asked for.
        ensure!(
            manifest["version"] == version,
            "npm gave {} {} for {id}",
            package,
            manifest["version"]
        );
        self.fetched.insert(id, unpacked.clone());
        Ok(unpacked)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a developers' tool that runs npm and tar, not the product"
)]
fn output(program: &str, arguments: &[&str], folder: &Path) -> Result<()> {
    let output = std::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} is needed to fetch the files"))?;
    if !output.status.success() {
        bail!(
            "{program} {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_files_are_those_of_the_lists() {
        run(true).unwrap();
    }

    #[test]
    fn a_changed_and_a_missing_file_are_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.js.gz"), pack(b"changed").unwrap()).unwrap();
        let file = |to: &str| File {
            package: "p".into(),
            version: "1.0.0".into(),
            path: "a.js".into(),
            to: to.into(),
            gzip: true,
            sha256: sum(b"original"),
        };
        let list = List {
            file: vec![file("a.js.gz"), file("b.js.gz")],
            sprite: vec![],
        };
        let wrong = check_list(folder.path(), &list);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].contains(&sum(b"changed")), "{wrong:?}");
        fs::write(folder.path().join("a.js.gz"), pack(b"original").unwrap()).unwrap();
        assert_eq!(check_list(folder.path(), &list).len(), 1);
    }

    #[test]
    fn a_file_with_another_sum_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/a.js");
        assert!(write_checked(&path, b"evil", false, &sum(b"good")).is_err());
        assert!(!path.exists());
        write_checked(&path, b"good", false, &sum(b"good")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"good");
    }

    #[test]
    fn the_drawing_is_taken_out_of_its_svg() {
        let text = "<!-- licence -->\n<svg\n  width=\"24\"\n>\n  <path d=\"M1 1\" />\n  <path d=\"M2 2\" />\n</svg>\n";
        assert_eq!(drawing(text).unwrap(), "<path d=\"M1 1\" /><path d=\"M2 2\" />");
        assert!(drawing("no picture").is_none());
    }
}

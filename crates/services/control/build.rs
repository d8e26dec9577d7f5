//! Prepares the dashboard's assets: a name with the content's hash, so that browsers may keep them for good,
//! and a gzipped copy, so that nothing is compressed while serving. Turns the texts of `locales` into Rust.

#[path = "build/catalogue.rs"]
mod catalogue;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// Extensions of the files below `assets` that are served, and their media types.
const MEDIA: [(&str, &str); 4] = [
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
];

/// Every file to serve, by its path below `assets`, with its media type.
fn assets(folder: &Path, below: &str) -> std::io::Result<Vec<(String, &'static str)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            found.extend(assets(&entry.path(), &format!("{path}/"))?);
        } else if let Some((_, media)) = MEDIA.iter().find(|(extension, _)| {
            Path::new(&path)
                .extension()
                .is_some_and(|other| other == *extension)
        }) {
            found.push((path, *media));
        }
    }
    found.sort();
    Ok(found)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=locales");
    let out = env::var("OUT_DIR")?;
    let source = env::var("CARGO_MANIFEST_DIR")?;
    let words = catalogue::write(&Path::new(&source).join("locales"))?;
    fs::write(Path::new(&out).join("words.rs"), words)?;
    let mut names = String::new();
    let assets = assets(&Path::new(&source).join("assets"), "")?;
    let mut table = format!("pub(crate) static ASSETS: [Asset; {}] = [\n", assets.len());
    for (path, media) in assets {
        let bytes = fs::read(Path::new(&source).join("assets").join(&path))?;
        let hash = Sha256::digest(&bytes)
            .iter()
            .take(6)
            .fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
        let file = path.rsplit('/').next().unwrap_or(&path);
        let (stem, extension) = file
            .rsplit_once('.')
            .ok_or_else(|| format!("{path} has no extension"))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes)?;
        fs::write(Path::new(&out).join(format!("{file}.gz")), encoder.finish()?)?;
        let constant = file.to_ascii_uppercase().replace(['.', '-'], "_");
        writeln!(
            names,
            "/// `{file}` with its hash.\npub(crate) const {constant}: &str = \"{stem}.{hash}.{extension}\";"
        )?;
        writeln!(
            table,
            "    Asset {{ name: {constant}, media: {media:?}, plain: include_bytes!({:?}), packed: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}.gz\")) }},",
            format!("{source}/assets/{path}")
        )?;
    }
    table += "];\n";
    fs::write(Path::new(&out).join("assets.rs"), names + &table)?;
    Ok(())
}

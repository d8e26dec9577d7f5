//! Prepares the dashboard's assets: a name with the content's hash, so that browsers may keep them for good,
//! and a gzipped copy, so that nothing is compressed while serving.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// Path below `assets/` and media type.
const ASSETS: [(&str, &str); 6] = [
    ("app.css", "text/css; charset=utf-8"),
    ("app.js", "text/javascript; charset=utf-8"),
    ("favicon.svg", "image/svg+xml"),
    ("vendor/htmx.min.js", "text/javascript; charset=utf-8"),
    ("vendor/hx-sse.min.js", "text/javascript; charset=utf-8"),
    ("vendor/sprite.svg", "image/svg+xml"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR")?;
    let source = env::var("CARGO_MANIFEST_DIR")?;
    let mut names = String::new();
    let mut table = format!("pub(crate) static ASSETS: [Asset; {}] = [\n", ASSETS.len());
    for (path, media) in ASSETS {
        let bytes = fs::read(Path::new(&source).join("assets").join(path))?;
        let hash = Sha256::digest(&bytes)
            .iter()
            .take(6)
            .fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
        let file = path.rsplit('/').next().unwrap_or(path);
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

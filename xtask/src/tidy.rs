//! House rules as a test: `cargo xtask tidy`.

mod cited;
mod edges;
mod files;

use anyhow::bail;

/// Checks everything and prints every breach.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut breaches = Vec::new();
    edges::check(&mut breaches)?;
    files::check(&mut breaches)?;
    cited::check(&mut breaches)?;
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    if !breaches.is_empty() {
        bail!("{} house rule(s) broken", breaches.len());
    }
    println!(
        "tidy: crate edges, pure engine, module docs, file sizes, cited paths, owners' files: all as they should be"
    );
    Ok(())
}

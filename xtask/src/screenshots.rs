//! `cargo xtask screenshots`: pictures of the dashboard's pages for the documentation, taken by Chromium of the
//! example `preview`, which has made-up services behind it and needs no login. Needs `npm ci` in `e2e/browser`.

use std::net::TcpStream;
use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::run::{command, output, root};

/// Where the preview shows itself to somebody with every right.
const ADDRESS: &str = "127.0.0.1:8092";
/// Looks at the address before giving up, a tenth of a second apart.
const LOOKS: usize = 100;

/// Ends with its value.
struct Preview(Child);

impl Drop for Preview {
    fn drop(&mut self) {
        // One that has ended already needs no more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Takes the committed few, or with `all` every page in both themes, sizes and languages into `e2e/artifacts`.
pub(crate) fn run(all: bool) -> Result<()> {
    let preview = ["-q", "-p", "pistack-control", "--example", "preview"];
    output(command("cargo").arg("build").args(preview))?;
    let mut child = Preview(
        command("cargo")
            .arg("run")
            .args(preview)
            .spawn()
            .context("cannot start the preview")?,
    );
    wait_for(&mut child.0)?;
    let (folder, which) = if all {
        ("e2e/artifacts", "all")
    } else {
        ("docs/screenshots", "docs")
    };
    std::fs::create_dir_all(root().join(folder))?;
    let base = format!("http://{ADDRESS}");
    let said = output(command("node").args(["e2e/browser/screenshots.mjs", &base, folder, which]))?;
    println!("{} in {folder}", said.trim());
    Ok(())
}

fn wait_for(child: &mut Child) -> Result<()> {
    for _ in 0..LOOKS {
        if TcpStream::connect(ADDRESS).is_ok() {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            bail!("the preview ended with {status}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("nothing answers at {ADDRESS}")
}

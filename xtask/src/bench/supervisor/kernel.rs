//! What the kernel knows of a process, and clocks.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};

/// Between two looks at a file or a process.
const LOOK: Duration = Duration::from_millis(2);

/// A point in time to measure from.
#[expect(
    clippy::disallowed_methods,
    reason = "a measurement is made of clock readings"
)]
pub(in crate::bench) fn now() -> Instant {
    Instant::now()
}

/// Time of the system clock since 1970, as the logs and `date` write it.
#[expect(
    clippy::disallowed_methods,
    reason = "compared with stamps that other programs wrote"
)]
pub(in crate::bench) fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Looks until there is an answer; `what` names what did not come.
pub(in crate::bench) fn wait_for<T>(
    what: &str,
    most: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let begun = now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if begun.elapsed() > most {
            bail!("{what}: not within {} s", most.as_secs());
        }
        thread::sleep(LOOK);
    }
}

/// CPU time of all threads of a process, seconds. Children are not in it.
pub(in crate::bench) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let nanoseconds = over_threads(pid, "schedstat", |text| {
        text.split_whitespace().next()?.parse().ok()
    })?;
    Ok(nanoseconds as f64 / 1e9)
}

/// Voluntary context switches of all threads of a process: each is a wake-up that was waited for.
pub(in crate::bench) fn wakeups(pid: u32) -> anyhow::Result<u64> {
    over_threads(pid, "status", |text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse().ok()
    })
}

fn over_threads(pid: u32, file: &str, read: impl Fn(&str) -> Option<u64>) -> anyhow::Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = thread?.path().join(file);
        let text = fs::read_to_string(&path)?;
        sum += read(&text).with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(sum)
}

/// Pss of a process, MB of 1024 x 1024 bytes.
pub(in crate::bench) fn pss_mb(pid: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kb: f64 = line
        .and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok())
        .context("smaps_rollup names no Pss")?;
    Ok(kb / 1024.0)
}

/// Size of a log with its backups `.1`, `.2`, ...
pub(in crate::bench) fn size_with_backups(log: &Path) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let backups = (1..=10).map(|number| size(Path::new(&format!("{}.{number}", log.display()))));
    size(log) + backups.sum::<u64>()
}

/// Removes a log with its backups.
pub(in crate::bench) fn remove_with_backups(log: &Path) {
    let _ = fs::remove_file(log);
    for number in 1..=10 {
        // most of them were never there
        let _ = fs::remove_file(format!("{}.{number}", log.display()));
    }
}

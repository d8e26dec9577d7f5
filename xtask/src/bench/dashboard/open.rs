//! Open dashboards: streams through the gateway, and what they cost in all of the stack's processes together.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use super::{median, said};
use crate::bench::supervisor::kernel::{cpu_seconds, now, pss_mb, wait_for};
use crate::run;

/// Dashboards that are open at once.
const DASHBOARDS: usize = 20;
/// A service that has gone quiet gives memory back after a look of 15 s.
pub(super) const SETTLE: Duration = Duration::from_secs(30);
/// How long the stack is watched, without dashboards and with them.
const WATCH: Duration = Duration::from_secs(45);
/// Looks at the memory, one a second.
const LOOKS: usize = 30;

/// What they cost beyond the stack alone.
#[derive(Debug)]
pub(super) struct Cost {
    /// Of one core.
    pub(super) cpu_percent: f64,
    pub(super) memory_mb: f64,
}

/// The stack's own processes: the supervisor and its services, without the programs.
#[derive(Debug)]
pub(super) struct Stack(Vec<(u32, String)>);

impl Stack {
    /// The process of this id and all below it that are not somebody's program.
    pub(super) fn below(pid: i64) -> anyhow::Result<Self> {
        let mut known = vec![(u32::try_from(pid)?, command(pid).unwrap_or_default())];
        let mut parents = vec![pid];
        while let Some(parent) = parents.pop() {
            let text = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
            for child in text.split_whitespace() {
                let child: i64 = child.parse()?;
                let command = command(child).unwrap_or_default();
                if !command.starts_with("sleep") {
                    known.push((u32::try_from(child)?, command));
                    parents.push(child);
                }
            }
        }
        Ok(Self(known))
    }

    /// The process whose command line has this in it.
    pub(super) fn pid_of(&self, part: &str) -> anyhow::Result<u32> {
        let found = self.0.iter().find(|(_, command)| command.contains(part));
        Ok(found.with_context(|| format!("no process `{part}`"))?.0)
    }

    /// Pss of all whose command line has this in it, MB.
    pub(super) fn memory_of(&self, part: &str) -> anyhow::Result<f64> {
        let mut sum = 0.0;
        for (pid, _) in self.0.iter().filter(|(_, command)| command.contains(part)) {
            sum += pss_mb(*pid)?;
        }
        Ok(sum)
    }

    /// Pss of each, MB: the median of a look every second for three beats of the clock, with which services map their
    /// code again for a moment.
    fn memory(&self) -> anyhow::Result<Vec<f64>> {
        let mut looks = vec![Vec::new(); self.0.len()];
        for _ in 0..LOOKS {
            for (looks, (pid, _)) in looks.iter_mut().zip(&self.0) {
                looks.push(pss_mb(*pid)?);
            }
            thread::sleep(Duration::from_secs(1));
        }
        Ok(looks.iter().map(|looks| median(looks)).collect())
    }

    fn cpu(&self) -> anyhow::Result<Vec<f64>> {
        self.0.iter().map(|(pid, _)| cpu_seconds(*pid)).collect()
    }
}

fn command(pid: i64) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(
        String::from_utf8_lossy(&bytes)
            .replace('\0', " ")
            .trim()
            .to_owned(),
    )
}

/// One page's stream, held open by curl over HTTP/2.
struct Stream(Child);

impl Drop for Stream {
    fn drop(&mut self) {
        // One that has ended already needs no more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Watches the stack alone, then with open dashboards: Home, and the stream that it opens, each on a connection of its
/// own, as twenty browsers would.
pub(super) fn measure(stack: &Stack, base: &str, token: &str) -> anyhow::Result<Cost> {
    println!("waiting {} s for quiet ...", SETTLE.as_secs());
    thread::sleep(SETTLE);
    let alone = watch(stack)?;
    let memory = stack.memory()?;
    let bearer = format!("Authorization: Bearer {token}");
    let folder = run::root().join("target/bench/streams");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut streams = Vec::new();
    for number in 0..DASHBOARDS {
        let seen = fs::File::create(folder.join(number.to_string()))?;
        let page = said(run::command("curl").args(["-sSkf", "--http2", "-H", &bearer, &format!("{base}/")]))?;
        let stream = stream_of(&page, base)?;
        let child = run::command("curl")
            .args(["-sSkN", "--http2", "-H", &bearer, &stream])
            .stdout(seen)
            .stdin(Stdio::null())
            .spawn()?;
        streams.push(Stream(child));
    }
    for number in 0..DASHBOARDS {
        let seen = folder.join(number.to_string());
        wait_for("the first message of a stream", Duration::from_secs(20), || {
            (fs::metadata(&seen).ok()?.len() > 0).then_some(())
        })?;
    }
    let with = watch(stack)?;
    let memory_with = stack.memory()?;
    let cost = Cost {
        cpu_percent: with.iter().sum::<f64>() - alone.iter().sum::<f64>(),
        memory_mb: memory_with.iter().sum::<f64>() - memory.iter().sum::<f64>(),
    };
    for (place, (_, command)) in stack.0.iter().enumerate() {
        println!(
            "{:6.2} % -> {:6.2} %  {:6.2} MB -> {:6.2} MB  {command}",
            alone[place], with[place], memory[place], memory_with[place]
        );
    }
    for stream in &mut streams {
        anyhow::ensure!(stream.0.try_wait()?.is_none(), "a stream ended meanwhile");
    }
    Ok(cost)
}

/// Where the page hears of changes.
fn stream_of(page: &str, base: &str) -> anyhow::Result<String> {
    let place = page
        .split("hx-sse:connect=\"")
        .nth(1)
        .context("Home names no stream")?;
    let place = place
        .split('"')
        .next()
        .unwrap_or_default()
        .replace("&amp;", "&")
        .replace("&#38;", "&");
    let host = base.strip_suffix("/control").context("the dashboard's address")?;
    Ok(format!("{host}{place}"))
}

/// Percent of a core that each process takes.
fn watch(stack: &Stack) -> anyhow::Result<Vec<f64>> {
    println!("watching for {} s ...", WATCH.as_secs());
    let (before, begun) = (stack.cpu()?, now());
    thread::sleep(WATCH);
    let seconds = begun.elapsed().as_secs_f64();
    let after = stack.cpu()?;
    Ok(after
        .iter()
        .zip(&before)
        .map(|(after, before)| (after - before) / seconds * 100.0)
        .collect())
}

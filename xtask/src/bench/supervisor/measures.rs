//! One function a measurement; each takes one side and gives its figure.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use super::daemon::{Daemon, Killer, Side};
use super::kernel::{
    cpu_seconds, now, pss_mb, remove_with_backups, size_with_backups, wait_for, wakeups, wall,
};
use super::programs;
use crate::bench::table::median;

/// supervisord's default, enough for 300 programs.
const DESCRIPTORS: u32 = 1024;
/// Enough for 1,000 programs of three pipes and two logs each.
const MANY_DESCRIPTORS: u32 = 8192;
/// Quiet time before something is measured that must not be disturbed.
const REST: Duration = Duration::from_secs(4);
/// Processes in all answers to `getAllProcessInfo` of one measurement: 200 calls with 100 programs.
const ANSWERS: usize = 20_000;
const PATIENCE: Duration = Duration::from_mins(1);
/// A stop of `cat` that takes longer than this waited for SIGKILL.
const LOST_AFTER: Duration = Duration::from_millis(800);
/// Stops right after a start.
const PAIRS: usize = 100;

/// `minfds` for so many programs.
pub(super) fn descriptors(programs: usize) -> u32 {
    if programs > 200 {
        MANY_DESCRIPTORS
    } else {
        DESCRIPTORS
    }
}

/// Seconds from the start of the daemon to the stamp of the last `entered RUNNING`.
pub(super) fn cold_start(side: &Side, count: usize) -> anyhow::Result<f64> {
    let mut daemon = side.start(&programs::cats(count), descriptors(count))?;
    let seconds = daemon.wait_running(count)?;
    daemon.stop()?;
    Ok(seconds)
}

/// Figures of a daemon whose programs are all silent.
#[derive(Debug)]
pub(super) struct AtRest {
    /// Seconds from the start of the daemon to the last `entered RUNNING`.
    pub(super) start: f64,
    /// Pss, MB.
    pub(super) pss_mb: f64,
    /// Wake-ups in the watched time.
    pub(super) wakeups: f64,
    /// CPU of the daemon for one `getAllProcessInfo`, ms.
    pub(super) call_cpu_ms: f64,
    /// Time of one such call as its client sees it, ms.
    pub(super) call_ms: f64,
}

/// Memory, idle wake-ups within `watched`, then `getAllProcessInfo`.
pub(super) fn at_rest(side: &Side, count: usize, watched: Duration) -> anyhow::Result<AtRest> {
    let mut daemon = side.start(&programs::cats(count), descriptors(count))?;
    let start = daemon.wait_running(count)?;
    let rest = rest_of(&daemon, start, count, watched)?;
    daemon.stop()?;
    Ok(rest)
}

/// The same of a daemon whose programs came up after `start` seconds.
pub(super) fn rest_of(
    daemon: &Daemon,
    start: f64,
    count: usize,
    watched: Duration,
) -> anyhow::Result<AtRest> {
    thread::sleep(REST);
    let pss_mb = pss_mb(daemon.pid())?;
    let before = wakeups(daemon.pid())?;
    thread::sleep(watched);
    let wakeups = (wakeups(daemon.pid())? - before) as f64;
    let mut client = daemon.client()?;
    let mut times = Vec::new();
    let before = cpu_seconds(daemon.pid())?;
    let calls = ANSWERS / count;
    for _ in 0..calls {
        let begun = now();
        client.call("getAllProcessInfo", &[])?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let call_cpu_ms = (cpu_seconds(daemon.pid())? - before) * 1000.0 / calls as f64;
    Ok(AtRest {
        start,
        pss_mb,
        wakeups,
        call_cpu_ms,
        call_ms: median(&times),
    })
}

/// Milliseconds from `kill -9` to the new process, for each side: both run at once and take turns, as nearly all of
/// the time is waiting.
pub(super) fn respawn(sides: &[Side; 2], rounds: u32) -> anyhow::Result<[Vec<f64>; 2]> {
    let start = |side: &Side| side.start_running(&programs::stamper(), DESCRIPTORS, 1);
    let daemons = [start(&sides[0])?, start(&sides[1])?];
    let mut killer = Killer::new()?;
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        // each kill at another place within the original's second
        thread::sleep(Duration::from_millis(1200 + u64::from(round) * 370 % 1000));
        for (daemon, times) in daemons.iter().zip(&mut times) {
            times.push(respawn_once(daemon, &mut killer)?);
        }
    }
    killer.end()?;
    for daemon in daemons {
        daemon.stop()?;
    }
    Ok(times)
}

/// Milliseconds from one `kill -9` of the program `stamper` to its next process.
pub(super) fn respawn_once(daemon: &Daemon, killer: &mut Killer) -> anyhow::Result<f64> {
    let stamps = |log: &Path| -> Vec<f64> {
        let text = fs::read_to_string(log).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    let log = daemon.folder.join("stamper.log");
    let known = stamps(&log).len();
    let own_log = daemon.log();
    let pid = own_log
        .lines()
        .rev()
        .find_map(|line| line.split_once("spawned: 'stamper' with pid "))
        .context("the log does not name stamper's pid")?;
    let before = killer.kill(pid.1.trim().parse()?)?;
    let after = wait_for("the new process", PATIENCE, || stamps(&log).get(known).copied())?;
    Ok((after - before.as_secs_f64()) * 1000.0)
}

/// CPU of the daemon while `count` programs write 10 lines a second each: percent of a core.
pub(super) fn small_writers(
    side: &Side,
    count: usize,
    tools: &Path,
    watched: Duration,
) -> anyhow::Result<f64> {
    let daemon = side.start_running(&programs::tickers(count, tools), descriptors(count), count)?;
    thread::sleep(REST);
    let begun = now();
    let before = cpu_seconds(daemon.pid())?;
    thread::sleep(watched);
    let percent = (cpu_seconds(daemon.pid())? - before) / begun.elapsed().as_secs_f64() * 100.0;
    daemon.stop()?;
    Ok(percent)
}

/// 200 MB of one child.
#[derive(Debug, Default)]
pub(super) struct Floods {
    /// MB (10^6 bytes) a second, of each run.
    pub(super) rates: Vec<f64>,
    /// CPU seconds of the daemon, of each run.
    pub(super) cpu: Vec<f64>,
}

/// `runs` floods of 200 MB, one after the other, in writes of `block` bytes. Both daemons take turns, so that what
/// else the machine does hits both.
pub(super) fn floods(
    sides: &[Side; 2],
    runs: usize,
    block: usize,
    tools: &Path,
) -> anyhow::Result<[Floods; 2]> {
    let text = programs::writers(runs, block, tools);
    let daemons = [
        sides[0].start(&text, DESCRIPTORS)?,
        sides[1].start(&text, DESCRIPTORS)?,
    ];
    let mut all = [Floods::default(), Floods::default()];
    for number in 0..runs {
        for (daemon, floods) in daemons.iter().zip(&mut all) {
            flood(daemon, number, floods)?;
        }
    }
    for daemon in daemons {
        daemon.stop()?;
    }
    Ok(all)
}

/// One flood, of the program `writerNUMBER`.
pub(super) fn flood(daemon: &Daemon, number: usize, floods: &mut Floods) -> anyhow::Result<()> {
    let name = format!("writer{number}");
    let log = daemon.folder.join(format!("{name}.log"));
    let mut client = daemon.client()?;
    let before = cpu_seconds(daemon.pid())?;
    let begun = now();
    client.call(
        "startProcess",
        &[&format!("<string>{name}</string>"), "<boolean>0</boolean>"],
    )?;
    wait_for("200 MB in the logs", PATIENCE, || {
        (size_with_backups(&log) == programs::FLOOD).then_some(())
    })?;
    floods
        .rates
        .push(programs::FLOOD as f64 / 1e6 / begun.elapsed().as_secs_f64());
    floods.cpu.push(cpu_seconds(daemon.pid())? - before);
    client.call_named("stopProcess", &name)?;
    remove_with_backups(&log);
    Ok(())
}

/// Seconds from SIGTERM to the end of a daemon with 20 programs that need 0.3 s each.
pub(super) fn shutdown(side: &Side) -> anyhow::Result<f64> {
    let daemon = side.start_running(&programs::slow_to_stop(20, true), DESCRIPTORS, 20)?;
    // the shells have to set their traps
    thread::sleep(Duration::from_secs(1));
    daemon.stop()
}

/// Stops of 100 that were sent right after a start and lost.
pub(super) fn lost_stops(side: &Side) -> anyhow::Result<f64> {
    let daemon = side.start_running(&programs::quick_to_stop(), DESCRIPTORS, 1)?;
    let lost = lost_stops_of(&daemon)?;
    daemon.stop()?;
    Ok(lost)
}

/// The same of the program `quick` of a running daemon.
pub(super) fn lost_stops_of(daemon: &Daemon) -> anyhow::Result<f64> {
    let mut client = daemon.client()?;
    let mut lost = 0_u32;
    for _ in 0..PAIRS {
        let begun = now();
        client.call_named("stopProcess", "quick")?;
        lost += u32::from(begun.elapsed() > LOST_AFTER);
        client.call_named("startProcess", "quick")?;
    }
    Ok(f64::from(lost))
}

/// Changes of state that a listener with the default buffer did not get while `count` programs started.
pub(super) fn lost_events(side: &Side, count: usize, tools: &Path) -> anyhow::Result<f64> {
    let text = programs::cats(count) + &programs::listener(tools);
    let daemon = side.start_running(&text, descriptors(count), count + 1)?;
    let lost = lost_events_of(&daemon, count);
    daemon.stop()?;
    Ok(lost)
}

/// The same of a daemon whose `count` programs came up a moment ago.
pub(super) fn lost_events_of(daemon: &Daemon, count: usize) -> f64 {
    let received = || {
        let text = fs::read_to_string(daemon.folder.join("events")).unwrap_or_default();
        text.matches("processname:cat").count()
    };
    // each program enters STARTING and RUNNING; what does not come within 3 s of the last one never comes
    let wanted = 2 * count;
    let mut last = (received(), wall());
    let _ = wait_for("the events' end", PATIENCE, || {
        let known = received();
        if known != last.0 {
            last = (known, wall());
        }
        (known >= wanted || wall().saturating_sub(last.1) > Duration::from_secs(3)).then_some(())
    });
    wanted.saturating_sub(received()) as f64
}

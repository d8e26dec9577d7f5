//! All of the table with 1,000 programs. The original needs seconds for what it does at once with a hundred, so each
//! daemon is started twice only: once with silent programs, for all but the lines, and once with writing ones.

use std::path::Path;
use std::thread;
use std::time::Duration;

use super::daemon::{Daemon, Killer, Side};
use super::measures::{self, AtRest, Floods};
use super::programs;
use super::verdict::{Bound, Shown};
use crate::bench::table::median;
use crate::run;

/// Programs.
const COUNT: usize = 1000;
/// Kills of one of them.
const KILLS: u64 = 3;
/// Floods of 200 MB.
const FLOODS: usize = 3;
/// Bytes of a flood's writes.
const BLOCK: usize = 4096;
/// Programs that need 0.3 s for their end, beside the 1,000.
const SLOW: usize = 20;

/// Figures of one daemon.
#[derive(Debug)]
struct Figures {
    rest: AtRest,
    lost_events: f64,
    respawn_ms: f64,
    lost_stops: f64,
    flood: f64,
    shutdown: f64,
    lines_cpu: f64,
}

/// Measures one daemon after the other and gives the rows.
pub(super) fn all(sides: &[Side; 2], tools: &Path, watched: Duration) -> anyhow::Result<Vec<Shown>> {
    let both = [
        measure(&sides[0], tools, watched)?,
        measure(&sides[1], tools, watched)?,
    ];
    let bare = bare_loop(tools)?;
    let figures = |of: fn(&Figures) -> f64| [of(&both[0]), of(&both[1])];
    let idle = format!("idle wake-ups in {} s, 1,000 programs", watched.as_secs());
    Ok(vec![
        Shown::new(
            "Pss with 1,000 programs",
            "MB",
            figures(|it| it.rest.pss_mb),
            Bound::AtMost(15.0),
        ),
        Shown::new(
            "cold start to 1,000 RUNNING",
            "s",
            figures(|it| it.rest.start),
            Bound::OfOriginalOrLoop(0.1, bare),
        ),
        Shown::new(
            "kill -9 to the new process, 1,000 programs",
            "ms",
            figures(|it| it.respawn_ms),
            Bound::AtMost(20.0),
        ),
        Shown::new(
            "getAllProcessInfo, 1,000 programs: CPU a call",
            "ms",
            figures(|it| it.rest.call_cpu_ms),
            Bound::OfOriginal(0.1),
        ),
        Shown::new(
            "1,000 programs × 10 lines/s: CPU",
            "% of a core",
            figures(|it| it.lines_cpu),
            Bound::OfOriginal(0.2),
        ),
        Shown::new(
            "200 MB in 4096-byte writes beside 1,000 programs",
            "MB/s",
            figures(|it| it.flood),
            Bound::NoSlower,
        )
        .more_is_better(),
        Shown::new(
            "SIGTERM to the end, 20 programs of 0.3 s and 1,000 others",
            "s",
            figures(|it| it.shutdown),
            Bound::AtMost(0.5),
        ),
        Shown::new(
            "lost stops in 100 start-stop pairs, 1,000 programs",
            "",
            figures(|it| it.lost_stops),
            Bound::AtMost(0.0),
        ),
        Shown::new(
            "lost events, 1,000 programs start",
            "",
            figures(|it| it.lost_events),
            Bound::AtMost(0.0),
        ),
        Shown::new(idle, "", figures(|it| it.rest.wakeups), Bound::AtMost(0.0)),
    ])
}

/// Seconds that it takes to start as many programs and do nothing else, the median of three: on a machine where a
/// program's own start is dear, nothing that starts them can be faster than that.
fn bare_loop(tools: &Path) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..3 {
        let starter = tools.join("starter").display().to_string();
        let text = run::output(run::command(&starter).arg(COUNT.to_string()))?;
        times.push(text.trim().parse()?);
    }
    Ok(median(&times))
}

fn measure(side: &Side, tools: &Path, watched: Duration) -> anyhow::Result<Figures> {
    // what starts with the others: the one to kill, the one to stop, the listener
    let text = programs::cats(COUNT)
        + &programs::stamper()
        + &programs::quick_to_stop()
        + &programs::listener(tools)
        + &programs::writers(FLOODS, BLOCK, tools)
        + &programs::slow_to_stop(SLOW, false);
    let mut daemon = side.start(&text, measures::descriptors(COUNT))?;
    let start = daemon.wait_running(COUNT + 3)?;
    let lost_events = measures::lost_events_of(&daemon, COUNT);
    let rest = measures::rest_of(&daemon, start, COUNT, watched)?;
    let respawn_ms = respawn(&daemon)?;
    let lost_stops = measures::lost_stops_of(&daemon)?;
    let mut floods = Floods::default();
    for number in 0..FLOODS {
        measures::flood(&daemon, number, &mut floods)?;
    }
    let mut client = daemon.client()?;
    for number in 0..SLOW {
        client.call_named("startProcess", &format!("slow{number:02}"))?;
    }
    // the shells have to set their traps
    thread::sleep(Duration::from_secs(1));
    let shutdown = daemon.stop()?;
    Ok(Figures {
        rest,
        lost_events,
        respawn_ms,
        lost_stops,
        flood: median(&floods.rates),
        shutdown,
        lines_cpu: measures::small_writers(side, COUNT, tools, watched)?,
    })
}

fn respawn(daemon: &Daemon) -> anyhow::Result<f64> {
    let mut killer = Killer::new()?;
    let mut times = Vec::new();
    for round in 0..KILLS {
        // each kill at another place within the original's second
        thread::sleep(Duration::from_millis(1200 + round * 370 % 1000));
        times.push(measures::respawn_once(daemon, &mut killer)?);
    }
    killer.end()?;
    Ok(median(&times))
}

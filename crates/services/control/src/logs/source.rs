//! One output of one program, read piece by piece through the supervisor service in the name of the person who looks.

use pistack_api::process::ProcessInfo;

use super::line::{Line, lines};
use super::query::{Outputs, Query};
use crate::error::Failure;
use crate::process::full_name;
use crate::state::Dashboard;
use crate::upstream::supervisor::{self, Channel};

/// Most bytes of one question.
pub(crate) const MOST: u32 = 512 * 1024;
/// A place beyond every log: asked for it, the supervisor says how long the log is. XML-RPC has no larger number.
const BEYOND: u64 = 2_147_483_647;
/// While a time is looked for, this much is read at a place.
const PROBE: u32 = 8 * 1024;

/// One output of one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// `group:name`
    pub(crate) program: String,
    pub(crate) channel: Channel,
    /// The bytes that may be shown: all, or those of the time range.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Bytes there are.
    pub(crate) size: u64,
}

/// Who reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) dashboard: &'a Dashboard,
    pub(crate) token: &'a str,
}

/// The sources of a query, and those of its programs that have no log.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) open: Vec<Source>,
    /// `program stdout`
    pub(crate) silent: Vec<String>,
    /// There is a time range, and these carry no times.
    pub(crate) timeless: Vec<String>,
}

impl Source {
    /// `name stderr`; the output is left out for the one that is meant mostly.
    pub(crate) fn label(&self) -> String {
        let name = self.program.rsplit(':').next().unwrap_or(&self.program);
        match self.channel {
            Channel::Stdout => crate::inert::line(name),
            Channel::Stderr => format!("{} stderr", crate::inert::line(name)),
        }
    }

    /// The lines within two places. They need not be the beginnings of lines: what began before the first place is
    /// left out, what ends after the second too.
    pub(crate) async fn read(&self, reader: Reader<'_>, start: u64, end: u64) -> Result<Vec<Line>, Failure> {
        if end <= start {
            return Ok(Vec::new());
        }
        // With one byte more in front it shows whether a line begins at `start`.
        let first = start.saturating_sub(1);
        let length = u32::try_from(end - first).unwrap_or(MOST).min(MOST + 1);
        let piece = supervisor::log_after(
            reader.dashboard,
            reader.token,
            &self.program,
            self.channel,
            first,
            length,
        )
        .await?;
        let stop = piece.offset.min(end);
        let (text, begins) = match piece.data.strip_prefix('\n') {
            Some(text) if start > 0 => (text, true),
            _ if start == 0 => (piece.data.as_str(), true),
            // The byte in front belongs to a line that goes on: the cut keeps the rest of it out.
            _ => (piece.data.as_str(), false),
        };
        let from = if begins { start } else { first };
        Ok(lines(text, from, stop, begins, stop >= self.size))
    }

    /// The first place at which a line's time is `wanted` or later. `None` if the lines carry no times.
    async fn find(&self, reader: Reader<'_>, wanted: i64) -> Result<Option<u64>, Failure> {
        let (mut low, mut high) = (0, self.size);
        let mut seen = false;
        while high - low > u64::from(PROBE) {
            let middle = low + (high - low) / 2;
            let lines = self
                .read(reader, middle, (middle + u64::from(PROBE)).min(high))
                .await?;
            match lines.iter().find_map(|line| Some((line.start, line.time?))) {
                Some((_, time)) => {
                    seen = true;
                    if time < wanted {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                // A stretch without times: the nearer half is looked at.
                None => high = middle,
            }
        }
        let end = (high + u64::from(PROBE) * 2).min(self.size);
        for line in self.read(reader, low, end).await? {
            if let Some(time) = line.time {
                seen = true;
                if time >= wanted {
                    return Ok(Some(line.start));
                }
            }
        }
        Ok(seen.then_some(end))
    }
}

/// The outputs of a program that a query asks for.
fn wanted(info: &ProcessInfo, outputs: Outputs) -> Vec<Channel> {
    let mut wanted = Vec::new();
    if outputs != Outputs::Stderr {
        wanted.push(Channel::Stdout);
    }
    // An output that goes into the other one has no file.
    if outputs == Outputs::Stderr || (outputs == Outputs::Both && !info.stderr_logfile.is_empty()) {
        wanted.push(Channel::Stderr);
    }
    wanted
}

/// Opens the sources of a query; what a program does not have is no failure.
pub(crate) async fn open(
    reader: Reader<'_>,
    query: &Query,
    processes: &[ProcessInfo],
) -> Result<Sources, Failure> {
    let mut sources = Sources::default();
    for info in processes {
        let program = full_name(info);
        if !query.has(&program) {
            continue;
        }
        for channel in wanted(info, query.outputs) {
            let end =
                supervisor::log_after(reader.dashboard, reader.token, &program, channel, BEYOND, 1).await;
            let size = match end {
                Ok(piece) => piece.offset,
                Err(Failure::SignIn) => return Err(Failure::SignIn),
                Err(Failure::Down(service)) => return Err(Failure::Down(service)),
                Err(_) => {
                    sources
                        .silent
                        .push(format!("{} {channel}", crate::inert::line(&program)));
                    continue;
                }
            };
            let source = Source {
                program: program.clone(),
                channel,
                from: 0,
                to: size,
                size,
            };
            sources.open.push(source);
        }
    }
    bound(reader, query, &mut sources).await?;
    Ok(sources)
}

/// Keeps the sources within the time range.
async fn bound(reader: Reader<'_>, query: &Query, sources: &mut Sources) -> Result<(), Failure> {
    let (from, to) = query.range();
    if from.is_none() && to.is_none() {
        return Ok(());
    }
    for source in &mut sources.open {
        let first = match from {
            Some(from) => source.find(reader, from).await?,
            None => Some(0),
        };
        let last = match to {
            Some(to) => source.find(reader, to + 1).await?,
            None => Some(source.size),
        };
        match (first, last) {
            (Some(first), Some(last)) => (source.from, source.to) = (first, last.max(first)),
            _ => sources.timeless.push(source.label()),
        }
    }
    Ok(())
}

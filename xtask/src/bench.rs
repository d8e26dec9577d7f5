//! `cargo xtask bench`: figures beside the original's, on the same machine, in the same run.

mod load;
mod stack;
mod supervisor;
mod table;

use clap::Subcommand;

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// The whole stack beside the original one: start-up, memory, requests a second, idle wake-ups.
    Stack {
        /// Rounds of load; both stacks take turns within each.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Seconds of load a measurement.
        #[arg(long, default_value_t = 5)]
        seconds: u32,
        /// Starts of each stack, of which the median counts.
        #[arg(long, default_value_t = 3)]
        starts: usize,
    },
    /// The supervisor beside supervisord: memory, start, restart, calls, logs, shutdown, lost signals and events.
    Supervisor {
        /// Leave out what is measured with 1,000 programs.
        #[arg(long)]
        few: bool,
    },
}

/// Measures.
pub(crate) fn run(what: &What) -> anyhow::Result<()> {
    match what {
        What::Stack {
            rounds,
            seconds,
            starts,
        } => stack::run(*rounds, *seconds, *starts),
        What::Supervisor { few } => supervisor::run(!*few),
    }
}

//! `cargo xtask bench`: figures beside the original's, on the same machine, in the same run.

mod auth;
mod dashboard;
mod gateway;
mod info;
mod io;
mod load;
mod notify;
mod rules;
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
    /// The rules: events decided a second on one core with fifty rules.
    Rules,
    /// Notifications: from an event to the webhook's receiver, with fifty rules.
    Notify,
    /// Logins beside the original's: `me` and `validate` through the gateway, refreshes, memory idle and under logins.
    Auth {
        /// Rounds of load; both stacks take turns within each.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Seconds of load a measurement.
        #[arg(long, default_value_t = 5)]
        seconds: u32,
    },
    /// The dashboard beside the original's Django page and supervisord's status page: time and rate of Home, memory,
    /// open dashboards, a long log.
    Dashboard {
        /// Rounds of load; both take turns within each.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Seconds of load a measurement.
        #[arg(long, default_value_t = 5)]
        seconds: u32,
    },
    /// The gateway beside nginx: requests a second, CPU a request, memory, large bodies.
    Gateway {
        /// Rounds of load; both take turns within each.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Seconds of load a measurement.
        #[arg(long, default_value_t = 6)]
        seconds: u32,
    },
    /// The info service beside Glances and node_exporter: idle CPU, memory, CPU a scrape.
    Info {
        /// How long they are watched while nobody asks.
        #[arg(long, default_value_t = 120)]
        seconds: u64,
    },
    /// Lines of a simulated chip beside gpiozero and lgpio, in a virtual machine; setting a line beside the original.
    Io {
        /// Rounds of calls; both stacks take turns within each.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Seconds of calls a measurement.
        #[arg(long, default_value_t = 5)]
        seconds: u32,
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
        What::Rules => rules::run(),
        What::Notify => notify::run(),
        What::Auth { rounds, seconds } => auth::run(*rounds, *seconds),
        What::Dashboard { rounds, seconds } => dashboard::run(*rounds, *seconds),
        What::Gateway { rounds, seconds } => gateway::run(*rounds, *seconds),
        What::Info { seconds } => info::run(*seconds),
        What::Io { rounds, seconds } => io::run(*rounds, *seconds),
        What::Supervisor { few } => supervisor::run(!*few),
    }
}

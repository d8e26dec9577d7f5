//! Developers' tools: `cargo xtask tidy|vendor|spec|bench|dist`. Nothing here is shipped.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool for developers"
)]

mod bench;
mod dist;
mod run;
mod screenshots;
mod spec;
mod tidy;
mod vendor;

use clap::{Parser, Subcommand};

/// Developers' tools.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check the house rules: crate edges, pure engine, module docs, file sizes, cited paths.
    Tidy,
    /// Fetch vendored front-end files, or check the committed ones.
    Vendor {
        /// Only compare the committed files with their checksums.
        #[arg(long)]
        check: bool,
    },
    /// Write the OpenAPI documents and the configuration's JSON Schema from the built program, or check that the
    /// committed ones are up to date.
    Spec {
        /// Only compare.
        #[arg(long)]
        check: bool,
    },
    /// Take pictures of the dashboard's pages for the documentation.
    Screenshots {
        /// Every page, light and dark, wide and phone, in both languages, into `e2e/artifacts`.
        #[arg(long)]
        all: bool,
    },
    /// Build for another machine, such as a Raspberry Pi, and pack the program to be given away.
    Dist(dist::Options),
    /// Measure beside the original.
    Bench {
        /// What to measure.
        #[command(subcommand)]
        what: bench::What,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Tidy => tidy::run(),
        Task::Vendor { check } => vendor::run(check),
        Task::Spec { check } => spec::run(check),
        Task::Screenshots { all } => screenshots::run(all),
        Task::Dist(options) => dist::run(&options),
        Task::Bench { what } => bench::run(&what),
    }
}

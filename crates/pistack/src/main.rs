//! The one binary. It chooses a role (supervisor, one service, command line) and wires it; what the roles do lives
//! in their crates.

#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the command line talks to people"
)]

mod cli;
mod commands;
mod config;
mod exit;
mod greeting;
mod multicall;
mod output;
mod quiet;
mod rights;
mod serve;
mod stack;
mod state;
mod supervisorctl;
mod supervisord;
mod up;

use clap::Parser as _;

use crate::cli::{Cli, Command, ConfigCommand};

fn main() -> std::process::ExitCode {
    reset_broken_pipe();
    if let Some(code) = multicall::run() {
        return code;
    }
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code.into(),
        Err(failure) => failure.report(),
    }
}

/// A closed pipe (`pistack status | head -1`) ends us quietly instead of with a panic.
fn reset_broken_pipe() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload_as_str().unwrap_or_default();
        if text.contains("Broken pipe") {
            std::process::exit(0);
        }
        default(info);
    }));
}

fn run(cli: Cli) -> Result<exit::Code, exit::Failure> {
    let place = cli.place;
    match cli.command {
        None => commands::overview(&place),
        Some(Command::Up(options)) => up::run(&place, &options),
        Some(Command::Serve { name }) => serve::run(&place, &name),
        Some(Command::Status(options)) => commands::status(&place, &options),
        Some(Command::Logs(options)) => commands::logs(&place, &options),
        Some(Command::Start(targets)) => commands::control(&place, commands::Verb::Start, &targets),
        Some(Command::Stop(targets)) => commands::control(&place, commands::Verb::Stop, &targets),
        Some(Command::Restart(targets)) => commands::control(&place, commands::Verb::Restart, &targets),
        Some(Command::Down { timeout }) => commands::down(&place, timeout),
        Some(Command::Doctor { starting }) => commands::doctor(&place, starting),
        Some(Command::Tls(command)) => commands::tls(&place, &command),
        Some(Command::Rules(command)) => commands::rules(&place, &command),
        Some(Command::Notify(command)) => commands::notify(&place, &command),
        Some(Command::Metrics) => commands::metrics(&place),
        Some(Command::Gpio(command)) => commands::gpio(&place, &command),
        Some(Command::Io(command)) => commands::io(&place, command),
        Some(Command::User(command)) => commands::user(&place, command),
        Some(Command::Auth(command)) => commands::auth(&place, &command),
        Some(Command::Import(command)) => commands::import(&place, &command),
        Some(Command::Config(ConfigCommand::Check)) => commands::config_check(&place),
        Some(Command::Config(ConfigCommand::Schema)) => commands::config_schema(),
        Some(Command::Config(ConfigCommand::Path)) => commands::config_path(&place),
        Some(Command::Routes(options)) => commands::routes(&place, &options),
        Some(Command::Generate(command)) => commands::generate(&place, &command),
        Some(Command::Openapi { name }) => commands::openapi(&name),
    }
}

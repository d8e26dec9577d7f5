//! `supervisorctl`, ours: the grammar, the words and the exit codes of supervisor 4.3.0's (supervision.md 1.12), plus
//! `--json`. It speaks to any supervisord, over unix sockets and plain HTTP with Basic authentication.

use std::ffi::OsString;
use std::process::ExitCode;
use std::rc::Rc;

use pistack_engine::config::model::CtlSettings;

mod commands;
mod completion;
mod controller;
mod input;
mod names;
mod options;
mod output;
mod server;
mod settings;
mod shell;
mod trouble;
mod url;

use controller::Controller;
use input::Input;
use options::CommandLine;
use output::Output;
use server::Server;

/// Exit code of a wrong command line or configuration.
const USAGE: u8 = 2;
/// Exit code of a command that Ctrl-C ended, as a shell shows it.
const INTERRUPTED: u8 = 130;

/// Runs `supervisorctl` with its arguments (without the program's name).
pub(crate) fn run(args: Vec<OsString>, program: &str) -> ExitCode {
    let args: Vec<String> = args
        .into_iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let line = match options::parse(&args) {
        Ok(line) if line.help => {
            print!(
                "{}",
                include_str!("supervisorctl/usage.txt").replace("%s", program)
            );
            return ExitCode::SUCCESS;
        }
        Ok(line) => line,
        Err(message) => return usage(&message, program),
    };
    let settings = match settings::read(&line) {
        Ok(settings) => settings,
        Err(message) => return usage(&message, program),
    };
    match talk(&line, settings) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::from(controller::exit::GENERIC)
        }
    }
}

fn usage(message: &str, program: &str) -> ExitCode {
    eprintln!("Error: {message}\nFor help, use {program} -h");
    ExitCode::from(USAGE)
}

fn talk(line: &CommandLine, settings: CtlSettings) -> std::io::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let runtime = Rc::new(runtime);
    let url = settings.serverurl.unwrap_or_default();
    let mut controller = Controller {
        server: Server::new(url, settings.username, settings.password),
        interactive: line.interactive || line.words.is_empty(),
        exit: 0,
        output: Output::new(line.json),
        input: Input::default(),
    };
    if line.words.is_empty() {
        let prompt = settings.prompt.unwrap_or_default();
        shell::run(
            &mut controller,
            &runtime,
            &prompt,
            settings.history_file.as_deref(),
        )?;
        return Ok(0);
    }
    let command = line.words.join(" ");
    let code = runtime.block_on(async {
        tokio::select! {
            // A command that has its own use for Ctrl-C comes first.
            biased;
            _ = controller.command(&command) => None,
            _ = tokio::signal::ctrl_c() => Some(INTERRUPTED),
        }
    });
    Ok(code.unwrap_or(controller.exit))
}

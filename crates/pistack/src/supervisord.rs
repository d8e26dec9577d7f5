//! `supervisord`, ours: the same flags, the same search for its configuration, the same words where it refuses; and
//! beside it `echo_supervisord_conf` and `pidproxy`.
//!
//! Only the programs of that configuration run: no stack, no state directory, no socket of our own.

mod config;
mod find;
mod flags;
mod getopt;
mod opening;
mod pidproxy;
mod sample;
mod sentence;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use pistack_daemon::{Background, DaemonError, Options, SUPERVISOR_VERSION, Side};
use pistack_engine::config::model::{LogLevel, Model};
use tokio::sync::oneshot;

use self::config::{Loader, Unusable, World};
use self::flags::Asked;

pub(crate) use self::pidproxy::pidproxy;
pub(crate) use self::sample::echo_configuration;

/// `-h`.
const HELP: &str = include_str!("supervisord/help.txt");

/// What is wrong before anything runs: one sentence in supervisord's words, and what else there is to say.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    sentence: String,
    more: Vec<String>,
}

impl From<String> for Refusal {
    fn from(sentence: String) -> Self {
        Self {
            sentence,
            more: Vec::new(),
        }
    }
}

impl Refusal {
    /// From the text of a failed start: its first line is the sentence.
    fn told(text: &str) -> Self {
        let (sentence, more) = text.split_once('\n').unwrap_or((text, ""));
        Self {
            sentence: sentence.to_owned(),
            more: more.lines().map(str::to_owned).collect(),
        }
    }

    /// supervisord's exit code of a usage error.
    const CODE: u8 = 2;

    fn print(&self, program: &str) -> ExitCode {
        eprintln!("Error: {}", self.sentence);
        eprintln!("For help, use {program} -h");
        for line in &self.more {
            eprintln!("{line}");
        }
        ExitCode::from(Self::CODE)
    }
}

/// Runs `supervisord`. `arguments` are without the program's name; `program` is how it was called.
pub(crate) fn run(arguments: Vec<OsString>, program: &str) -> ExitCode {
    match start(arguments, program) {
        Ok(code) => code,
        Err(refusal) => refusal.print(program),
    }
}

fn start(arguments: Vec<OsString>, program: &str) -> Result<ExitCode, Refusal> {
    let world = World::here()?;
    let flags = match flags::parse(&texts(arguments), world.around(&pistack_daemon::System))? {
        Asked::Help => {
            print!("{}", HELP.replace("%s", program));
            return Ok(ExitCode::SUCCESS);
        }
        Asked::Version => {
            println!("{SUPERVISOR_VERSION}");
            return Ok(ExitCode::SUCCESS);
        }
        Asked::Run(flags) => *flags,
    };
    let file = match &flags.config {
        Some(file) => file.clone(),
        None => find::configuration(&world)?,
    };
    let loader = Rc::new(Loader::new(file, flags, world));
    let model = loader.read().map_err(Unusable::into_refusal)?;
    if model.settings.nodaemon {
        supervise(model, &loader, Vec::new(), None).map_err(|text| Refusal::told(&text))?;
        return Ok(ExitCode::SUCCESS);
    }
    in_background(model, &loader)
}

/// Arguments as texts. What is no UTF-8 cannot be written in a configuration either.
fn texts(arguments: Vec<OsString>) -> Vec<String> {
    arguments
        .into_iter()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect()
}

/// Without `-n`: leaves the terminal. The process that stays tells how the start went.
fn in_background(model: Model, loader: &Rc<Loader>) -> Result<ExitCode, Refusal> {
    let side = pistack_daemon::daemonize(None)
        .map_err(|error| format!("cannot start a process in the background: {error}"))?;
    match side {
        Side::Foreground(Ok(())) => Ok(ExitCode::SUCCESS),
        Side::Foreground(Err(sentence)) => Err(Refusal::told(&sentence)),
        Side::Background(background) => {
            let mut lines = vec![(LogLevel::Info, "daemonizing the supervisord process".to_owned())];
            lines.extend(model.settings.directory.as_deref().map(change_directory));
            // the parent tells; there is no terminal here any more
            Ok(match supervise(model, loader, lines, Some(background)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::from(Refusal::CODE),
            })
        }
    }
}

/// The directory is only taken on in the background. One that cannot be entered is told, and the start goes on.
fn change_directory(directory: &Path) -> (LogLevel, String) {
    let shown = pistack_engine::config::expand::quoted(&directory.display().to_string());
    match std::env::set_current_dir(directory) {
        Ok(()) => (LogLevel::Info, format!("set current directory: {shown}")),
        Err(error) => (LogLevel::Critical, format!("can't chdir into {shown}: {error}")),
    }
}

/// Runs until it is told to end. A start that fails is told to whoever waits in the foreground, too.
fn supervise(
    model: Model,
    loader: &Rc<Loader>,
    lines: Vec<(LogLevel, String)>,
    background: Option<Background>,
) -> Result<(), String> {
    pistack_daemon::block_signals();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot wait for anything: {error}"))?;
    let again = Rc::clone(loader);
    let mut options = Options::new(Box::new(move || again.read().map_err(Unusable::into_line)));
    options.log_to_stdout = model.settings.nodaemon;
    options.limits_required = true;
    options.opening = opening::lines(Rc::clone(loader), lines);
    let (started, news) = oneshot::channel();
    options.started = Some(started);
    runtime.block_on(async {
        let mut running = std::pin::pin!(pistack_daemon::run(model, options));
        let ended = tokio::select! {
            biased;
            // a start that fails drops its side: then only the other branch has an outcome
            Ok(()) = news => {
                if let Some(background) = background {
                    background.ready();
                }
                running.await
            }
            ended = &mut running => {
                if let (Some(background), Err(error)) = (background, &ended) {
                    background.failed(&words(error));
                }
                ended
            }
        };
        ended.map(|_| ()).map_err(|error| words(&error))
    })
}

/// Why a start failed, in supervisord's words where it has some.
fn words(error: &DaemonError) -> String {
    match error {
        DaemonError::User { reason, .. } => reason.clone(),
        DaemonError::Bind(error) if error.reason.starts_with("Another program is already listening") => {
            format!(
                "Another program is already listening on a port that one of our HTTP servers is configured to use.  \
             Shut this program down first before starting supervisord.\n  {error}"
            )
        }
        DaemonError::Bind(error) if error.reported.is_empty() => {
            format!("{}\n  {error}", error.reason)
        }
        DaemonError::Bind(error) => format!(
            "Cannot open an HTTP server: socket.error reported {}\n  {error}",
            error.reported
        ),
        other => other.to_string(),
    }
}

//! `pistack up`: the supervisor with everything that it keeps alive, in the foreground.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use pistack_daemon::Options;
use pistack_kit::paths::StatePaths;

use crate::cli::{Place, UpOptions};
use crate::config::{Loaded, in_one_line, load};
use crate::exit::{Code, Failure};
use crate::greeting;
use crate::state::{self, Lock};

/// Starts everything and returns when it is stopped.
pub(crate) fn run(place: &Place, options: &UpOptions) -> Result<Code, Failure> {
    let paths = state::paths(place)?;
    // Before anything is written: a broken configuration leaves nothing behind.
    let environment = launch_environment(options);
    let named = place.config.clone();
    let loaded = load(named.as_deref(), &paths, &environment)?;
    paths.create().map_err(|error| Failure::new(error.to_string()))?;
    let _lock = Lock::take(&paths)?;
    clear_run(&paths);
    if loaded.stack && !options.keep_going && !all_usable(place, &paths, &environment)? {
        return Err(Failure::new(
            "nothing was started. Mend what is named above, or start what can be started with --keep-going",
        ));
    }
    for name in &loaded.idle_names {
        eprintln!("pistack: {name} is set; it has nothing left to do here");
    }
    pistack_daemon::block_signals();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(supervise(loaded, named, &paths, environment, options.quiet));
    clear_run(&paths);
    ended
}

async fn supervise(
    loaded: Loaded,
    named: Option<PathBuf>,
    paths: &StatePaths,
    environment: IndexMap<String, String>,
    quiet: bool,
) -> Result<Code, Failure> {
    let greeting = (loaded.stack && !quiet).then(|| {
        let services = loaded.file.services.running();
        let gateway = loaded.file.services.gateway.enabled;
        let greeting = greeting::greet(paths.clone(), services, gateway);
        tokio::spawn(async {
            greeting.await;
            // What only the start needed.
            pistack_daemon::give_back();
        })
    });
    let again = paths.clone();
    let mut options = Options::new(Box::new(move || reload(named.as_deref(), &again, &environment)));
    options.log_to_stdout = !loaded.stack && !quiet;
    options.environment = loaded.inherited;
    let ended = pistack_daemon::run(loaded.model, options).await;
    if let Some(greeting) = greeting {
        greeting.abort();
    }
    ended
        .map(|_| Code::Ok)
        .map_err(|error| Failure::new(error.to_string()))
}

/// Lets `pistack doctor` look at ports, database, keys and certificates. It prints what is wrong.
fn all_usable(
    place: &Place,
    paths: &StatePaths,
    environment: &IndexMap<String, String>,
) -> Result<bool, Failure> {
    #[expect(
        clippy::disallowed_methods,
        reason = "runs to its end before there is a supervisor"
    )]
    let mut command = std::process::Command::new(std::env::current_exe()?);
    if let Some(config) = &place.config {
        command.arg("-c").arg(config);
    }
    command
        .arg("--state-dir")
        .arg(paths.root())
        .args(["doctor", "--starting"])
        .envs(environment);
    Ok(command.stdin(std::process::Stdio::null()).status()?.success())
}

/// Reads the configuration again; all errors as one text, for the log and for `reload`'s caller.
fn reload(
    named: Option<&Path>,
    paths: &StatePaths,
    environment: &IndexMap<String, String>,
) -> Result<pistack_engine::config::model::Model, String> {
    match load(named, paths, environment) {
        Ok(loaded) => Ok(loaded.model),
        Err(errors) => Err(in_one_line(&errors)),
    }
}

/// What the command line says goes to the gateway by the environment, so that a reload keeps it.
fn launch_environment(options: &UpOptions) -> IndexMap<String, String> {
    let addresses = [("PISTACK_HTTPS", options.https), ("PISTACK_HTTP", options.http)];
    addresses
        .into_iter()
        .filter_map(|(name, address)| Some((name.to_owned(), address?.to_string())))
        .collect()
}

/// Removes what a stack that was killed left behind. The lock is ours and stays until its drop; the key cache stays,
/// because a start without auth needs it.
fn clear_run(paths: &StatePaths) {
    for entry in std::fs::read_dir(paths.run()).into_iter().flatten().flatten() {
        if entry.path() != paths.lock() && entry.path() != paths.cached_keys() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

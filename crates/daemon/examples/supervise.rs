//! A bare supervisor of a `supervisord.conf`, in the foreground: `cargo run --example supervise -- FILE`.
//!
//! For trying the daemon against foreign clients without the rest of the stack.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use pistack_daemon::{Options, System};
use pistack_engine::config::model::Model;
use pistack_engine::config::supervisord;
use pistack_engine::config::surroundings::Surroundings;

fn load(file: &Path) -> Result<Model, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let environment: IndexMap<String, String> = std::env::vars().collect();
    let cwd = std::env::current_dir().map_err(|error| error.to_string())?;
    let surroundings = Surroundings {
        environment: &environment,
        host: "localhost",
        cwd: &cwd,
        outside: &System,
    };
    let request = supervisord::Request {
        text: &text,
        file,
        around: surroundings,
    };
    supervisord::read(&request).map_err(|errors| {
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    pistack_daemon::block_signals();
    let file = PathBuf::from(std::env::args().nth(1).ok_or("give a supervisord.conf")?);
    let file = file.canonicalize()?;
    let model = load(&file)?;
    let mut options = Options::new(Box::new(move || load(&file)));
    options.log_to_stdout = true;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(pistack_daemon::run(model, options))?;
    Ok(())
}

//! One process a test, and a daemon in a temporary directory for each.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::{Fault, Value};
use pistack_daemon::{DaemonError, Ending, Options, run};
use pistack_engine::config::model::{
    GroupKind, GroupSpec, LogLevel, LogTarget, Model, Origin, ProcessSpec, Server, ServerAddress,
};
use pistack_kit::client::Client;
use pistack_kit::rpc::{Rpc, RpcError};
use pistack_kit::testing::eventually;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, LocalSet};

/// A test: its name, and what it does.
pub(crate) type Test = (&'static str, fn());

/// Lists, runs one, or runs all that a filter lets through, each in a process of its own.
pub(crate) fn main(tests: &[Test]) -> ExitCode {
    pistack_daemon::block_signals();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let filter: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    if has("--list") {
        for (name, _) in tests.iter().filter(|_| !has("--ignored")) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    if has("--exact") {
        for (name, test) in tests
            .iter()
            .filter(|(name, _)| filter.iter().any(|wanted| wanted == name))
        {
            println!("running {name}");
            test();
        }
        return ExitCode::SUCCESS;
    }
    let chosen = tests
        .iter()
        .filter(|(name, _)| filter.is_empty() || filter.iter().any(|part| name.contains(part.as_str())));
    let failed: Vec<&str> = chosen
        .filter(|(name, _)| !run_apart(name))
        .map(|(name, _)| *name)
        .collect();
    println!("\ntest result: {} failed: {failed:?}", failed.len());
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test binary that starts itself, not a child of a supervisor"
)]
fn run_apart(name: &str) -> bool {
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new(program)
        .args(["--exact", name])
        .output()
        .unwrap();
    let ok = output.status.success();
    println!("test {name} ... {}", if ok { "ok" } else { "FAILED" });
    if !ok {
        println!("{}", String::from_utf8_lossy(&output.stdout));
        println!("{}", String::from_utf8_lossy(&output.stderr));
    }
    ok
}

/// Runs a program of the system to its end; true if it ended well.
#[expect(
    clippy::disallowed_methods,
    reason = "a tool of the test, not a child of a supervisor"
)]
pub(crate) fn run_to_end(program: &str, arguments: &[&str]) -> bool {
    std::process::Command::new(program)
        .args(arguments)
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a test body on the runtime that a daemon has.
pub(crate) fn block_on(body: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, body);
}

/// A program for a model: `/bin/sh -c SCRIPT`.
pub(crate) fn shell(name: &str, script: &str) -> ProcessSpec {
    let quoted = script.replace('\'', "'\\''");
    let mut spec = ProcessSpec::new(name, format!("/bin/sh -c '{quoted}'"));
    spec.startsecs = 0;
    spec
}

/// A group of `kind`.
pub(crate) fn group(name: &str, kind: GroupKind, mut processes: Vec<ProcessSpec>) -> GroupSpec {
    for process in &mut processes {
        name.clone_into(&mut process.group);
    }
    GroupSpec {
        name: name.to_owned(),
        priority: 999,
        kind,
        processes,
        origin: Origin::default(),
    }
}

/// A directory and what lies in it.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A model with one unix server and these programs, each its own group.
    pub(crate) fn model(&self, programs: Vec<ProcessSpec>) -> Model {
        let mut model = Model {
            rpc_enabled: true,
            ..Model::default()
        };
        model.settings.logfile = LogTarget::File(self.path("main.log"));
        model.settings.loglevel = LogLevel::Debug;
        model.settings.pidfile = self.path("d.pid");
        model.settings.childlogdir = Some(self.dir.path().to_owned());
        model.servers.push(Server {
            address: ServerAddress::Unix {
                path: self.path("d.sock"),
                mode: 0o700,
                owner: None,
            },
            credentials: None,
            origin: Origin::default(),
        });
        for program in programs {
            let group = group(&program.name.clone(), GroupKind::Programs, vec![program]);
            model.groups.insert(group.name.clone(), group);
        }
        model
    }
}

/// A running daemon.
pub(crate) struct Daemon {
    pub(crate) place: Place,
    pub(crate) rpc: Rpc,
    /// What the next reloads give; an error when empty.
    pub(crate) reloads: Rc<RefCell<VecDeque<Result<Model, String>>>>,
    task: JoinHandle<Result<Ending, DaemonError>>,
}

/// A daemon with these programs.
pub(crate) async fn start(programs: Vec<ProcessSpec>) -> Daemon {
    let place = Place::new();
    let model = place.model(programs);
    start_at(place, model).await
}

/// A daemon with this model.
pub(crate) async fn start_at(place: Place, model: Model) -> Daemon {
    let reloads: Rc<RefCell<VecDeque<Result<Model, String>>>> = Rc::default();
    let source = Rc::clone(&reloads);
    let mut options = Options::new(Box::new(move || {
        source
            .borrow_mut()
            .pop_front()
            .unwrap_or_else(|| Err("nothing to read".into()))
    }));
    let (started, ready) = oneshot::channel();
    options.started = Some(started);
    let task = tokio::task::spawn_local(run(model, options));
    ready.await.expect("the daemon starts");
    let rpc = Rpc::new(Client::unix(place.path("d.sock")), Duration::from_secs(20));
    Daemon {
        place,
        rpc,
        reloads,
        task,
    }
}

impl Daemon {
    pub(crate) async fn call(&self, method: &str, params: Vec<Value>) -> Value {
        let full = format!("supervisor.{method}");
        self.rpc
            .call(&full, params)
            .await
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The fault that a call gives.
    pub(crate) async fn fault(&self, method: &str, params: Vec<Value>) -> Fault {
        match self.rpc.call(&format!("supervisor.{method}"), params).await {
            Err(RpcError::Fault(fault)) => fault,
            other => panic!("{method}: no fault but {other:?}"),
        }
    }

    pub(crate) async fn info(&self, name: &str) -> ProcessInfo {
        ProcessInfo::from_value(&self.call("getProcessInfo", vec![name.into()]).await).unwrap()
    }

    /// Waits for a state and gives the info.
    pub(crate) async fn state(&self, name: &str, state: &str) -> ProcessInfo {
        eventually(&format!("{name} is {state}"), || async {
            let info = self.info(name).await;
            (info.statename == state).then_some(info)
        })
        .await
    }

    /// Waits until a file of the place contains a text; gives the whole file.
    pub(crate) async fn file_has(&self, name: &str, text: &str) -> String {
        file_has(&self.place.path(name), text).await
    }

    /// Waits until the daemon has ended.
    pub(crate) async fn ended(self) -> (Place, Result<Ending, DaemonError>) {
        let result = tokio::time::timeout(Duration::from_secs(20), self.task).await;
        (
            self.place,
            result
                .expect("the daemon ends in time")
                .expect("it does not panic"),
        )
    }

    /// Shuts the daemon down over its socket.
    pub(crate) async fn shutdown(self) -> Place {
        self.call("shutdown", vec![]).await;
        let (place, result) = self.ended().await;
        assert_eq!(result.unwrap(), Ending::Shutdown);
        place
    }
}

/// Waits until a file contains a text; gives the whole file.
pub(crate) async fn file_has(path: &Path, text: &str) -> String {
    eventually(&format!("{} has {text:?}", path.display()), || async {
        let all = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
        all.contains(text).then_some(all)
    })
    .await
}

/// True while a process with this number lives (zombies do not).
pub(crate) fn lives(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

/// The system's clock, for measuring.
#[expect(
    clippy::disallowed_methods,
    reason = "a test measures with the system's clock"
)]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

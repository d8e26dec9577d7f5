//! A whole stack, started as its user starts it, in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::clients::{Answer, Stream, curl, try_curl, with_input};
use crate::front::{Front, Running};
use crate::{binary, command, until};

/// The root account's password in tests.
pub const PASSWORD: &str = "correct-horse-battery";

/// How a stack is started.
#[derive(Debug, Default)]
pub struct Builder {
    config: Option<(String, String)>,
    environment: Vec<(String, String)>,
    files: Vec<(String, String)>,
    no_account: bool,
}

impl Builder {
    /// Writes a configuration file and passes it with `-c`.
    #[must_use]
    pub fn config(mut self, name: &str, text: &str) -> Self {
        self.config = Some((name.to_owned(), text.to_owned()));
        self
    }

    /// Adds a file to the working directory.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Adds to the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves the stack in its setup state; otherwise `root` is made before the start.
    #[must_use]
    pub fn no_account(mut self) -> Self {
        self.no_account = true;
        self
    }

    /// Writes the files and gives the stack without starting it.
    ///
    /// # Panics
    /// When the directory cannot be made.
    pub fn prepare(mut self) -> Stack {
        if Front::wanted().is_some() {
            self = self.behind_another();
        }
        let folder = TempDir::new().expect("a temporary directory");
        for (name, text) in self.files.iter().chain(&self.config) {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it is below the folder")).expect("a folder");
            fs::write(path, text).expect("the file is written");
        }
        let config = self.config.map(|(name, _)| folder.path().join(name));
        let stack = Stack {
            folder,
            config,
            environment: self.environment,
            child: None,
            front: None,
            https: String::new(),
        };
        if !self.no_account {
            let output = stack.cli_input(&["user", "passwd", "root", "--stdin"], &format!("{PASSWORD}\n"));
            assert!(
                output.status.success(),
                "user passwd: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        stack
    }

    /// Tells the stack of the other web server, and gives its services ports that this one can be told of.
    fn behind_another(mut self) -> Self {
        self.config
            .get_or_insert_with(|| ("pistack.toml".to_owned(), String::new()));
        self.files
            .push(("pistack.d/01-front.toml".to_owned(), Front::CONFIG.to_owned()));
        let mut environment = Front::environment();
        environment.append(&mut self.environment);
        self.environment = environment;
        self
    }

    /// Starts and waits until everything answers.
    pub fn start(self) -> Stack {
        let mut stack = self.prepare();
        stack.up();
        stack
    }
}

/// A stack. Ended with SIGTERM when dropped.
#[derive(Debug)]
pub struct Stack {
    folder: TempDir,
    config: Option<PathBuf>,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    /// Another web server between the tests and the stack.
    front: Option<Running>,
    https: String,
}

impl Stack {
    /// The defaults, with an account.
    pub fn start() -> Self {
        Builder::default().start()
    }

    /// Other than the defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The working directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// `https://127.0.0.1:PORT`.
    pub fn https(&self) -> &str {
        &self.https
    }

    /// The plain HTTP address.
    ///
    /// # Panics
    /// When the gateway is not up.
    pub fn http(&self) -> String {
        let bound = self.bound().expect("the gateway is up");
        format!("http://{}", bound["http"].as_str().expect("it listens on http"))
    }

    /// A `pistack` command for this stack: its directory, its ports of its own.
    pub fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = command(binary());
        command
            .current_dir(self.folder.path())
            .arg("--state-dir")
            .arg(self.state());
        if let Some(config) = &self.config {
            command.arg("-c").arg(config);
        }
        for name in ["AUTH", "SUPERVISOR", "EMAIL", "INFO", "IO", "CONTROL"] {
            command.env(format!("{name}_PORT"), "0");
        }
        command
            .env("PISTACK_HTTPS", "127.0.0.1:0")
            .env("PISTACK_HTTP", "127.0.0.1:0");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(arguments);
        command
    }

    /// Runs a command line to its end.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        self.cli_input(arguments, "")
    }

    /// Runs a command line with a text on its standard input.
    pub fn cli_input(&self, arguments: &[&str], input: &str) -> Output {
        with_input(self.command(arguments), input)
    }

    /// Starts `pistack up` without waiting for anything.
    pub fn spawn(&mut self) {
        self.spawn_with(&["up"]);
    }

    /// Starts a command that stays in the foreground.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn_with(&mut self, arguments: &[&str]) {
        // What a killed stack left must not be taken for the new one's.
        let _ = fs::remove_file(self.state().join("run/gateway.json"));
        let out = fs::File::create(self.folder.path().join("up.out")).expect("a file");
        let err = fs::File::create(self.folder.path().join("up.err")).expect("a file");
        let child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn();
        self.child = Some(child.expect("pistack starts"));
    }

    /// Starts and waits until every health endpoint answers through TLS.
    pub fn up(&mut self) {
        self.spawn();
        let bound = until("the gateway's address", || {
            self.check_alive();
            self.bound()
        });
        self.https = format!(
            "https://{}",
            bound["https"].as_str().expect("it listens on https")
        );
        for name in ["auth", "supervisor", "email", "info", "io"] {
            until(&format!("{name}'s health"), || {
                self.check_alive();
                self.try_get(&format!("/api/{name}/health"))
                    .filter(|answer| answer.status == 200)
            });
        }
        if let Some(front) = Front::wanted() {
            let running = front.start(self);
            running.https().clone_into(&mut self.https);
            self.front = Some(running);
            let server = self
                .get("/api/auth/health")
                .header("server")
                .map(str::to_lowercase);
            let named = server.is_some_and(|server| server.starts_with(front.server()));
            assert!(named, "the tests do not talk to the other server");
        }
    }

    /// What `up` printed so far.
    pub fn printed(&self) -> String {
        fs::read_to_string(self.folder.path().join("up.out")).unwrap_or_default()
    }

    /// What `up` wrote to standard error so far.
    pub fn complained(&self) -> String {
        fs::read_to_string(self.folder.path().join("up.err")).unwrap_or_default()
    }

    fn check_alive(&self) {
        let pid = self.pid();
        assert!(
            Path::new(&format!("/proc/{pid}/exe")).exists(),
            "pistack up has ended:\n{}{}",
            self.printed(),
            self.complained()
        );
    }

    fn bound(&self) -> Option<Value> {
        let text = fs::read_to_string(self.state().join("run/gateway.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Pid of the supervisor.
    ///
    /// # Panics
    /// When it was not started.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("pistack up was started").id()
    }

    /// Ends it with a signal's name and gives the exit code.
    ///
    /// # Panics
    /// When it was not started.
    pub fn stop(&mut self, signal: &str) -> Option<i32> {
        signal_process(signal, self.pid());
        let mut child = self.child.take().expect("it was started");
        until("the end of pistack up", || child.try_wait().ok().flatten()).code()
    }

    /// Waits for its end and gives the exit code.
    ///
    /// # Panics
    /// When it was not started.
    pub fn ended(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("it was started");
        until("the end of pistack up", || child.try_wait().ok().flatten()).code()
    }

    /// curl's arguments that trust the stack's own root and nothing else.
    pub fn trusting(&self) -> Vec<String> {
        vec![
            "--cacert".to_owned(),
            self.state().join("tls/ca.pem").display().to_string(),
        ]
    }

    /// A request through TLS: further curl arguments, then the path.
    pub fn request(&self, arguments: &[&str], path: &str) -> Answer {
        curl(&self.arguments(arguments, path))
    }

    /// curl's arguments for a client that knows nothing newer than TLS 1.1.
    pub fn arguments_for_tls11(&self) -> Vec<String> {
        self.arguments(&["--tlsv1.0", "--tls-max", "1.1"], "/api/auth/health")
    }

    fn arguments(&self, arguments: &[&str], path: &str) -> Vec<String> {
        let mut all = self.trusting();
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        all.push(format!("{}{path}", self.https));
        all
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.request(&[], path)
    }

    /// GET; `None` when there is no answer.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        try_curl(&self.arguments(&[], path)).ok()
    }

    /// GET with a token.
    pub fn get_as(&self, token: &str, path: &str) -> Answer {
        self.request(&["-H", &format!("Authorization: Bearer {token}")], path)
    }

    /// POST of JSON, with a token unless it is empty.
    pub fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send("POST", token, path, body)
    }

    /// Any method with a JSON body.
    pub fn send(&self, method: &str, token: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let authorization = format!("Authorization: Bearer {token}");
        let mut arguments = vec!["-X", method, "-H", "Content-Type: application/json", "-d", &body];
        if !token.is_empty() {
            arguments.extend(["-H", &authorization]);
        }
        self.request(&arguments, path)
    }

    /// An endless GET.
    pub fn stream(&self, token: &str, path: &str) -> Stream {
        Stream::open(&self.arguments(&["-H", &format!("Authorization: Bearer {token}")], path))
    }

    /// Logs in.
    pub fn login(&self, name: &str, password: &str) -> Answer {
        self.post(
            "",
            "/api/auth/session/login",
            &serde_json::json!({ "name": name, "password": password }),
        )
    }

    /// An access token of the root account.
    ///
    /// # Panics
    /// When the login fails.
    pub fn root_token(&self) -> String {
        let answer = self.login("root", PASSWORD);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// `pistack status --json`.
    ///
    /// # Panics
    /// When no JSON comes.
    pub fn status(&self) -> Vec<Value> {
        let output = self.cli(&["status", "--json"]);
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        document["processes"].as_array().expect("an array").clone()
    }

    /// One process of `pistack status --json`, by its name.
    pub fn process(&self, name: &str) -> Option<Value> {
        self.status().into_iter().find(|process| process["name"] == name)
    }

    /// Waits until a process is in a state and gives it.
    pub fn wait_state(&self, name: &str, state: &str) -> Value {
        until(&format!("{name} to be {state}"), || {
            self.process(name).filter(|process| process["statename"] == state)
        })
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        drop(self.front.take());
        if let Some(mut child) = self.child.take() {
            signal_process("TERM", child.id());
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- up printed:\n{}{}", self.printed(), self.complained());
            for log in fs::read_dir(self.state().join("logs"))
                .into_iter()
                .flatten()
                .flatten()
            {
                let text = fs::read_to_string(log.path()).unwrap_or_default();
                let tail: Vec<&str> = text.lines().rev().take(30).collect();
                eprintln!("--- {}:", log.path().display());
                for line in tail.iter().rev() {
                    eprintln!("{line}");
                }
            }
        }
    }
}

/// Sends a signal by name.
///
/// # Panics
/// When `kill` cannot be run.
pub fn signal_process(signal: &str, pid: u32) {
    let done = command("kill")
        .arg(format!("-{signal}"))
        .arg(pid.to_string())
        .status();
    done.expect("kill runs");
}

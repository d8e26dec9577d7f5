//! One command line at a time: taken apart, carried out, its failure told, its exit code kept.

use std::io;

use pistack_api::xmlrpc::{Value, fault};

use super::commands;
use super::input::Input;
use super::output::Output;
use super::server::Server;
use super::trouble::Trouble;

/// Exit codes, from the Linux Standard Base's actions.
pub(super) mod exit {
    /// Something went wrong.
    pub(in crate::supervisorctl) const GENERIC: u8 = 1;
    /// Arguments missing.
    pub(in crate::supervisorctl) const INVALID_ARGS: u8 = 2;
    /// The server has no supervisor namespace.
    pub(in crate::supervisorctl) const UNIMPLEMENTED: u8 = 3;
    /// `status`: something is not running.
    pub(in crate::supervisorctl) const STATUS_NOT_RUNNING: u8 = 3;
    /// Connection refused.
    pub(in crate::supervisorctl) const NO_PRIVILEGES: u8 = 4;
    /// `status`: no such process, or no server.
    pub(in crate::supervisorctl) const STATUS_UNKNOWN: u8 = 4;
    /// The server has another API.
    pub(in crate::supervisorctl) const NOT_INSTALLED: u8 = 5;
    /// Not running, or could not be started.
    pub(in crate::supervisorctl) const NOT_RUNNING: u8 = 7;
}

/// The API that we speak.
const API_VERSION: &str = "3.0";

/// What happens after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another line may come.
    More,
    /// It was `quit`, `exit` or the end of the input.
    Quit,
}

/// The state that commands share.
#[derive(Debug)]
pub(super) struct Controller {
    /// The server.
    pub(super) server: Server,
    /// Questions may be asked.
    pub(super) interactive: bool,
    /// Exit code so far; failures stay.
    pub(super) exit: u8,
    /// Standard output.
    pub(super) output: Output,
    /// Standard input.
    pub(super) input: Input,
}

impl Controller {
    /// Prints a line.
    pub(super) fn say(&mut self, line: &str) {
        self.output.say(line);
    }

    /// Prints a line and fails with code 1.
    pub(super) fn refuse(&mut self, line: &str) {
        self.say(line);
        self.exit = exit::GENERIC;
    }

    /// Calls the server.
    pub(super) async fn call(&mut self, method: &str, params: Vec<Value>) -> Result<Value, Trouble> {
        self.server.call(method, params).await
    }

    /// Carries out a line.
    pub(super) async fn command(&mut self, line: &str) -> Next {
        let line = line.trim();
        if line.is_empty() {
            return Next::More;
        }
        let line = match line.strip_prefix('?') {
            Some(topic) => format!("help {topic}"),
            None => line.to_owned(),
        };
        self.server.hang_up();
        let next = self.dispatch(&line).await;
        self.output.end(&line, self.exit);
        next
    }

    async fn dispatch(&mut self, line: &str) -> Next {
        let word = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let end = line.find(|character| !word(character)).unwrap_or(line.len());
        let (action, argument) = line.split_at(end);
        if matches!(action, "quit" | "exit" | "EOF") {
            self.say("");
            return Next::Quit;
        }
        loop {
            let done = commands::run(self, action, argument.trim()).await;
            match done {
                Some(Ok(())) => {}
                None => self.refuse(&format!("*** Unknown syntax: {line}")),
                Some(Err(Trouble::Status(401, reason))) => match self.authenticate(reason).await {
                    Ok(()) => continue,
                    Err(trouble) => self.refuse(&trouble.line()),
                },
                Some(Err(trouble)) => self.refuse(&trouble.line()),
            }
            return Next::More;
        }
    }

    /// Asks for credentials after a 401; without somebody to ask, that is the end.
    async fn authenticate(&mut self, reason: String) -> Result<(), Trouble> {
        self.say("Server requires authentication");
        if !self.interactive {
            return Err(Trouble::Status(401, reason));
        }
        let username = self.ask("Username:").await?;
        let password = if let Ok(password) = rpassword::prompt_password("Password:") {
            password
        } else {
            // No terminal: the next line is the password, as with Python's getpass.
            eprint!("Password:");
            self.input.line().await?.ok_or(Trouble::EndOfInput)?
        };
        self.say("");
        self.server.username = Some(username);
        self.server.password = Some(password);
        Ok(())
    }

    /// Asks the person at the keyboard.
    pub(super) async fn ask(&mut self, question: &str) -> Result<String, Trouble> {
        self.input.ask(question).await?.ok_or(Trouble::EndOfInput)
    }

    /// True if the server speaks our API; otherwise says what is the matter.
    pub(super) async fn is_up(&mut self) -> Result<bool, Trouble> {
        let trouble = match self.call("getVersion", Vec::new()).await {
            Ok(version) if version.as_str() == Some(API_VERSION) => return Ok(true),
            Ok(version) => {
                let version = version.as_str().unwrap_or_default();
                self.say(&format!(
                    "Sorry, this version of supervisorctl expects to talk to a server with API version \
                     {API_VERSION}, but the remote version is {version}."
                ));
                self.exit = exit::NOT_INSTALLED;
                return Ok(false);
            }
            Err(trouble) => trouble,
        };
        let url = &self.server.url;
        match (trouble.fault(), trouble.io()) {
            (Some(fault::UNKNOWN_METHOD), _) => {
                self.say(
                    "Sorry, supervisord responded but did not recognize the supervisor namespace commands that \
                     supervisorctl uses to control it.  Please check that the [rpcinterface:supervisor] section is \
                     enabled in the configuration file (see sample.conf).",
                );
                self.exit = exit::UNIMPLEMENTED;
            }
            (_, Some(io::ErrorKind::ConnectionRefused)) => {
                let line = format!("{url} refused connection");
                self.say(&line);
                self.exit = exit::NO_PRIVILEGES;
            }
            (_, Some(io::ErrorKind::NotFound)) => {
                let line = format!("{url} no such file");
                self.say(&line);
                self.exit = exit::NOT_RUNNING;
            }
            _ => return Err(trouble),
        }
        Ok(false)
    }

    /// The exit code that a fault means; `ignored` is none.
    pub(super) fn count(&mut self, status: i32, ignored: Option<i32>) {
        if status == fault::SUCCESS || Some(status) == ignored {
            return;
        }
        let dead = [
            fault::SPAWN_ERROR,
            fault::ABNORMAL_TERMINATION,
            fault::NOT_RUNNING,
        ];
        self.exit = if dead.contains(&status) {
            exit::NOT_RUNNING
        } else {
            exit::GENERIC
        };
    }
}

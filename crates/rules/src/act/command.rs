//! Commands: started without a shell, in a process group of their own, with the event in the environment, their
//! output kept, killed at their deadline with everything that they started.

use std::fmt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::channel::message::Message;
use crate::firing::Firing;

/// So much of a command's output is kept.
const MOST_OUTPUT: usize = 16 * 1024;
/// So much of it is told.
const MOST_TOLD: usize = 2_000;

/// What to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    /// Program and arguments.
    pub(crate) arguments: &'a [String],
    /// As whom; the process's own user if absent.
    pub(crate) user: Option<&'a str>,
    /// Added to the environment.
    pub(crate) environment: &'a [(String, String)],
    /// For standard input.
    pub(crate) input: Option<&'a str>,
    /// It is killed after this time.
    pub(crate) timeout: Duration,
}

/// It did not end well.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// As written.
    command: String,
    /// Why.
    reason: String,
    /// Its exit code, if it had one.
    pub(crate) code: Option<i32>,
    /// Killed at its deadline.
    pub(crate) timed_out: bool,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command `{}`: {}", self.command, self.reason)
    }
}

/// The environment that tells of a firing: `PISTACK_EVENT`, `PISTACK_RULE`, and the event's fields as
/// `PISTACK_PROCESSNAME` and so on.
pub(crate) fn environment_of_firing(firing: &Firing) -> Vec<(String, String)> {
    let mut environment = vec![
        ("PISTACK_EVENT".to_owned(), firing.event.name.clone()),
        ("PISTACK_RULE".to_owned(), firing.rule.clone()),
        ("PISTACK_KEY".to_owned(), firing.key.clone()),
        ("PISTACK_KIND".to_owned(), firing.kind.name().to_owned()),
        ("PISTACK_COUNT".to_owned(), firing.count.to_string()),
    ];
    environment.extend(fields(&firing.event));
    environment
}

/// The environment that tells of a message.
pub(crate) fn environment_of(message: &Message) -> Vec<(String, String)> {
    let mut environment = vec![
        ("PISTACK_TITLE".to_owned(), message.title.clone()),
        ("PISTACK_RULE".to_owned(), message.rule.clone()),
        ("PISTACK_KEY".to_owned(), message.key.clone()),
        ("PISTACK_SEVERITY".to_owned(), message.severity.name().to_owned()),
        ("PISTACK_ID".to_owned(), message.id.clone()),
    ];
    if let Some(event) = &message.event {
        environment.push(("PISTACK_EVENT".to_owned(), event.name.clone()));
        environment.extend(fields(event));
    }
    environment
}

/// The fields whose names make names of variables; no value may hold a zero byte.
fn fields(event: &pistack_api::event::Event) -> impl Iterator<Item = (String, String)> {
    event.fields.iter().filter_map(|(key, value)| {
        let fits = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        fits.then(|| {
            (
                format!("PISTACK_{}", key.to_ascii_uppercase()),
                text.replace('\0', ""),
            )
        })
    })
}

/// Runs to the end. Gives what the command wrote.
pub(crate) async fn run(order: Order<'_>) -> Result<String, CommandError> {
    let failed = |reason: String| CommandError {
        command: order.arguments.join(" ").chars().take(200).collect(),
        reason,
        code: None,
        timed_out: false,
    };
    let mut child = spawn(order).map_err(|error| failed(format!("cannot be started: {error}")))?;
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let group = Group(group);
    let ended = tokio::time::timeout(order.timeout, attend(&mut child, order.input)).await;
    // What it left running in the background goes too.
    drop(group);
    let Ok(ended) = ended else {
        let seconds = order.timeout.as_secs_f32();
        return Err(CommandError {
            timed_out: true,
            ..failed(format!("took longer than {seconds} s and was killed"))
        });
    };
    let (status, output) = ended.map_err(|error| failed(error.to_string()))?;
    if status.success() {
        return Ok(output);
    }
    Err(CommandError {
        code: status.code(),
        ..failed(format!("ended with {status}: {output}"))
    })
}

fn spawn(order: Order<'_>) -> std::io::Result<Child> {
    let Some((program, rest)) = order.arguments.split_first() else {
        return Err(std::io::Error::other("it is empty"));
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "a rule's command is this process's child, not a program to supervise"
    )]
    let mut command = Command::new(program);
    command
        .args(rest)
        .envs(order.environment.iter().map(|(name, value)| (name, value)))
        .stdin(if order.input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(user) = order.user {
        let account = account(user)?;
        // The standard library drops the supplementary groups of root along with the user.
        command.uid(account.uid).gid(account.gid).current_dir("/");
        command
            .env("HOME", &account.home)
            .env("USER", user)
            .env("LOGNAME", user);
    }
    command.spawn()
}

/// Kills what is left of the process group.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Nobody left is what we want.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn attend(child: &mut Child, input: Option<&str>) -> std::io::Result<(ExitStatus, String)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feeding = async {
        if let (Some(mut pipe), Some(text)) = (stdin, input) {
            // A command that does not read its input is no failure.
            let _ = pipe.write_all(text.as_bytes()).await;
        }
    };
    // The end of the command is the end: what it left in the background may hold the pipes open for ever.
    let (mut out, mut error) = (Vec::new(), Vec::new());
    let reading = async {
        tokio::join!(keep(stdout, &mut out), keep(stderr, &mut error), feeding);
    };
    let status = {
        let mut reading = std::pin::pin!(reading);
        tokio::select! {
            status = child.wait() => {
                let _ = tokio::time::timeout(Duration::from_millis(50), reading.as_mut()).await;
                status?
            }
            () = reading.as_mut() => child.wait().await?,
        }
    };
    let said = if error.is_empty() { out } else { error };
    let text = String::from_utf8_lossy(&said);
    Ok((status, text.trim().chars().take(MOST_TOLD).collect()))
}

/// Reads to the end and keeps the beginning.
async fn keep(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let room = MOST_OUTPUT.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
}

struct Account {
    uid: u32,
    gid: u32,
    home: String,
}

/// From /etc/passwd: `name:x:uid:gid:comment:home:shell`.
fn account(user: &str) -> std::io::Result<Account> {
    let table = std::fs::read_to_string("/etc/passwd")?;
    let found = table.lines().find_map(|line| {
        let parts: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, ..] = parts.as_slice() else {
            return None;
        };
        (*name == user || *uid == user).then_some(Account {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            home: (*home).to_owned(),
        })
    });
    found.ok_or_else(|| std::io::Error::other(format!("there is no user `{user}`")))
}

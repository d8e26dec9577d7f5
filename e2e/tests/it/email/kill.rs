//! `kill -9` of the email service at random moments, while mails go through a server with faults: each is delivered once
//! or listed as undecided, and none is lost.
//!
//! 8 kills and 60 mails here; `PISTACK_MAIL_KILLS=200` makes it 200 kills and 500 mails.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pistack_e2e::{Stack, command, until};
use serde_json::{Value, json};

/// Chance from a seed (xorshift64): the moments differ, the run can be told by its number.
#[derive(Debug, Clone)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Whether something goes wrong; nothing without chance.
struct Dice(Option<Chance>);

impl Dice {
    fn is_one_in(&mut self, sides: u64) -> bool {
        self.0.as_mut().is_some_and(|chance| chance.below(sides) == 0)
    }

    /// Up to so many milliseconds.
    fn rest(&mut self, most: u64) {
        if let Some(chance) = &mut self.0 {
            std::thread::sleep(Duration::from_millis(chance.below(most)));
        }
    }
}

/// How often each Message-ID was taken.
pub(super) type Taken = Arc<Mutex<HashMap<String, usize>>>;

/// A server that puts off, hangs up before and after the mail, and takes its time.
fn faulty_server(taken: &Taken) -> u16 {
    serve(TcpListener::bind("127.0.0.1:0").unwrap(), taken, true)
}

/// The same without faults, at this port.
pub(super) fn faultless_server(port: u16, taken: &Taken) {
    serve(TcpListener::bind(("127.0.0.1", port)).unwrap(), taken, false);
}

fn serve(listener: TcpListener, taken: &Taken, faulty: bool) -> u16 {
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::clone(taken);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let taken = Arc::clone(&taken);
            let chance = faulty.then(|| Chance(0x9e37_79b9_7f4a_7c15 ^ ((number as u64 + 1) * 0x2545_f491)));
            // The client is killed in the middle, again and again: an error ends one conversation.
            std::thread::spawn(move || stream.and_then(|stream| converse(&stream, &taken, chance)));
        }
    });
    port
}

fn converse(stream: &TcpStream, taken: &Taken, chance: Option<Chance>) -> std::io::Result<()> {
    let mut chance = Dice(chance);
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    writer.write_all(b"220 faulty\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if chance.is_one_in(10) {
            chance.rest(40);
        }
        match line.split([' ', '\r']).next().unwrap_or_default() {
            "EHLO" => writer.write_all(b"250-faulty\r\n250 8BITMIME\r\n")?,
            "RCPT" if chance.is_one_in(10) => writer.write_all(b"451 4.7.1 later\r\n")?,
            "DATA" if chance.is_one_in(20) => return Ok(()),
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                let id = content(&mut reader)?;
                chance.rest(20);
                if chance.is_one_in(40) {
                    return Ok(());
                }
                *taken.lock().unwrap().entry(id).or_default() += 1;
                if chance.is_one_in(40) {
                    return Ok(());
                }
                writer.write_all(b"250 taken\r\n")?;
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n"),
            _ => writer.write_all(b"250 ok\r\n")?,
        }
    }
}

/// Reads a mail; its Message-ID. A mail that is cut off is none.
fn content(reader: &mut impl std::io::BufRead) -> std::io::Result<String> {
    let (mut id, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(id);
        }
        if let Some(value) = line.strip_prefix("Message-ID: ") {
            value.trim().clone_into(&mut id);
        }
    }
}

/// One request over the service's socket; `None` when it was killed meanwhile.
pub(super) fn ask(socket: &Path, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: email\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let body = answer.split("\r\n\r\n").nth(1)?;
    Some((status, serde_json::from_str(body).ok()?))
}

/// How the kills go on, so that mails are on their way at each of them.
#[derive(Debug, Default)]
struct Progress {
    killed: AtomicUsize,
    all_accepted: AtomicBool,
}

/// Puts every mail into the outbox, each with a key, until it was accepted; their ids. Spread over all kills.
fn submit(socket: &Path, mails: usize, kills: usize, progress: &Progress) -> Vec<String> {
    (0..mails)
        .map(|number| {
            until("its turn", || {
                (progress.killed.load(Ordering::SeqCst) * mails >= number * kills).then_some(())
            });
            let mail = json!({ "to": format!("a{number}@example.org"), "subject": number.to_string(), "text": "t",
                               "idempotency_key": format!("key-{number}") });
            until("a mail to be accepted", || {
                let (status, answer) = ask(socket, "POST", "/internal/send", &mail.to_string())?;
                assert_eq!(status, 202, "{answer}");
                Some(answer["id"].as_str().unwrap().to_owned())
            })
        })
        .collect()
}

/// The email service. Killed when dropped.
pub(super) struct Service(Child);

impl Service {
    /// `kill -9`.
    pub(super) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn start(stack: &Stack) -> Service {
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(stack.folder().join("email.log"))
        .unwrap();
    let mut command = stack.command(&["serve", "email"]);
    Service(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
}

/// Message-ID, state of every mail, by id. Read from the file, after the service has ended.
fn states(database: &Path) -> HashMap<String, (String, String)> {
    let script = "import json,sqlite3,sys\nprint(json.dumps(list(sqlite3.connect(sys.argv[1]).execute(\
                  'SELECT id, message_id, state FROM messages'))))";
    let read = command("python3")
        .args(["-c", script])
        .arg(database)
        .output()
        .unwrap();
    assert!(read.status.success(), "{read:?}");
    let rows: Vec<(String, String, String)> = serde_json::from_slice::<Vec<[String; 3]>>(&read.stdout)
        .unwrap()
        .into_iter()
        .map(|[id, message_id, state]| (id, message_id, state))
        .collect();
    rows.into_iter()
        .map(|(id, message_id, state)| (id, (message_id, state)))
        .collect()
}

/// Kills and starts again, `kills` times, and until every mail was accepted.
fn kill_again_and_again(stack: &Stack, kills: usize, progress: &Progress) {
    let mut chance = Chance(0x1234_5678_9abc_def1);
    for _ in 0..kills {
        let service = start(stack);
        std::thread::sleep(Duration::from_millis(20 + chance.below(300)));
        service.kill();
        progress.killed.fetch_add(1, Ordering::SeqCst);
    }
    let service = start(stack);
    until("the last mail to be accepted", || {
        progress.all_accepted.load(Ordering::SeqCst).then_some(())
    });
    service.kill();
    progress.killed.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn killed_at_any_moment_each_mail_is_delivered_once_or_undecided() {
    let kills = std::env::var("PISTACK_MAIL_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(8);
    let mails = if kills >= 200 { 500 } else { 60 };
    let taken = Taken::default();
    let port = faulty_server(&taken);
    let config = format!(
        "[services]\ntcp = false\n[email]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {port}\nsmtp_from = \"pi@example.org\"\n\
         tls = \"off\"\n[email.retry]\nfirst = \"100ms\"\ncap = \"1s\"\n"
    );
    let stack = Stack::builder()
        .config("pistack.toml", &config)
        .no_account()
        .prepare();
    let socket: PathBuf = stack.state().join("run/email_service.sock");
    let progress = Arc::new(Progress::default());
    let submitter = std::thread::spawn({
        let (socket, progress) = (socket.clone(), Arc::clone(&progress));
        move || {
            let ids = submit(&socket, mails, kills, &progress);
            progress.all_accepted.store(true, Ordering::SeqCst);
            ids
        }
    });
    kill_again_and_again(&stack, kills, &progress);
    let ids = submitter.join().unwrap();
    let service = start(&stack);
    until("the outbox to be empty", || {
        let (_, health) = ask(&socket, "GET", "/api/email/health", "")?;
        (health["outbox"]["waiting"] == 0).then_some(())
    });
    service.kill();
    let states = states(&stack.state().join("db/email.sqlite3"));
    let taken = taken.lock().unwrap();
    let (mut sent, mut undecided, mut doubtful) = (0, 0, 0);
    for id in &ids {
        let (message_id, state) = states
            .get(id)
            .unwrap_or_else(|| panic!("{id} was accepted and is lost"));
        let count = taken.get(message_id).copied().unwrap_or(0);
        match state.as_str() {
            "sent" => {
                assert_eq!(count, 1, "{id} is said to be sent");
                sent += 1;
            }
            "undecided" => {
                assert!(count <= 1, "{id} is undecided and was delivered {count} times");
                undecided += 1;
                doubtful += count;
            }
            other => panic!("{id} is {other}"),
        }
    }
    assert_eq!(
        (states.len(), sent + undecided),
        (mails, mails),
        "exactly the accepted ones"
    );
    println!(
        "{} kills, {mails} mails: {sent} delivered once, {undecided} undecided ({doubtful} of them delivered), 0 lost, 0 twice",
        progress.killed.load(Ordering::SeqCst)
    );
}

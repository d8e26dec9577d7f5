//! The whole suite once more, on PostgreSQL: a cluster of this test's own, one database a test, gone at the end.
//!
//! Every other test runs on SQLite unless the environment names a server; this one starts a server and runs this very
//! program with it.

use std::cell::{Cell, OnceCell};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pistack_auth::config::DatabaseUrl;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

/// Names the directory of the server's socket; set for the run on PostgreSQL.
const SOCKET: &str = "PISTACK_TEST_POSTGRES";

thread_local! {
    /// The database of the test that runs in this thread.
    static MINE: OnceCell<Option<String>> = const { OnceCell::new() };
    /// True once an installation was made in it.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// The database of this test, where the tests run on PostgreSQL: the same at every call.
pub(crate) fn mine() -> Option<DatabaseUrl> {
    MINE.with(|mine| mine.get_or_init(make).clone())
        .map(DatabaseUrl::from)
}

/// The database for another installation of this test: its own for the first, else one that nothing has used yet.
pub(crate) fn for_another() -> Option<DatabaseUrl> {
    if TAKEN.replace(true) {
        make().map(DatabaseUrl::from)
    } else {
        mine()
    }
}

/// True where the tests run on PostgreSQL.
pub(crate) fn is_on() -> bool {
    std::env::var_os(SOCKET).is_some()
}

fn address(socket: &str, name: &str) -> String {
    format!("postgres://pistack@localhost/{name}?host={socket}")
}

fn make() -> Option<String> {
    let socket = std::env::var(SOCKET).ok()?;
    let name = format!("t_{}", pistack_kit::random::uuid().simple());
    let address = address(&socket, &name);
    // On a thread of its own, because the caller may be inside of a runtime already.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut server = PgConnection::connect(&self::address(&socket, "postgres"))
                .await
                .unwrap();
            let statement = format!("CREATE DATABASE {name} TEMPLATE template0");
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut server)
                .await
                .unwrap();
            server.close().await.unwrap();
        });
    })
    .join()
    .unwrap();
    Some(address)
}

/// A server, ended when dropped.
struct Cluster {
    home: TempDir,
    server: Child,
}

impl Cluster {
    fn start() -> Self {
        let programs = programs();
        let home = TempDir::new().unwrap();
        let (data, user) = (home.path().join("data"), user());
        if let Some((uid, gid)) = user {
            chown(home.path(), Some(uid), Some(gid)).unwrap();
        }
        let made = run_as(program(&programs.join("initdb")), user)
            .args([
                "--username=pistack",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .arg("--pgdata")
            .arg(&data)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let server = run_as(program(&programs.join("postgres")), user)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(home.path())
            // The socket alone; speed before durability, for what is thrown away.
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "full_page_writes=off",
            ])
            .args([
                "-c",
                "max_connections=100",
                "-c",
                "shared_buffers=16MB",
                "-c",
                "log_min_messages=fatal",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let cluster = Self { home, server };
        cluster.wait();
        cluster
    }

    fn socket(&self) -> &str {
        self.home.path().to_str().unwrap()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a deadline of a test, on the real clock"
    )]
    fn wait(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while runtime
            .block_on(PgConnection::connect(&address(self.socket(), "postgres")))
            .is_err()
        {
            assert!(Instant::now() < deadline, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SIGKILL to the first process; the others see its end at once and leave (PostgreSQL's own rule for a lost
        // postmaster). The data goes with the directory.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Where Debian keeps the server's programs.
fn programs() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed: apt-get install postgresql")
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("postgres").exists())
        .collect();
    versions.sort();
    versions
        .pop()
        .expect("PostgreSQL is installed: apt-get install postgresql")
}

/// PostgreSQL refuses to run as root: then the user that its package made.
fn user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    if Path::new("/proc/self").metadata().unwrap().uid() != 0 {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .expect("the package postgresql makes the user postgres");
    let mut ids = line.split(':').skip(2).map(|id| id.parse().unwrap());
    Some((ids.next().unwrap(), ids.next().unwrap()))
}

#[expect(clippy::disallowed_methods, reason = "a server for the tests, ended by them")]
fn program(path: &Path) -> Command {
    Command::new(path)
}

fn run_as(mut command: Command, user: Option<(u32, u32)>) -> Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

#[test]
fn the_whole_suite_runs_on_postgresql() {
    if is_on() {
        return;
    }
    let cluster = Cluster::start();
    let ran = program(&std::env::current_exe().unwrap())
        .env(SOCKET, cluster.socket())
        .args(["--test-threads=3"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}");
    let passed = told
        .lines()
        .find_map(|line| line.strip_prefix("test result: ok. "))
        .and_then(|rest| rest.split(' ').next())
        .and_then(|count| count.parse::<u32>().ok());
    assert!(passed.is_some_and(|count| count > 70), "{told}");
}

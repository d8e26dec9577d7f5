//! Any bytes on the daemon's socket: the connection may end, the daemon may not.
#![no_main]

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use pistack_daemon::Options;
use pistack_engine::config::model::{LogTarget, Model, Origin, Server, ServerAddress};

/// Starts the daemon once, on a thread of its own, without programs and without the calls that could end it.
fn socket() -> &'static Path {
    static SOCKET: OnceLock<PathBuf> = OnceLock::new();
    SOCKET.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let socket = folder.join("s.sock");
        let mut model = Model::default();
        model.settings.logfile = LogTarget::None;
        model.settings.pidfile = folder.join("daemon.pid");
        model.settings.minfds = 0;
        model.settings.minprocs = 0;
        model.servers.push(Server {
            address: ServerAddress::Unix {
                path: socket.clone(),
                mode: 0o600,
                owner: None,
            },
            credentials: None,
            origin: Origin::default(),
        });
        std::thread::spawn(move || {
            pistack_daemon::block_signals();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let options = Options::new(Box::new(|| Err("no reload".to_owned())));
            let ended = runtime.block_on(pistack_daemon::run(model, options));
            panic!("the daemon ended: {ended:?}");
        });
        while UnixStream::connect(&socket).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        socket
    })
}

/// Sends bytes and reads what comes; `last`: says that there are no more, which ends what waits for more.
fn exchange(bytes: &[u8], last: bool) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket()).expect("the daemon listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a timeout can be set");
    // it may hang up in the middle of what it refuses
    let _ = stream.write_all(bytes);
    if last {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    if let Err(error) = stream.take(1 << 20).read_to_end(&mut answer) {
        let timed_out = matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        );
        assert!(!timed_out, "the daemon neither answers nor closes");
    }
    answer
}

fuzz_target!(|bytes: &[u8]| {
    let answer = exchange(bytes, true);
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1."),
        "an answer that is no HTTP"
    );
    let fine = exchange(b"GET /ok.html HTTP/1.0\r\n\r\n", false);
    assert!(fine.starts_with(b"HTTP/1."), "no answer to the next client");
});

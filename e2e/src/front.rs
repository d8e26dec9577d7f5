//! Another web server before the stack's own gateway, or in its place: nginx or Caddy with the configuration that
//! `pistack generate` prints. Tests that talk to a stack talk to it then, by `PISTACK_E2E_FRONT=nginx-before`,
//! `nginx-place`, `caddy-before` or `caddy-place`.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Stack, command, until};

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front {
    /// `nginx` or `caddy`.
    server: &'static str,
    /// `before` or `place`.
    shape: &'static str,
}

impl Front {
    /// What the environment asks for; `None` = the gateway alone.
    ///
    /// # Panics
    /// When it asks for something else.
    pub fn wanted() -> Option<Self> {
        let text = std::env::var("PISTACK_E2E_FRONT").ok()?;
        let (server, shape) = match text.as_str() {
            "" => return None,
            "nginx-before" => ("nginx", "before"),
            "nginx-place" => ("nginx", "place"),
            "caddy-before" => ("caddy", "before"),
            "caddy-place" => ("caddy", "place"),
            other => panic!("PISTACK_E2E_FRONT={other}"),
        };
        Some(Self { server, shape })
    }

    /// `nginx` or `caddy`.
    pub fn server(self) -> &'static str {
        self.server
    }

    /// What the stack behind it has to know.
    pub const CONFIG: &str = "[gateway]\ntrusted_proxies = [\"127.0.0.1\"]\n";

    /// Ports for the services that the other server can be told of.
    pub fn environment() -> Vec<(String, String)> {
        ["AUTH", "SUPERVISOR", "EMAIL", "INFO", "IO", "CONTROL"]
            .iter()
            .map(|name| (format!("{name}_PORT"), free_port().to_string()))
            .collect()
    }

    /// Starts it for a stack that is up.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(self, stack: &Stack) -> Running {
        let port = free_port();
        let https_port = port.to_string();
        let mut arguments = vec![
            "generate",
            self.server,
            "--shape",
            self.shape,
            "--https-port",
            &https_port,
        ];
        arguments.extend(["--http-port", "0", "--bind", "127.0.0.1", "--name", "127.0.0.1"]);
        arguments.extend(["--name", "localhost"]);
        let printed = stack.cli(&arguments);
        assert!(
            printed.status.success(),
            "pistack generate: {}",
            String::from_utf8_lossy(&printed.stderr)
        );
        let folder = stack.folder().join("front");
        fs::create_dir_all(&folder).expect("a folder");
        let child = if self.server == "nginx" {
            nginx(&folder, &printed.stdout)
        } else {
            caddy(&folder, &printed.stdout)
        };
        let mut running = Running {
            child,
            https: format!("https://127.0.0.1:{port}"),
            log: folder.join("log"),
        };
        until("the other server to listen", || {
            running.check_alive();
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        running
    }
}

/// A server that runs. Ended when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    https: String,
    log: PathBuf,
}

impl Running {
    /// Its address.
    pub fn https(&self) -> &str {
        &self.https
    }

    fn check_alive(&mut self) {
        let ended = self.child.try_wait().expect("its state");
        let log = || fs::read_to_string(&self.log).unwrap_or_default();
        assert!(ended.is_none(), "the other server has ended: {}", log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        crate::stack::signal_process("TERM", self.child.id());
        let _ = self.child.wait();
    }
}

/// A port that nobody has at this moment, of those that the kernel gives to nobody by itself.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Programs that run beside this one begin elsewhere.
        let step = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id().wrapping_mul(97);
        let port = 20_000 + (step % 12_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn nginx(folder: &Path, site: &[u8]) -> Child {
    fs::write(folder.join("site.conf"), site).expect("the file is written");
    let mut temporary = String::new();
    for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        temporary += &format!("    {name}_temp_path {}/{name};\n", folder.display());
    }
    let whole = format!(
        "daemon off;\nmaster_process off;\nerror_log {folder}/log;\npid {folder}/pid;\nevents {{}}\nhttp {{\n    \
         access_log off;\n{temporary}    include {folder}/site.conf;\n}}\n",
        folder = folder.display()
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, whole).expect("the file is written");
    let mut nginx = command("nginx");
    nginx
        .arg("-c")
        .arg(&file)
        .arg("-p")
        .arg(folder)
        .arg("-e")
        .arg(folder.join("log"));
    spawn(nginx, folder)
}

fn caddy(folder: &Path, site: &[u8]) -> Child {
    let file = folder.join("Caddyfile");
    fs::write(&file, site).expect("the file is written");
    let mut caddy = command("caddy");
    caddy
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(&file);
    caddy
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .env("XDG_CONFIG_HOME", folder);
    spawn(caddy, folder)
}

fn spawn(mut server: std::process::Command, folder: &Path) -> Child {
    let output = fs::File::create(folder.join("log")).expect("a file");
    let copy = output.try_clone().expect("a descriptor");
    let server = server.stdin(Stdio::null()).stdout(output).stderr(copy);
    server.spawn().expect("the other server starts: is it installed?")
}

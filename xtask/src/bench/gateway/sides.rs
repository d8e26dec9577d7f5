//! A stack, and an nginx beside it that shows the same certificate and leads to the same service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::run;

/// How long a start may take, in looks of 50 ms.
const LOOKS: u32 = 600;

/// Both.
pub(super) struct Sides {
    child: Child,
    program: PathBuf,
    state: PathBuf,
    config: PathBuf,
    /// Pid of our gateway.
    pub(super) gateway: u32,
    pub(super) nginx: Nginx,
}

impl Sides {
    const SECURE: &'static str = "127.0.0.1:38443";
    const PLAIN: &'static str = "127.0.0.1:38081";

    pub(super) fn start(scratch: &Path) -> anyhow::Result<Self> {
        let program = run::pistack()?;
        let state = scratch.join("state");
        let config = scratch.join("pistack.toml");
        let socket = state.join("run/auth_service.sock");
        fs::create_dir_all(&state)?;
        let parts = ["supervisor", "email", "info", "io", "control"]
            .iter()
            .zip(38001..);
        let ports: Vec<String> = parts
            .map(|(name, port)| format!("[services.{name}]\nport = {port}\n"))
            .collect();
        fs::write(
            &config,
            format!(
                "{ports}[services.auth]\nport = 38010\n\
                 [route.plain]\npath = \"/\"\nlisten = \"{plain}\"\ntls = false\nauth = \"public\"\ncompress = false\n\
                 to = \"unix:{socket}\"\n\
                 [route.big]\npath = \"/big\"\nstrip = true\nauth = \"public\"\nmax_body = 0\ncompress = false\nto = \"http://127.0.0.1:39090\"\n\
                 [route.sink]\npath = \"/sink\"\nauth = \"public\"\nmax_body = 0\ncompress = false\nto = \"http://127.0.0.1:39091\"\n",
                ports = ports.concat(),
                plain = Self::PLAIN,
                socket = socket.display(),
            ),
        )?;
        let child = run::command(&program.display().to_string())
            .arg("-c")
            .arg(&config)
            .arg("--state-dir")
            .arg(&state)
            .args([
                "up",
                "--quiet",
                "--https",
                Self::SECURE,
                "--http",
                "127.0.0.1:38080",
            ])
            .stdin(Stdio::null())
            .spawn()?;
        let mut sides = Self {
            child,
            program,
            state,
            config,
            gateway: 0,
            nginx: Nginx::none(),
        };
        wait("the gateway", || sides.state.join("run/gateway.json").exists())?;
        wait("the service", || {
            answers(&format!("{}/api/auth/health", Self::secure()))
        })?;
        wait("the plain port", || {
            answers(&format!("{}/api/auth/health", Self::plain()))
        })?;
        sides.gateway = sides.pid("gateway")?;
        sides.nginx = Nginx::start(scratch, &sides.state)?;
        Ok(sides)
    }

    pub(super) fn secure() -> String {
        format!("https://{}", Self::SECURE)
    }

    pub(super) fn plain() -> String {
        format!("http://{}", Self::PLAIN)
    }

    fn pid(&self, name: &str) -> anyhow::Result<u32> {
        let text = run::output(
            run::command(&self.program.display().to_string())
                .arg("-c")
                .arg(&self.config)
                .arg("--state-dir")
                .arg(&self.state)
                .args(["status", "--json"]),
        )?;
        let document: Value = serde_json::from_str(&text)?;
        let processes = document["processes"].as_array().context("no processes")?;
        let found = processes.iter().find(|process| process["name"] == name);
        let pid = found
            .and_then(|process| process["pid"].as_u64())
            .context("no such process")?;
        Ok(u32::try_from(pid)?)
    }
}

impl Drop for Sides {
    fn drop(&mut self) {
        let _ = run::output(run::command("kill").arg(self.child.id().to_string()));
        let _ = self.child.wait();
    }
}

/// One nginx with one worker.
pub(super) struct Nginx {
    child: Option<Child>,
    /// Pid of the worker.
    pub(super) worker: u32,
}

impl Nginx {
    pub(super) const SECURE: &'static str = "https://127.0.0.1:39443";
    pub(super) const PLAIN: &'static str = "http://127.0.0.1:39080";
    pub(super) const ORIGINAL: &'static str = "https://127.0.0.1:39444";

    fn none() -> Self {
        Self {
            child: None,
            worker: 0,
        }
    }

    fn start(scratch: &Path, state: &Path) -> anyhow::Result<Self> {
        let config = scratch.join("nginx.conf");
        let folder = scratch.join("nginx");
        fs::create_dir_all(&folder)?;
        let text = CONFIG
            .replace("{folder}", &folder.display().to_string())
            .replace("{leaf}", &state.join("tls/leaf.pem").display().to_string())
            .replace(
                "{socket}",
                &state.join("run/auth_service.sock").display().to_string(),
            );
        fs::write(&config, text)?;
        let child = run::command("nginx")
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .spawn()
            .context("nginx (Debian package nginx) starts")?;
        let mut nginx = Self {
            child: Some(child),
            worker: 0,
        };
        for base in [Self::SECURE, Self::PLAIN, Self::ORIGINAL] {
            wait("nginx", || answers(&format!("{base}/api/auth/health")))?;
        }
        let master = nginx.child.as_ref().map_or(0, Child::id);
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
        nginx.worker = children
            .split_whitespace()
            .next()
            .context("nginx has no worker")?
            .parse()?;
        Ok(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = run::output(run::command("kill").arg(child.id().to_string()));
            let _ = child.wait();
        }
    }
}

/// nginx as somebody would set it up who cares for speed and wants what the gateway does for each request: the same
/// fields forwarded, a request id both ways, limits by address (decision 0008). Beside it the original's way, and the
/// source of the large body.
const CONFIG: &str = "\
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; user root;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  ssl_certificate {leaf}; ssl_certificate_key {leaf}; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:1m;
  upstream kept { server unix:{socket}; keepalive 32; keepalive_requests 100000000; }
  limit_conn_zone $binary_remote_addr zone=c:1m; limit_req_zone $binary_remote_addr zone=r:1m rate=1000000r/s;
  server { listen 127.0.0.1:39443 ssl http2; listen 127.0.0.1:39080;
    limit_conn c 1000; limit_req zone=r burst=100000 nodelay; add_header X-Request-ID $request_id always;
    proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Prefix /; proxy_set_header X-Request-ID $request_id; proxy_set_header Connection \"\";
    location / { proxy_pass http://kept; proxy_http_version 1.1; } }
  server { listen 127.0.0.1:39444 ssl;
    proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
    location / { proxy_pass http://127.0.0.1:38010; } }
  server { listen 127.0.0.1:39090; client_max_body_size 0; root {folder}/files; }
}
";

fn answers(url: &str) -> bool {
    run::output(run::command("curl").args(["-sSkf", "--max-time", "5", "-o", "/dev/null", url])).is_ok()
}

fn wait(what: &str, mut there: impl FnMut() -> bool) -> anyhow::Result<()> {
    for _ in 0..LOOKS {
        if there() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("{what} did not come up")
}

/// CPU time of all threads of a process.
pub(super) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let mut nanoseconds = 0_u64;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += text
            .split_whitespace()
            .next()
            .context("no time")?
            .parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

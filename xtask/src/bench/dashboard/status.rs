//! supervisord with its own status page, with the same programs.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::said;
use crate::run;

/// Where the page is.
pub(super) const ADDRESS: &str = "127.0.0.1:25099";

/// A running supervisord; ended when dropped.
#[derive(Debug)]
pub(super) struct Supervisord(Child);

impl Drop for Supervisord {
    fn drop(&mut self) {
        // SIGTERM, so that it ends its programs too.
        let _ = said(run::command("kill").arg(self.0.id().to_string()));
        let _ = self.0.wait();
    }
}

/// Starts it with so many programs, of which one has a long log as ours has.
pub(super) fn start(scratch: &Path, count: usize) -> anyhow::Result<Supervisord> {
    let folder = scratch.join("status");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let programs: Vec<String> = (1..=count)
        .map(|number| {
            format!(
                "[program:idle-{number:03}]\ncommand=sleep 100000\nstartsecs=0\nstdout_logfile=NONE\n\
                 stderr_logfile=NONE\n"
            )
        })
        .collect();
    let place = folder.display();
    let config = folder.join("supervisord.conf");
    let text = format!(
        "[inet_http_server]\nport={ADDRESS}\n[supervisord]\nlogfile={place}/log\npidfile={place}/pid\n\
         childlogdir={place}\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n{}",
        programs.concat()
    );
    fs::write(&config, text)?;
    let program = scratch.join("venv/bin/supervisord");
    let child = run::command(&program.display().to_string())
        .args(["-n", "-s", "-c"])
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(fs::File::create(folder.join("noise"))?)
        .stderr(Stdio::null())
        .spawn()?;
    crate::bench::supervisor::kernel::wait_for("supervisord's page", Duration::from_secs(30), || {
        std::net::TcpStream::connect(ADDRESS).ok()
    })?;
    Ok(Supervisord(child))
}

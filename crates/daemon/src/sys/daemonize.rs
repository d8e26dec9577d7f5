//! Leaving the terminal (`supervisord` without `-n`), with a parent that waits for the outcome.

use std::fs::File;
use std::io;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

/// The background process's line to the parent that waits in the foreground.
#[derive(Debug)]
#[must_use = "the parent waits until it hears of success or failure"]
pub struct Background {
    parent: io::PipeWriter,
}

/// What the two processes do after [`daemonize`].
#[derive(Debug)]
pub enum Side {
    /// This is the background process: run, and tell the parent how the start went.
    Background(Background),
    /// This is the parent: print the error, if there is one, and exit.
    Foreground(Result<(), String>),
}

/// Splits into a background process without terminal and a parent that waits for its start. Call it before any
/// thread or runtime exists.
pub fn daemonize(directory: Option<&Path>) -> io::Result<Side> {
    let (mut from_child, to_parent) = io::pipe()?;
    // SAFETY: there is one thread, as the documentation asks for, so the child may go on with everything.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            drop(from_child);
            detach(directory)?;
            Ok(Side::Background(Background { parent: to_parent }))
        }
        _ => {
            drop(to_parent);
            let mut news = String::new();
            from_child.read_to_string(&mut news)?;
            Ok(Side::Foreground(match news.strip_prefix("ok") {
                Some(_) => Ok(()),
                None if news.is_empty() => Err("the background process ended before it was ready".to_owned()),
                None => Err(news),
            }))
        }
    }
}

fn detach(directory: Option<&Path>) -> io::Result<()> {
    // SAFETY: setsid takes nothing; it fails for group leaders only, which a fresh child is not.
    if unsafe { libc::setsid() } < 0 {
        return Err(io::Error::last_os_error());
    }
    if let Some(directory) = directory {
        std::env::set_current_dir(directory)?;
    }
    let null = File::options().read(true).write(true).open("/dev/null")?;
    for target in 0..3 {
        // SAFETY: both are descriptors of this process; standard streams may be replaced at any time.
        if unsafe { libc::dup2(null.as_raw_fd(), target) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

impl Background {
    /// Tells the parent that everything runs: it exits with success.
    pub fn ready(mut self) {
        // a parent that is gone needs no news
        let _ = self.parent.write_all(b"ok");
    }

    /// Tells the parent why the start failed: it prints the text and exits with an error.
    pub fn failed(mut self, reason: &str) {
        let _ = self.parent.write_all(reason.as_bytes());
    }
}

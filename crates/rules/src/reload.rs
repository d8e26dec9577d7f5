//! New rules without a restart: read everything, check everything, and only then go over to it.

use std::fmt;
use std::io;
use std::sync::Arc;

use pistack_kit::config::ConfigErrors;
use pistack_kit::lifecycle::Lifecycle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::hub::{Reload, Tables};

/// Reads the tables again and tells everybody who works by them. Cheap to clone.
#[derive(Clone)]
pub struct Reloader {
    read: Reload,
    tables: watch::Sender<Arc<Tables>>,
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}

impl Reloader {
    /// Begins with `tables`; `read` brings the next ones.
    pub fn new(tables: Tables, read: Reload) -> Self {
        Self {
            read,
            tables: watch::Sender::new(Arc::new(tables)),
        }
    }

    /// The tables as they are, and word of new ones.
    pub fn tables(&self) -> watch::Receiver<Arc<Tables>> {
        self.tables.subscribe()
    }

    /// Reads and checks the whole configuration; only if nothing is wrong with it do the new tables take the place of
    /// the old ones.
    ///
    /// # Errors
    /// Everything that is wrong, with file and line; what runs is untouched then.
    pub fn reload(&self) -> Result<Arc<Tables>, ConfigErrors> {
        let tables = Arc::new((self.read)(None)?);
        self.tables.send_if_modified(|known| {
            let differs = **known != *tables;
            *known = Arc::clone(&tables);
            differs
        });
        Ok(tables)
    }

    /// What the tables would be if the overlay held `text`. Nothing is written and nobody is told.
    ///
    /// # Errors
    /// Everything that would be wrong then.
    pub fn look(&self, text: &str) -> Result<Tables, ConfigErrors> {
        (self.read)(Some(text))
    }

    /// Does so on SIGHUP, until the process stops.
    ///
    /// # Errors
    /// When the signal cannot be listened to.
    pub fn on_hangup(&self, lifecycle: &Lifecycle) -> io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let reloader = self.clone();
        let life = lifecycle.clone();
        lifecycle.spawn(async move {
            loop {
                tokio::select! {
                    received = hangup.recv() => if received.is_none() { return },
                    () = life.stopped() => return,
                }
                if let Err(errors) = reloader.reload() {
                    tracing::error!(
                        "the rules stay as they are, because the configuration is wrong: {}",
                        in_one_line(&errors)
                    );
                }
            }
        });
        Ok(())
    }
}

/// All errors as one text.
pub fn in_one_line(errors: &ConfigErrors) -> String {
    let lines: Vec<String> = errors
        .0
        .iter()
        .map(pistack_kit::config::ConfigError::one_line)
        .collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Matching;

    #[tokio::test]
    async fn a_wrong_configuration_changes_nothing() {
        let wrong = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let flag = Arc::clone(&wrong);
        let reloader = Reloader::new(
            Tables::default(),
            Arc::new(move |_| {
                if flag.load(std::sync::atomic::Ordering::SeqCst) {
                    let mut error = pistack_kit::config::ConfigError::whole_file("pistack.toml", "wrong");
                    error.line = 3;
                    return Err(ConfigErrors(vec![error]));
                }
                let mut tables = Tables::default();
                tables.config.matching = Matching::All;
                Ok(tables)
            }),
        );
        let mut seen = reloader.tables();
        wrong.store(true, std::sync::atomic::Ordering::SeqCst);
        let errors = reloader.reload().unwrap_err();
        assert_eq!(in_one_line(&errors), "pistack.toml:3: wrong");
        assert!(!seen.has_changed().unwrap());
        wrong.store(false, std::sync::atomic::Ordering::SeqCst);
        reloader.reload().unwrap();
        assert_eq!(seen.borrow_and_update().config.matching, Matching::All);
        // The same again is no news.
        reloader.reload().unwrap();
        assert!(!seen.has_changed().unwrap());
    }
}

//! Other routes while everything goes on: the new configuration is read and checked as a whole, ports of their own
//! are bound, and only then the table is swapped. Whatever fails leaves the old routes in force.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use crate::certificates_view::CertificatesView;
use crate::config::{Config, Routes};
use crate::doors::Bound;
use crate::plan::plan;
use crate::proxy::Gateway;
use crate::renewal::Renewal;
use crate::routes::Table;

/// Reads the configuration again: `[gateway]` and `[route.NAME]`, or what is wrong with it.
#[derive(Clone)]
pub struct Reload(Arc<dyn Fn() -> Result<(Config, Routes), String> + Send + Sync>);

impl Reload {
    /// By this function, which may block.
    pub fn new(read: impl Fn() -> Result<(Config, Routes), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reload")
    }
}

/// Puts a new configuration into force.
pub(crate) struct Reloader {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) renewal: Arc<Renewal>,
    /// To tell of certificates.
    pub(crate) certificates: CertificatesView,
    /// `None`: there is nothing to read again.
    pub(crate) read: Option<Reload>,
    /// Lets clients in at a port of its own.
    pub(crate) open: Box<dyn Fn(Bound) + Send + Sync>,
    /// One at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl Reloader {
    /// Reads and swaps.
    ///
    /// # Errors
    /// What is wrong with the new configuration; the old one goes on.
    pub(crate) async fn reload(&self) -> Result<(), String> {
        let _turn = self.turn.lock().await;
        let read = self
            .read
            .clone()
            .ok_or("this gateway has no configuration to read")?;
        let (config, routes) = tokio::task::spawn_blocking(move || (read.0)())
            .await
            .map_err(|error| error.to_string())??;
        let planned = plan(&config, &routes).map_err(|findings| {
            let lines: Vec<String> = findings.into_iter().map(|finding| finding.message).collect();
            lines.join("; ")
        })?;
        let gateway = &self.gateway;
        let table = Table::new(planned, &gateway.upstreams, &gateway.metrics);
        let doors = table.doors();
        let bound = gateway
            .doors
            .bind(&doors)
            .await
            .map_err(|error| error.to_string())?;
        let mut names = config.names;
        names.extend(table.host_names());
        self.renewal.rename(names).await?;
        gateway.set_table(table);
        gateway.doors.keep(&doors);
        for door in bound {
            (self.open)(door);
        }
        tracing::info!("the routes of the new configuration are in force");
        Ok(())
    }

    /// The same on a signal, where the log is the only one to tell.
    pub(crate) async fn reload_and_log(&self) {
        if let Err(reason) = self.reload().await {
            tracing::error!(reason, "the routes stay as they are");
        }
    }

    /// Reloads at every SIGHUP until `stopped`.
    pub(crate) async fn until(&self, stopped: impl Future<Output = ()>) -> std::io::Result<()> {
        let mut hangups = signal(SignalKind::hangup())?;
        let mut stopped = pin!(stopped);
        loop {
            tokio::select! {
                () = &mut stopped => return Ok(()),
                _ = hangups.recv() => self.reload_and_log().await,
            }
        }
    }
}

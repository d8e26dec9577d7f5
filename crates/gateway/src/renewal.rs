//! Keeps names and certificate up to date while the gateway runs.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::proxy::Gateway;
use crate::tls::Certificates;

/// How often host name, dates and the operator's files are looked at.
const INTERVAL: Duration = Duration::from_mins(1);
/// A connection to an unknown address leads to a look at most this often.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks after the certificate.
pub(crate) struct Renewal {
    gateway: Arc<Gateway>,
    certificates: Arc<Mutex<Certificates>>,
    clock: Clock,
    looked_at: tokio::sync::Mutex<Duration>,
}

impl Renewal {
    pub(crate) fn new(gateway: Arc<Gateway>, certificates: Certificates, clock: Clock) -> Arc<Self> {
        let looked_at = tokio::sync::Mutex::new(clock.monotonic());
        Arc::new(Self {
            gateway,
            certificates: Arc::new(Mutex::new(certificates)),
            clock,
            looked_at,
        })
    }

    /// Looks at regular times, until `stop`.
    pub(crate) async fn watch(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => self.look().await,
                () = stop.cancelled() => return,
            }
        }
    }

    /// A client came in at `local`. An address that is new (DHCP, another network) gets into the certificate
    /// before the handshake, so that the first visitor already sees the right one.
    pub(crate) async fn reached_at(&self, local: IpAddr) {
        if self.gateway.names().has_address(local) {
            return;
        }
        let mut looked_at = self.looked_at.lock().await;
        let now = self.clock.monotonic();
        if !self.gateway.names().has_address(local) && now.saturating_sub(*looked_at) >= PAUSE {
            *looked_at = now;
            self.look().await;
        }
    }

    /// Other configured names: the certificate gets them.
    ///
    /// # Errors
    /// Why it cannot; everything stays as it was.
    pub(crate) async fn rename(&self, names: Vec<String>) -> Result<(), String> {
        let certificates = self.certificates.clone();
        let renamed = tokio::task::spawn_blocking(move || {
            certificates
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .rename(names)
        });
        let names = renamed
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        self.gateway.set_names(names);
        Ok(())
    }

    /// Looks now.
    pub(crate) async fn look(&self) {
        let certificates = self.certificates.clone();
        // Files are written and synchronised: not on the thread that serves.
        let looked = tokio::task::spawn_blocking(move || {
            certificates
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .refresh()
        });
        match looked.await {
            Ok(Ok(names)) => self.gateway.set_names(names),
            Ok(Err(error)) => tracing::error!(%error, "the certificate stays as it is"),
            Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
        }
    }
}

//! When to renew, as the authority itself suggests it (ACME Renewal Information, RFC 9773). It may bring a renewal
//! forward, such as before certificates are revoked. An authority that suggests nothing is not asked again: then a third
//! of a certificate's life decides.

use std::path::Path;
use std::time::Duration;

use instant_acme::{Account, CertificateIdentifier, Error, Identifier, NewOrder, Order, RenewalInfo};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// The authority says itself when to ask again; that is taken for what it is between these (RFC 9773 section 4.3.2).
const ASK_AGAIN: (Duration, Duration) = (Duration::from_hours(1), Duration::from_hours(24));

/// A suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Seconds since 1970.
    start: i64,
    end: i64,
    /// The moment in it that was chosen.
    pub(super) at: i64,
}

impl Window {
    /// A moment between start and end by chance, so that not all boards come at once (RFC 9773 section 4.2). The same
    /// suggestion as before leaves it where it was. `None`: it ends before it starts.
    fn choose(start: i64, end: i64, before: Option<Self>, chance: u64) -> Option<Self> {
        let same = before.filter(|before| (before.start, before.end) == (start, end));
        let width = u64::try_from(end.checked_sub(start)?)
            .ok()
            .filter(|width| *width > 0)?;
        let at = start + i64::try_from(chance % width).ok()?;
        Some(same.unwrap_or(Self { start, end, at }))
    }
}

/// What the authority suggests for the certificate at `path`, and when to ask again. `None`: it suggests nothing.
pub(super) async fn suggested(
    account: &Account,
    path: &Path,
    before: Option<Window>,
) -> Result<(Option<Window>, Duration), Error> {
    let Some(der) = certificate(path) else {
        return Ok((None, ASK_AGAIN.1));
    };
    let Ok(id) = CertificateIdentifier::try_from(&der) else {
        return Ok((None, ASK_AGAIN.1));
    };
    match account.renewal_info(&id).await {
        Ok((info, again)) => Ok((read(&info, before), again.clamp(ASK_AGAIN.0, ASK_AGAIN.1))),
        Err(Error::Unsupported(_)) => Ok((None, ASK_AGAIN.1)),
        Err(error) => Err(error),
    }
}

fn read(info: &RenewalInfo, before: Option<Window>) -> Option<Window> {
    let mut chance = [0; 8];
    pistack_kit::random::fill(&mut chance);
    let window = &info.suggested_window;
    let (start, end) = (window.start.unix_timestamp(), window.end.unix_timestamp());
    let chosen = Window::choose(start, end, before, u64::from_le_bytes(chance));
    if let Some(url) = info.explanation_url.as_ref().filter(|_| chosen != before) {
        tracing::info!(url, "why the authority suggests this time for the renewal");
    }
    chosen
}

/// Orders a certificate, as the successor of the one at `path` where the authority can be told so: that may lift its
/// limits (RFC 9773 section 5).
pub(super) async fn order(account: &Account, names: &[Identifier], path: &Path) -> Result<Order, Error> {
    if let Some(der) = certificate(path)
        && let Ok(id) = CertificateIdentifier::try_from(&der)
    {
        let successor = NewOrder::new(names).replaces(id);
        match account.new_order(&successor).await {
            Ok(order) => return Ok(order),
            // It may have been replaced already, or be another authority's: then without.
            Err(error) => tracing::debug!(%error, "not ordered as a successor"),
        }
    }
    account.new_order(&NewOrder::new(names)).await
}

fn certificate(path: &Path) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_file(path).ok()
}

#[cfg(test)]
mod tests;

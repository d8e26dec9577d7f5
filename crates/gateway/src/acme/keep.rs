//! Keeps a certificate from the authority while the gateway runs: asked for when there is none, renewed when the
//! authority suggests it or a third of its life is left, tried again with growing pauses.

use std::sync::Arc;
use std::time::Duration;

use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use tokio_util::sync::CancellationToken;

use super::window::{self, Window};
use super::{Places, account, obtain};
use crate::config::Acme;
use crate::renewal::Renewal;
use crate::tls::{Validity, validity};

/// How often the dates are looked at.
const INTERVAL: Duration = Duration::from_hours(1);
/// Pauses after failures: authorities count failed attempts (Let's Encrypt: five an hour).
const PAUSES: [Duration; 5] = [
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(12),
];

/// Until `stop`.
pub(crate) async fn keep(
    acme: Acme,
    paths: StatePaths,
    clock: Clock,
    renewal: Arc<Renewal>,
    stop: CancellationToken,
) {
    let mut failures = 0;
    let mut suggestion = Suggestion::default();
    loop {
        let now = clock.unix();
        let due = is_due(&acme, &paths, now) || {
            tokio::select! {
                () = suggestion.hear(&acme, &paths, now) => {}
                () = stop.cancelled() => return,
            }
            suggestion.is_due(now)
        };
        let pause = if due {
            let obtained = tokio::select! {
                obtained = obtain(&acme, &paths, &clock, |text| tracing::info!(text, "certificate")) => obtained,
                () = stop.cancelled() => return,
            };
            match obtained {
                Ok(_) => {
                    failures = 0;
                    suggestion = Suggestion::default();
                    renewal.look().await;
                    INTERVAL
                }
                Err(error) => {
                    let pause = PAUSES[failures.min(PAUSES.len() - 1)];
                    failures += 1;
                    tracing::error!(%error, minutes = pause.as_secs() / 60, "no certificate yet; trying again later");
                    pause
                }
            }
        } else {
            INTERVAL
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// What the authority suggested last.
#[derive(Debug, Default)]
struct Suggestion {
    window: Option<Window>,
    /// Not to be asked before, in seconds since 1970.
    ask_at: i64,
}

impl Suggestion {
    /// Asks where it is time to. An authority that cannot be reached is asked again at the next look; the dates of the
    /// certificate count in any case.
    async fn hear(&mut self, acme: &Acme, paths: &StatePaths, now: i64) {
        let places = Places::new(paths);
        if now < self.ask_at {
            return;
        }
        let heard = async {
            let account = account(acme, &places).await.map_err(|error| error.to_string())?;
            let heard = window::suggested(&account, &places.certificate(), self.window).await;
            heard.map_err(|error| error.to_string())
        };
        match heard.await {
            Ok((window, again)) => {
                self.window = window;
                self.ask_at = now + again.as_secs() as i64;
            }
            Err(error) => tracing::debug!(error, "the authority suggests no time for the renewal"),
        }
    }

    fn is_due(&self, now: i64) -> bool {
        self.window.is_some_and(|window| window.at <= now)
    }
}

/// Whether there is no certificate, or one for other names, or one of which less than a third is left.
fn is_due(acme: &Acme, paths: &StatePaths, now: i64) -> bool {
    let Some(found) = validity(&Places::new(paths).certificate()) else {
        return true;
    };
    ends_soon(&found, now) || acme.domains.iter().any(|domain| !found.covers(domain))
}

fn ends_soon(found: &Validity, now: i64) -> bool {
    let life = found.not_after - found.not_before;
    found.not_after - now < life / 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use pistack_kit::paths::write_atomic;
    use rcgen::{CertificateParams, KeyPair};

    #[test]
    fn renewal_is_due_without_one_with_a_third_left_and_for_another_name() {
        let directory = tempfile::tempdir().unwrap();
        let paths = StatePaths::new(directory.path());
        paths.create().unwrap();
        let acme = |domain: &str| Acme {
            domains: vec![domain.to_owned()],
            ..Acme::default()
        };
        let days = |count: i64| 1_800_000_000 + count * 86_400;
        assert!(is_due(&acme("a.example.org"), &paths, days(0)));
        let mut params =
            CertificateParams::new(["a.example.org".to_owned(), "*.b.example.org".to_owned()]).unwrap();
        params.not_before = time::OffsetDateTime::from_unix_timestamp(days(0)).unwrap();
        params.not_after = time::OffsetDateTime::from_unix_timestamp(days(90)).unwrap();
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem() + &key.serialize_pem();
        write_atomic(&Places::new(&paths).certificate(), pem.as_bytes(), 0o600).unwrap();
        assert!(!is_due(&acme("a.example.org"), &paths, days(59)));
        assert!(is_due(&acme("a.example.org"), &paths, days(61)));
        assert!(!is_due(&acme("*.b.example.org"), &paths, days(1)));
        assert!(is_due(&acme("c.example.org"), &paths, days(1)));
    }
}

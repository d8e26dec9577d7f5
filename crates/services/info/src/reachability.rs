//! Can others be reached: a TCP connection to the gateway and to a chosen host, with the time it took. An echo request
//! (ping) would need a right that an ordinary service does not have.

use std::io;
use std::time::Duration;

use pistack_kit::clock::Clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::network::Network;

/// Longest time for one connection.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is good: nobody can make the board knock more often.
const FRESH: Duration = Duration::from_secs(10);
/// A gateway is asked at its resolver's port: most home routers have one, and a refusal tells as much.
const GATEWAY_PORT: u16 = 53;

/// Who can be reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Reachability {
    /// The gateway of the best default route; `null` without one.
    pub(crate) gateway: Option<Probe>,
    /// The host of `[info] reachability_host`; `null` when none is set.
    pub(crate) host: Option<Probe>,
    /// Seconds since they were asked.
    pub(crate) age_s: u64,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Probe {
    /// Whom.
    #[schema(example = "192.168.1.1:53")]
    pub(crate) target: String,
    /// It answered; a refused connection is an answer of the machine, too.
    pub(crate) reachable: bool,
    /// How long the answer took, ms.
    #[schema(example = 1.8)]
    pub(crate) latency_ms: Option<f64>,
    /// Why there was none.
    #[schema(example = "no answer within 2000 ms")]
    pub(crate) error: Option<String>,
}

/// The last answer, one flight for all.
#[derive(Debug)]
pub(crate) struct Reach {
    host: Option<String>,
    last: tokio::sync::Mutex<Option<(Duration, Reachability)>>,
}

impl Reach {
    /// `host` is `NAME:PORT`.
    pub(crate) fn new(host: Option<String>) -> Self {
        Self {
            host,
            last: tokio::sync::Mutex::default(),
        }
    }

    /// Asks both, unless they were asked a moment ago.
    pub(crate) async fn get(&self, network: &Network, clock: &Clock) -> Reachability {
        let mut last = self.last.lock().await;
        let now = clock.monotonic();
        if let Some((at, known)) = &*last {
            let age = now.saturating_sub(*at);
            if age < FRESH {
                return Reachability {
                    age_s: age.as_secs(),
                    ..known.clone()
                };
            }
        }
        let gateway = network
            .gateways(now, GATEWAY_PORT)
            .first()
            .map(ToString::to_string);
        let (gateway, host) = tokio::join!(
            knock_if(gateway.as_deref(), clock),
            knock_if(self.host.as_deref(), clock)
        );
        let answer = Reachability {
            gateway,
            host,
            age_s: 0,
        };
        *last = Some((clock.monotonic(), answer.clone()));
        answer
    }
}

async fn knock_if(target: Option<&str>, clock: &Clock) -> Option<Probe> {
    Some(knock(target?, clock).await)
}

async fn knock(target: &str, clock: &Clock) -> Probe {
    let began = clock.monotonic();
    let outcome = tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(target)).await;
    let took = clock.monotonic().saturating_sub(began).as_secs_f64() * 1000.0;
    let error = match outcome {
        Ok(Ok(_)) => None,
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no answer within {} ms", PATIENCE.as_millis())),
    };
    Probe {
        target: target.to_owned(),
        reachable: error.is_none(),
        latency_ms: error.is_none().then_some(took),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_is_an_answer_and_a_bad_name_is_none() {
        let clock = Clock::system();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let open = knock(&address, &clock).await;
        assert!(open.reachable && open.latency_ms.is_some_and(|ms| ms >= 0.0));
        drop(listener);
        assert!(knock(&address, &clock).await.reachable);
        let bad = knock("no port", &clock).await;
        assert!(!bad.reachable && bad.error.is_some() && bad.latency_ms.is_none());
    }

    #[tokio::test]
    async fn nobody_is_asked_twice_in_a_moment() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let network = Network::new(&crate::read::files::Tree::new("/nowhere"));
        let (reach, clock) = (Reach::new(Some(host)), Clock::manual(1_700_000_000));
        let first = reach.get(&network, &clock).await;
        assert!(first.gateway.is_none() && first.host.is_some_and(|host| host.reachable));
        drop(listener);
        clock.advance(Duration::from_secs(9));
        assert_eq!(reach.get(&network, &clock).await.age_s, 9);
        clock.advance(Duration::from_secs(1));
        assert_eq!(reach.get(&network, &clock).await.age_s, 0);
    }
}

//! Whether the mail server can be used: a pure record of what its conversations brought.
//!
//! A failure of the server as a whole (nobody there, no trusted TLS, a service that is closing) makes everything wait,
//! so that mails keep their order and nobody knocks once a mail. A refused login stops everything until a person, or a
//! new password, changes something: a server that sees the same wrong password again and again closes the account.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Retry;
use crate::deliver::{Stage, Verdict};
use crate::error::Error;

/// Broken conversations in a row after which the server, and no longer the mail, is at fault.
const BROKEN_IN_A_ROW: u32 = 3;

/// What the record says.
#[derive(Debug, Clone, Default)]
pub(crate) enum State {
    /// Nothing was tried since the start.
    #[default]
    Unknown,
    /// The last conversation was fine.
    Ok,
    /// The last ones failed; nothing is tried before `until` (monotonic).
    Failing { until: Duration, error: Error },
    /// Stopped: the login was refused, or cannot be tried safely.
    Paused {
        error: Error,
        /// Changes with user name and password.
        login_mark: Option<Vec<u8>>,
    },
}

/// What is to be done with the mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Send.
    Go,
    /// Not before this time (monotonic).
    Wait(Duration),
    /// Not until something changes.
    Paused,
}

/// The record.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    state: State,
    failures: u32,
    broken_in_a_row: u32,
}

/// The same for readers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ChannelView {
    /// `unknown`, `ok`, `failing` or `paused`.
    #[schema(example = "ok")]
    pub(crate) state: &'static str,
    /// The mail server.
    #[schema(example = "mail.example.org:587")]
    pub(crate) server: String,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Seconds until the next try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_try_seconds: Option<u64>,
}

/// Wait before try number `tries` + 1: doubled each time up to the cap, and by `chance` (0 to 255) up to 20 % shorter or
/// longer, so that a hundred boards do not knock at one moment.
pub(crate) fn backoff(retry: &Retry, tries: u32, chance: u8) -> Duration {
    let doubled = retry
        .first
        .0
        .saturating_mul(1_u32 << tries.saturating_sub(1).min(20));
    let wait = doubled.min(retry.cap.0);
    let percent = 80 + u32::from(chance) * 40 / 255;
    (wait.saturating_mul(percent) / 100).min(retry.cap.0)
}

impl Channel {
    /// Whether to send at `now` (monotonic).
    pub(crate) fn leave(&self, now: Duration) -> Leave {
        match &self.state {
            State::Paused { .. } => Leave::Paused,
            State::Failing { until, .. } if *until > now => Leave::Wait(*until),
            _ => Leave::Go,
        }
    }

    /// The error of a pause that stands for this login.
    pub(crate) fn paused_for(&self, login_mark: Option<&[u8]>) -> Option<Error> {
        match &self.state {
            State::Paused {
                error,
                login_mark: known,
            } if known.as_deref() == login_mark => Some(error.clone()),
            _ => None,
        }
    }

    /// Ends a pause, and any wait: somebody changed something, or asks for it.
    pub(crate) fn resume(&mut self) {
        *self = Self::default();
    }

    /// Takes note of a conversation. True if it says something about the server and nothing about the mail.
    pub(crate) fn learn(
        &mut self,
        verdict: &Verdict,
        login_mark: impl FnOnce() -> Option<Vec<u8>>,
        now: Duration,
        retry: &Retry,
        chance: u8,
    ) -> bool {
        let Some(error) = &verdict.error else {
            *self = Self {
                state: State::Ok,
                ..Self::default()
            };
            return false;
        };
        if pauses(error, verdict.stage) {
            self.state = State::Paused {
                error: error.clone(),
                login_mark: login_mark(),
            };
            return true;
        }
        let closing = matches!(error, Error::Refused { code: 421, .. });
        if verdict.stage != Stage::Connect && !closing {
            // A mail that makes the server hang up must not hold up the others; a server that hangs up on each is
            // another matter.
            self.broken_in_a_row += 1;
            if self.broken_in_a_row < BROKEN_IN_A_ROW {
                return false;
            }
        }
        self.failures += 1;
        self.state = State::Failing {
            until: now + backoff(retry, self.failures, chance),
            error: error.clone(),
        };
        verdict.stage == Stage::Connect || closing
    }

    /// For readers.
    pub(crate) fn view(&self, server: String, now: Duration) -> ChannelView {
        let (state, error, next) = match &self.state {
            State::Unknown => ("unknown", None, None),
            State::Ok => ("ok", None, None),
            State::Failing { until, error } => {
                ("failing", Some(error), Some(until.saturating_sub(now).as_secs()))
            }
            State::Paused { error, .. } => ("paused", Some(error), None),
        };
        ChannelView {
            state,
            server,
            failures: self.failures,
            error: error.map(ToString::to_string),
            next_try_seconds: next,
        }
    }
}

/// Whether going on would only repeat a refused login, or needs another configuration. 4xx at a login passes by itself
/// (RFC 4954, section 6).
fn pauses(error: &Error, stage: Stage) -> bool {
    match error {
        Error::Login { code, .. } => *code >= 500,
        // No way to log in that both sides know.
        Error::Unsupported { .. } => stage == Stage::Connect,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn failed(stage: Stage, error: Error) -> Verdict {
        Verdict {
            replies: Vec::new(),
            stage,
            error: Some(error),
            usable: false,
        }
    }

    fn unreachable() -> Error {
        Error::Unreachable {
            server: "mail:25".into(),
            reason: "refused".into(),
        }
    }

    fn broken() -> Error {
        Error::Broken {
            server: "mail:25".into(),
            reason: "gone".into(),
        }
    }

    fn learn(channel: &mut Channel, verdict: &Verdict, now: Duration) -> bool {
        channel.learn(verdict, || Some(vec![1]), now, &Retry::default(), 128)
    }

    #[test]
    fn waits_double_up_to_the_cap_with_some_chance() {
        let retry = Retry::default();
        let middle: Vec<_> = (1..=9)
            .map(|tries| backoff(&retry, tries, 128).as_secs())
            .collect();
        assert_eq!(middle, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(backoff(&retry, 1, 0), Duration::from_secs(24));
        assert_eq!(backoff(&retry, 1, 255), Duration::from_secs(36));
        assert_eq!(backoff(&retry, u32::MAX, 255), HOUR);
        assert_eq!(backoff(&retry, 30, 0), HOUR * 8 / 10);
    }

    #[test]
    fn a_server_that_is_away_is_asked_less_and_less_often() {
        let mut channel = Channel::default();
        let mut now = Duration::ZERO;
        let mut knocks = 0;
        while now < HOUR * 24 {
            assert!(learn(&mut channel, &failed(Stage::Connect, unreachable()), now));
            knocks += 1;
            let Leave::Wait(until) = channel.leave(now) else {
                panic!("{channel:?}");
            };
            assert!(until > now && until <= now + HOUR);
            now = until;
            assert_eq!(channel.leave(now), Leave::Go);
        }
        assert!((28..=34).contains(&knocks), "{knocks}");
        let fine = Verdict {
            error: None,
            ..failed(Stage::Answer, broken())
        };
        assert!(!learn(&mut channel, &fine, now));
        assert_eq!(channel.view("mail:25".into(), now).state, "ok");
    }

    #[test]
    fn one_mail_that_breaks_the_conversation_does_not_stop_the_others() {
        let mut channel = Channel::default();
        let verdict = failed(Stage::Data, broken());
        for _ in 0..2 {
            assert!(!learn(&mut channel, &verdict, Duration::ZERO));
            assert_eq!(channel.leave(Duration::ZERO), Leave::Go);
        }
        assert!(
            !learn(&mut channel, &verdict, Duration::ZERO),
            "it still counts for the mail"
        );
        assert!(matches!(channel.leave(Duration::ZERO), Leave::Wait(_)));
    }

    #[test]
    fn a_refused_login_pauses_until_the_password_changes() {
        let login = |code| Error::Login {
            server: "mail:25".into(),
            code,
            text: "bad".into(),
        };
        let mut channel = Channel::default();
        assert!(learn(
            &mut channel,
            &failed(Stage::Connect, login(454)),
            Duration::ZERO
        ));
        assert!(
            matches!(channel.leave(Duration::ZERO), Leave::Wait(_)),
            "passes by itself"
        );
        assert!(learn(&mut channel, &failed(Stage::Connect, login(535)), HOUR));
        assert_eq!(channel.leave(HOUR * 1000), Leave::Paused);
        assert_eq!(channel.paused_for(Some(&[1])), Some(login(535)));
        assert_eq!(channel.paused_for(Some(&[2])), None);
        channel.resume();
        assert_eq!(channel.leave(HOUR), Leave::Go);
        let unsupported = Error::Unsupported {
            server: "mail:25".into(),
            reason: "no way".into(),
        };
        learn(&mut channel, &failed(Stage::Connect, unsupported), HOUR);
        assert_eq!(channel.leave(HOUR), Leave::Paused);
    }
}

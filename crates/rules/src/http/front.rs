//! What the handlers share, and the calls themselves without the question who asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use pistack_api::event::Event;
use pistack_kit::config::ConfigErrors;
use pistack_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use super::desk::Desk;
use crate::ask::{Asker, Outcome, RuleView};
use crate::channel::message::Word;
use crate::config::{RuleState, Severity};
use crate::deliver::{Dispatch, UnknownChannel};
use crate::history::HistoryError;
use crate::hub::Tables;
use crate::reload::{Reloader, in_one_line};

/// Messages that one person may send by hand within an hour.
const BY_HAND: usize = 30;
/// Wrong secrets that hooks take within a minute before they answer nobody for the rest of it.
const WRONG_SECRETS: usize = 20;

/// Handle on everything. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    asker: Asker,
    dispatch: Dispatch,
    reloader: Reloader,
    tables: watch::Receiver<Arc<Tables>>,
    desk: Desk,
    /// When who did something that is limited.
    done: Arc<Mutex<HashMap<String, Vec<i64>>>>,
}

/// A message to send.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendRequest {
    /// Names of channels. All get the message.
    #[schema(example = json!(["phone"]))]
    pub(crate) channels: Vec<String>,
    /// One line.
    #[schema(example = "The door is open")]
    pub(crate) title: String,
    /// The text; the title alone if absent.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// `info`, `warning` or `critical`. Default: `info`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "info")]
    pub(crate) severity: Option<Severity>,
}

/// The messages lie in their queues.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Queued {
    /// How many.
    queued: usize,
}

/// What a test message came to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TestAnswer {
    /// Whether the other side took it.
    ok: bool,
    /// What it said, or why it did not work.
    #[schema(example = "200 OK")]
    detail: String,
}

/// What to try rules on: an event written out, or that of an earlier firing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TestRequest {
    /// Only this rule; all if absent.
    pub(crate) rule: Option<String>,
    /// The event.
    pub(crate) event: Option<TestEvent>,
    /// Number of a firing in the log whose event is taken.
    pub(crate) firing: Option<i64>,
}

/// An event as a person writes it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TestEvent {
    /// Its type, such as `PROCESS_STATE_EXITED`.
    #[schema(example = "PROCESS_STATE_EXITED")]
    pub(crate) name: String,
    /// Its fields, such as `processname`, `groupname`, `from_state`, `expected`.
    #[schema(value_type = Object)]
    pub(crate) fields: serde_json::Map<String, serde_json::Value>,
    /// What follows them.
    pub(crate) data: String,
    /// Ignored; a stored event may be given as it is.
    pub(crate) serial: Option<u64>,
    /// When, in seconds since 1970; now if absent.
    pub(crate) at: Option<i64>,
}

/// The rule has its new state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StateAnswer {
    /// The rule.
    rule: String,
    /// What was done: `on`, `off`, `fire` or `resolve`.
    #[schema(value_type = String, example = "off")]
    set: RuleState,
    /// Whether it stays so over a restart. `on` and `off` are written to `pistack.d/90-ui.toml`; where that cannot be
    /// written they hold until the process ends.
    lasting: bool,
}

/// The rules were read again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReloadAnswer {
    /// How many rules there are now.
    rules: usize,
    /// How many channels.
    channels: usize,
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        Self::internal(&error)
    }
}

impl From<UnknownChannel> for Problem {
    fn from(error: UnknownChannel) -> Self {
        Self::not_found(error.to_string())
    }
}

pub(super) fn unknown_rule(name: &str) -> Problem {
    Problem::not_found(format!("there is no rule `{name}`"))
}

/// Everything that is wrong with the configuration, which therefore was not taken over.
pub(super) fn bad_configuration(errors: &ConfigErrors) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "bad_configuration",
        "the configuration is wrong",
    )
    .detail(in_one_line(errors))
}

fn silent() -> Problem {
    Problem::unavailable("the rules do not answer")
}

impl Front {
    pub(crate) fn new(asker: Asker, dispatch: Dispatch, reloader: Reloader, desk: Desk) -> Self {
        Self {
            desk,
            asker,
            dispatch,
            tables: reloader.tables(),
            reloader,
            done: Arc::default(),
        }
    }

    pub(super) fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    pub(super) fn tables(&self) -> Arc<Tables> {
        Arc::clone(&self.tables.borrow())
    }

    pub(super) fn now(&self) -> i64 {
        self.dispatch.clock().unix()
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }

    pub(super) fn reloader(&self) -> &Reloader {
        &self.reloader
    }

    /// The rules as they stand, with where they stand and when they last fired, before this process began as well.
    pub(super) async fn rules(&self) -> Result<Vec<RuleView>, Problem> {
        let mut rules = self.asker.list().await.ok_or_else(silent)?;
        let fired = self.dispatch.history().last_fired().await.unwrap_or_default();
        let tables = self.tables();
        for rule in &mut rules {
            rule.last_fired = rule.last_fired.max(fired.get(&rule.name).copied());
            let Some(place) = tables.places.get(&rule.name) else {
                continue;
            };
            rule.file = Some(place.file.display().to_string());
            rule.line = Some(place.line);
            rule.editable = self.desk.is_ours(&place.file);
        }
        Ok(rules)
    }

    pub(super) async fn set(&self, rule: String, set: RuleState) -> Result<StateAnswer, Problem> {
        let lasting = match set {
            RuleState::On | RuleState::Off => self.keep_switched(&rule, set == RuleState::On)?,
            RuleState::Fire | RuleState::Resolve => false,
        };
        match self.asker.set(rule.clone(), set, 0).await {
            Some(true) => Ok(StateAnswer { rule, set, lasting }),
            Some(false) => Err(unknown_rule(&rule)),
            None => Err(silent()),
        }
    }

    pub(super) fn reload(&self) -> Result<ReloadAnswer, Problem> {
        let tables = self
            .reloader
            .reload()
            .map_err(|errors| bad_configuration(&errors))?;
        Ok(ReloadAnswer {
            rules: tables.rules.len(),
            channels: tables.channels.len(),
        })
    }

    pub(super) async fn test(&self, request: TestRequest) -> Result<Vec<Outcome>, Problem> {
        if let Some(rule) = &request.rule
            && !self.tables().rules.contains_key(rule)
        {
            return Err(unknown_rule(rule));
        }
        let event = match (request.event, request.firing) {
            (Some(event), None) if !event.name.is_empty() => Event {
                serial: event.serial.unwrap_or_default(),
                name: event.name,
                at: event.at.unwrap_or_else(|| self.now()),
                fields: event.fields,
                data: event.data,
            },
            (None, Some(id)) => {
                let firing = self.dispatch.history().firing(id).await?;
                firing
                    .ok_or_else(|| Problem::not_found(format!("there is no firing {id}")))?
                    .event
            }
            _ => return Err(Problem::bad_request("give `event` with a `name`, or `firing`")),
        };
        self.asker.dry_run(event, request.rule).await.ok_or_else(silent)
    }

    pub(super) async fn test_channel(&self, name: &str) -> Result<TestAnswer, Problem> {
        let outcome = self.dispatch.test(name).await?;
        let ok = outcome.is_ok();
        Ok(TestAnswer {
            ok,
            detail: outcome.unwrap_or_else(|reason| reason),
        })
    }

    pub(super) async fn send(&self, request: SendRequest) -> Result<Queued, Problem> {
        if request.channels.is_empty() || request.channels.len() > 50 {
            return Err(Problem::bad_request("name 1 to 50 channels"));
        }
        if request.title.trim().is_empty() {
            return Err(Problem::bad_request("the title is empty"));
        }
        if let Some(unknown) = self.dispatch.unknown(&request.channels) {
            return Err(unknown.into());
        }
        let text = request.text.as_deref().unwrap_or_default();
        let severity = request.severity.unwrap_or(Severity::Info);
        let message = self.dispatch.note(Word::Sent, severity, &request.title, text);
        let deliveries = self.dispatch.address(&message, &request.channels, false);
        let queued = deliveries.len();
        self.dispatch.enqueue(None, deliveries).await?;
        Ok(Queued { queued })
    }

    pub(super) async fn retry(&self, id: i64) -> Result<(), Problem> {
        if self.dispatch.retry(id).await? {
            Ok(())
        } else {
            Err(Problem::not_found(format!(
                "there is no delivery {id} that was given up"
            )))
        }
    }

    /// Counts something done by `who`; `false` if it was done `most` times within `window` seconds already.
    fn may_again(&self, who: &str, most: usize, window: i64) -> bool {
        let now = self.now();
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.retain(|_, times| {
            times.retain(|at| *at > now - window.max(3600) && *at <= now);
            !times.is_empty()
        });
        let times = done.entry(who.to_owned()).or_default();
        if times.iter().filter(|at| **at > now - window).count() >= most {
            return false;
        }
        times.push(now);
        true
    }

    /// Limits what one person sends by hand.
    pub(super) fn limit_by_hand(&self, person: &str) -> Result<(), Problem> {
        if self.may_again(&format!("hand {person}"), BY_HAND, 3600) {
            return Ok(());
        }
        Err(too_many("too many messages sent by hand within an hour"))
    }

    /// Counts a wrong secret; an error once there were too many.
    pub(super) fn wrong_secret(&self) -> Problem {
        if self.may_again("secrets", WRONG_SECRETS, 60) {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "wrong_secret",
                "wrong or missing secret",
            )
        } else {
            too_many("too many wrong secrets")
        }
    }

    /// Hands an event to the rules.
    pub(super) fn event(&self, event: Event) -> Result<(), Problem> {
        if self.asker.event(event) {
            Ok(())
        } else {
            Err(silent())
        }
    }
}

fn too_many(message: &str) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", message)
        .header(http::header::RETRY_AFTER, http::HeaderValue::from_static("60"))
}

//! The rules: what they are, what they did, making and trying them; channels; and what happened on the board.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pistack_api::service::Service;
use pistack_kit::client::Client;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Call, json as body};
use crate::error::Failure;
use crate::state::Dashboard;

/// A test message waits for the other side; a check reads the whole configuration.
const SLOW: std::time::Duration = std::time::Duration::from_secs(75);

/// A part of a reason as a code and values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) values: BTreeMap<String, String>,
}

/// A rule as it stands.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) active: Vec<String>,
    pub(crate) last_fired: Option<i64>,
    pub(crate) held: u64,
    pub(crate) last_held: Option<String>,
    pub(crate) last_held_reasons: Vec<Reason>,
    pub(crate) next_allowed_in: Option<u64>,
    pub(crate) problem: Option<String>,
    pub(crate) severity: String,
    pub(crate) definition: Value,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) editable: bool,
}

/// A rule as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RuleText {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) editable: bool,
    pub(crate) toml: String,
    pub(crate) rule: Map<String, Value>,
}

/// Something that is wrong with a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    pub(crate) path: String,
    pub(crate) line: Option<u32>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) place: Option<String>,
}

/// What a check found.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Checked {
    pub(crate) faults: Vec<Fault>,
    pub(crate) toml: String,
    pub(crate) rule: Map<String, Value>,
}

/// What a rule may name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Names {
    pub(crate) programs: Vec<String>,
    pub(crate) lines: Vec<String>,
    pub(crate) channels: Vec<String>,
    pub(crate) metrics: Vec<String>,
}

/// What a rule would make of an event.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Outcome {
    pub(crate) fires: bool,
    pub(crate) why: String,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) actions: Vec<String>,
}

/// One firing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Firing {
    pub(crate) id: i64,
    pub(crate) at: i64,
    pub(crate) rule: String,
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) severity: String,
    pub(crate) count: i64,
    pub(crate) why: String,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) results: Vec<ActionResult>,
}

/// What became of an action.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActionResult {
    pub(crate) action: String,
    pub(crate) ok: bool,
    pub(crate) detail: String,
}

/// A channel as it stands.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) to: String,
    pub(crate) fallback: Option<String>,
    pub(crate) waiting: i64,
    pub(crate) last_state: Option<String>,
    pub(crate) last_detail: Option<String>,
    pub(crate) last_at: Option<i64>,
}

/// What a test message came to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tested {
    pub(crate) ok: bool,
    pub(crate) detail: String,
}

/// Something that happened on the board.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) at: i64,
    pub(crate) name: String,
    pub(crate) fields: Map<String, Value>,
    pub(crate) left_out: u32,
}

/// Asks the rules in a person's name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) dashboard: &'a Dashboard,
    pub(crate) token: &'a str,
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl Rules<'_> {
    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        given: Option<&Value>,
    ) -> Result<T, Failure> {
        let slow = method != Method::GET;
        let client = Client::unix(self.dashboard.context.paths.service_socket(Service::Rules));
        let call = Call {
            service: Service::Rules,
            client: &client,
            method,
            path,
            token: Some(self.token),
            deadline: if slow {
                SLOW
            } else {
                self.dashboard.config.upstream_timeout.0
            },
        };
        let given = given.map_or_else(|| Ok(Bytes::new()), body)?;
        Ok(call.read(given).await?.1)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.ask(Method::GET, path, None).await
    }

    /// Every rule.
    pub(crate) async fn list(&self) -> Result<Vec<Rule>, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            rules: Vec<Rule>,
        }
        Ok(self.get::<Answer>("/api/rules/list").await?.rules)
    }

    /// One rule as it stands.
    pub(crate) async fn find(&self, name: &str) -> Result<Rule, Failure> {
        let rules = self.list().await?;
        rules
            .into_iter()
            .find(|rule| rule.name == name)
            .ok_or(Failure::NotFound)
    }

    /// One rule as it is written.
    pub(crate) async fn text(&self, name: &str) -> Result<RuleText, Failure> {
        self.get(&format!("/api/rules/rule/{}", segment(name))).await
    }

    /// Writes one: `rule` as JSON or `toml` as text. What is wrong comes as [`Failure::Refused`] with `faults`.
    pub(crate) async fn write(&self, name: &str, written: &Value) -> Result<(), Failure> {
        let path = format!("/api/rules/rule/{}", segment(name));
        self.ask::<IgnoredAny>(Method::PUT, &path, Some(written))
            .await
            .map(drop)
    }

    /// Looks whether it could be written.
    pub(crate) async fn check(&self, name: &str, written: &Value) -> Result<Checked, Failure> {
        let mut whole = written.clone();
        whole["name"] = name.into();
        self.ask(Method::POST, "/api/rules/check", Some(&whole)).await
    }

    /// Removes one.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), Failure> {
        let path = format!("/api/rules/rule/{}", segment(name));
        self.ask::<IgnoredAny>(Method::DELETE, &path, None)
            .await
            .map(drop)
    }

    /// `enable`, `disable`, `fire` or `resolve`.
    pub(crate) async fn set(&self, name: &str, what: &str) -> Result<(), Failure> {
        let path = format!("/api/rules/rule/{}/{what}", segment(name));
        self.ask::<IgnoredAny>(Method::POST, &path, None).await.map(drop)
    }

    /// What a rule may name.
    pub(crate) async fn names(&self) -> Result<Names, Failure> {
        self.get("/api/rules/names").await
    }

    /// Tries one rule with the event of an earlier firing, or with one that is written out.
    pub(crate) async fn test(&self, rule: &str, event: Value) -> Result<Outcome, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            outcomes: Vec<Outcome>,
        }
        let mut asked = event;
        asked["rule"] = rule.into();
        let answer: Answer = self.ask(Method::POST, "/api/rules/test", Some(&asked)).await?;
        answer.outcomes.into_iter().next().ok_or(Failure::NotFound)
    }

    /// Firings, newest first; of one rule or of all.
    pub(crate) async fn log(&self, rule: Option<&str>, limit: usize) -> Result<Vec<Firing>, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            firings: Vec<Firing>,
        }
        let mut path = format!("/api/rules/log?limit={limit}");
        if let Some(rule) = rule {
            path += &format!("&rule={}", segment(rule));
        }
        Ok(self.get::<Answer>(&path).await?.firings)
    }

    /// What happened, newest first.
    pub(crate) async fn events(
        &self,
        names: &str,
        from: Option<i64>,
        to: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Entry>, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            events: Vec<Entry>,
        }
        let mut path = format!("/api/rules/events?limit={limit}");
        for (key, value) in [("from", from), ("to", to)] {
            if let Some(value) = value {
                path += &format!("&{key}={value}");
            }
        }
        if !names.is_empty() {
            path += &format!("&names={}", segment(names));
        }
        Ok(self.get::<Answer>(&path).await?.events)
    }

    /// Every channel.
    pub(crate) async fn channels(&self) -> Result<Vec<Channel>, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            channels: Vec<Channel>,
        }
        Ok(self.get::<Answer>("/api/notify/channels").await?.channels)
    }

    /// Sends a test message.
    pub(crate) async fn test_channel(&self, name: &str) -> Result<Tested, Failure> {
        let path = format!("/api/notify/channels/{}/test", segment(name));
        self.ask(Method::POST, &path, Some(&json!({}))).await
    }
}

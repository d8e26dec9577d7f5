//! GPIO lines through the io service: set, pulse, blink, and the level from before when the matter is over.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pistack_api::service::Service;
use pistack_kit::client::Client;
use pistack_kit::paths::StatePaths;
use serde_json::json;
use tokio::sync::watch;

use crate::config::{Gpio, LineRef};
use crate::firing::Firing;

/// The io service answers at once or not at all.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a line blinks that is not told when to end.
const BLINKING: Duration = Duration::from_secs(10);
/// Longest pulse.
const LONGEST_PULSE: Duration = Duration::from_hours(1);

/// The lines that last until their rule resolves.
#[derive(Debug)]
pub(super) struct Lights {
    io: Client,
    /// By rule, matter and line. Dropping a sender ends what goes on there.
    lasting: Mutex<HashMap<(String, String, String), watch::Sender<()>>>,
}

impl Lights {
    pub(super) fn new(paths: &StatePaths) -> Self {
        Self {
            io: Client::unix(paths.service_socket(Service::Io)),
            lasting: Mutex::default(),
        }
    }

    /// Does what the action says. What takes longer goes on by itself.
    pub(super) async fn drive(&self, gpio: &Gpio, firing: &Firing) -> Result<String, String> {
        let line = Line {
            io: self.io.clone(),
            name: gpio.line.clone(),
        };
        let until_resolved = gpio.until.is_some();
        let before = line.read().await?;
        if let Some(level) = gpio.set {
            line.set(level).await?;
            if until_resolved {
                let mut over = self.begin(firing, &line);
                tokio::spawn(async move {
                    over.wait(None).await;
                    line.restore(before).await;
                });
            }
            return Ok(format!("line {} is {}", gpio.line, u8::from(level)));
        }
        if let Some(pulse) = gpio.pulse {
            line.set(true).await?;
            let time = pulse.0.min(LONGEST_PULSE);
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                line.restore(false).await;
            });
            return Ok(format!("line {} is 1 for {} ms", gpio.line, time.as_millis()));
        }
        let Some(frequency) = gpio.blink else {
            return Err("the action says neither set, pulse nor blink".to_owned());
        };
        line.set(true).await?;
        let half = frequency.half_period();
        let mut over = self.begin(firing, &line);
        let limit = (!until_resolved).then_some(BLINKING);
        tokio::spawn(async move {
            let blinking = async {
                let mut level = true;
                loop {
                    tokio::time::sleep(half).await;
                    level = !level;
                    if line.set(level).await.is_err() {
                        // The service is away; the light goes on when it is back.
                        tokio::time::sleep(DEADLINE).await;
                    }
                }
            };
            tokio::select! {
                () = over.wait(limit) => {}
                () = blinking => {}
            }
            line.restore(before).await;
        });
        Ok(format!("line {} blinks", gpio.line))
    }

    /// Registers something that lasts; what lasted on the same line for the same matter ends.
    fn begin(&self, firing: &Firing, line: &Line) -> Over {
        let (sender, receiver) = watch::channel(());
        let key = (firing.rule.clone(), firing.key.clone(), line.name.to_string());
        self.lasting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, sender);
        Over(receiver)
    }

    /// A matter is over.
    pub(super) fn resolve(&self, rule: &str, key: &str) {
        self.lasting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(of, about, _), _| of != rule || about != key);
    }

    /// All are.
    pub(super) fn resolve_all(&self) {
        self.lasting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// Tells when something is over.
struct Over(watch::Receiver<()>);

impl Over {
    /// Until its sender is gone, or for `limit`.
    async fn wait(&mut self, limit: Option<Duration>) {
        let gone = async { while self.0.changed().await.is_ok() {} };
        match limit {
            Some(limit) => {
                let _ = tokio::time::timeout(limit, gone).await;
            }
            None => gone.await,
        }
    }
}

/// One line.
#[derive(Debug, Clone)]
struct Line {
    io: Client,
    name: LineRef,
}

impl Line {
    fn pin(&self) -> serde_json::Value {
        match &self.name {
            LineRef::Pin(number) => json!(number),
            LineRef::Name(name) => json!(name),
        }
    }

    async fn set(&self, level: bool) -> Result<(), String> {
        let body = json!({ "pin": self.pin(), "value": u8::from(level) });
        self.ask("/internal/gpio/set", &body).await.map(drop)
    }

    async fn read(&self) -> Result<bool, String> {
        let answer = self
            .ask("/internal/gpio/read", &json!({ "pin": self.pin() }))
            .await?;
        Ok(answer["value"] == 1)
    }

    /// At the end nobody is left to tell but the log.
    async fn restore(&self, level: bool) {
        if let Err(error) = self.set(level).await {
            tracing::warn!(line = %self.name, "cannot be set back to {}: {error}", u8::from(level));
        }
    }

    async fn ask(&self, path: &str, body: &serde_json::Value) -> Result<serde_json::Value, String> {
        let request = http::Request::post(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))
            .map_err(|error| error.to_string())?;
        let answer = self
            .io
            .send(request, DEADLINE)
            .await
            .map_err(|error| format!("line {}: {error}", self.name))?;
        let status = answer.status();
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        Err(format!(
            "line {}: {status}: {} {}",
            self.name,
            text("message"),
            text("detail")
        ))
    }
}

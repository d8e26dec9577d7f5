//! `pistack rules` and `pistack notify`: what the rules are, what they did, what they would do.
//!
//! Lists and tries work with the stack down as well, from the configuration alone; switching writes
//! `pistack.d/90-ui.toml` and tells a running listener.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use pistack_api::event::Event;
use pistack_api::service::Service;
use pistack_kit::client::{Client, ClientError};
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use pistack_rules::decide::Decider;
use pistack_rules::{Overlay, Tables, hub};
use serde_json::{Value, json};

use super::peer::block_on;
use crate::cli::{NotifyCommand, Place, RulesCommand};
use crate::config::{Loaded, load};
use crate::exit::{Code, Failure};
use crate::output;
use crate::serve::configured;
use crate::state;

/// The listener answers at once; a test message waits for the other side.
const DEADLINE: Duration = Duration::from_secs(150);

/// `pistack rules ...`.
pub(crate) fn rules(place: &Place, command: &RulesCommand) -> Result<Code, Failure> {
    let stack = Stack::of(place)?;
    match command {
        RulesCommand::List { json } => stack.list(*json),
        RulesCommand::Test { name, event, json } => stack.test(name, event, *json),
        RulesCommand::Log { lines, json } => stack.log(*lines, *json),
        RulesCommand::Enable { name } => stack.switch(name, true),
        RulesCommand::Disable { name } => stack.switch(name, false),
        RulesCommand::Reload => stack.reload(),
    }
}

/// `pistack notify ...`.
pub(crate) fn notify(place: &Place, command: &NotifyCommand) -> Result<Code, Failure> {
    let stack = Stack::of(place)?;
    match command {
        NotifyCommand::List { json } => stack.channels(*json),
        NotifyCommand::Test { channel } => {
            let answer = stack.must_ask(
                "POST",
                &format!("/internal/notify/channels/{channel}/test"),
                &Value::Null,
            )?;
            println!("{}", answer["detail"].as_str().unwrap_or_default());
            Ok(if answer["ok"] == true {
                Code::Ok
            } else {
                Code::Failed
            })
        }
        NotifyCommand::Send { channel, text } => {
            let body = json!({ "channels": [channel], "title": text.join(" ") });
            stack.must_ask("POST", "/internal/notify/send", &body)?;
            eprintln!("queued for {channel}; `pistack notify list` shows what became of it");
            Ok(Code::Ok)
        }
    }
}

/// The configuration and the running listener, if there is one.
struct Stack {
    loaded: Loaded,
    main: Option<PathBuf>,
    socket: PathBuf,
    paths: StatePaths,
}

impl Stack {
    fn of(place: &Place) -> Result<Self, Failure> {
        let paths = state::paths(place)?;
        let named = configured(place);
        let loaded = load(named.as_deref(), &paths, &indexmap::IndexMap::new())?;
        let main = crate::config::find(named.as_deref())?.main;
        Ok(Self {
            loaded,
            main,
            socket: paths.service_socket(Service::Rules),
            paths,
        })
    }

    fn tables(&self) -> Tables {
        Tables {
            config: self.loaded.file.rules.clone(),
            rules: self.loaded.file.rule.clone(),
            channels: self.loaded.file.channel.clone(),
            ..Tables::default()
        }
    }

    /// Asks the running listener; `None` if none runs.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Option<Value>, Failure> {
        let body = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| Failure::new(format!("`{path}` cannot be asked for: {error}")))?;
        let client = Client::unix(&self.socket);
        block_on(async {
            match client.send(request, DEADLINE).await {
                Ok(answer) => {
                    let value: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
                    if answer.status().is_success() {
                        return Ok(Some(value));
                    }
                    let message = value["message"].as_str().unwrap_or("the rules refused");
                    let detail = value["detail"].as_str().map(|detail| format!(": {detail}"));
                    Err(Failure::new(format!("{message}{}", detail.unwrap_or_default())))
                }
                Err(ClientError::Unreachable { .. }) => Ok(None),
                Err(error) => Err(Failure::new(error.to_string())),
            }
        })
    }

    fn must_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask(method, path, body)?.ok_or_else(|| {
            Failure::Message(
                Code::Unreachable,
                format!(
                    "no rules listener answers at {}. Start the stack with `pistack up`",
                    self.socket.display()
                ),
            )
        })
    }

    fn list(&self, json: bool) -> Result<Code, Failure> {
        let answer = self.ask("GET", "/internal/rules/list", &Value::Null)?;
        let (running, rules) = if let Some(answer) = answer {
            (true, answer["rules"].clone())
        } else {
            let decider = Decider::new(&self.tables().setup());
            let views = decider.statuses(hub::now(&Clock::system()));
            (false, serde_json::to_value(views).unwrap_or_default())
        };
        if json {
            output::json(&json!({ "schema_version": 1, "running": running, "rules": rules }));
            return Ok(Code::Ok);
        }
        let rows = rules.as_array().into_iter().flatten().map(|rule| {
            let active = words(&rule["active"]);
            let state = match (rule["enabled"] == true, active.is_empty()) {
                (false, _) => "off".to_owned(),
                (true, true) if rule["active"].as_array().is_none_or(Vec::is_empty) => "on".to_owned(),
                (true, true) => "ACTIVE".to_owned(),
                (true, false) => format!("ACTIVE ({active})"),
            };
            vec![
                text(&rule["name"]),
                state,
                text(&rule["when"]),
                words(&rule["actions"]),
                moment(&rule["last_fired"]),
            ]
        });
        output::rows(&["RULE", "STATE", "WHEN", "THEN", "LAST FIRED"], rows.collect());
        if !running {
            eprintln!("the listener does not run: this is what the configuration says");
        }
        Ok(Code::Ok)
    }

    fn test(&self, name: &str, event: &Path, json: bool) -> Result<Code, Failure> {
        let event = read_event(event)?;
        let outcome = self
            .tables()
            .setup()
            .try_rule(name, hub::now(&Clock::system()), &event)
            .ok_or_else(|| self.unknown(name))?;
        if json {
            output::json(&json!({ "schema_version": 1, "outcome": outcome }));
        } else {
            println!(
                "{}: {}",
                if outcome.fires { "fires" } else { "does not fire" },
                outcome.why
            );
            for action in &outcome.actions {
                println!("  would {action}");
            }
        }
        Ok(if outcome.fires {
            Code::Ok
        } else {
            Code::NotAsWanted
        })
    }

    fn log(&self, lines: u32, json: bool) -> Result<Code, Failure> {
        let answer = self.must_ask("GET", &format!("/internal/rules/log?limit={lines}"), &Value::Null)?;
        if json {
            output::json(&json!({ "schema_version": 1, "firings": answer["firings"] }));
            return Ok(Code::Ok);
        }
        let rows = answer["firings"].as_array().into_iter().flatten().map(|firing| {
            ["at", "rule", "kind", "key", "why"]
                .map(|key| {
                    if key == "at" {
                        moment(&firing[key])
                    } else {
                        text(&firing[key])
                    }
                })
                .to_vec()
        });
        output::rows(&["TIME", "RULE", "KIND", "ABOUT", "WHY"], rows.collect());
        Ok(Code::Ok)
    }

    fn channels(&self, json: bool) -> Result<Code, Failure> {
        let running = self.ask("GET", "/internal/notify/channels", &Value::Null)?;
        let channels = match &running {
            Some(answer) => answer["channels"].clone(),
            None => self
                .loaded
                .file
                .channel
                .keys()
                .map(|name| json!({ "name": name }))
                .collect(),
        };
        if json {
            output::json(&json!({ "schema_version": 1, "running": running.is_some(), "channels": channels }));
            return Ok(Code::Ok);
        }
        let rows = channels.as_array().into_iter().flatten().map(|channel| {
            ["name", "kind", "last_state", "waiting", "last_detail"]
                .map(|key| text(&channel[key]))
                .to_vec()
        });
        output::rows(
            &["CHANNEL", "KIND", "LAST", "WAITING", "LAST RESULT"],
            rows.collect(),
        );
        Ok(Code::Ok)
    }

    fn reload(&self) -> Result<Code, Failure> {
        let answer = self.must_ask("POST", "/internal/rules/reload", &Value::Null)?;
        println!(
            "{} rules and {} channels are in force",
            answer["rules"], answer["channels"]
        );
        Ok(Code::Ok)
    }

    /// Writes the overlay, looks whether the configuration is right with it, and only then tells the listener.
    fn switch(&self, name: &str, on: bool) -> Result<Code, Failure> {
        let Some(rule) = self.loaded.file.rule.get(name) else {
            return Err(self.unknown(name));
        };
        let Some(main) = &self.main else {
            return Err(Failure::new(
                "there is no configuration file to write beside; name one with -c",
            ));
        };
        if on && !rule.enabled {
            return Err(Failure::new(format!(
                "rule `{name}` says enabled = false where it is written, and that file is yours: change it there"
            )));
        }
        let overlay = Overlay::beside(main);
        let failed = |error: pistack_rules::overlay::OverlayError| Failure::new(error.to_string());
        let before = overlay.text().map_err(failed)?;
        overlay.switch(name, on).map_err(failed)?;
        if let Err(errors) = load(Some(main), &self.paths, &indexmap::IndexMap::new()) {
            overlay.restore(before.as_deref()).map_err(failed)?;
            return Err(errors.into());
        }
        let told = self
            .ask("POST", "/internal/rules/reload", &Value::Null)?
            .is_some();
        println!(
            "rule `{name}` is {} ({}){}",
            if on { "on" } else { "off" },
            overlay.path().display(),
            if told {
                ""
            } else {
                "; the listener does not run now"
            }
        );
        Ok(Code::Ok)
    }

    fn unknown(&self, name: &str) -> Failure {
        let known = self.loaded.file.rule.keys().map(String::as_str);
        let near = pistack_kit::config::suggest(name, known)
            .map(|near| format!(". Did you mean `{near}`?"))
            .unwrap_or_default();
        Failure::Message(Code::NoSuchProgram, format!("there is no rule `{name}`{near}"))
    }
}

/// An event as JSON: of `GET /pistack/events`, of the log, or written by hand; `-` is standard input.
fn read_event(file: &Path) -> Result<Event, Failure> {
    let unreadable = |error: std::io::Error| Failure::new(format!("{}: {error}", file.display()));
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
        text
    } else {
        std::fs::read_to_string(file).map_err(unreadable)?
    };
    let value: Value = serde_json::from_str(text.trim())
        .map_err(|error| Failure::new(format!("{}: this is no event in JSON: {error}", file.display())))?;
    // A firing of the log carries its event.
    let value = if value["event"].is_object() {
        value["event"].clone()
    } else {
        value
    };
    let name = value["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        let example = r#"{"name":"PROCESS_STATE_EXITED","fields":{"processname":"camera","groupname":"camera","expected":"0"}}"#;
        Failure::new(format!("{}: the event has no `name`. Write {example}", file.display()))
    })?;
    Ok(Event {
        serial: value["serial"].as_u64().unwrap_or_default(),
        name: name.to_owned(),
        at: value["at"].as_i64().unwrap_or_else(|| Clock::system().unix()),
        fields: value["fields"].as_object().cloned().unwrap_or_default(),
        data: text_of(&value["data"]),
    })
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A value for a column.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn words(value: &Value) -> String {
    let words = value.as_array().into_iter().flatten().map(text);
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn moment(value: &Value) -> String {
    value
        .as_i64()
        .and_then(pistack_rules::text::moment)
        .unwrap_or_default()
}

//! `GET /api/io/ws`: events and commands over one WebSocket (RFC 6455).
//!
//! The client sends `{"sub":["door","relay*"]}` to hear of lines (it hears of none before), and
//! `{"set":{"relay1":true},"id":7}` to drive them, answered by `{"id":7,"ok":true}` or a problem with the same id.
//! A client that does not read is closed with 1013 once it is a thousand events behind, a silent one after two pings.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::StreamExt as _;
use http::HeaderMap;
use indexmap::IndexMap;
use pistack_api::right::ReadLine;
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::events::Welcome;
use super::write::set_for;
use crate::event::Event;
use crate::reader::{Filter, Reader};
use crate::state::Gpio;

/// Silence after which the client is asked whether it lives.
const PING: Duration = Duration::from_secs(20);
/// Pings without an answer after which it is given up.
const UNANSWERED: u32 = 2;
/// How long one message may take to leave.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last message, which says why the connection ends, may take.
const FAREWELL: Duration = Duration::from_secs(5);
/// So many events behind, a client is too slow.
const TOO_FAR_BEHIND: u64 = 1000;
/// Longest message of a client.
const LONGEST: usize = 64 * 1024;
/// Most names in a subscription.
const MOST_NAMES: usize = 256;
/// Try again later (IANA's registry of close codes).
const TRY_AGAIN_LATER: u16 = 1013;
/// The policy does not allow it: the token ended (RFC 6455, section 7.4.1).
const POLICY: u16 = 1008;
/// The service goes away (the same).
const GOING_AWAY: u16 = 1001;

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    /// Lines to hear of, instead of those before.
    sub: Option<Vec<String>>,
    /// Lines to drive.
    set: Option<IndexMap<String, Value>>,
    /// Comes back with the answer.
    #[serde(default)]
    id: Value,
}

/// Events and commands over a WebSocket.
///
/// Send `{"sub":["door","relay*"]}` to hear of lines and `{"set":{"relay1":true},"id":7}` to drive them; the answer is
/// `{"id":7,"ok":true}` or a problem with that id. Pinged every 20 s; closed with 1013 when it reads too slowly.
#[utoipa::path(
    get, path = "/api/io/ws", operation_id = "open_line_socket", tag = "events",
    responses(
        (status = 101, description = "A WebSocket"),
        (status = 400, description = "Not a WebSocket handshake"),
        (status = 426, description = "Not a WebSocket handshake"),
    )
)]
pub(crate) async fn open_line_socket(
    caller: MayOn<ReadLine>,
    State(gpio): State<Gpio>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| {
        let problem = Problem::new(rejection.status(), "no_websocket", "this is a WebSocket");
        gpio.problem(problem.detail(rejection.body_text()))
    })?;
    let welcome = Welcome::new(&gpio, &headers);
    Ok(upgrade
        .max_message_size(LONGEST)
        .max_frame_size(LONGEST)
        .on_upgrade(move |socket| async move {
            let talk = Talk::new(gpio, caller, welcome);
            talk.run(socket).await;
        }))
}

/// Why a talk ends.
enum End {
    /// The client closed, or the connection broke: nothing more to say.
    Gone,
    /// We close.
    Close(u16, &'static str),
}

struct Talk {
    gpio: Gpio,
    caller: MayOn<ReadLine>,
    welcome: Welcome,
    reader: Reader,
    subscribed: bool,
    unanswered: u32,
}

impl Talk {
    fn new(gpio: Gpio, caller: MayOn<ReadLine>, welcome: Welcome) -> Self {
        let reader = Reader::new(gpio.clone(), caller.clone(), Filter::default(), None);
        Self {
            gpio,
            caller,
            welcome,
            reader,
            subscribed: false,
            unanswered: 0,
        }
    }

    async fn run(mut self, mut socket: WebSocket) {
        let end = self.talk(&mut socket).await;
        if let End::Close(code, reason) = end {
            let frame = CloseFrame {
                code,
                reason: reason.into(),
            };
            // Whoever does not read will not read this either; then the connection just ends.
            let _ = timeout(FAREWELL, socket.send(Message::Close(Some(frame)))).await;
        }
    }

    async fn talk(&mut self, socket: &mut WebSocket) -> End {
        let expiry = after(self.welcome.left());
        let lifecycle = self.gpio.lifecycle().clone();
        let mut ping = after(PING);
        loop {
            let outcome = tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(message)) => {
                        self.unanswered = 0;
                        ping = after(PING);
                        self.hear(socket, message).await
                    }
                    Some(Err(_)) | None => Err(End::Gone),
                },
                events = self.reader.next(), if self.subscribed => match events {
                    Some(events) => self.tell(socket, &events).await,
                    None => Err(End::Close(GOING_AWAY, "the service ends")),
                },
                () = sleep_until(ping) => {
                    ping = after(PING);
                    self.unanswered += 1;
                    if self.unanswered > UNANSWERED {
                        Err(End::Gone)
                    } else {
                        self.send(socket, Message::Ping(bytes::Bytes::new())).await
                    }
                },
                () = sleep_until(expiry) => Err(End::Close(POLICY, "the token has expired")),
                () = lifecycle.stopped() => Err(End::Close(GOING_AWAY, "the service ends")),
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    /// Sends one message; a client that does not take it is too slow.
    async fn send(&self, socket: &mut WebSocket, message: Message) -> Result<(), End> {
        let slow = || End::Close(TRY_AGAIN_LATER, "too slow");
        let sending = socket.send(message);
        tokio::pin!(sending);
        let begun = after(PATIENCE);
        let mut news = self.gpio.board().news();
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return sent.map_err(|_| End::Gone),
                () = sleep_until(begun) => return Err(slow()),
                changed = news.changed(), if self.subscribed => {
                    if changed.is_err() || self.reader.behind() > TOO_FAR_BEHIND {
                        return Err(slow());
                    }
                }
            }
        }
    }

    async fn tell(&self, socket: &mut WebSocket, events: &[Event]) -> Result<(), End> {
        if !self.welcome.still() {
            return Err(End::Close(POLICY, "the session has ended"));
        }
        for event in events {
            let text = serde_json::to_string(event).unwrap_or_default();
            self.send(socket, Message::Text(text.into())).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, socket: &mut WebSocket, message: Message) -> Result<(), End> {
        let text = match message {
            Message::Text(text) => text.to_string(),
            Message::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        if !self.welcome.still() {
            return Err(End::Close(POLICY, "the session has ended"));
        }
        let answer = match serde_json::from_str::<Command>(&text) {
            Ok(command) => {
                let id = command.id.clone();
                match self.obey(command) {
                    Ok(()) => {
                        let mut answer = json!({ "id": id, "ok": true });
                        if let Some(warning) = self.gpio.warning() {
                            answer["warning"] = warning.into();
                        }
                        answer
                    }
                    Err(problem) => told(&self.gpio.problem(problem), id),
                }
            }
            Err(error) => {
                let problem = Problem::new(
                    http::StatusCode::BAD_REQUEST,
                    "invalid_payload",
                    "invalid payload",
                );
                told(&self.gpio.problem(problem.detail(error.to_string())), Value::Null)
            }
        };
        self.send(socket, Message::Text(answer.to_string().into())).await
    }

    fn obey(&mut self, command: Command) -> Result<(), Problem> {
        if let Some(names) = command.sub {
            if names.len() > MOST_NAMES {
                return Err(Problem::bad_request("too many names"));
            }
            // No name means no line, where a filter without names would mean all.
            self.subscribed = !names.is_empty();
            self.reader = Reader::new(
                self.gpio.clone(),
                self.caller.clone(),
                Filter::of_lines(names),
                None,
            );
        }
        match command.set {
            Some(set) => set_for(&self.gpio, &self.caller, &set),
            None => Ok(()),
        }
    }
}

/// The moment after a while, by the runtime's clock.
fn after(time: Duration) -> Instant {
    Instant::now() + time
}

/// A problem as a message, with the command's id.
fn told(problem: &Problem, id: Value) -> Value {
    let mut body = serde_json::to_value(problem.body()).unwrap_or_default();
    body["id"] = id;
    body["ok"] = false.into();
    body
}

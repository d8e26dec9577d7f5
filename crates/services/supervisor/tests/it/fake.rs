//! A supervisor that speaks XML-RPC and the event stream, and does what a test tells it to.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State as Extract};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode, header};
use pistack_api::event::Event;
use pistack_api::process::ProcessInfo;
use pistack_api::xmlrpc::{self, Call, Fault, Value, fault};
use serde_json::json;
use tokio::sync::broadcast;

pub(crate) struct Fake {
    state: Mutex<State>,
    events: broadcast::Sender<Option<Event>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) processes: Vec<ProcessInfo>,
    /// Each call as `method(first parameter)`, in order.
    pub(crate) calls: Vec<String>,
    /// Take requests and never answer.
    pub(crate) hangs: bool,
    /// Answer every call with this fault.
    pub(crate) fault: Option<(i32, &'static str)>,
    /// Programs that end right after their start.
    pub(crate) crashing: HashSet<String>,
    /// `group:name/channel` and the bytes of its log.
    pub(crate) logs: HashMap<String, Vec<u8>>,
    /// A supervisord: no event stream.
    pub(crate) no_events: bool,
    /// `Authorization` that is asked for.
    pub(crate) authorization: Option<String>,
    /// `after` of every event stream asked for.
    pub(crate) streams: Vec<u64>,
    ring: Vec<Event>,
    serial: u64,
}

pub(crate) fn process(group: &str, name: &str, state: i32, pid: i32) -> ProcessInfo {
    ProcessInfo {
        name: name.into(),
        group: group.into(),
        start: 1_699_999_000,
        stop: 0,
        now: 1_700_000_000,
        state,
        statename: statename(state).into(),
        spawnerr: String::new(),
        exitstatus: 0,
        logfile: String::new(),
        stdout_logfile: String::new(),
        stderr_logfile: String::new(),
        pid,
        description: String::new(),
    }
}

fn statename(state: i32) -> &'static str {
    match state {
        0 => "STOPPED",
        10 => "STARTING",
        20 => "RUNNING",
        30 => "BACKOFF",
        40 => "STOPPING",
        100 => "EXITED",
        200 => "FATAL",
        _ => "UNKNOWN",
    }
}

/// Some of what `getAllConfigInfo` tells.
fn config(info: &ProcessInfo) -> Value {
    let members = [
        ("autostart", Value::Bool(true)),
        ("directory", "none".into()),
        ("command", Value::from("python3 camera.py")),
        ("exitcodes", Value::Array(vec![Value::Int(0), Value::Int(2)])),
        ("group", Value::from(&*info.group)),
        ("inuse", Value::Bool(true)),
        ("name", Value::from(&*info.name)),
        ("startsecs", Value::Int(1)),
    ];
    Value::Struct(members.map(|(key, value)| (key.to_owned(), value)).into())
}

/// Where that was written; a supervisord does not know the question.
async fn written(
    Extract(fake): Extract<Arc<Fake>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if fake.state().no_events || query.get("name").map(String::as_str) != Some("camera:camera") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let place = |file: &str, line| json!({ "file": file, "line": line });
    let main = "/etc/supervisord.conf";
    let body = json!({
        "values": [
            { "key": "command", "place": place(main, 12) },
            { "key": "autostart", "place": place("/etc/conf.d/camera.ini", 4) },
            { "key": "startsecs" },
            { "key": "umask", "value": "022", "place": place(main, 13) },
            { "key": "killasgroup" },
        ],
        "environment": [{ "name": "TOKEN", "value": "s3cret", "place": place(main, 14) }],
    });
    axum::Json(body).into_response()
}

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        let stack = "RaspberryPiSystem";
        let processes = vec![
            process(stack, "auth_service", 20, 101),
            process(stack, "gateway", 20, 102),
            process(stack, "supervisor_service", 20, 103),
            process("camera", "camera", 0, 0),
            process("event_listener", "event_listener", 20, 104),
        ];
        let state = State {
            processes,
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            events: broadcast::channel(64).0,
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn serve_unix(self: &Arc<Self>, path: &Path) {
        let listener = tokio::net::UnixListener::bind(path).unwrap();
        let router = self.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    pub(crate) async fn serve_tcp(self: &Arc<Self>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = self.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/RPC2", post(rpc))
            .route("/pistack/events", get(events))
            .route("/pistack/written", get(written))
            .with_state(Arc::clone(self))
    }

    /// Emits an event of a process's state.
    pub(crate) fn emit(&self, name: &str, group: &str, process: &str) -> u64 {
        let (fields, _) =
            Event::split_payload(&format!("processname:{process} groupname:{group} from_state:X"));
        let mut state = self.state();
        state.serial += 1;
        let event = Event {
            serial: state.serial,
            name: name.into(),
            at: 1_700_000_000,
            fields,
            data: String::new(),
        };
        state.ring.push(event.clone());
        let _ = self.events.send(Some(event));
        state.serial
    }

    /// Ends all open event streams.
    pub(crate) fn cut_streams(&self) {
        let _ = self.events.send(None);
    }

    /// Another run of the supervisor: serials begin anew.
    pub(crate) fn begin_anew(&self) {
        let mut state = self.state();
        state.serial = 0;
        state.ring.clear();
    }

    pub(crate) fn event_streams_open(&self, count: usize) -> Option<()> {
        (self.events.receiver_count() == count).then_some(())
    }

    pub(crate) fn calls(&self, method: &str) -> usize {
        self.state()
            .calls
            .iter()
            .filter(|call| call.starts_with(&format!("{method}(")))
            .count()
    }

    fn answer(&self, call: &Call) -> Result<Value, Fault> {
        let method = call
            .method
            .strip_prefix("supervisor.")
            .unwrap_or(&call.method)
            .to_owned();
        let name = call
            .params
            .first()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let mut state = self.state();
        state.calls.push(format!("{method}({name})"));
        if let Some((code, text)) = state.fault {
            return Err(Fault {
                code,
                text: text.into(),
            });
        }
        match &*method {
            "getAllProcessInfo" => {
                let all = state.processes.clone();
                drop(state);
                for info in &all {
                    self.move_on(info);
                }
                Ok(Value::Array(all.iter().map(ProcessInfo::to_value).collect()))
            }
            "getAllConfigInfo" => Ok(Value::Array(state.processes.iter().map(config).collect())),
            "getProcessInfo" => {
                let info = state.find(&name)?.clone();
                drop(state);
                self.move_on(&info);
                Ok(info.to_value())
            }
            "startProcess" => state.set(
                &name,
                &[0, 100, 200],
                10,
                fault::ALREADY_STARTED,
                "ALREADY_STARTED",
            ),
            "stopProcess" => state.set(&name, &[10, 20, 30], 40, fault::NOT_RUNNING, "NOT_RUNNING"),
            "signalProcess" => state.find(&name).map(|_| Value::Bool(true)),
            _ if method.starts_with("tailProcess") || method.starts_with("readProcess") => {
                state.log(&method, &name, call)
            }
            _ => Err(Fault {
                code: fault::UNKNOWN_METHOD,
                text: "UNKNOWN_METHOD".into(),
            }),
        }
    }

    /// A process that somebody saw on its way arrives, and an event says so.
    fn move_on(&self, seen: &ProcessInfo) {
        let name = format!("{}:{}", seen.group, seen.name);
        let crashes = self.state().crashing.contains(&seen.name);
        let next = match seen.state {
            10 if crashes => 200,
            10 => 20,
            40 => 0,
            _ => return,
        };
        if let Ok(info) = self.state().find(&name) {
            info.state = next;
            info.statename = statename(next).into();
            info.pid = if next == 20 { 4711 } else { 0 };
            if next == 200 {
                info.spawnerr = "Exited too quickly (process log may have details)".into();
            }
        }
        self.emit(
            &format!("PROCESS_STATE_{}", statename(next)),
            &seen.group,
            &seen.name,
        );
    }
}

impl State {
    /// As supervisord: a bare name is the group of the same name.
    fn find(&mut self, name: &str) -> Result<&mut ProcessInfo, Fault> {
        let (group, process) = name.split_once(':').unwrap_or((name, name));
        self.processes
            .iter_mut()
            .find(|info| info.group == group && info.name == process)
            .ok_or_else(|| Fault {
                code: fault::BAD_NAME,
                text: format!("BAD_NAME: {name}"),
            })
    }

    fn set(&mut self, name: &str, from: &[i32], to: i32, code: i32, text: &str) -> Result<Value, Fault> {
        let info = self.find(name)?;
        if !from.contains(&info.state) {
            return Err(Fault {
                code,
                text: format!("{text}: {name}"),
            });
        }
        info.state = to;
        info.statename = statename(to).into();
        Ok(Value::Bool(true))
    }

    fn log(&mut self, method: &str, name: &str, call: &Call) -> Result<Value, Fault> {
        self.find(name)?;
        let channel = if method.contains("Stdout") {
            "stdout"
        } else {
            "stderr"
        };
        let log = self.logs.get(&format!("{name}/{channel}")).cloned();
        let number = |index: usize| call.params.get(index).and_then(Value::as_int).unwrap() as usize;
        let (offset, length) = (number(1), number(2));
        if method.starts_with("tail") {
            let log = log.unwrap_or_default();
            let from = log.len().saturating_sub(length);
            let data = if offset >= log.len() {
                String::new()
            } else {
                String::from_utf8_lossy(&log[from..]).into()
            };
            let overflow = log.len() > offset + length;
            return Ok(Value::Array(vec![
                data.into(),
                Value::Int(log.len() as i64),
                overflow.into(),
            ]));
        }
        let log = log.ok_or_else(|| Fault {
            code: fault::NO_FILE,
            text: format!("NO_FILE: {name}"),
        })?;
        let end = if length == 0 {
            log.len()
        } else {
            log.len().min(offset + length)
        };
        Ok(String::from_utf8_lossy(&log[offset.min(end)..end])
            .into_owned()
            .into())
    }
}

async fn rpc(Extract(fake): Extract<Arc<Fake>>, headers: HeaderMap, body: Bytes) -> Response {
    if fake.state().hangs {
        std::future::pending::<()>().await;
    }
    if !allowed(&fake, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let call = xmlrpc::parse_call(&body).unwrap();
    let xml = match fake.answer(&call) {
        Ok(value) => xmlrpc::write_response(&value),
        Err(fault) => xmlrpc::write_fault(&fault),
    };
    ([(header::CONTENT_TYPE, "text/xml")], xml).into_response()
}

fn allowed(fake: &Fake, headers: &HeaderMap) -> bool {
    let wanted = fake.state().authorization.clone();
    wanted.is_none_or(|wanted| {
        headers
            .get(header::AUTHORIZATION)
            .is_some_and(|given| given == &*wanted)
    })
}

async fn events(
    Extract(fake): Extract<Arc<Fake>>,
    Query(query): Query<HashMap<String, u64>>,
    headers: HeaderMap,
) -> Response {
    if fake.state().no_events {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !allowed(&fake, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let after = query["after"];
    let (old, live) = {
        let mut state = fake.state();
        state.streams.push(after);
        let old: Vec<_> = state
            .ring
            .iter()
            .filter(|event| event.serial > after)
            .cloned()
            .collect();
        (old, fake.events.subscribe())
    };
    let live = stream::unfold(
        live,
        |mut live| async move { Some((live.recv().await.ok()??, live)) },
    );
    let lines = stream::iter(old).chain(live).map(|event| {
        Ok::<_, std::convert::Infallible>(format!("{}\n", serde_json::to_string(&event).unwrap()))
    });
    Body::from_stream(lines).into_response()
}

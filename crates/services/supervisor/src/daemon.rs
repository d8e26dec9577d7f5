//! The supervisor's XML-RPC methods and event stream as plain functions.

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderValue, Request, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pistack_api::event::Event;
use pistack_api::process::ProcessInfo;
use pistack_api::written::Written;
use pistack_api::xmlrpc::Value;
use pistack_kit::client::Client;
use pistack_kit::paths::StatePaths;
use pistack_kit::rpc::Rpc;

use crate::config::{Address, Config};
use crate::error::{Error, StartError};

/// One output of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Channel {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a tail call gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The last bytes.
    pub(crate) data: String,
    /// Size of the log in bytes.
    pub(crate) size: u64,
    /// There was more than was asked for.
    pub(crate) overflow: bool,
}

/// A caller of one supervisor. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Daemon {
    rpc: Rpc,
    client: Client,
    authorization: Option<HeaderValue>,
    /// Longest time for one answer.
    pub(crate) timeout: Duration,
    /// It runs on this machine, so that its pids are ours.
    pub(crate) is_local: bool,
}

impl Daemon {
    /// The supervisor that `config` names, else the one of the state directory.
    pub(crate) fn new(config: &Config, paths: &StatePaths) -> Result<Self, StartError> {
        let address = match config.url.as_deref().filter(|url| !url.trim().is_empty()) {
            Some(url) => Address::parse(url)?,
            None => Address::Unix(paths.supervisor_socket()),
        };
        let is_local = matches!(address, Address::Unix(_));
        let client = match address {
            Address::Unix(path) => Client::unix(path),
            Address::Tcp(authority) => Client::tcp(authority),
        };
        let timeout = config.timeout.0;
        let mut rpc = Rpc::new(client.clone(), timeout);
        let mut authorization = None;
        if let Some(user) = config.user.as_deref().filter(|user| !user.is_empty()) {
            let password = password(config)?;
            rpc = rpc.with_basic_auth(user, &password);
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            authorization = HeaderValue::from_str(&format!("Basic {basic}")).ok();
        }
        Ok(Self {
            rpc,
            client,
            authorization,
            timeout,
            is_local,
        })
    }

    /// `getAllProcessInfo`.
    pub(crate) async fn list(&self) -> Result<Vec<ProcessInfo>, Error> {
        let answer = self.rpc.call("supervisor.getAllProcessInfo", Vec::new()).await?;
        let rows = answer
            .as_array()
            .ok_or_else(|| broken("getAllProcessInfo", &answer))?;
        rows.iter()
            .map(|row| ProcessInfo::from_value(row).ok_or_else(|| broken("getAllProcessInfo", row)))
            .collect()
    }

    /// What `getAllConfigInfo` tells of one process.
    pub(crate) async fn config(&self, group: &str, name: &str) -> Result<Vec<(String, Value)>, Error> {
        let answer = self.rpc.call("supervisor.getAllConfigInfo", Vec::new()).await?;
        let rows = answer
            .as_array()
            .ok_or_else(|| broken("getAllConfigInfo", &answer))?;
        let is = |row: &Value, key: &str, wanted: &str| row.get(key).and_then(Value::as_str) == Some(wanted);
        match rows
            .iter()
            .find(|row| is(row, "group", group) && is(row, "name", name))
        {
            Some(Value::Struct(members)) => Ok(members.clone()),
            _ => Err(Error::Unknown(name.to_owned())),
        }
    }

    /// Where the configuration of a process was written. `None` where the supervisor does not tell: a supervisord, or
    /// ours through a socket that others can connect to.
    pub(crate) async fn written(&self, group: &str, name: &str) -> Result<Option<Written>, Error> {
        let name = format!("{group}:{name}");
        let name = utf8_percent_encode(&name, NON_ALPHANUMERIC);
        let mut request = Request::get(format!("/pistack/written?name={name}"));
        if let Some(value) = &self.authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request
            .body(Bytes::new())
            .map_err(|error| Error::Broken(error.to_string()))?;
        let answer = self.client.send(request, self.timeout).await?;
        if answer.status() != StatusCode::OK {
            return Ok(None);
        }
        let told = serde_json::from_slice(answer.body());
        told.map(Some)
            .map_err(|error| Error::Broken(format!("where {name} was written: {error}")))
    }

    /// `getProcessInfo`.
    pub(crate) async fn info(&self, name: &str) -> Result<ProcessInfo, Error> {
        let answer = self
            .rpc
            .call("supervisor.getProcessInfo", vec![name.into()])
            .await?;
        ProcessInfo::from_value(&answer).ok_or_else(|| broken("getProcessInfo", &answer))
    }

    /// `startProcess` without waiting.
    pub(crate) async fn start(&self, name: &str) -> Result<(), Error> {
        self.rpc
            .call("supervisor.startProcess", vec![name.into(), false.into()])
            .await?;
        Ok(())
    }

    /// `stopProcess` without waiting.
    pub(crate) async fn stop(&self, name: &str) -> Result<(), Error> {
        self.rpc
            .call("supervisor.stopProcess", vec![name.into(), false.into()])
            .await?;
        Ok(())
    }

    /// `signalProcess`.
    pub(crate) async fn signal(&self, name: &str, signal: &str) -> Result<(), Error> {
        self.rpc
            .call("supervisor.signalProcess", vec![name.into(), signal.into()])
            .await?;
        Ok(())
    }

    /// `tailProcess...Log`: the last `length` bytes.
    pub(crate) async fn tail(&self, name: &str, channel: Channel, length: u64) -> Result<Tail, Error> {
        let method = match channel {
            Channel::Stdout => "supervisor.tailProcessStdoutLog",
            Channel::Stderr => "supervisor.tailProcessStderrLog",
        };
        let answer = self
            .rpc
            .call(
                method,
                vec![name.into(), Value::Int(0), Value::Int(length as i64)],
            )
            .await?;
        let tail = answer.as_array().and_then(|parts| match parts {
            [data, size, overflow] => Some(Tail {
                data: data.as_str()?.to_owned(),
                size: u64::try_from(size.as_int()?).ok()?,
                overflow: overflow.as_bool()?,
            }),
            _ => None,
        });
        tail.ok_or_else(|| broken(method, &answer))
    }

    /// `readProcess...Log`: `length` bytes from `offset`; 0 = to the end.
    pub(crate) async fn read(
        &self,
        name: &str,
        channel: Channel,
        offset: u64,
        length: u64,
    ) -> Result<String, Error> {
        let method = match channel {
            Channel::Stdout => "supervisor.readProcessStdoutLog",
            Channel::Stderr => "supervisor.readProcessStderrLog",
        };
        let params = vec![name.into(), Value::Int(offset as i64), Value::Int(length as i64)];
        let answer = self.rpc.call(method, params).await?;
        answer
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| broken(method, &answer))
    }

    /// Our supervisor's event stream after `serial`. A supervisord has none: `None`.
    pub(crate) async fn events(
        &self,
        serial: u64,
    ) -> Result<Option<impl Stream<Item = Event> + Send + Unpin + use<>>, Error> {
        let mut request = Request::get(format!("/pistack/events?after={serial}"));
        if let Some(value) = &self.authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request
            .body(Bytes::new())
            .map_err(|error| Error::Broken(error.to_string()))?;
        let response = self.client.stream(request, self.timeout).await?;
        match response.status() {
            StatusCode::OK => Ok(Some(pistack_kit::sse::json_lines(response.into_body()))),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(Error::Broken(format!("the event stream answered {status}"))),
        }
    }
}

/// The password: from the environment, else from its file, else empty.
fn password(config: &Config) -> Result<String, StartError> {
    if let Some(password) = &config.password {
        return Ok(password.reveal().to_owned());
    }
    let Some(path) = &config.password_file else {
        return Ok(String::new());
    };
    let text = std::fs::read_to_string(path).map_err(|source| StartError::Password {
        path: path.clone(),
        source,
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn broken(method: &str, answer: &Value) -> Error {
    let mut text = format!("{answer:?}");
    if text.len() > 200 {
        let end = text.floor_char_boundary(200);
        text.truncate(end);
    }
    Error::Broken(format!("{method} gave {text}"))
}

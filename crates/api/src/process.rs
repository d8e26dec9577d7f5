//! supervisord's process info struct, as `getProcessInfo` gives it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::xmlrpc::Value;

/// One process, with supervisord's keys in supervisord's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProcessInfo {
    /// Process name.
    pub name: String,
    /// Group name.
    pub group: String,
    /// Last start, seconds since 1970; 0 = never.
    pub start: i64,
    /// Last stop, seconds since 1970; 0 = never.
    pub stop: i64,
    /// The supervisor's clock, seconds since 1970.
    pub now: i64,
    /// State code: 0 STOPPED, 10 STARTING, 20 RUNNING, 30 BACKOFF, 40 STOPPING, 100 EXITED, 200 FATAL, 1000 UNKNOWN.
    pub state: i32,
    /// State in words.
    #[schema(example = "RUNNING")]
    pub statename: String,
    /// Why the last start failed, else empty.
    pub spawnerr: String,
    /// Exit status; -1 when a signal ended it; 0 if none.
    pub exitstatus: i32,
    /// Same as `stdout_logfile`.
    pub logfile: String,
    /// Path of the standard output log, or empty.
    pub stdout_logfile: String,
    /// Path of the standard error log, or empty.
    pub stderr_logfile: String,
    /// Process id; 0 if none.
    pub pid: i32,
    /// One line for people, such as `pid 812, uptime 0:01:02`.
    pub description: String,
}

impl ProcessInfo {
    /// `name` when group and name are equal, else `group:name`.
    pub fn full_name(&self) -> String {
        if self.group == self.name {
            self.name.clone()
        } else {
            format!("{}:{}", self.group, self.name)
        }
    }

    /// The struct as XML-RPC gives it.
    pub fn to_value(&self) -> Value {
        Value::Struct(vec![
            ("name".into(), Value::from(&*self.name)),
            ("group".into(), Value::from(&*self.group)),
            ("start".into(), Value::Int(self.start)),
            ("stop".into(), Value::Int(self.stop)),
            ("now".into(), Value::Int(self.now)),
            ("state".into(), Value::Int(self.state.into())),
            ("statename".into(), Value::from(&*self.statename)),
            ("spawnerr".into(), Value::from(&*self.spawnerr)),
            ("exitstatus".into(), Value::Int(self.exitstatus.into())),
            ("logfile".into(), Value::from(&*self.logfile)),
            ("stdout_logfile".into(), Value::from(&*self.stdout_logfile)),
            ("stderr_logfile".into(), Value::from(&*self.stderr_logfile)),
            ("pid".into(), Value::Int(self.pid.into())),
            ("description".into(), Value::from(&*self.description)),
        ])
    }

    /// Reads the struct; `None` when it is no process info.
    pub fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let int = |key: &str| value.get(key).and_then(Value::as_int);
        Some(Self {
            name: text("name")?,
            group: text("group")?,
            start: int("start")?,
            stop: int("stop")?,
            now: int("now")?,
            state: int("state")? as i32,
            statename: text("statename")?,
            spawnerr: text("spawnerr")?,
            exitstatus: int("exitstatus")? as i32,
            logfile: text("logfile")?,
            stdout_logfile: text("stdout_logfile")?,
            stderr_logfile: text("stderr_logfile")?,
            pid: int("pid")? as i32,
            description: text("description")?,
        })
    }
}

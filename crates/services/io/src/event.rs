//! An event as clients see it.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::ring::{Entry, Said};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// An input went from 0 to 1.
    Rising,
    /// An input went from 1 to 0.
    Falling,
    /// An output was switched.
    Value,
    /// An output's PWM changed.
    Pwm,
    /// An action began or ended.
    Action,
    /// A line was reconfigured, or emergency stop went on or off.
    Config,
    /// Somebody else has a line.
    Busy,
    /// Events are gone: the client was away or too slow.
    Lost,
    /// A sensor gave a value.
    Sensor,
}

impl Kind {
    /// As in `?kind=`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Value => "value",
            Self::Pwm => "pwm",
            Self::Action => "action",
            Self::Config => "config",
            Self::Busy => "busy",
            Self::Lost => "lost",
            Self::Sensor => "sensor",
        }
    }
}

/// An event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Event {
    /// Number of the event since this service started; also the SSE id, with `boot` before it.
    #[schema(example = 1234)]
    pub(crate) seq: u64,
    /// Tells one run of the service from the next.
    #[schema(example = "b7f2c1")]
    pub(crate) boot: String,
    /// The line by its name; `bcm:17` or `chip:LABEL/17` for one without. `null` if the event is about no line.
    #[schema(example = "door")]
    pub(crate) line: Option<String>,
    /// BCM number; `null` on other chips.
    #[schema(example = 27)]
    pub(crate) bcm: Option<u32>,
    /// What happened.
    pub(crate) kind: Kind,
    /// The level; a number (duty, 0 to 1) for `pwm`; `{sensor, value, unit, quality}` for `sensor`; text for the others.
    #[schema(value_type = Object)]
    pub(crate) value: Value,
    /// Wall time, RFC 3339 in UTC.
    #[schema(example = "2026-11-23T18:00:00.123456Z")]
    pub(crate) ts: String,
    /// The kernel's monotonic time of the event in nanoseconds.
    pub(crate) mono_ns: u64,
    /// The kernel's number of this edge on its line; 0 if this is no edge.
    pub(crate) line_seqno: u32,
    /// Edges of this line, or events, that are gone before this one.
    pub(crate) lost: u64,
    /// Who or what caused it: `edge`, `user:NAME`, `rules`, `action:ID`, `max_on`, `stop`, `follow`.
    #[schema(example = "edge")]
    pub(crate) by: String,
}

/// The name and number by which an event names its line.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// Name.
    pub(crate) name: String,
    /// BCM number.
    pub(crate) bcm: Option<u32>,
}

/// Writes an entry out.
pub(crate) fn write(entry: &Entry, boot: &str, line: Option<Named>) -> Event {
    let (name, bcm) = line.map_or((None, None), |line| (Some(line.name), line.bcm));
    Event {
        seq: entry.seq,
        boot: boot.to_owned(),
        line: name,
        bcm,
        kind: entry.kind,
        value: match &entry.value {
            Said::Level(level) => Value::Bool(*level),
            Said::Duty(duty) => {
                // Three places are what was meant; more are the float's.
                serde_json::json!((f64::from(*duty) * 1000.0).round() / 1000.0)
            }
            Said::Text(text) => Value::String(text.to_string()),
            Said::Sensor(reading) => serde_json::to_value(&**reading).unwrap_or_default(),
        },
        ts: moment(entry.wall_us),
        mono_ns: entry.mono_ns,
        line_seqno: entry.line_seqno,
        lost: entry.lost.into(),
        by: entry.by.to_string(),
    }
}

/// The event that tells a reader of a gap.
pub(crate) fn gap(seq: u64, boot: &str, gone: u64, wall_us: i64, mono_ns: u64) -> Event {
    Event {
        seq,
        boot: boot.to_owned(),
        line: None,
        bcm: None,
        kind: Kind::Lost,
        value: Value::Null,
        ts: moment(wall_us),
        mono_ns,
        line_seqno: 0,
        lost: gone,
        by: "ring".to_owned(),
    }
}

/// Microseconds since 1970 as RFC 3339 in UTC.
pub(crate) fn moment(wall_us: i64) -> String {
    let format = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"
    );
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(wall_us) * 1000)
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_default()
}

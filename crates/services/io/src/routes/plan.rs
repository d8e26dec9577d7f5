//! From the body of `POST /lines/{line}/actions` to a plan.

use std::time::Duration;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::action::Plan;
use crate::board::Board;
use crate::error::Error;

/// Longest part of an action.
const LONGEST_MS: u64 = 604_800_000;
/// Shortest part of a blink, so that nobody makes this service busy.
const SHORTEST_MS: u64 = 1;
/// Most times that a line blinks, when it is told how often.
const MOST_TIMES: u32 = 1_000_000;

/// What to do.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ActionRequest {
    /// On and off in turn.
    Blink {
        /// Milliseconds on.
        #[schema(example = 200)]
        on_ms: u64,
        /// Milliseconds off.
        #[schema(example = 800)]
        off_ms: u64,
        /// How often; without it for ever.
        #[schema(example = 5)]
        count: Option<u32>,
    },
    /// On for a time.
    Pulse {
        /// Milliseconds.
        #[schema(example = 500)]
        ms: u64,
    },
    /// From the present duty to another.
    Fade {
        /// Duty at the end, 0 to 1.
        #[schema(example = 1.0)]
        to: f64,
        /// Milliseconds that it takes.
        #[schema(example = 2000)]
        ms: u64,
    },
    /// A servo's position; one of the two.
    Servo {
        /// Degrees.
        #[schema(example = 90.0)]
        angle: Option<f64>,
        /// The pulse in microseconds.
        #[schema(example = 1500)]
        us: Option<u32>,
    },
    /// Whatever another line says.
    Follow {
        /// The other line.
        #[schema(example = "button1")]
        source: String,
        /// The opposite of it.
        #[serde(default)]
        invert: bool,
    },
}

impl ActionRequest {
    /// The plan for a line.
    pub(super) fn plan(&self, board: &mut Board, line: &str) -> Result<Plan, Error> {
        let millis = |millis: u64, least: u64| {
            if (least..=LONGEST_MS).contains(&millis) {
                Ok(Duration::from_millis(millis))
            } else {
                Err(Error::BadValue("milliseconds are 1 to 604800000 (a week)"))
            }
        };
        match self {
            Self::Blink { on_ms, off_ms, count } => {
                if count.is_some_and(|count| count == 0 || count > MOST_TIMES) {
                    return Err(Error::BadValue("`count` is 1 to 1000000"));
                }
                Ok(Plan::Blink {
                    on: millis(*on_ms, SHORTEST_MS)?,
                    off: millis(*off_ms, SHORTEST_MS)?,
                    count: *count,
                })
            }
            Self::Pulse { ms } => Ok(Plan::Pulse {
                time: millis(*ms, SHORTEST_MS)?,
            }),
            Self::Fade { to, ms } if (0.0..=1.0).contains(to) => Ok(Plan::Fade {
                from: 0.0,
                to: *to,
                time: millis(*ms, SHORTEST_MS)?,
            }),
            Self::Fade { .. } => Err(Error::BadValue("`to` is 0 to 1")),
            Self::Servo { angle, us } => servo(board, line, *angle, *us),
            Self::Follow { source, invert } => board.following(line, source, *invert),
        }
    }
}

/// Within the limits of the line's configuration.
fn servo(board: &Board, line: &str, angle: Option<f64>, us: Option<u32>) -> Result<Plan, Error> {
    let limits = board
        .config_of(board.find(line)?)
        .map(|config| config.servo)
        .unwrap_or_default();
    let us = match (angle, us) {
        (None, Some(us)) => us,
        (Some(angle), None) if (0.0..=f64::from(limits.degrees)).contains(&angle) => {
            let span = f64::from(limits.max_us) - f64::from(limits.min_us);
            (f64::from(limits.min_us) + span * angle / f64::from(limits.degrees)).round() as u32
        }
        (Some(_), None) => return Err(Error::BadValue("the angle is outside the servo's limits")),
        _ => return Err(Error::BadValue("write either `angle` or `us`")),
    };
    if !(limits.min_us..=limits.max_us).contains(&us) {
        return Err(Error::BadValue("the pulse is outside the servo's limits"));
    }
    Ok(Plan::Servo { us })
}

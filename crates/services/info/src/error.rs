//! What can go wrong here, and the one conversion to answers.

use http::StatusCode;
use pistack_kit::problem::Problem;

/// A call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// A place that is not on this planet.
    #[error("{name} must be a number from -{limit} to {limit}")]
    BadPlace { name: &'static str, limit: u8 },
    /// No weather to be had; says why.
    #[error("weather unavailable: {0}")]
    Weather(String),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::BadPlace { .. } => Self::bad_request(message),
            // The original's body is {"error":"weather_unavailable"}.
            Error::Weather(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "weather_unavailable", message)
                .with("error", "weather_unavailable"),
        }
    }
}

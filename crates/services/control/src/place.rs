//! The place whose weather is shown.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A place on the map, with the name that the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// What the page calls it, such as `Kraków`.
    pub name: String,
    /// Degrees north of the equator: -90 to 90.
    #[serde(deserialize_with = "latitude")]
    #[schemars(range(min = -90.0, max = 90.0))]
    pub lat: f64,
    /// Degrees east of Greenwich: -180 to 180.
    #[serde(deserialize_with = "longitude")]
    #[schemars(range(min = -180.0, max = 180.0))]
    pub lon: f64,
}

fn latitude<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    within(from, 90.0)
}

fn longitude<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    within(from, 180.0)
}

fn within<'de, D: Deserializer<'de>>(from: D, limit: f64) -> Result<f64, D::Error> {
    let degrees = f64::deserialize(from)?;
    if degrees.is_finite() && degrees.abs() <= limit {
        return Ok(degrees);
    }
    Err(serde::de::Error::custom(format!(
        "must be a number from -{limit} to {limit}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_lies_on_the_earth() {
        let place = |lat: f64, lon: f64| {
            serde_json::from_value::<Place>(serde_json::json!({ "name": "x", "lat": lat, "lon": lon }))
        };
        assert!(place(50.06, 19.94).is_ok() && place(-90.0, 180.0).is_ok());
        let told = place(91.0, 0.0).unwrap_err().to_string();
        assert!(told.contains("from -90 to 90"), "{told}");
        assert!(place(0.0, 181.0).is_err());
    }
}

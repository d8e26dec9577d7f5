//! A place on this planet.

use crate::error::Error;

/// A place, in ten-thousandths of a degree (11 m): finer differences are the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    lat: i32,
    lon: i32,
}

impl Place {
    /// The place at these degrees.
    pub(crate) fn new(lat: f64, lon: f64) -> Result<Self, Error> {
        let fixed = |degrees: f64, name, limit: u8| {
            let within = degrees.is_finite() && degrees.abs() <= f64::from(limit);
            if within {
                Ok((degrees * 1e4).round() as i32)
            } else {
                Err(Error::BadPlace { name, limit })
            }
        };
        Ok(Self {
            lat: fixed(lat, "lat", 90)?,
            lon: fixed(lon, "lon", 180)?,
        })
    }

    /// Degrees north and east.
    pub(super) fn degrees(self) -> (f64, f64) {
        (f64::from(self.lat) / 1e4, f64::from(self.lon) / 1e4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_on_this_planet() {
        assert_eq!(
            Place::new(52.229_71, 21.012_2).unwrap(),
            Place::new(52.229_7, 21.012_2).unwrap()
        );
        assert_eq!(
            Place::new(52.2297, -21.0122).unwrap().degrees(),
            (52.2297, -21.0122)
        );
        assert!(Place::new(90.0, 180.0).is_ok() && Place::new(-90.0, -180.0).is_ok());
        for (lat, lon) in [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(Place::new(lat, lon).is_err(), "{lat} {lon}");
        }
    }
}

//! The weather: asked once for a place, kept for a quarter of an hour, one flight per place.

mod open_meteo;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use pistack_kit::clock::Clock;
use url::Url;

pub(crate) use open_meteo::Weather;

use crate::error::Error;
use crate::fetch::Fetcher;

/// How long an answer is good: Open-Meteo computes a new one every 15 minutes.
const FRESH: Duration = Duration::from_mins(15);
/// How long nobody is asked for a place after "too many requests".
const AFTER_TOO_MANY: Duration = Duration::from_mins(1);
/// Places kept. The least recently asked one goes first.
const PLACES: usize = 64;

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

    fn degrees(self) -> (f64, f64) {
        (f64::from(self.lat) / 1e4, f64::from(self.lon) / 1e4)
    }
}

/// The provider and what it said.
#[derive(Debug)]
pub(crate) struct Forecasts {
    url: Url,
    timeout: Duration,
    places: Mutex<HashMap<Place, Arc<Kept>>>,
    asked: AtomicU64,
}

/// What is known of one place.
#[derive(Debug, Default)]
struct Kept {
    /// Number of the last request for it.
    used: AtomicU64,
    /// Locked while asking, so that one asks for all.
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    weather: Option<(Duration, Weather)>,
    failure: Option<Failure>,
}

#[derive(Debug, Clone)]
struct Failure {
    at: Duration,
    /// Nobody is asked again before.
    until: Duration,
    error: Error,
}

impl Forecasts {
    /// Asks `url`, each time within `timeout`.
    pub(crate) fn new(url: Url, timeout: Duration) -> Self {
        Self {
            url,
            timeout,
            places: Mutex::default(),
            asked: AtomicU64::new(0),
        }
    }

    /// The weather at `place`, 15 minutes old at most.
    pub(crate) async fn get(&self, place: Place, fetcher: &Fetcher, clock: &Clock) -> Result<Weather, Error> {
        let asked = clock.monotonic();
        let kept = self.kept(place);
        let mut state = kept.state.lock().await;
        let now = clock.monotonic();
        if let Some((at, weather)) = &state.weather {
            let age = now.saturating_sub(*at);
            if age < FRESH {
                return Ok(weather.aged(age));
            }
        }
        // A flight that failed while this request waited for it failed for this request too.
        if let Some(failure) = &state.failure
            && (failure.at > asked || now < failure.until)
        {
            return Err(failure.error.clone());
        }
        match self.ask(place, fetcher).await {
            Ok(weather) => {
                *state = State {
                    weather: Some((clock.monotonic(), weather.clone())),
                    failure: None,
                };
                Ok(weather)
            }
            Err((error, pause)) => {
                tracing::warn!(%error, "no weather");
                let at = clock.monotonic();
                state.failure = Some(Failure {
                    at,
                    until: at + pause,
                    error: error.clone(),
                });
                Err(error)
            }
        }
    }

    async fn ask(&self, place: Place, fetcher: &Fetcher) -> Result<Weather, (Error, Duration)> {
        let failed = |reason: String| (Error::Weather(reason), Duration::ZERO);
        let (lat, lon) = place.degrees();
        let url = open_meteo::request(&self.url, lat, lon);
        let answer = fetcher
            .get(&url, self.timeout)
            .await
            .map_err(|error| failed(error.to_string()))?;
        match answer.status {
            StatusCode::OK => open_meteo::read(&answer.body).map_err(failed),
            StatusCode::TOO_MANY_REQUESTS => Err((
                Error::Weather("the provider says: too many requests".into()),
                AFTER_TOO_MANY,
            )),
            status => Err(failed(open_meteo::refusal(status, &answer.body))),
        }
    }

    fn kept(&self, place: Place) -> Arc<Kept> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if !places.contains_key(&place) && places.len() >= PLACES {
            let oldest = places
                .iter()
                .min_by_key(|(_, kept)| kept.used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(place, _)| *place) {
                places.remove(&oldest);
            }
        }
        let kept = places.entry(place).or_default();
        kept.used.store(number, Ordering::Relaxed);
        Arc::clone(kept)
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

    #[test]
    fn the_least_recently_asked_place_goes() {
        let forecasts = Forecasts::new("http://localhost".parse().unwrap(), Duration::from_secs(1));
        let place = |n: i32| Place { lat: n, lon: 0 };
        for n in 0..PLACES as i32 {
            forecasts.kept(place(n));
        }
        forecasts.kept(place(0));
        forecasts.kept(place(1000));
        let places = forecasts.places.lock().unwrap();
        assert_eq!(places.len(), PLACES);
        assert!(places.contains_key(&place(0)) && places.contains_key(&place(1000)));
        assert!(!places.contains_key(&place(1)));
    }
}

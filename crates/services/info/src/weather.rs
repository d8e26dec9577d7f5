//! The weather: asked once for a place, kept for a quarter of an hour, one flight per place. While nobody answers, what
//! was said up to three hours ago is shown, and said to be old.
//!
//! Two providers: Open-Meteo (no key, non-commercial use) and MET Norway (wants to know whom to write to). Where the
//! first one fails and a contact is set, the second one is asked.

mod met_norway;
mod met_symbols;
mod open_meteo;
mod place;
mod view;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{StatusCode, header};
use pistack_kit::clock::Clock;
use url::Url;

pub(crate) use place::Place;
pub(crate) use view::Weather;

use crate::config::{BadUrl, Config, Provider, outside};
use crate::error::Error;
use crate::fetch::{Fetched, Fetcher};

/// How long an answer is good: Open-Meteo computes a new one every 15 minutes.
const FRESH: Duration = Duration::from_mins(15);
/// How long an old answer is shown while there is no new one.
const STALE: Duration = Duration::from_hours(3);
/// How long nobody is asked for a place after "too many requests": doubled each time, to an hour.
const AFTER_TOO_MANY: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How long nobody is asked for a place after another failure while an old answer is shown.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Places kept. The least recently asked one goes first.
const PLACES: usize = 64;

/// The providers and what they said.
#[derive(Debug)]
pub(crate) struct Forecasts {
    /// In the order in which they are asked.
    providers: Vec<(Provider, Url)>,
    /// What MET Norway knows us by.
    user_agent: String,
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
    weather: Option<Known>,
    failure: Option<Failure>,
}

/// An answer.
#[derive(Debug, Clone)]
struct Known {
    weather: Weather,
    provider: Provider,
    /// When it was asked for, or confirmed.
    at: Duration,
    /// Nobody is asked again before.
    fresh_until: Duration,
    /// To ask only for something newer.
    last_modified: Option<String>,
}

#[derive(Debug, Clone)]
struct Failure {
    at: Duration,
    /// Nobody is asked again before.
    until: Duration,
    /// In a row.
    refusals: u32,
    error: Error,
}

/// Why there is nothing new.
struct Missing {
    error: Error,
    pause: Pause,
}

/// How long the provider is left alone.
enum Pause {
    /// As after any failure.
    AsUsual,
    /// It said that it was asked too often; for so long, if it said that as well.
    TooMany(Option<Duration>),
}

impl Forecasts {
    /// Asks whom `config` names.
    pub(crate) fn new(config: &Config) -> Result<Self, BadUrl> {
        let contact = config.weather_contact.as_deref().map(str::trim);
        let contact = contact.filter(|contact| !contact.is_empty());
        let open_meteo = (Provider::OpenMeteo, outside(&config.weather_url)?);
        let met_norway = (Provider::MetNorway, outside(&config.met_norway_url)?);
        let providers = match (config.weather_provider, contact) {
            (Provider::OpenMeteo, Some(_)) => vec![open_meteo, met_norway],
            (Provider::OpenMeteo, None) => vec![open_meteo],
            (Provider::MetNorway, _) => vec![met_norway, open_meteo],
        };
        let version = env!("CARGO_PKG_VERSION");
        Ok(Self {
            providers,
            user_agent: contact.map_or_else(
                || format!("pistack/{version}"),
                |contact| format!("pistack/{version} {contact}"),
            ),
            timeout: config.timeout.0,
            places: Mutex::default(),
            asked: AtomicU64::new(0),
        })
    }

    /// The weather at `place`: 15 minutes old at most, or up to three hours old and marked so while nobody answers.
    pub(crate) async fn get(&self, place: Place, fetcher: &Fetcher, clock: &Clock) -> Result<Weather, Error> {
        let asked = clock.monotonic();
        let kept = self.kept(place);
        let mut state = kept.state.lock().await;
        let now = clock.monotonic();
        if let Some(known) = &state.weather
            && now < known.fresh_until
        {
            return Ok(known.weather.aged(now.saturating_sub(known.at), false));
        }
        // A flight that failed while this request waited for it failed for this request too.
        if let Some(failure) = &state.failure
            && (failure.at > asked || now < failure.until)
        {
            return state.old(now).ok_or_else(|| failure.error.clone());
        }
        match self.ask_all(place, &state, fetcher, clock).await {
            Ok(known) => {
                let weather = known.weather.aged(Duration::ZERO, false);
                *state = State {
                    weather: Some(known),
                    failure: None,
                };
                Ok(weather)
            }
            Err(missing) => {
                tracing::warn!(error = %missing.error, "no weather");
                let now = clock.monotonic();
                let failure = state.failed(now, missing);
                let error = failure.error.clone();
                state.failure = Some(failure);
                state.old(now).ok_or(error)
            }
        }
    }

    /// One provider after the other. The first one's fault is the one that is told.
    async fn ask_all(
        &self,
        place: Place,
        state: &State,
        fetcher: &Fetcher,
        clock: &Clock,
    ) -> Result<Known, Missing> {
        let mut first = None;
        for (provider, url) in &self.providers {
            let before = state.weather.as_ref().filter(|known| known.provider == *provider);
            match self.ask(*provider, url, place, before, fetcher, clock).await {
                Ok(known) => return Ok(known),
                Err(missing) => {
                    first.get_or_insert(missing);
                }
            }
        }
        Err(first.unwrap_or_else(|| missing("no provider is set".to_owned())))
    }

    async fn ask(
        &self,
        provider: Provider,
        base: &Url,
        place: Place,
        before: Option<&Known>,
        fetcher: &Fetcher,
        clock: &Clock,
    ) -> Result<Known, Missing> {
        let (lat, lon) = place.degrees();
        let (url, agent, since) = match provider {
            Provider::OpenMeteo => (open_meteo::request(base, lat, lon), None, None),
            Provider::MetNorway => (
                met_norway::request(base, lat, lon),
                Some(&*self.user_agent),
                before.and_then(|known| known.last_modified.as_deref()),
            ),
        };
        let answer = fetcher
            .get_with(&url, self.timeout, agent, since)
            .await
            .map_err(|error| missing(error.to_string()))?;
        let at = clock.monotonic();
        let weather = match (answer.status, before) {
            (StatusCode::NOT_MODIFIED, Some(before)) => before.weather.clone(),
            (status, _)
                if status == StatusCode::OK || status == StatusCode::NON_AUTHORITATIVE_INFORMATION =>
            {
                match provider {
                    Provider::OpenMeteo => open_meteo::read(&answer.body),
                    Provider::MetNorway => met_norway::read(&answer.body),
                }
                .map_err(missing)?
            }
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                return Err(Missing {
                    error: Error::Weather("the provider says: too many requests".into()),
                    pause: Pause::TooMany(retry_after(&answer)),
                });
            }
            (status, _) => return Err(missing(open_meteo::refusal(status, &answer.body))),
        };
        Ok(Known {
            weather,
            provider,
            at,
            fresh_until: at + good_for(provider, &answer, clock),
            last_modified: text_of(&answer, &header::LAST_MODIFIED)
                .or_else(|| before.and_then(|known| known.last_modified.clone())),
        })
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

impl State {
    /// What was said before, while it is not too old.
    fn old(&self, now: Duration) -> Option<Weather> {
        let known = self.weather.as_ref()?;
        let age = now.saturating_sub(known.at);
        (age <= STALE).then(|| known.weather.aged(age, true))
    }

    fn failed(&self, now: Duration, missing: Missing) -> Failure {
        let before = self.failure.as_ref().map_or(0, |failure| failure.refusals);
        let (pause, refusals) = match missing.pause {
            Pause::TooMany(wanted) => {
                let doubled = AFTER_TOO_MANY.saturating_mul(1 << before.min(6));
                (
                    wanted.unwrap_or(doubled).clamp(AFTER_TOO_MANY, LONGEST_PAUSE),
                    before + 1,
                )
            }
            // Who sees old weather need not wait for a deadline each time.
            Pause::AsUsual if self.weather.is_some() => (AFTER_FAILURE, 0),
            Pause::AsUsual => (Duration::ZERO, 0),
        };
        Failure {
            at: now,
            until: now + pause,
            refusals,
            error: missing.error,
        }
    }
}

fn missing(reason: String) -> Missing {
    Missing {
        error: Error::Weather(reason),
        pause: Pause::AsUsual,
    }
}

fn text_of(answer: &Fetched, name: &header::HeaderName) -> Option<String> {
    answer.headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3).
fn retry_after(answer: &Fetched) -> Option<Duration> {
    let seconds = text_of(answer, &header::RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// MET Norway says itself how long its answer is good, and wants to be obeyed; by the difference of its own two
/// clocks' times, so that this board's clock does not matter.
fn good_for(provider: Provider, answer: &Fetched, clock: &Clock) -> Duration {
    if provider == Provider::OpenMeteo {
        return FRESH;
    }
    let time = |name| httpdate::parse_http_date(&text_of(answer, &name)?).ok();
    let now = time(header::DATE).or_else(|| std::time::UNIX_EPOCH.checked_add(clock.wall()));
    time(header::EXPIRES)
        .zip(now)
        .and_then(|(expires, now)| expires.duration_since(now).ok())
        .unwrap_or(FRESH)
        .clamp(FRESH, STALE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_asked_place_goes() {
        let forecasts = Forecasts::new(&Config::default()).unwrap();
        let place = |n: i32| Place::new(f64::from(n) / 1e4, 0.0).unwrap();
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

    #[test]
    fn met_norway_is_a_second_choice_only_with_a_contact() {
        let order = |config: Config| {
            let forecasts = Forecasts::new(&config).unwrap();
            let order: Vec<_> = forecasts
                .providers
                .iter()
                .map(|(provider, _)| *provider)
                .collect();
            (order, forecasts.user_agent)
        };
        assert_eq!(order(Config::default()).0, [Provider::OpenMeteo]);
        let (both, agent) = order(Config {
            weather_contact: Some("anna@example.org".into()),
            ..Config::default()
        });
        assert_eq!(both, [Provider::OpenMeteo, Provider::MetNorway]);
        assert!(agent.starts_with("pistack/") && agent.ends_with(" anna@example.org"));
    }
}

//! What is known of each sensor: its last good value, how old that is, and what went wrong since.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::config::SensorConfig;
use super::discover::Channel;
use super::read::ReadError;

/// A read that takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// After so long without a new one, a value says nothing about now.
const TOO_OLD: Duration = Duration::from_mins(10);

/// How far a value is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Quality {
    /// The last read succeeded.
    Ok,
    /// The last good value; reads since then failed, hang, or are overdue.
    Stale,
    /// There is no value, or it is older than ten minutes.
    Bad,
}

impl Quality {
    /// As in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::Bad => "bad",
        }
    }
}

/// A sensor as `GET /api/io/sensors` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct View {
    /// Its name in the configuration, else its own id.
    #[schema(example = "28-0316a2795cff")]
    pub(crate) id: String,
    /// Its own id, by which `[sensor.NAME] source` means it.
    #[schema(example = "28-0316a2795cff")]
    pub(crate) source: String,
    /// The chip.
    #[schema(example = "ds18b20")]
    pub(crate) kind: String,
    /// What is measured.
    #[schema(example = "temperature")]
    pub(crate) quantity: String,
    /// The last good value.
    #[schema(example = 21.437)]
    pub(crate) value: Option<f64>,
    /// Its unit.
    #[schema(example = "°C")]
    pub(crate) unit: String,
    /// When it was read, RFC 3339 in UTC.
    #[schema(example = "2026-11-23T18:00:00.123456Z")]
    pub(crate) at: Option<String>,
    /// How long ago, in milliseconds.
    #[schema(example = 1200)]
    pub(crate) age_ms: Option<u64>,
    /// How far it is to be believed.
    pub(crate) quality: Quality,
    /// What it is, for people.
    pub(crate) label: Option<String>,
    /// Why the last read gave no value.
    pub(crate) error: Option<String>,
}

/// The times of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Monotonic.
    pub(crate) mono: Duration,
    /// Microseconds since 1970.
    pub(crate) wall_us: i64,
}

/// A good value.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Good {
    value: f64,
    mono: Duration,
    wall_us: i64,
}

/// One sensor.
#[derive(Debug, Clone)]
pub(crate) struct Sensor {
    /// Name in answers.
    pub(crate) id: String,
    /// What it is; `None` for one of the configuration that is not there.
    pub(crate) channel: Option<Channel>,
    /// Its table, or the defaults.
    pub(crate) config: SensorConfig,
    good: Option<Good>,
    failure: Option<String>,
    /// What was last told as an event.
    told: Option<(f64, Quality)>,
}

impl Sensor {
    /// One that was not read yet.
    pub(crate) fn new(id: String, channel: Option<Channel>, config: SensorConfig) -> Self {
        Self {
            id,
            channel,
            config,
            good: None,
            failure: None,
            told: None,
        }
    }

    /// The value as the driver gave it, before scale and offset.
    pub(crate) fn before(&self) -> Option<f64> {
        self.good
            .map(|good| (good.value - self.config.offset) / self.config.scale)
    }

    /// Takes what a read gave.
    pub(crate) fn take(&mut self, outcome: Result<f64, ReadError>, now: Moment) {
        match outcome {
            Ok(value) => {
                let value = value * self.config.scale + self.config.offset;
                self.good = Some(Good {
                    value: (value * 1_000_000.0).round() / 1_000_000.0,
                    mono: now.mono,
                    wall_us: now.wall_us,
                });
                self.failure = None;
            }
            Err(error) => self.failure = Some(error.to_string()),
        }
    }

    /// Value and quality, if they are news: the quality changed, or the value by what the configuration asks for.
    pub(crate) fn news(&mut self, now: Duration) -> Option<(Option<f64>, Quality)> {
        let quality = self.quality(now, None);
        let value = self.good.map(|good| good.value);
        let news = match (self.told, value) {
            (None, None) => false,
            (Some((told, before)), Some(value)) => {
                let change = (told - value).abs();
                quality != before || (change > 0.0 && change >= self.config.min_change)
            }
            _ => true,
        };
        if news {
            self.told = value.map(|value| (value, quality));
        }
        news.then_some((value, quality))
    }

    /// `hanging`: a read of its device has been under way for so long.
    fn quality(&self, now: Duration, hanging: Option<Duration>) -> Quality {
        let Some(good) = self.good else {
            return Quality::Bad;
        };
        let age = now.saturating_sub(good.mono);
        let overdue = age > self.config.every.0 * 2 + PATIENCE;
        if age > TOO_OLD.max(self.config.every.0 * 3) || self.channel.is_none() {
            Quality::Bad
        } else if self.failure.is_some() || overdue || hanging.is_some() {
            Quality::Stale
        } else {
            Quality::Ok
        }
    }

    /// As answers show it.
    pub(crate) fn view(&self, now: Duration, hanging: Option<Duration>) -> View {
        let channel = self.channel.as_ref();
        let text = |own: &Option<String>, found: Option<&str>| {
            own.clone()
                .unwrap_or_else(|| found.unwrap_or_default().to_owned())
        };
        let error = match (channel, hanging) {
            (None, _) => Some(format!("there is no sensor {}", self.config.source)),
            (_, Some(time)) => Some(format!("it has not answered for {} s", time.as_secs())),
            _ => self.failure.clone(),
        };
        View {
            id: self.id.clone(),
            source: channel.map_or(&self.config.source, |channel| &channel.id).clone(),
            kind: channel.map(|channel| channel.kind.clone()).unwrap_or_default(),
            quantity: text(&self.config.quantity, channel.map(|channel| channel.quantity)),
            value: self.good.map(|good| good.value),
            unit: text(&self.config.unit, channel.map(|channel| channel.unit)),
            at: self.good.map(|good| crate::event::moment(good.wall_us)),
            age_ms: self
                .good
                .map(|good| u64::try_from(now.saturating_sub(good.mono).as_millis()).unwrap_or(u64::MAX)),
            quality: self.quality(now, hanging),
            label: self
                .config
                .label
                .clone()
                .or_else(|| channel.and_then(|channel| channel.label.clone())),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensors::discover::Source;

    fn at(seconds: u64) -> Moment {
        Moment {
            mono: Duration::from_secs(seconds),
            wall_us: 1_700_000_000_000_000 + i64::try_from(seconds).unwrap() * 1_000_000,
        }
    }

    fn sensor(config: SensorConfig) -> Sensor {
        let channel = Channel {
            id: "28-1".into(),
            kind: "ds18b20".into(),
            quantity: "temperature",
            unit: "°C",
            factor: 0.001,
            source: Source::Finished("/nowhere".into()),
            label: None,
        };
        Sensor::new("kitchen".into(), Some(channel), config)
    }

    #[test]
    fn quality_follows_age_and_failures() {
        let mut sensor = sensor(SensorConfig::default());
        let view = sensor.view(at(0).mono, None);
        assert_eq!(
            (view.quality, view.value, view.age_ms),
            (Quality::Bad, None, None)
        );
        sensor.take(Ok(21.437), at(10));
        let view = sensor.view(at(12).mono, None);
        assert_eq!(
            (view.quality, view.value, view.age_ms, view.error),
            (Quality::Ok, Some(21.437), Some(2000), None)
        );
        assert_eq!(view.at.as_deref(), Some("2023-11-14T22:13:30.000000Z"));
        sensor.take(Err(ReadError::Driver("Input/output error".into())), at(20));
        let view = sensor.view(at(20).mono, None);
        assert_eq!(
            (view.quality, view.value, view.error.as_deref()),
            (Quality::Stale, Some(21.437), Some("Input/output error"))
        );
        sensor.take(Ok(21.5), at(30));
        assert_eq!(sensor.view(at(30).mono, None).quality, Quality::Ok);
        // Overdue, hanging, too old.
        assert_eq!(sensor.view(at(60).mono, None).quality, Quality::Stale);
        let hanging = sensor.view(at(34).mono, Some(Duration::from_secs(4)));
        assert_eq!(hanging.quality, Quality::Stale);
        assert_eq!(hanging.error.as_deref(), Some("it has not answered for 4 s"));
        assert_eq!(sensor.view(at(700).mono, None).quality, Quality::Bad);
    }

    #[test]
    fn values_are_corrected_and_the_driver_s_own_is_kept_apart() {
        let mut sensor = sensor(SensorConfig {
            scale: 2.0,
            offset: -0.5,
            unit: Some("V".into()),
            quantity: Some("battery".into()),
            ..SensorConfig::default()
        });
        sensor.take(Ok(3.0), at(0));
        let view = sensor.view(at(0).mono, None);
        assert_eq!(
            (view.value, view.unit.as_str(), view.quantity.as_str()),
            (Some(5.5), "V", "battery")
        );
        assert_eq!(sensor.before(), Some(3.0));
    }

    #[test]
    fn news_are_changes_that_matter() {
        let mut sensor = sensor(SensorConfig {
            min_change: 0.5,
            ..SensorConfig::default()
        });
        assert_eq!(sensor.news(at(0).mono), None);
        sensor.take(Ok(20.0), at(1));
        assert_eq!(sensor.news(at(1).mono), Some((Some(20.0), Quality::Ok)));
        sensor.take(Ok(20.4), at(2));
        assert_eq!(sensor.news(at(2).mono), None);
        sensor.take(Ok(20.5), at(3));
        assert_eq!(sensor.news(at(3).mono), Some((Some(20.5), Quality::Ok)));
        sensor.take(Err(ReadError::Gone), at(4));
        assert_eq!(sensor.news(at(4).mono), Some((Some(20.5), Quality::Stale)));
        assert_eq!(sensor.news(at(5).mono), None);
    }
}

//! The weather as it is shown, whoever told it.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

/// The weather now and on the next days.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Weather {
    /// Air temperature 2 m above ground, °C. The original's one key.
    #[schema(example = 21.4)]
    pub(crate) temperature: f64,
    /// The same under the name that the other keys' style gives it.
    #[schema(example = 21.4)]
    pub(crate) temperature_c: f64,
    /// Felt temperature, °C.
    pub(crate) feels_like: Option<f64>,
    /// The same.
    pub(crate) feels_like_c: Option<f64>,
    /// Relative humidity, percent.
    pub(crate) humidity_pct: Option<f64>,
    /// Pressure at sea level, hPa.
    pub(crate) pressure_hpa: Option<f64>,
    /// Wind 10 m above ground, km/h.
    pub(crate) wind_kmh: Option<f64>,
    /// Where the wind comes from, degrees from north.
    pub(crate) wind_dir_deg: Option<f64>,
    /// Gusts, km/h.
    pub(crate) gust_kmh: Option<f64>,
    /// Rain and snow of the last interval, mm.
    pub(crate) precip_mm: Option<f64>,
    /// Sky covered by clouds, percent.
    pub(crate) cloud_pct: Option<f64>,
    /// WMO weather code.
    #[schema(example = 3)]
    pub(crate) code: Option<u16>,
    /// The code in words.
    #[schema(example = "overcast")]
    pub(crate) text: Option<&'static str>,
    /// The sun is up.
    pub(crate) is_day: Option<bool>,
    /// Time of the values: the place's own with Open-Meteo, UTC with MET Norway.
    #[schema(example = "2026-11-23T13:15")]
    pub(crate) at: Option<String>,
    /// Time zone of `at`.
    #[schema(example = "Europe/Warsaw")]
    pub(crate) timezone: Option<String>,
    /// Today and the next days.
    pub(crate) daily: Vec<Day>,
    /// Who told it: `open-meteo` or `met-norway`.
    #[schema(example = "open-meteo")]
    pub(crate) provider: &'static str,
    /// Seconds since the provider was asked.
    pub(crate) age_s: u64,
    /// Older than it should be, because the provider does not answer.
    pub(crate) stale: bool,
    /// To be shown beside the data, as a link to `attribution_url`.
    pub(crate) attribution: &'static str,
    /// The link.
    pub(crate) attribution_url: &'static str,
}

/// One day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Day {
    /// The date.
    #[schema(example = "2026-11-24")]
    pub(crate) date: String,
    /// WMO weather code.
    pub(crate) code: Option<u16>,
    /// The code in words.
    pub(crate) text: Option<&'static str>,
    /// Highest temperature, °C.
    pub(crate) max_c: Option<f64>,
    /// Lowest temperature, °C.
    pub(crate) min_c: Option<f64>,
    /// Rain and snow, mm.
    pub(crate) precip_mm: Option<f64>,
    /// Sunrise; MET Norway does not say.
    #[schema(example = "2026-11-24T07:12")]
    pub(crate) sunrise: Option<String>,
    /// Sunset.
    pub(crate) sunset: Option<String>,
}

impl Weather {
    /// The same, some time later.
    pub(crate) fn aged(&self, age: Duration, stale: bool) -> Self {
        Self {
            age_s: age.as_secs(),
            stale,
            ..self.clone()
        }
    }
}

/// WMO code table 4677, as Open-Meteo uses it.
pub(super) fn words(code: u16) -> Option<&'static str> {
    Some(match code {
        0 => "clear sky",
        1 => "mainly clear",
        2 => "partly cloudy",
        3 => "overcast",
        45 => "fog",
        48 => "rime fog",
        51 | 53 | 55 => "drizzle",
        56 | 57 => "freezing drizzle",
        61 | 63 | 65 => "rain",
        66 | 67 => "freezing rain",
        68 | 69 => "sleet",
        71 | 73 | 75 => "snow",
        77 => "snow grains",
        80..=82 => "rain showers",
        83 | 84 => "sleet showers",
        85 | 86 => "snow showers",
        95 => "thunderstorm",
        96 | 99 => "thunderstorm with hail",
        _ => return None,
    })
}

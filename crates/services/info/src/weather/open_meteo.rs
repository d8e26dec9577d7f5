//! Open-Meteo's forecast API: what is asked and how the answer reads.
//!
//! Source: Open-Meteo's documentation, "Weather Forecast API". The data is CC BY 4.0, so that a link has to
//! stand beside it: every answer carries `attribution` and `attribution_url`.

use http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::view::{Day, Weather, words};

const CURRENT: &str = "temperature_2m,relative_humidity_2m,apparent_temperature,is_day,precipitation,\
                       weather_code,cloud_cover,pressure_msl,wind_speed_10m,wind_direction_10m,wind_gusts_10m";

const DAILY: &str = "weather_code,temperature_2m_max,temperature_2m_min,precipitation_sum,sunrise,sunset";
/// Today and the two days after it.
const DAYS: usize = 3;

/// The address to ask for a place. A base without a path gets the public API's.
pub(super) fn request(base: &Url, lat: f64, lon: f64) -> Url {
    let mut url = base.clone();
    if matches!(url.path(), "" | "/") {
        url.set_path("/v1/forecast");
    }
    url.query_pairs_mut()
        .append_pair("latitude", &lat.to_string())
        .append_pair("longitude", &lon.to_string())
        .append_pair("current", CURRENT)
        .append_pair("daily", DAILY)
        .append_pair("timezone", "auto")
        .append_pair("forecast_days", &DAYS.to_string());
    url
}

#[derive(Deserialize)]
struct Answer {
    timezone: Option<String>,
    current: Option<Current>,
    /// The form of before 2023, which self-hosted servers may still speak.
    current_weather: Option<CurrentWeather>,
    #[serde(default)]
    daily: Daily,
}

/// Columns: a value for each day, `null` where there is none.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Daily {
    time: Vec<String>,
    weather_code: Vec<Option<u16>>,
    temperature_2m_max: Vec<Option<f64>>,
    temperature_2m_min: Vec<Option<f64>>,
    precipitation_sum: Vec<Option<f64>>,
    sunrise: Vec<Option<String>>,
    sunset: Vec<Option<String>>,
}

impl Daily {
    fn days(mut self) -> Vec<Day> {
        fn take<T>(column: &mut [Option<T>], row: usize) -> Option<T> {
            column.get_mut(row)?.take()
        }
        let times = std::mem::take(&mut self.time)
            .into_iter()
            .take(2 * DAYS)
            .enumerate();
        times
            .map(|(row, date)| {
                let code = take(&mut self.weather_code, row);
                Day {
                    date,
                    code,
                    text: code.and_then(words),
                    max_c: take(&mut self.temperature_2m_max, row),
                    min_c: take(&mut self.temperature_2m_min, row),
                    precip_mm: take(&mut self.precipitation_sum, row),
                    sunrise: take(&mut self.sunrise, row),
                    sunset: take(&mut self.sunset, row),
                }
            })
            .collect()
    }
}

#[derive(Deserialize)]
struct Current {
    time: Option<String>,
    temperature_2m: f64,
    apparent_temperature: Option<f64>,
    relative_humidity_2m: Option<f64>,
    pressure_msl: Option<f64>,
    wind_speed_10m: Option<f64>,
    wind_direction_10m: Option<f64>,
    wind_gusts_10m: Option<f64>,
    precipitation: Option<f64>,
    cloud_cover: Option<f64>,
    weather_code: Option<u16>,
    is_day: Option<u8>,
}

#[derive(Deserialize)]
struct CurrentWeather {
    time: Option<String>,
    temperature: f64,
    windspeed: Option<f64>,
    winddirection: Option<f64>,
    weathercode: Option<u16>,
    is_day: Option<u8>,
}

impl From<CurrentWeather> for Current {
    fn from(old: CurrentWeather) -> Self {
        Self {
            time: old.time,
            temperature_2m: old.temperature,
            apparent_temperature: None,
            relative_humidity_2m: None,
            pressure_msl: None,
            wind_speed_10m: old.windspeed,
            wind_direction_10m: old.winddirection,
            wind_gusts_10m: None,
            precipitation: None,
            cloud_cover: None,
            weather_code: old.weathercode,
            is_day: old.is_day,
        }
    }
}

/// Reads a 200; says what is wrong with one that makes no sense.
pub(super) fn read(body: &[u8]) -> Result<Weather, String> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| format!("the provider's answer makes no sense: {error}"))?;
    let now = answer
        .current
        .or_else(|| answer.current_weather.map(Current::from))
        .ok_or("the provider's answer has no current weather")?;
    Ok(Weather {
        temperature: now.temperature_2m,
        temperature_c: now.temperature_2m,
        feels_like: now.apparent_temperature,
        feels_like_c: now.apparent_temperature,
        humidity_pct: now.relative_humidity_2m,
        pressure_hpa: now.pressure_msl,
        wind_kmh: now.wind_speed_10m,
        wind_dir_deg: now.wind_direction_10m,
        gust_kmh: now.wind_gusts_10m,
        precip_mm: now.precipitation,
        cloud_pct: now.cloud_cover,
        code: now.weather_code,
        text: now.weather_code.and_then(words),
        is_day: now.is_day.map(|flag| flag != 0),
        at: now.time,
        timezone: answer.timezone,
        daily: answer.daily.days(),
        provider: "open-meteo",
        age_s: 0,
        stale: false,
        attribution: "Weather data by Open-Meteo.com (CC BY 4.0)",
        attribution_url: "https://open-meteo.com/",
    })
}

/// What the provider says where it does not give the weather: `{"error":true,"reason":"..."}`.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        reason: String,
    }
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => format!("the provider answered {status}: {}", refusal.reason),
        Err(_) => format!("the provider answered {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_as_documented() {
        let public = request(&"https://api.open-meteo.com".parse().unwrap(), 52.2297, 21.0122);
        assert!(public.as_str().starts_with(
            "https://api.open-meteo.com/v1/forecast?latitude=52.2297&longitude=21.0122&current=temperature_2m"
        ));
        let own = request(&"http://[::1]:8/meteo?apikey=x".parse().unwrap(), -1.0, 0.0);
        assert!(
            own.as_str()
                .starts_with("http://[::1]:8/meteo?apikey=x&latitude=-1&longitude=0&"),
            "{own}"
        );
    }

    #[test]
    fn reads_both_forms_and_refuses_the_rest() {
        let new = read(br#"{"timezone":"Europe/Warsaw","current":{"time":"2026-11-23T13:15","temperature_2m":4.5,"weather_code":3,"is_day":1}}"#).unwrap();
        assert_eq!(
            (new.temperature, new.text, new.is_day),
            (4.5, Some("overcast"), Some(true))
        );
        let days = read(
            br#"{"current":{"temperature_2m":1},"daily":{"time":["2026-11-23","2026-11-24"],"weather_code":[3,null],"temperature_2m_max":[5.5],"sunrise":["2026-11-23T07:12"]}}"#,
        )
        .unwrap()
        .daily;
        assert_eq!(
            (days.len(), days[0].max_c, days[0].text),
            (2, Some(5.5), Some("overcast"))
        );
        assert_eq!(
            (&*days[1].date, days[1].max_c, days[1].code),
            ("2026-11-24", None, None)
        );
        let old =
            read(br#"{"current_weather":{"temperature":-3,"windspeed":7.2,"weathercode":71}}"#).unwrap();
        assert_eq!(
            (old.temperature, old.wind_kmh, old.text),
            (-3.0, Some(7.2), Some("snow"))
        );
        for bad in [
            &b"{}"[..],
            b"",
            b"<html>",
            b"{\"current\":{}}",
            b"{\"current\":{\"temperature_2m\":\"warm\"}}",
        ] {
            assert!(read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}

//! MET Norway's Locationforecast: what is asked and how the answer reads.
//!
//! Source: MET Norway's "Terms of service" and the Locationforecast 2.0 data model: at most four decimals, a
//! `User-Agent` with a contact, `If-Modified-Since`, no request before `Expires`. The data is CC BY 4.0 / NLOD 2.0.

use serde::Deserialize;
use url::Url;

use super::met_symbols::{is_day, wmo_code};
use super::view::{Day, Weather, words};

/// Days shown.
const DAYS: usize = 3;

/// The address to ask for a place. A base without a path gets the public API's.
pub(super) fn request(base: &Url, lat: f64, lon: f64) -> Url {
    let mut url = base.clone();
    if matches!(url.path(), "" | "/") {
        url.set_path("/weatherapi/locationforecast/2.0/compact");
    }
    url.query_pairs_mut()
        .append_pair("lat", &lat.to_string())
        .append_pair("lon", &lon.to_string());
    url
}

#[derive(Deserialize)]
struct Answer {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    timeseries: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    time: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    instant: Period<Instant>,
    #[serde(default)]
    next_1_hours: Option<Outlook>,
    #[serde(default)]
    next_6_hours: Option<Outlook>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Period<T: Default> {
    details: T,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Instant {
    air_temperature: Option<f64>,
    relative_humidity: Option<f64>,
    air_pressure_at_sea_level: Option<f64>,
    wind_speed: Option<f64>,
    wind_from_direction: Option<f64>,
    wind_speed_of_gust: Option<f64>,
    cloud_area_fraction: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Outlook {
    summary: Summary,
    details: Amount,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Summary {
    symbol_code: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Amount {
    precipitation_amount: Option<f64>,
}

impl Data {
    fn outlook(&self) -> Option<&Outlook> {
        self.next_1_hours.as_ref().or(self.next_6_hours.as_ref())
    }

    fn symbol(&self) -> Option<&str> {
        self.outlook()?.summary.symbol_code.as_deref()
    }
}

/// Reads a 200; says what is wrong with one that makes no sense.
pub(super) fn read(body: &[u8]) -> Result<Weather, String> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| format!("the provider's answer makes no sense: {error}"))?;
    let steps = answer.properties.timeseries;
    let first = steps
        .first()
        .ok_or("the provider's answer has no current weather")?;
    let now = &first.data.instant.details;
    let temperature = now
        .air_temperature
        .ok_or("the provider's answer has no temperature")?;
    let code = first.data.symbol().and_then(wmo_code);
    let kmh = |metres_a_second: f64| (metres_a_second * 36.0).round() / 10.0;
    Ok(Weather {
        temperature,
        temperature_c: temperature,
        humidity_pct: now.relative_humidity,
        pressure_hpa: now.air_pressure_at_sea_level,
        wind_kmh: now.wind_speed.map(kmh),
        wind_dir_deg: now.wind_from_direction,
        gust_kmh: now.wind_speed_of_gust.map(kmh),
        precip_mm: first
            .data
            .next_1_hours
            .as_ref()
            .and_then(|hour| hour.details.precipitation_amount),
        cloud_pct: now.cloud_area_fraction,
        code,
        text: code.and_then(words),
        is_day: first.data.symbol().and_then(is_day),
        at: Some(first.time.clone()),
        timezone: Some("UTC".to_owned()),
        daily: days(&steps),
        provider: "met-norway",
        attribution: "Weather data by MET Norway (CC BY 4.0)",
        attribution_url: "https://api.met.no/",
        ..Weather::default()
    })
}

/// Days of UTC. A day's symbol is that of the step nearest to its noon; its rain the sum of steps that do not overlap.
fn days(steps: &[Step]) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for step in steps {
        let (Some(date), Some(hour)) = (step.time.get(..10), step.time.get(11..13)) else {
            continue;
        };
        if days.last().is_none_or(|day| day.date != date) {
            if days.len() == DAYS {
                break;
            }
            days.push(Day {
                date: date.to_owned(),
                ..Day::default()
            });
        }
        let Some(day) = days.last_mut() else { continue };
        if let Some(temperature) = step.data.instant.details.air_temperature {
            day.max_c = Some(day.max_c.map_or(temperature, |max| max.max(temperature)));
            day.min_c = Some(day.min_c.map_or(temperature, |min| min.min(temperature)));
        }
        // Steps of an hour come first, then steps of six.
        let amount = step
            .data
            .outlook()
            .and_then(|outlook| outlook.details.precipitation_amount);
        if let Some(amount) = amount {
            day.precip_mm = Some(((day.precip_mm.unwrap_or(0.0) + amount) * 10.0).round() / 10.0);
        }
        if day.code.is_none() || hour <= "12" {
            day.code = step.data.symbol().and_then(wmo_code).or(day.code);
            day.text = day.code.and_then(words);
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_as_documented() {
        let url = request(&"https://api.met.no".parse().unwrap(), 52.2297, 21.0122);
        assert_eq!(
            url.as_str(),
            "https://api.met.no/weatherapi/locationforecast/2.0/compact?lat=52.2297&lon=21.0122"
        );
    }

    #[test]
    fn reads_now_and_the_days() {
        let step = |time: &str, celsius: f64, symbol: &str, hours: &str, mm: f64| {
            format!(
                r#"{{"time":"{time}","data":{{"instant":{{"details":{{"air_temperature":{celsius},"wind_speed":10.0,"cloud_area_fraction":90.5}}}},"{hours}":{{"summary":{{"symbol_code":"{symbol}"}},"details":{{"precipitation_amount":{mm}}}}}}}}}"#
            )
        };
        let steps = [
            step(
                "2026-11-23T10:00:00Z",
                4.5,
                "lightrainshowers_day",
                "next_1_hours",
                0.2,
            ),
            step("2026-11-23T11:00:00Z", 6.0, "rain", "next_1_hours", 0.3),
            step(
                "2026-11-23T23:00:00Z",
                -1.0,
                "clearsky_night",
                "next_1_hours",
                0.0,
            ),
            step("2026-11-24T06:00:00Z", -3.0, "snow", "next_6_hours", 1.5),
            step("2026-11-25T06:00:00Z", 0.0, "fog", "next_6_hours", 0.0),
            step("2026-11-26T06:00:00Z", 9.0, "cloudy", "next_6_hours", 0.0),
        ];
        let body = format!(r#"{{"properties":{{"timeseries":[{}]}}}}"#, steps.join(","));
        let weather = read(body.as_bytes()).unwrap();
        assert_eq!((weather.temperature, weather.wind_kmh), (4.5, Some(36.0)));
        assert_eq!((weather.text, weather.is_day), (Some("rain showers"), Some(true)));
        assert_eq!((weather.precip_mm, weather.cloud_pct), (Some(0.2), Some(90.5)));
        let days: Vec<_> = weather
            .daily
            .iter()
            .map(|day| (&*day.date, day.min_c, day.max_c, day.precip_mm, day.text))
            .collect();
        assert_eq!(
            days,
            [
                ("2026-11-23", Some(-1.0), Some(6.0), Some(0.5), Some("rain")),
                ("2026-11-24", Some(-3.0), Some(-3.0), Some(1.5), Some("snow")),
                ("2026-11-25", Some(0.0), Some(0.0), Some(0.0), Some("fog")),
            ]
        );
        for bad in ["", "{}", r#"{"properties":{"timeseries":[]}}"#, "<html>"] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

//! The weather at the configured place, as a card.

use askama::Template;
use serde_json::Value;

use crate::inert;
use crate::place::Place;
use crate::system::Tile;
use crate::upstream::system::{Day, Weather};
use crate::visit::Visit;
use crate::words::{Words, length};

/// What there is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sky {
    /// No place is configured.
    NoPlace,
    /// The provider, or the info service, does not answer.
    Away,
    Shown(Box<Card>),
}

/// The card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) place: String,
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
    pub(crate) temperature: String,
    pub(crate) tiles: Vec<Tile>,
    pub(crate) days: Vec<DayRow>,
    /// How old, in words.
    pub(crate) age: String,
    pub(crate) stale: bool,
    /// Whose data it is, and where they ask to be linked.
    pub(crate) credit: String,
    pub(crate) credit_url: String,
}

/// A day of the forecast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayRow {
    pub(crate) date: String,
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
    pub(crate) range: String,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "weather.html")]
pub(crate) struct WeatherPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) sky: Sky,
}

/// The card, which replaces itself.
#[derive(Debug, Template)]
#[template(path = "parts/changed_weather.html")]
pub(crate) struct ChangedWeather<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) sky: Sky,
}

/// Icon and words of a WMO code (table 4677 as Open-Meteo uses it).
fn look(code: Option<i64>, is_day: bool, t: &Words) -> (&'static str, &'static str) {
    match code {
        Some(0) if is_day => ("sun", t.wx_clear),
        Some(0) => ("moon", t.wx_clear),
        Some(1) => ("cloud-sun", t.wx_mainly_clear),
        Some(2) => ("cloud-sun", t.wx_partly),
        Some(3) => ("cloud", t.wx_overcast),
        Some(45 | 48) => ("cloud-fog", t.wx_fog),
        Some(51..=55) => ("cloud-drizzle", t.wx_drizzle),
        Some(56 | 57) => ("cloud-drizzle", t.wx_freezing_drizzle),
        Some(61..=65) => ("cloud-rain", t.wx_rain),
        Some(66 | 67) => ("cloud-rain", t.wx_freezing_rain),
        Some(71..=75) => ("cloud-snow", t.wx_snow),
        Some(77) => ("snowflake", t.wx_snow_grains),
        Some(80..=82) => ("cloud-rain", t.wx_showers),
        Some(85 | 86) => ("cloud-snow", t.wx_snow_showers),
        Some(95) => ("cloud-lightning", t.wx_thunder),
        Some(96 | 99) => ("cloud-lightning", t.wx_hail),
        _ => ("cloud", t.wx_unknown),
    }
}

/// From where the wind comes: one of eight directions.
fn direction(degrees: f64, t: &Words) -> &'static str {
    let names = [
        t.wx_north,
        t.wx_north_east,
        t.wx_east,
        t.wx_south_east,
        t.wx_south,
        t.wx_south_west,
        t.wx_west,
        t.wx_north_west,
    ];
    let eighth = (degrees.rem_euclid(360.0) / 45.0).round() as usize % names.len();
    names[eighth]
}

/// Text and link of the credit. A link that is none of the web's is replaced by the provider's own.
fn credit(weather: &Weather) -> (String, String) {
    let member = |key: &str| match &weather.attribution {
        Some(Value::Object(fields)) => fields.get(key).and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let plain = match &weather.attribution {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let provider = weather.provider.as_deref().unwrap_or("Open-Meteo");
    let known = if provider.to_lowercase().contains("met") && !provider.to_lowercase().contains("meteo") {
        "https://www.met.no/"
    } else {
        "https://open-meteo.com/"
    };
    let in_text = plain
        .as_deref()
        .and_then(|text| {
            text.split([' ', '(', ')', '<', '>', '"'])
                .find(|word| word.starts_with("https://"))
        })
        .map(|word| word.trim_end_matches(['.', ',']).to_owned());
    let url = member("url")
        .or(in_text)
        .filter(|url| url.starts_with("https://"));
    let text = member("text")
        .or_else(|| member("name"))
        .or(plain)
        .unwrap_or_else(|| provider.to_owned());
    (
        inert::line(&text),
        inert::line(&url.unwrap_or_else(|| known.to_owned())),
    )
}

/// The card of an answer.
pub(crate) fn card(weather: &Weather, place: &Place, t: &Words) -> Card {
    let lang = t.lang();
    let is_day = !matches!(&weather.is_day, Some(Value::Bool(false)))
        && weather.is_day.as_ref().and_then(Value::as_i64) != Some(0);
    let (icon, word) = look(weather.code, is_day, t);
    let (credit, credit_url) = credit(weather);
    Card {
        place: inert::line(&place.name),
        icon,
        word,
        temperature: weather
            .temperature_c
            .or(weather.temperature)
            .map_or_else(|| "–".to_owned(), |degrees| lang.celsius(degrees)),
        tiles: tiles(weather, t),
        days: weather.daily.iter().take(5).map(|day| day_row(day, t)).collect(),
        age: weather.age_s.map(|age| t.wx_age(length(age))).unwrap_or_default(),
        stale: weather.stale,
        credit,
        credit_url,
    }
}

/// What is known beside temperature and sky.
fn tiles(weather: &Weather, t: &Words) -> Vec<Tile> {
    let lang = t.lang();
    let mut tiles = Vec::new();
    let mut add = |icon, label: &str, value: Option<String>| {
        if let Some(value) = value {
            tiles.push(Tile {
                icon,
                label: label.to_owned(),
                value,
                full: None,
            });
        }
    };
    add(
        "thermometer",
        t.wx_feels,
        weather.feels_like_c.map(|degrees| lang.celsius(degrees)),
    );
    add(
        "droplets",
        t.wx_humidity,
        weather.humidity_pct.map(|share| lang.percent(share.round())),
    );
    let wind = weather.wind_kmh.map(|speed| {
        let speed = lang.number(speed, 0);
        match weather.wind_dir_deg {
            Some(from) => format!("{speed} km/h · {}", direction(from, t)),
            None => format!("{speed} km/h"),
        }
    });
    add("wind", t.wx_wind, wind);
    add(
        "wind",
        t.wx_gusts,
        weather
            .gust_kmh
            .map(|speed| format!("{} km/h", lang.number(speed, 0))),
    );
    add(
        "gauge",
        t.wx_pressure,
        weather
            .pressure_hpa
            .map(|value| format!("{} hPa", lang.number(value, 0))),
    );
    add(
        "umbrella",
        t.wx_precipitation,
        weather
            .precip_mm
            .map(|rain| format!("{} mm", lang.number(rain, 1))),
    );
    add(
        "cloud",
        t.wx_clouds,
        weather.cloud_pct.map(|share| lang.percent(share.round())),
    );
    tiles
}

fn day_row(day: &Day, t: &Words) -> DayRow {
    let lang = t.lang();
    let degrees = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{}°", lang.number(value, 0)))
    };
    let (icon, word) = look(day.code, true, t);
    DayRow {
        date: inert::line(&day.date),
        icon,
        word,
        range: format!("{} / {}", degrees(day.max_c), degrees(day.min_c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    fn place() -> Place {
        Place {
            name: "Kraków \u{202e}".into(),
            lat: 50.06,
            lon: 19.94,
        }
    }

    #[test]
    fn every_fact_that_is_there_is_shown_in_the_language() {
        let weather: Weather = serde_json::from_value(serde_json::json!({
            "temperature": 3.4, "temperature_c": 3.4, "feels_like_c": -0.6, "humidity_pct": 81, "wind_kmh": 14.2,
            "wind_dir_deg": 222, "code": 61, "is_day": true, "age_s": 130, "stale": true,
            "daily": [{ "date": "2026-11-24", "code": 0, "max_c": 5.2, "min_c": -1.4 }],
            "attribution": { "text": "Weather data by Open-Meteo.com", "url": "https://open-meteo.com/" }
        }))
        .unwrap();
        let t = Lang::Polish.words();
        let card = card(&weather, &place(), t);
        assert_eq!(
            (card.place.as_str(), card.temperature.as_str()),
            ("Kraków ", "3,4 °C")
        );
        assert_eq!((card.icon, card.word), ("cloud-rain", t.wx_rain));
        assert!(card.stale && card.age.contains("2 min 10 s"), "{}", card.age);
        assert_eq!(card.days[0].range, "5° / \u{2212}1°");
        assert_eq!(card.tiles.len(), 3);
        assert_eq!(card.credit_url, "https://open-meteo.com/");
    }

    #[test]
    fn a_link_that_is_none_is_not_taken_over() {
        for attribution in [
            serde_json::json!({ "text": "x", "url": "javascript:alert(1)" }),
            serde_json::json!("x"),
            Value::Null,
        ] {
            let weather = Weather {
                attribution: Some(attribution),
                ..Weather::default()
            };
            assert_eq!(credit(&weather).1, "https://open-meteo.com/");
        }
        let text = Weather {
            attribution: Some("Data by MET Norway (https://www.met.no/en)".into()),
            ..Weather::default()
        };
        assert_eq!(credit(&text).1, "https://www.met.no/en");
    }

    #[test]
    fn the_wind_has_eight_directions() {
        let t = Lang::English.words();
        assert_eq!(
            [direction(0.0, t), direction(359.0, t), direction(-45.0, t)],
            [t.wx_north, t.wx_north, t.wx_north_west]
        );
        assert_eq!(direction(222.0, t), t.wx_south_west);
    }
}

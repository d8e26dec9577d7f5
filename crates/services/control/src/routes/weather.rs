//! The weather card, on a page of its own and for the home page.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::error::Failure;
use crate::identity::Person;
use crate::state::Dashboard;
use crate::upstream::system::{self as upstream, Weather};
use crate::view;
use crate::weather::{ChangedWeather, Sky, WeatherPage, card};

/// `GET /weather`
pub(crate) async fn weather(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    let page = WeatherPage {
        v: &person.visit,
        sky: sky(&dashboard, &person).await?,
    };
    view::page(StatusCode::OK, &page)
}

/// `GET /weather/card`: the card alone, which the home page asks for once it is there.
pub(crate) async fn piece(State(dashboard): State<Dashboard>, person: Person) -> Result<Response, Failure> {
    let card = ChangedWeather {
        v: &person.visit,
        sky: sky(&dashboard, &person).await?,
    };
    view::page(StatusCode::OK, &card)
}

async fn sky(dashboard: &Dashboard, person: &Person) -> Result<Sky, Failure> {
    let Some(place) = &dashboard.config.weather else {
        return Ok(Sky::NoPlace);
    };
    let path = format!("/api/info/weather?lat={}&lon={}", place.lat, place.lon);
    match upstream::ask_patiently::<Weather>(dashboard, &person.token, &path).await {
        Ok(weather) => Ok(Sky::Shown(Box::new(card(&weather, place, person.visit.t)))),
        Err(failure @ (Failure::SignIn | Failure::Forbidden)) => Err(failure),
        Err(_) => Ok(Sky::Away),
    }
}

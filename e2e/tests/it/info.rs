//! Addresses, weather from a local server in Open-Meteo's place, the board.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use pistack_e2e::Stack;
use serde_json::json;

/// Answers every request with `body`; its address.
fn weather_server(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    address
}

#[test]
fn weather_addresses_and_board() {
    let server = weather_server(r#"{"current":{"time":"2026-11-23T12:00","temperature_2m":-3.5}}"#);
    let config = format!("[info]\nweather_url = \"{server}\"\nexternal_ip_urls = []\n");
    let stack = Stack::builder().config("pistack.toml", &config).start();
    let weather = stack.get("/api/info/weather");
    assert_eq!(
        (weather.status, &weather.json()["temperature"]),
        (200, &json!(-3.5)),
        "{weather:?}"
    );
    assert_eq!(stack.get("/api/info/weather?lat=999&lon=0").status, 400);
    let ip = stack.get("/api/info/ip");
    assert_eq!((ip.status, &ip.json()["external_ip"]), (200, &json!("unknown")));
    assert!(ip.json()["local_ip"].is_string());
    let token = stack.root_token();
    let board = stack.get_as(&token, "/api/info/board");
    assert_eq!(board.status, 200, "{board:?}");
    assert!(board.json().to_string().contains("kernel"), "{board:?}");
}

#[test]
fn no_weather_is_said_plainly() {
    let config = "[info]\nweather_url = \"http://127.0.0.1:9\"\nexternal_ip_urls = []\n";
    let stack = Stack::builder().config("pistack.toml", config).start();
    let answer = stack.get("/api/info/weather");
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (503, &json!("weather_unavailable"))
    );
    assert!(!answer.message().is_empty());
}

//! GPIO, System, weather, Access, Settings and API of the dashboard in Chromium, against a stack with a simulated chip and
//! a weather provider of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use pistack_e2e::stack::PASSWORD;
use pistack_e2e::{Stack, browser, root};

/// What Open-Meteo answers (its documentation, "forecast API"), cut to the fields that are asked for.
const FORECAST: &str = r#"{"latitude":50.06,"longitude":19.94,"elevation":219,"utc_offset_seconds":3600,
"timezone":"Europe/Warsaw","current_units":{},"current":{"time":"2026-11-23T12:00","interval":900,"temperature_2m":-3.5,
"relative_humidity_2m":81,"apparent_temperature":-7.2,"is_day":1,"precipitation":0.2,"weather_code":71,"cloud_cover":95,
"pressure_msl":1014.2,"wind_speed_10m":14.3,"wind_direction_10m":222,"wind_gusts_10m":31.0},"daily_units":{},
"daily":{"time":["2026-11-23","2026-11-24","2026-11-25"],"weather_code":[71,3,0],"temperature_2m_max":[-1.2,2.4,5.0],
"temperature_2m_min":[-6.0,-2.5,0.4],"precipitation_sum":[3.1,0.0,0.0],"sunrise":["2026-11-23T07:08","2026-11-24T07:10","2026-11-25T07:11"],
"sunset":["2026-11-23T15:47","2026-11-24T15:46","2026-11-25T15:45"]}}"#;

/// Answers every request with the forecast; its address.
fn provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                FORECAST.len()
            );
            let _ = stream.write_all(format!("{head}{FORECAST}").as_bytes());
        }
    });
    address
}

#[test]
fn gpio_seen_live_accounts_charts_weather_settings_and_api() {
    let config = format!(
        "[program.camera]\ncommand = \"sleep 1000\"\nstartsecs = 0\n\
         [io]\nbackend = \"simulated\"\n\
         [line.relay]\nbcm = 17\ndirection = \"output\"\nlabel = \"<b>Pump</b> in the greenhouse\"\n\
         [line.lamp]\nbcm = 22\ndirection = \"output\"\n\
         [line.door]\nbcm = 27\ndirection = \"input\"\nlabel = \"Door of the shed\"\n\
         [info]\nweather_url = \"{}\"\nexternal_ip_urls = []\n\
         [control.weather]\nname = \"Kraków\"\nlat = 50.06\nlon = 19.94\n\
         [channel.phone]\nwebhook = {{ url = \"http://127.0.0.1:9/nobody\", private = true }}\n",
        provider()
    );
    let stack = Stack::builder().config("pistack.toml", &config).start();
    stack.wait_state("camera", "RUNNING");
    let pictures = root().join("e2e/artifacts/board");
    std::fs::create_dir_all(&pictures).unwrap();
    let said = browser::run(
        "board.mjs",
        &[stack.https(), PASSWORD, &pictures.display().to_string()],
    );
    assert!(said.contains("all steps done"), "{said}");
    // The figures of the run stand in the test's output.
    print_figures(&said);
}

#[expect(clippy::print_stdout, reason = "figures for whoever runs the test")]
fn print_figures(said: &str) {
    println!("{said}");
}

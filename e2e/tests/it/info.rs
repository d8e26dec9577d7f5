//! Addresses, weather from a local server in Open-Meteo's place, what the board tells of itself, and the figures for
//! Prometheus, read by its own `promtool`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;

use pistack_e2e::{Stack, command, until};
use serde_json::{Value, json};

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
    let config = format!("[info]\nweather_url = \"{server}\"\n");
    let stack = Stack::builder().config("pistack.toml", &config).start();
    let weather = stack.get("/api/info/weather");
    assert_eq!(
        (weather.status, &weather.json()["temperature"]),
        (200, &json!(-3.5)),
        "{weather:?}"
    );
    assert!(weather.json()["attribution_url"].is_string());
    assert_eq!(stack.get("/api/info/weather?lat=999&lon=0").status, 400);
    let ip = stack.get("/api/info/ip");
    assert_eq!((ip.status, &ip.json()["external_ip"]), (200, &json!("unknown")));
    assert!(ip.json()["local_ip"].is_string());
    let token = stack.root_token();
    let board = stack.get_as(&token, "/api/info/board");
    assert_eq!(board.status, 200, "{board:?}");
    assert!(board.json()["kernel"].is_string(), "{board:?}");
}

#[test]
fn no_weather_is_said_plainly() {
    let config = "[info]\nweather_url = \"http://127.0.0.1:9\"\n";
    let stack = Stack::builder().config("pistack.toml", config).start();
    let answer = stack.get("/api/info/weather");
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (503, &json!("weather_unavailable"))
    );
    assert!(!answer.message().is_empty());
}

#[test]
fn the_board_network_storage_and_programs() {
    let stack = Stack::start();
    let token = stack.root_token();
    let get = |path: &str| -> Value {
        let answer = stack.get_as(&token, path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    };
    let now = until("two samples have been taken", || {
        Some(get("/api/info/now")).filter(|now| now["cpu_percent"].is_number())
    });
    assert!(now["memory"]["total"].as_u64().unwrap() > 0, "{now}");
    let network = get("/api/info/network");
    let names: Vec<_> = network["interfaces"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert!(
        network["source"] == "netlink" && names.contains(&"lo"),
        "{network}"
    );
    let storage = get("/api/info/storage");
    assert!(
        storage["mounts"]
            .as_array()
            .unwrap()
            .iter()
            .any(|mount| mount["point"] == "/"),
        "{storage}"
    );
    let processes = get("/api/info/processes?sort=memory&limit=3");
    assert_eq!(processes["processes"].as_array().unwrap().len(), 3);
    let hour = until("the ring has values", || {
        let hour = get("/api/info/history?metric=memory&range=1h");
        let values = hour["series"]["memory"].as_array()?.len();
        (values > 0).then_some(hour)
    });
    assert_eq!(hour["step_s"], 2);
    until("the stack's own programs are seen with their memory", || {
        let programs = get("/api/info/programs");
        let programs = programs["programs"].as_array()?;
        let info = programs.iter().find(|one| {
            one["name"]
                .as_str()
                .is_some_and(|name| name.ends_with("info_service"))
        })?;
        info["memory_bytes"].as_u64().filter(|bytes| *bytes > 500_000)
    });
    assert!(
        pistack_e2e::root().exists() && stack.state().join("db/info.sqlite3").exists(),
        "asking for storage opens the history"
    );
}

#[test]
fn prometheus_reads_the_figures_of_the_whole_stack() {
    let stack = Stack::start();
    assert_eq!(stack.get("/metrics").status, 401);
    let token = stack.root_token();
    let text = until("gateway and io service give their part", || {
        let answer = stack.get_as(&token, "/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        let both = ["gateway", "io"].iter().all(|name| {
            answer
                .body
                .contains(&format!("pistack_source_up{{source=\"{name}\"}} 1"))
        });
        both.then(|| answer.body.clone())
    });
    assert!(
        text.contains("# TYPE pistack_cpu_seconds_total counter"),
        "{text}"
    );
    let mut promtool = command("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool (Debian: prometheus) is needed");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
    let printed = stack.cli(&["metrics"]);
    assert!(
        printed.status.success()
            && String::from_utf8_lossy(&printed.stdout).contains("pistack_memory_total_bytes"),
        "{printed:?}"
    );
}

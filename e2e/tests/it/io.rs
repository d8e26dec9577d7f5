//! GPIO through the gateway with the simulated backend, which says so in every answer: HTTP, events, WebSocket, the
//! command line.

use pistack_e2e::{Stack, command, until};
use serde_json::{Value, json};

const LINES: &str = "[line.relay]\nbcm = 17\ndirection = \"output\"\n[line.door]\nbcm = 27\ndirection = \"input\"\n[io]\nbackend = \"simulated\"\n";

#[test]
fn sets_and_reads_and_never_hides_the_simulation() {
    let stack = Stack::builder().config("pistack.toml", LINES).start();
    assert_eq!(
        stack
            .post("", "/api/io/gpio/set", &json!({ "pin": 17, "value": 1 }))
            .status,
        401
    );
    let token = stack.root_token();
    let set = stack.post(&token, "/api/io/gpio/set", &json!({ "pin": 17, "value": 1 }));
    assert_eq!(
        (set.status, &set.json()["ok"], &set.json()["warning"]),
        (200, &json!(true), &json!("no_gpio_backend"))
    );
    for _ in 0..2 {
        // Reading an output must not switch it off, as the original did.
        let read = stack.get_as(&token, "/api/io/gpio/read?pin=17");
        assert_eq!(
            (read.status, &read.json()["value"], &read.json()["warning"]),
            (200, &json!(1), &json!("no_gpio_backend"))
        );
    }
    assert_eq!(stack.get_as(&token, "/api/io/gpio/read?pin=5").json()["value"], 0);
    for (body, status) in [
        (json!({ "pin": 99, "value": 1 }), 400),
        (json!({ "pin": "x", "value": 1 }), 400),
        (json!({ "pin": 5, "value": 7 }), 400),
        (json!({ "value": 1 }), 400),
        (json!({ "pin": 27, "value": 1 }), 409),
    ] {
        let answer = stack.post(&token, "/api/io/gpio/set", &body);
        assert_eq!(answer.status, status, "{body} {answer:?}");
        assert!(!answer.message().is_empty());
        assert_eq!(answer.json()["warning"], "no_gpio_backend", "{answer:?}");
    }
}

const MORE: &str = "[line.relay]\nbcm = 17\ndirection = \"output\"\nmax_on = \"1h\"\n[line.relay2]\nbcm = 18\ndirection = \"output\"\n\
     [line.door]\nbcm = 27\nbias = \"pull_down\"\nedge = \"both\"\n[io]\nbackend = \"simulated\"\n";

/// One call on the service's own socket: what only this machine may do.
fn inside(stack: &Stack, path: &str, body: &Value) -> Value {
    let socket = stack.state().join("run/io_service.sock");
    let answer = command("curl")
        .args([
            "-sS",
            "--unix-socket",
            &socket.to_string_lossy(),
            "-H",
            "content-type: application/json",
            "-d",
            &body.to_string(),
        ])
        .arg(format!("http://io{path}"))
        .output()
        .expect("curl starts");
    serde_json::from_slice(&answer.stdout).unwrap_or_default()
}

fn data(line: &str) -> Value {
    serde_json::from_str(line.trim_start_matches("data: ")).expect("an event is JSON")
}

#[test]
fn events_come_through_the_gateway_and_are_replayed() {
    let stack = Stack::builder().config("pistack.toml", MORE).start();
    let token = stack.root_token();
    let stream = stack.stream(&token, "/api/io/events?line=door,relay");
    stream
        .line(|line| line.starts_with(':'))
        .expect("the stream opens");
    assert_eq!(
        inside(
            &stack,
            "/internal/gpio/pull",
            &json!({ "pin": "door", "pull": "up" })
        )["ok"],
        true
    );
    let id = stream.line(|line| line.starts_with("id: ")).expect("an id");
    let event = data(&stream.line(|line| line.starts_with("data: ")).expect("an edge"));
    assert_eq!(
        (&event["line"], &event["kind"], &event["line_seqno"]),
        (&json!("door"), &json!("rising"), &json!(1))
    );
    drop(stream);
    // While nobody listens: one more edge, and a write.
    inside(
        &stack,
        "/internal/gpio/pull",
        &json!({ "pin": "door", "pull": "down" }),
    );
    let set = stack.send(
        "PUT",
        &token,
        "/api/io/lines/relay/value",
        &json!({ "value": true }),
    );
    assert_eq!(
        (set.status, &set.json()["value"], &set.json()["warning"]),
        (200, &json!(true), &json!("no_gpio_backend"))
    );
    let last = id.trim_start_matches("id: ").to_owned();
    let stream = stack.stream(&token, &format!("/api/io/events?last={last}"));
    let kinds: Vec<Value> = (0..2)
        .map(|_| {
            data(
                &stream
                    .line(|line| line.starts_with("data: "))
                    .expect("a missed event"),
            )["kind"]
                .clone()
        })
        .collect();
    assert_eq!(kinds, ["falling", "value"]);
    // The gateway refuses an encoded slash in a path; a colon does as well.
    let line = stack.get_as(&token, "/api/io/lines/chip:simulated:17");
    assert_eq!(
        (line.status, &line.json()["name"]),
        (200, &json!("relay")),
        "{line:?}"
    );
}

#[test]
fn a_websocket_hears_and_commands_through_the_gateway() {
    let stack = Stack::builder().config("pistack.toml", MORE).start();
    let python = pistack_e2e::root().join("e2e/.venv-websockets/bin/python");
    assert!(python.exists(), "{}: run e2e/peers.sh first", python.display());
    let output = command(python)
        .arg(pistack_e2e::root().join("e2e/tests/data/io_socket.py"))
        .arg(stack.https().rsplit(':').next().unwrap())
        .arg(stack.state().join("tls/ca.pem"))
        .arg(stack.root_token())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let heard: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    let ok = |id: Value| json!({ "id": id, "ok": true, "warning": "no_gpio_backend" });
    assert_eq!(heard["unheard"], json!([ok(json!(1)), []]), "{heard}");
    assert_eq!(heard["subscribed"], ok(json!("two")));
    assert_eq!(heard["set"], ok(json!(3)));
    assert_eq!(
        (
            &heard["event"]["line"],
            &heard["event"]["value"],
            &heard["event"]["by"]
        ),
        (&json!("relay"), &json!(false), &json!("user:root"))
    );
    for (what, status, code) in [
        ("input", 409, "wrong_direction"),
        ("unknown", 404, "line_unknown"),
        ("nonsense", 400, "invalid_payload"),
        ("text", 400, "invalid_payload"),
    ] {
        assert_eq!(
            (&heard[what]["status"], &heard[what]["code"]),
            (&json!(status), &json!(code)),
            "{what}: {heard}"
        );
    }
    assert_eq!(heard["still_open"]["ok"], true);
    assert_eq!(heard["stranger"], 401);
}

#[test]
fn the_command_line_drives_and_watches() {
    let stack = Stack::builder().config("pistack.toml", MORE).start();
    let say = |arguments: &[&str]| {
        let output = stack.cli(arguments);
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (
            output.status.code(),
            text,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let get = |line: &str| say(&["gpio", "get", line]).1;
    assert_eq!(say(&["gpio", "set", "relay", "on"]).0, Some(0));
    assert_eq!((get("relay").as_str(), get("17").as_str()), ("1", "1"));
    assert_eq!(say(&["gpio", "toggle", "relay"]).1, "0");
    say(&["gpio", "set", "relay2", "on", "--for", "100ms"]);
    until("the time is over", || (get("relay2") == "0").then_some(()));
    let (_, text, _) = say(&["gpio", "pwm", "relay", "0.5", "--freq", "50"]);
    assert!(text.contains("0.5") && text.contains("50"), "{text}");
    assert_eq!(
        say(&[
            "gpio", "blink", "relay", "--count", "2", "--on", "20ms", "--off", "20ms"
        ])
        .0,
        Some(0)
    );
    let (_, pinout, told) = say(&["gpio", "pinout"]);
    assert!(
        pinout.contains("[relay]") && pinout.contains("GPIO17") && told.contains("simulated"),
        "{pinout}{told}"
    );
    let listed: Value = serde_json::from_str(&say(&["gpio", "list", "--json"]).1).unwrap();
    assert_eq!(listed["lines"][0]["name"], "relay");
    for (arguments, code) in [
        (&["gpio", "get", "nope"][..], 6),
        (&["gpio", "set", "door", "on"], 1),
        (&["gpio", "set", "relay", "maybe"], 2),
    ] {
        let (status, _, told) = say(arguments);
        assert_eq!(status, Some(code), "{arguments:?}: {told}");
        assert!(!told.is_empty());
    }
    let watching = stack
        .command(&["gpio", "watch", "door", "--count", "1"])
        .stdout(std::process::Stdio::piped())
        .spawn();
    let watching = watching.unwrap();
    let mut up = false;
    // The watcher may not be there yet: pull until it has seen one.
    let output = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| watching.wait_with_output().unwrap());
        until("the watcher has seen an edge", || {
            up = !up;
            inside(
                &stack,
                "/internal/gpio/pull",
                &json!({ "pin": "door", "pull": if up { "up" } else { "down" } }),
            );
            waiting.is_finished().then_some(())
        });
        waiting.join().unwrap()
    });
    assert!(
        String::from_utf8_lossy(&output.stdout).starts_with("door "),
        "{output:?}"
    );
}

//! Process control over HTTP, and the event stream.

use pistack_e2e::{Stack, until};

const CAT: &str = "[program.cat]\ncommand = \"cat\"\nstartsecs = 0\n\
                   [program.talker]\ncommand = [\"sh\", \"-c\", \"echo hello; exec sleep 1000\"]\nautostart = false\n";

#[test]
fn lists_starts_stops_and_restarts() {
    let stack = Stack::builder().config("pistack.toml", CAT).start();
    let token = stack.root_token();
    let list = stack.get_as(&token, "/api/supervisor/processes/list").json();
    let names: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    for name in [
        "auth_service",
        "control_service",
        "gateway",
        "event_listener",
        "cat",
        "talker",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let keys = [
        "name",
        "group",
        "state",
        "statename",
        "pid",
        "start",
        "stop",
        "now",
        "exitstatus",
        "spawnerr",
        "description",
    ];
    assert!(keys.iter().all(|key| list[0].get(key).is_some()), "{}", list[0]);
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .any(|row| row["group"] == "RaspberryPiSystem")
    );

    let post = |path: &str| {
        stack.post(
            &token,
            &format!("/api/supervisor/processes/{path}"),
            &serde_json::json!({}),
        )
    };
    let stopped = post("cat/stop");
    assert_eq!(
        (stopped.status, &stopped.json()["statename"]),
        (200, &"STOPPED".into())
    );
    assert_eq!(post("cat/stop").status, 409);
    let started = post("cat:cat/start");
    assert_eq!(
        (started.status, &started.json()["statename"]),
        (200, &"RUNNING".into()),
        "{started:?}"
    );
    assert_eq!(post("cat/start").status, 409);
    let restarted = post("cat/restart").json();
    assert_ne!(restarted["pid"], started.json()["pid"]);
    assert_eq!(post("nosuch/start").status, 404);
    // The original's name of a service, without its group.
    assert_eq!(post("info_service/restart").status, 200);
}

#[test]
fn rights_and_refusals() {
    let stack = Stack::builder().config("pistack.toml", CAT).start();
    let answer = stack.get("/api/supervisor/processes/list");
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (401, "missing bearer token")
    );
    let answer = stack.get_as("nonsense", "/api/supervisor/processes/list");
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (401, "invalid or expired token")
    );
    for (level, list, stop) in [("User", 403, 403), ("Admin", 200, 403)] {
        let added = stack.cli_input(
            &["user", "add", level, "--level", level, "--stdin"],
            "passphrase-12\n",
        );
        assert!(added.status.success(), "{added:?}");
        let token = until("the login", || {
            stack.login(level, "passphrase-12").json()["access_token"]
                .as_str()
                .map(str::to_owned)
        });
        assert_eq!(
            stack.get_as(&token, "/api/supervisor/processes/list").status,
            list,
            "{level}"
        );
        let answer = stack.post(
            &token,
            "/api/supervisor/processes/cat/stop",
            &serde_json::json!({}),
        );
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (stop, "forbidden: requires Root"),
            "{level}"
        );
    }
}

#[test]
fn events_arrive_as_they_happen_and_logs_are_read() {
    let stack = Stack::builder().config("pistack.toml", CAT).start();
    let token = stack.root_token();
    let events = stack.stream(&token, "/api/supervisor/events");
    let running = until("the event of the start", || {
        stack.post(
            &token,
            "/api/supervisor/processes/talker/restart",
            &serde_json::json!({}),
        );
        events.line(|line| {
            line.starts_with("data:") && line.contains("PROCESS_STATE_RUNNING") && line.contains("talker")
        })
    });
    assert!(running.contains("from_state"), "{running}");
    let log = until("the program's words", || {
        let answer = stack.get_as(&token, "/api/supervisor/processes/talker/log?tail=1000");
        Some(answer.json()["data"].as_str()?.to_owned()).filter(|text| text.contains("hello"))
    });
    assert!(log.starts_with("hello\n"), "{log}");
    let part = stack
        .get_as(&token, "/api/supervisor/processes/talker/log?offset=1&length=3")
        .json();
    assert_eq!(part["data"], "ell");
}

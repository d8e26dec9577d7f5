//! Rights, names, start, stop, restart, stop all.

use http::{Method, StatusCode};
use pistack_api::token::Level;

use crate::Bench;

#[tokio::test]
async fn rights_are_as_the_contract_says() {
    let bench = Bench::new().await;
    let reads = [
        "/processes/list",
        "/processes/camera",
        "/processes/camera/log",
        "/events",
    ];
    let writes = [
        "/processes/camera/start",
        "/processes/camera/stop",
        "/processes/camera/restart",
        "/processes/stop_all",
    ];
    let all = reads
        .map(|path| (Method::GET, path))
        .into_iter()
        .chain(writes.map(|path| (Method::POST, path)));
    for (method, path) in all {
        let (status, body) = bench.send(bench.request(method.clone(), path, None)).await;
        assert_eq!(
            (status.as_u16(), &body["message"]),
            (401, &"missing bearer token".into()),
            "{path}"
        );
        let mut request = bench.request(method.clone(), path, None);
        request
            .headers_mut()
            .insert("authorization", "Bearer x.y.z".parse().unwrap());
        let (status, body) = bench.send(request).await;
        assert_eq!(
            (status.as_u16(), &body["message"]),
            (401, &"invalid or expired token".into()),
            "{path}"
        );
        let (status, _) = bench
            .send(bench.request(method.clone(), path, Some(Level::User)))
            .await;
        assert_eq!(status, 403, "{path}");
        if method == Method::POST {
            let (status, body) = bench.send(bench.request(method, path, Some(Level::Admin))).await;
            assert_eq!(
                (status.as_u16(), &body["message"]),
                (403, &"forbidden: requires Root".into()),
                "{path}"
            );
        }
    }
    assert!(bench.fake.state().calls.is_empty(), "nobody asked the supervisor");
}

#[tokio::test]
async fn a_process_is_found_by_either_name() {
    let bench = Bench::new().await;
    for name in [
        "auth_service",
        "RaspberryPiSystem:auth_service",
        "RaspberryPiSystem%3Aauth_service",
    ] {
        let (status, body) = bench.get(&format!("/processes/{name}")).await;
        assert_eq!((status.as_u16(), &body["pid"]), (200, &101.into()), "{name}");
    }
    for name in [
        "auth",
        "RaspberryPiSystem",
        "other:auth_service",
        "RaspberryPiSystem:*",
        "%FF",
    ] {
        let (status, body) = bench.get(&format!("/processes/{name}")).await;
        assert_eq!(status, 404, "{name}");
        assert!(
            body["message"].as_str().unwrap().starts_with("unknown process"),
            "{body}"
        );
        assert_eq!(
            bench.post(&format!("/processes/{name}/start")).await.0,
            404,
            "{name}"
        );
    }
}

#[tokio::test]
async fn starts_and_stops_and_answers_with_what_became_of_it() {
    let bench = Bench::new().await;
    let (status, body) = bench.post("/processes/camera/start").await;
    assert_eq!(
        (status.as_u16(), &body["statename"], &body["pid"]),
        (200, &"RUNNING".into(), &4711.into())
    );
    let (status, body) = bench.post("/processes/camera/start").await;
    assert_eq!(
        (status.as_u16(), &body["message"]),
        (409, &"ALREADY_STARTED: camera:camera".into())
    );
    assert_eq!(
        (&body["code"], &body["fault"]),
        (&"already_started".into(), &60.into())
    );
    let (status, body) = bench.post("/processes/camera/stop").await;
    assert_eq!((status.as_u16(), &body["statename"]), (200, &"STOPPED".into()));
    let (status, body) = bench.post("/processes/camera:camera/stop").await;
    assert_eq!((status.as_u16(), &body["code"]), (409, &"not_running".into()));
    // What was just done shows in the list at once.
    let (_, list) = bench.get("/processes/list").await;
    let camera = list
        .as_array()
        .unwrap()
        .iter()
        .find(|process| process["name"] == "camera")
        .unwrap();
    assert_eq!(camera["statename"], "STOPPED");
}

#[tokio::test]
async fn a_program_that_ends_at_once_was_not_started() {
    let bench = Bench::new().await;
    bench.fake.state().crashing.insert("camera".into());
    let (status, body) = bench.post("/processes/camera/start").await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (409, &"abnormal_termination".into())
    );
    assert_eq!(
        (&body["statename"], &body["message"]),
        (&"FATAL".into(), &"ABNORMAL_TERMINATION: camera:camera".into())
    );
    assert!(body["detail"].as_str().unwrap().contains("Exited too quickly"));
}

#[tokio::test]
async fn restart_stops_first_if_there_is_something_to_stop() {
    let bench = Bench::new().await;
    for name in ["auth_service", "camera"] {
        let (status, body) = bench.post(&format!("/processes/{name}/restart")).await;
        assert_eq!(
            (status.as_u16(), &body["statename"]),
            (200, &"RUNNING".into()),
            "{name}"
        );
    }
    let calls = bench.fake.state().calls.clone();
    let orders: Vec<_> = calls
        .iter()
        .filter(|call| !call.starts_with("get"))
        .map(String::as_str)
        .collect();
    assert_eq!(
        orders,
        [
            "stopProcess(RaspberryPiSystem:auth_service)",
            "startProcess(RaspberryPiSystem:auth_service)",
            "stopProcess(camera:camera)",
            "startProcess(camera:camera)",
        ]
    );
}

#[tokio::test]
async fn stop_all_leaves_what_carries_the_answer() {
    let bench = Bench::new().await;
    let (status, body) = bench.post("/processes/stop_all").await;
    assert_eq!(status, StatusCode::OK);
    let states: Vec<_> = body
        .as_array()
        .unwrap()
        .iter()
        .map(|process| {
            (
                process["name"].as_str().unwrap(),
                process["statename"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            ("auth_service", "STOPPED"),
            ("gateway", "RUNNING"),
            ("supervisor_service", "RUNNING"),
            ("camera", "STOPPED"),
            ("event_listener", "STOPPED"),
        ]
    );
    assert_eq!(bench.fake.calls("stopProcess"), 2);
}

#[tokio::test]
async fn this_service_answers_before_it_ends() {
    let bench = Bench::new().await;
    let (status, body) = bench.post("/processes/supervisor_service/restart").await;
    assert_eq!((status.as_u16(), &body["statename"]), (202, &"RUNNING".into()));
    assert_eq!(bench.fake.calls("signalProcess"), 1);
    assert_eq!(bench.fake.calls("stopProcess"), 0);
    let (status, body) = bench.post("/processes/supervisor_service/stop").await;
    assert_eq!((status.as_u16(), &body["statename"]), (200, &"STOPPING".into()));
}

#[tokio::test]
async fn this_service_is_known_by_its_pid_too() {
    let bench = Bench::new().await;
    let own = crate::fake::process("own", "own", 20, std::process::id() as i32);
    bench.fake.state().processes.push(own);
    let (status, _) = bench.post("/processes/own/restart").await;
    assert_eq!(status, 202);
}

#[tokio::test]
async fn the_document_describes_every_route() {
    let spec = serde_json::to_value(pistack_supervisor::spec()).unwrap();
    let operations: Vec<_> = spec["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    for id in [
        "list_processes",
        "get_process",
        "start_process",
        "stop_process",
        "restart_process",
        "stop_processes",
        "read_process_log",
        "stream_events",
    ] {
        assert_eq!(
            operations.iter().filter(|operation| **operation == id).count(),
            1,
            "{id} in {operations:?}"
        );
    }
    let log = &spec["paths"]["/api/supervisor/processes/{name}/log"]["get"]["parameters"];
    let names: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names.iter().filter(|name| **name == "tail").count(),
        1,
        "{names:?}"
    );
    assert!(
        ["name", "channel", "offset", "length"]
            .iter()
            .all(|name| names.contains(name)),
        "{names:?}"
    );
}

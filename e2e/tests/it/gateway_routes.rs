//! The user's own applications behind the gateway, from the file to the browser: the login in front of them, reloads,
//! restarts under load, and what `pistack config check` and `pistack routes` tell.

use std::fs;

use pistack_e2e::clients::curl;
use pistack_e2e::{Stack, until};
use serde_json::{Value, json};

fn site(stack_folder: &std::path::Path) -> String {
    let folder = stack_folder.join("site");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("index.html"), "<h1>my page</h1>").unwrap();
    folder.display().to_string()
}

/// A stack with a folder behind the login at `/mine/`.
fn with_site(extra: &str) -> (Stack, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[route.mine]\npath = \"/mine\"\nfiles = \"{}\"\n{extra}",
        site(folder.path())
    );
    (Stack::builder().config("pistack.toml", &text).start(), folder)
}

#[test]
fn a_folder_behind_the_dashboards_login() {
    let (stack, _folder) = with_site("");
    let token = stack.root_token();
    assert_eq!(stack.get_as(&token, "/mine/").body, "<h1>my page</h1>");
    assert_eq!(stack.get("/mine/").status, 401);
    let browser = ["-H", "Accept: text/html"];
    let sent = stack.request(&browser, "/mine/?a=b");
    let way = sent.header("location").unwrap_or_default().to_owned();
    assert_eq!(
        (sent.status, way.as_str()),
        (302, "/.pistack/login?next=/back/mine/%3Fa%3Db")
    );
    let form = stack.request(&browser, &way);
    assert!(
        form.status == 200 && form.body.contains("/.pistack/login"),
        "{form:?}"
    );
    // As the form does it.
    let jar = stack.folder().join("jar").display().to_string();
    let origin = format!("Origin: {}", stack.https());
    let body = format!(
        "name=root&password={}&next=%2Fback%2Fmine%2F%3Fa%3Db",
        pistack_e2e::stack::PASSWORD
    );
    let login = stack.request(&["-c", &jar, "-H", &origin, "-d", &body], "/.pistack/login");
    assert_eq!(
        (login.status, login.header("location")),
        (303, Some("/.pistack/back/mine/?a=b")),
        "{login:?}"
    );
    let back = stack.request(&["-b", &jar], "/.pistack/back/mine/?a=b");
    assert_eq!(back.header("location"), Some("/mine/?a=b"));
    assert_eq!(
        stack.request(&["-b", &jar], "/mine/?a=b").body,
        "<h1>my page</h1>"
    );
    // The rest of the dashboard is not there.
    assert_eq!(stack.request(&["-b", &jar], "/.pistack/programs/x").status, 404);
}

#[test]
fn wrong_routes_are_told_with_file_and_line_before_anything_starts() {
    let text = "[route.a]\npath = \"/api/mine\"\nto = \"http://127.0.0.1:1\"\n\n[route.b]\npath = \"/b\"\n\n[route.c]\npath = \
                \"/c\"\nto = \"http://127.0.0.1:1\"\n\n[route.d]\npath = \"/c/\"\nto = \"http://127.0.0.1:2\"\n";
    let stack = Stack::builder()
        .no_account()
        .config("pistack.toml", text)
        .prepare();
    for command in [&["config", "check"][..], &["up"]] {
        let output = stack.cli(command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        for part in [
            "reserved",
            "leads nowhere",
            "same host and path",
            "pistack.toml:2",
            "pistack.toml:6",
            "pistack.toml:13",
        ] {
            assert!(said.contains(part), "`{part}` is not in:\n{said}");
        }
    }
    let missing = "[route.disk]\npath = \"/disk\"\nfiles = \"/nowhere/at/all\"\n";
    fs::write(stack.folder().join("pistack.toml"), missing).unwrap();
    let output = stack.cli(&["config", "check"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "a disk may come later: {said}");
    assert!(
        said.contains("pistack.toml:3") && said.contains("there is no folder"),
        "{said}"
    );
}

#[test]
fn routes_are_shown_reloaded_and_kept_when_the_new_ones_are_wrong() {
    let (stack, folder) = with_site("auth = \"public\"\n");
    assert_eq!(stack.get("/mine/").status, 200);
    let shown: Value = serde_json::from_slice(&stack.cli(&["routes", "--json"]).stdout).unwrap();
    let mine = shown["routes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|route| route["name"] == "mine")
        .cloned();
    assert_eq!(mine.unwrap()["auth"], "public");
    let table = String::from_utf8_lossy(&stack.cli(&["routes"]).stdout).into_owned();
    assert!(table.contains("/mine") && table.contains("files:"), "{table}");
    let log = String::from_utf8_lossy(&stack.cli(&["routes", "--log"]).stdout).into_owned();
    assert!(log.contains("\"GET /mine/ HTTP/"), "{log}");
    let metrics = String::from_utf8_lossy(&stack.cli(&["routes", "--metrics"]).stdout).into_owned();
    assert!(
        metrics.contains("pistack_gateway_requests_total{route=\"mine\",class=\"2xx\"} 1"),
        "{metrics}"
    );

    let config = stack.folder().join("pistack.toml");
    let place = site(folder.path());
    fs::write(
        &config,
        format!("[route.mine]\npath = \"/new\"\nfiles = \"{place}\"\nauth = \"public\"\n"),
    )
    .unwrap();
    let reloaded = stack.cli(&["routes", "--reload"]);
    assert!(
        reloaded.status.success(),
        "{}",
        String::from_utf8_lossy(&reloaded.stderr)
    );
    assert_eq!(
        (stack.get("/new/").status, stack.get("/mine/").status),
        (200, 404)
    );
    for wrong in ["[route.mine]\npath = \"/x\"\n", "[route.mine\n"] {
        fs::write(&config, wrong).unwrap();
        let refused = stack.cli(&["routes", "--reload"]);
        assert_eq!(refused.status.code(), Some(3), "{wrong}");
        assert_eq!(stack.get("/new/").status, 200, "{wrong}");
    }
    // The same by a signal.
    fs::write(
        &config,
        format!("[route.mine]\npath = \"/third\"\nfiles = \"{place}\"\nauth = \"public\"\n"),
    )
    .unwrap();
    let gateway = stack.process("gateway").unwrap()["pid"].as_u64().unwrap() as u32;
    pistack_e2e::stack::signal_process("HUP", gateway);
    until("the third routes", || {
        (stack.get("/third/").status == 200).then_some(())
    });
    assert_eq!(
        stack.process("gateway").unwrap()["pid"],
        json!(gateway),
        "the gateway went on"
    );
}

/// GETs over a kept connection until the file `stop` is there; answers how many, and the ones that failed.
fn load(stack: &Stack, path: &str, action: impl FnOnce()) -> (usize, Vec<String>) {
    let url = format!("{}{path}", stack.https());
    let stop = std::sync::atomic::AtomicBool::new(false);
    let ask = || {
        let (mut count, mut failed) = (0, Vec::new());
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            // Twenty requests over one connection.
            let mut arguments = stack.trusting();
            arguments.extend(["-s", "-o", "/dev/null", "-w", "%{http_code}\n"].map(str::to_owned));
            let urls = (0..20).flat_map(|_| [url.clone(), "-o".to_owned(), "/dev/null".to_owned()]);
            let output = pistack_e2e::command("curl")
                .args(&arguments)
                .args(urls)
                .output()
                .unwrap();
            for code in String::from_utf8_lossy(&output.stdout).lines() {
                count += 1;
                if code != "200" {
                    failed.push(code.to_owned());
                }
            }
        }
        (count, failed)
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        action();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let answers = clients.into_iter().map(|client| client.join().unwrap());
        answers.fold((0, Vec::new()), |(count, mut all), (more, failed)| {
            all.extend(failed);
            (count + more, all)
        })
    })
}

#[test]
fn a_service_restarted_or_killed_under_load_costs_no_get() {
    let stack = Stack::start();
    let (asked, failed) = load(&stack, "/api/info/health", || {
        let restarted = stack.cli(&["restart", "info_service"]);
        assert!(
            restarted.status.success(),
            "{}",
            String::from_utf8_lossy(&restarted.stderr)
        );
        for _ in 0..2 {
            let pid = stack.wait_state("info_service", "RUNNING")["pid"]
                .as_u64()
                .unwrap() as u32;
            pistack_e2e::stack::signal_process("KILL", pid);
            until("another process", || {
                let now = stack.process("info_service")?;
                (now["statename"] == "RUNNING" && now["pid"] != json!(pid)).then_some(())
            });
        }
    });
    assert!(asked > 50, "{asked}");
    assert!(
        failed.is_empty(),
        "{} of {asked} failed: {failed:?}",
        failed.len()
    );
}

#[test]
fn a_port_of_its_own_has_the_application_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = site(folder.path());
    let text = format!("[route.mine]\nlisten = \"127.0.0.1:0\"\nfiles = \"{place}\"\nauth = \"public\"\n");
    let stack = Stack::builder().config("pistack.toml", &text).start();
    let shown: Value = serde_json::from_slice(&stack.cli(&["routes", "--json"]).stdout).unwrap();
    let route = shown["routes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|route| route["name"] == "mine")
        .cloned();
    let port = route.unwrap()["port"].as_u64().unwrap();
    let ask = |path: &str| {
        let mut arguments = stack.trusting();
        arguments.push(format!("https://127.0.0.1:{port}{path}"));
        curl(&arguments)
    };
    assert_eq!(ask("/").body, "<h1>my page</h1>");
    assert_eq!(
        (ask("/control/").status, ask("/api/auth/health").status),
        (404, 404)
    );
    assert_eq!(stack.get("/").header("location"), Some("/control/"));
}

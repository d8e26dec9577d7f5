//! Rules over HTTP, with a configuration on disk behind them.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use indexmap::IndexMap;
use pistack_api::service::Service;
use pistack_api::token::{Level, Via};
use pistack_kit::config::{Document, Source};
use pistack_kit::service::{App, Context};
use pistack_kit::testing::{TestAuth, context};
use schemars::JsonSchema;
use serde_json::json;
use tokio::net::UnixListener;
use tower::ServiceExt as _;

use super::*;
use crate::ask::{Ask, Asker};
use crate::channel::config::Channel;
use crate::chronicle::Chronicle;
use crate::config::{Config, Rule};
use crate::deliver::Dispatch;
use crate::history::History;
use crate::http::Desk;
use crate::hub::{Names, RulePlace, Tables};
use crate::reload::Reloader;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct File {
    rules: Config,
    rule: IndexMap<String, Rule>,
    channel: IndexMap<String, Channel>,
}

const OWN: &str = "[channel.me]\nexec = { command = [\"true\"] }\n\n[rule.mine]\n# by hand\nwhen = { event = \"crashed\" }\nthen = [{ notify = \"me\" }]\n[rule.asleep]\nenabled = false\nwhen = { event = \"exited\" }\nthen = [{ log = \"x\" }]\n";

/// As the program reads it: both files, everything checked.
fn read(main: &std::path::Path, overlay: &Overlay, text: Option<&str>) -> Result<Tables, ConfigErrors> {
    let mut sources = vec![Source {
        name: main.display().to_string(),
        text: std::fs::read_to_string(main).unwrap(),
    }];
    let written = text.map_or_else(|| overlay.text().unwrap().unwrap_or_default(), str::to_owned);
    sources.push(Source {
        name: overlay.path().display().to_string(),
        text: written,
    });
    let document = Document::parse(sources)?;
    let file: File = document.read()?;
    let programs = vec!["camera".to_owned(), "camera:camera".to_owned()];
    let known = crate::Known {
        config: &file.rules,
        rules: &file.rule,
        channels: &file.channel,
        programs: &programs,
        lines: &[],
        sensors: &[],
    };
    let errors: Vec<_> = crate::check(&known)
        .into_iter()
        .map(|finding| {
            let path: Vec<&str> = finding.path.iter().map(String::as_str).collect();
            document.error_at(&path, finding.message, finding.help)
        })
        .collect();
    if !errors.is_empty() {
        return Err(ConfigErrors(errors));
    }
    let places = file.rule.keys().map(|name| {
        let (file, line) = document.locate(&["rule", name]).unwrap();
        (name.clone(), RulePlace { file, line })
    });
    Ok(Tables {
        places: places.collect(),
        names: Names {
            programs,
            lines: vec!["lamp".into()],
        },
        config: file.rules,
        rules: file.rule,
        channels: file.channel,
    })
}

struct Bench {
    folder: tempfile::TempDir,
    context: Context,
    auth: TestAuth,
    router: Router,
    reloader: Reloader,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let auth = TestAuth::new();
    let context = context(Service::Rules, folder.path(), &auth);
    let main = folder.path().join("pistack.toml");
    std::fs::write(&main, OWN).unwrap();
    let overlay = Overlay::beside(&main);
    let behind = overlay.clone();
    let reload: crate::Reload = Arc::new(move |text| read(&main, &behind, text));
    let tables = reload(None).unwrap();
    let history = History::new(context.paths.database(Service::Rules), context.clock.clone());
    let dispatch = Dispatch::start(&context, &tables.channels, Arc::new(history));
    let (asker, mut asks) = Asker::pair();
    tokio::spawn(async move {
        while let Some(ask) = asks.recv().await {
            if let Ask::Set { answer, .. } = ask {
                let _ = answer.send(true);
            }
        }
    });
    let reloader = Reloader::new(tables, reload);
    let chronicle = Chronicle::new(folder.path().join("events.jsonl"), context.clock.clone());
    let desk = Desk::new(&context, Some(overlay), chronicle);
    let front = Front::new(asker, dispatch, reloader.clone(), desk);
    let app = App {
        public: crate::http::public(front.clone()),
        internal: crate::http::private(front),
        spec: None,
    };
    Bench {
        router: pistack_kit::service::router(&context, app),
        folder,
        context,
        auth,
        reloader,
    }
}

impl Bench {
    async fn by(&self, token: &str, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from(body))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn root(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let token = self.auth.token("root", Level::Root, self.context.clock.unix());
        self.by(&token, method, path, body).await
    }

    fn overlay(&self) -> PathBuf {
        self.folder.path().join("pistack.d/90-ui.toml")
    }

    fn written(&self) -> String {
        std::fs::read_to_string(self.overlay()).unwrap_or_default()
    }

    fn rules(&self) -> Vec<String> {
        self.reloader.tables().borrow().rules.keys().cloned().collect()
    }
}

fn right() -> Value {
    json!({ "rule": { "when": { "program": "camera", "event": "crashed" }, "then": [{ "notify": ["me"], "text": "{program}" }] } })
}

#[tokio::test]
async fn a_rule_is_made_changed_and_removed_and_the_persons_file_stays_as_it_is() {
    let bench = bench();
    let (status, body) = bench.root("PUT", "/api/rules/rule/new", right()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(
        bench
            .written()
            .contains("[rule.new]\nwhen = { program = \"camera\""),
        "{}",
        bench.written()
    );
    assert_eq!(bench.rules(), ["mine", "asleep", "new"]);
    std::fs::write(bench.overlay(), format!("{}\n# a note of mine\n[rule.other]\nwhen = {{ cron = \"@daily\" }}\nthen = [{{ log = \"x\" }}]\n", bench.written())).unwrap();
    let toml = "# why\nwhen = { event = \"failed\" }\nthen = [\n  { log = \"{program}\" },\n]\n\n[policy]\ncooldown = \"5m\"\n";
    let (status, body) = bench
        .root("PUT", "/api/rules/rule/new", json!({ "toml": toml }))
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let text = bench.written();
    assert!(
        text.contains("# a note of mine\n[rule.other]") && text.contains("# why\nwhen"),
        "{text}"
    );
    let (status, read) = bench.root("GET", "/api/rules/rule/new", Value::Null).await;
    assert_eq!(
        (status, &read["editable"]),
        (StatusCode::OK, &json!(true)),
        "{read}"
    );
    assert_eq!(read["rule"]["policy"]["cooldown"], "5m", "{read}");
    assert!(
        read["toml"].as_str().unwrap().starts_with("# why\nwhen"),
        "{read}"
    );
    let (_, mine) = bench.root("GET", "/api/rules/rule/mine", Value::Null).await;
    assert_eq!(
        (&mine["editable"], &mine["line"]),
        (&json!(false), &json!(4)),
        "{mine}"
    );
    assert!(mine["toml"].as_str().unwrap().contains("# by hand"), "{mine}");

    // Switched off, then removed: nothing is left that names it.
    let (status, off) = bench
        .root("POST", "/api/rules/rule/new/disable", Value::Null)
        .await;
    assert_eq!((status, &off["lasting"]), (StatusCode::OK, &json!(true)), "{off}");
    assert!(
        bench.written().contains("disabled = [\"new\"]"),
        "{}",
        bench.written()
    );
    let (status, body) = bench.root("DELETE", "/api/rules/rule/new", Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(!bench.written().contains("\"new\"") && bench.written().contains("# a note of mine"));
    assert_eq!(bench.rules(), ["mine", "asleep", "other"]);
    let main = std::fs::read_to_string(bench.folder.path().join("pistack.toml")).unwrap();
    assert_eq!(main, OWN);
    let (status, _) = bench.root("DELETE", "/api/rules/rule/new", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_and_nothing_is_written() {
    let bench = bench();
    let wrong = json!({ "rule": {
        "when": { "program": "camra", "event": "crashed", "count": 0 },
        "then": [{ "log": "ok" }, { "notify": ["nobody"] }],
    }});
    let (status, body) = bench.root("PUT", "/api/rules/rule/new", wrong.clone()).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("bad_rule")),
        "{body}"
    );
    let paths: Vec<_> = body["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["path"].as_str().unwrap())
        .collect();
    assert!(
        paths.contains(&"when.program") && paths.contains(&"when.count"),
        "{body}"
    );
    assert!(paths.iter().any(|path| path.starts_with("then.1")), "{body}");
    let program = body["faults"]
        .as_array()
        .unwrap()
        .iter()
        .find(|fault| fault["path"] == "when.program")
        .unwrap();
    assert_eq!(program["message"], "there is no program `camra`");
    assert!(program["help"].as_str().unwrap().contains("camera"), "{program}");
    assert!(!bench.overlay().exists());
}

#[tokio::test]
async fn a_check_tells_the_same_and_writes_nothing() {
    let bench = bench();
    let wrong = json!({ "rule": {
        "when": { "program": "camra", "event": "crashed", "count": 0 },
        "then": [{ "log": "ok" }, { "notify": ["nobody"] }],
    }});
    let (status, checked) = bench
        .root(
            "POST",
            "/api/rules/check",
            json!({ "name": "new", "rule": wrong["rule"] }),
        )
        .await;
    assert_eq!(
        (status, checked["faults"].as_array().unwrap().len()),
        (StatusCode::OK, 3),
        "{checked}"
    );
    let (_, typo) = bench
        .root(
            "POST",
            "/api/rules/check",
            json!({ "name": "new", "toml": "when = { evnt = \"x\" }\nthen = []\n" }),
        )
        .await;
    assert_eq!(typo["faults"][0]["path"], "when.evnt", "{typo}");
    assert_eq!(typo["faults"][0]["line"], 1, "{typo}");
    let (_, torn) = bench
        .root(
            "POST",
            "/api/rules/check",
            json!({ "name": "new", "toml": "when = {\n\nthen = [" }),
        )
        .await;
    assert!(
        torn["faults"][0]["line"].is_u64() && torn["rule"] == json!({}),
        "{torn}"
    );
    let (_, fine) = bench
        .root(
            "POST",
            "/api/rules/check",
            json!({ "name": "new", "rule": right()["rule"] }),
        )
        .await;
    assert_eq!(fine["faults"], json!([]), "{fine}");
    assert!(!bench.overlay().exists(), "a check writes nothing");
}

#[tokio::test]
async fn rules_of_other_files_and_odd_names_are_refused() {
    let bench = bench();
    for (name, code) in [("mine", "rule_elsewhere"), ("a%20b", "bad_request")] {
        let (status, body) = bench
            .root("PUT", &format!("/api/rules/rule/{name}"), right())
            .await;
        assert!(status.is_client_error() && body["code"] == code, "{name}: {body}");
    }
    let (status, body) = bench.root("DELETE", "/api/rules/rule/mine", Value::Null).await;
    assert_eq!(
        (status, &body["line"]),
        (StatusCode::CONFLICT, &json!(4)),
        "{body}"
    );
    let (status, body) = bench
        .root("POST", "/api/rules/rule/asleep/enable", Value::Null)
        .await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::CONFLICT, &json!("switched_off_elsewhere")),
        "{body}"
    );
    let (status, _) = bench
        .root("POST", "/api/rules/rule/mine/disable", Value::Null)
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(bench.reloader.tables().borrow().config.disabled == ["mine"]);
    let long = json!({ "toml": "#".repeat(LONGEST + 1) });
    assert_eq!(
        bench.root("PUT", "/api/rules/rule/new", long).await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn writing_takes_root_and_a_login_of_the_last_ten_minutes() {
    let bench = bench();
    let now = bench.context.clock.unix();
    let write = |token: String| {
        let bench = &bench;
        async move { bench.by(&token, "PUT", "/api/rules/rule/new", right()).await }
    };
    let admin = bench.auth.token("ada", Level::Admin, now);
    assert_eq!(write(admin).await.0, StatusCode::FORBIDDEN);
    let mut claims = bench.auth.claims("root", Level::Root, now);
    claims.via = Via::Token;
    assert_eq!(write(bench.auth.sign(&claims)).await.0, StatusCode::FORBIDDEN);
    let mut old = bench.auth.claims("root", Level::Root, now);
    old.auth_time = Some(now - 601);
    old.sid = "s-1".into();
    let (status, _) = write(bench.auth.sign(&old)).await;
    assert_eq!(
        status,
        StatusCode::SERVICE_UNAVAILABLE,
        "auth is not there to say otherwise"
    );

    // Auth knows of a proof that is newer than the token.
    let socket = bench.context.paths.service_socket(Service::Auth);
    std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(socket).unwrap();
    let recent = Router::new().route(
        "/internal/recent/{sid}",
        axum::routing::get(async |Path(sid): Path<String>| {
            if sid == "s-1" {
                StatusCode::NO_CONTENT
            } else {
                StatusCode::NOT_FOUND
            }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, recent).await });
    old.sid = "s-2".into();
    let (status, body) = write(bench.auth.sign(&old)).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::UNAUTHORIZED, &json!("reauthentication-required")),
        "{body}"
    );
    assert!(!bench.overlay().exists());
    old.sid = "s-1".into();
    assert_eq!(write(bench.auth.sign(&old)).await.0, StatusCode::OK);
    let (_, names) = bench.root("GET", "/api/rules/names", Value::Null).await;
    assert_eq!(names["lines"], json!(["lamp"]));
    assert_eq!(names["channels"], json!(["me"]));
}

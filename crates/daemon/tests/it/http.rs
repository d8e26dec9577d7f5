//! HTTP: what clients of supervisord send, down to their oddities, and what they get.

use std::time::Duration;

use pistack_engine::config::model::{ProcessSpec, Server, ServerAddress};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::harness::{Daemon, Place, Test, block_on, shell, start, start_at};

pub(crate) const TESTS: &[Test] = &[
    (
        "refusals_have_supervisords_codes",
        refusals_have_supervisords_codes,
    ),
    ("credentials_are_asked_for", credentials_are_asked_for),
    (
        "a_followed_log_is_sent_as_it_grows",
        a_followed_log_is_sent_as_it_grows,
    ),
    (
        "one_connection_carries_many_calls",
        one_connection_carries_many_calls,
    ),
    ("a_slow_client_holds_up_nobody", a_slow_client_holds_up_nobody),
    ("inet_servers_answer_too", inet_servers_answer_too),
    (
        "the_configuration_is_told_to_the_own_user_alone",
        the_configuration_is_told_to_the_own_user_alone,
    ),
];

const CALL: &str =
    "<?xml version='1.0'?><methodCall><methodName>supervisor.getVersion</methodName></methodCall>";

fn post(body: &str, headers: &str) -> String {
    format!(
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends a request on a connection of its own and reads until the server closes it or `until` has come.
async fn exchange(daemon: &Daemon, request: &str, until: &str) -> String {
    let mut stream = UnixStream::connect(daemon.place.path("d.sock")).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    read_until(&mut stream, until).await
}

async fn read_until(stream: &mut UnixStream, until: &str) -> String {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    let reading = async {
        while !text.contains(until) {
            let count = stream.read(&mut chunk).await.unwrap();
            if count == 0 {
                break;
            }
            text.push_str(&String::from_utf8_lossy(&chunk[..count]));
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), reading)
        .await
        .is_ok();
    assert!(in_time, "no {until:?} in {text:?}");
    text
}

fn refusals_have_supervisords_codes() {
    block_on(async {
        let daemon = start(vec![]).await;
        for (request, wanted) in [
            (
                "GET /RPC2 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                "HTTP/1.1 400 Bad Request",
            ),
            (
                "PUT /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".to_owned(),
                "HTTP/1.1 400 Bad Request",
            ),
            (
                "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
                "HTTP/1.1 411 Length Required",
            ),
            (post("<methodCall", ""), "HTTP/1.1 400 Bad Request"),
            (
                post("<methodCall><methodName></methodName></methodCall>", ""),
                "HTTP/1.1 400 Bad Request",
            ),
            (post(CALL, ""), "HTTP/1.1 200 OK"),
            (post(CALL, "").replace("/RPC2", "/RPC2/more"), "HTTP/1.1 200 OK"),
            (
                post(CALL, "").replace("Host: localhost", "Host: "),
                "HTTP/1.1 200 OK",
            ),
            (
                post(CALL, "Authorization: Basic Og==\r\nAccept-Encoding: chunked\r\n"),
                "HTTP/1.1 200 OK",
            ),
            (
                "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
                "HTTP/1.1 404 Not Found",
            ),
            (
                "GET /logtail/nobody HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
                "HTTP/1.1 404 Not Found",
            ),
            (
                "POST /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
                "HTTP/1.1 400 Bad Request",
            ),
            (
                "GET /pistack/events?after=x HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
                "HTTP/1.1 400 Bad Request",
            ),
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "HTTP/1.1 200 OK"),
            ("GET /ok.html HTTP/1.0\r\n\r\n".to_owned(), "HTTP/1.0 200 OK"),
        ] {
            let answer = exchange(&daemon, &request, "\r\n\r\n").await;
            assert!(answer.starts_with(wanted), "{request:?}: {answer}");
        }
        let answer = exchange(&daemon, &post(CALL, ""), "</methodResponse>").await;
        assert!(answer.contains("Content-Type: text/xml\r\n"), "{answer}");
        assert!(answer.contains("<string>3.0</string>"), "{answer}");
        daemon.shutdown().await;
    });
}

fn credentials_are_asked_for() {
    block_on(async {
        let place = Place::new();
        let mut model = place.model(vec![]);
        model.servers[0].credentials = Some(("user".into(), "secret".into()));
        let mut daemon = start_at(place, model).await;
        for path in ["/RPC2", "/mainlogtail", "/pistack/events", "/"] {
            let answer = exchange(
                &daemon,
                &post(CALL, "").replace("/RPC2", path),
                "nothing that comes",
            )
            .await;
            assert!(
                answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"),
                "{path}: {answer}"
            );
            assert!(
                answer.contains("Www-Authenticate: Basic realm=\"default\"\r\n"),
                "{answer}"
            );
            assert!(answer.contains("Connection: close\r\n"), "{answer}");
        }
        daemon.rpc = daemon.rpc.with_basic_auth("user", "secret");
        assert_eq!(daemon.call("getAPIVersion", vec![]).await.as_str(), Some("3.0"));
        daemon.shutdown().await;
    });
}

fn a_followed_log_is_sent_as_it_grows() {
    block_on(async {
        let daemon = start(vec![ProcessSpec::new("cat", "cat")]).await;
        let info = daemon.info("cat").await;
        daemon
            .call("sendProcessStdin", vec!["cat".into(), "one\n".into()])
            .await;
        crate::harness::file_has(info.stdout_logfile.as_ref(), "one").await;
        let mut stream = UnixStream::connect(daemon.place.path("d.sock")).await.unwrap();
        // as supervisorctl asks: no host, and a line end too many
        let request = "GET /logtail/cat%3Acat HTTP/1.1\r\nHost: \r\nAccept-Encoding: chunked\r\n\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = read_until(&mut stream, "4\r\none\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("Transfer-Encoding: chunked\r\n"), "{head}");
        assert!(
            head.contains("Content-Type: text/plain;charset=utf-8\r\n"),
            "{head}"
        );
        daemon
            .call("sendProcessStdin", vec!["cat".into(), "two\n".into()])
            .await;
        read_until(&mut stream, "4\r\ntwo\n\r\n").await;
        daemon.call("clearProcessLogs", vec!["cat".into()]).await;
        daemon
            .call("sendProcessStdin", vec!["cat".into(), "three\n".into()])
            .await;
        read_until(&mut stream, "three\n").await;
        daemon.shutdown().await;
        read_until(&mut stream, "0\r\n\r\n").await;
    });
}

fn one_connection_carries_many_calls() {
    block_on(async {
        let daemon = start(vec![]).await;
        let mut stream = UnixStream::connect(daemon.place.path("d.sock")).await.unwrap();
        for _ in 0..5 {
            stream.write_all(post(CALL, "").as_bytes()).await.unwrap();
            read_until(&mut stream, "</methodResponse>").await;
        }
        daemon.shutdown().await;
    });
}

fn a_slow_client_holds_up_nobody() {
    block_on(async {
        let programs = (0..50)
            .map(|number| ProcessSpec::new(format!("cat{number}"), "cat"))
            .collect();
        let daemon = start(programs).await;
        // asks for much, again and again, and reads nothing
        let call = CALL.replace("getVersion", "getAllProcessInfo");
        let mut lazy = UnixStream::connect(daemon.place.path("d.sock")).await.unwrap();
        for _ in 0..20 {
            lazy.write_all(post(&call, "").as_bytes()).await.unwrap();
        }
        // says half a request and waits
        let mut half = UnixStream::connect(daemon.place.path("d.sock")).await.unwrap();
        half.write_all(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Le")
            .await
            .unwrap();
        for _ in 0..10 {
            assert_eq!(daemon.call("getAPIVersion", vec![]).await.as_str(), Some("3.0"));
        }
        daemon.shutdown().await;
    });
}

fn inet_servers_answer_too() {
    block_on(async {
        let place = Place::new();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut model = place.model(vec![]);
        model.servers.push(Server {
            address: ServerAddress::Inet {
                host: "127.0.0.1".into(),
                port,
            },
            // sha1 of "secret"
            credentials: Some((
                "user".into(),
                "{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4".into(),
            )),
            origin: pistack_engine::config::model::Origin::default(),
        });
        let daemon = start_at(place, model).await;
        let client = pistack_kit::client::Client::tcp(format!("127.0.0.1:{port}"));
        let rpc =
            pistack_kit::rpc::Rpc::new(client, Duration::from_secs(10)).with_basic_auth("user", "secret");
        let state = rpc.call("supervisor.getState", vec![]).await.unwrap();
        assert_eq!(state.get("statecode").unwrap().as_int(), Some(1));
        daemon.shutdown().await;
    });
}

fn the_configuration_is_told_to_the_own_user_alone() {
    const ASK: &str = "GET /pistack/written?name=cat%3Acat HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    block_on(async {
        let mut cat = shell("cat", "cat");
        cat.environment.insert("TOKEN".into(), "secret".into());
        let place = Place::new();
        let mut model = place.model(vec![cat]);
        model.servers.push(Server {
            address: ServerAddress::Unix {
                path: place.path("open.sock"),
                mode: 0o777,
                owner: None,
            },
            credentials: None,
            origin: pistack_engine::config::model::Origin::default(),
        });
        let daemon = start_at(place, model).await;
        let told = exchange(&daemon, ASK, "}]}").await;
        assert!(told.starts_with("HTTP/1.1 200 OK"), "{told}");
        let json = &told[told.find('{').unwrap()..=told.rfind('}').unwrap()];
        let json: pistack_api::written::Written = serde_json::from_str(json).unwrap();
        assert_eq!(json.environment[0].value, "secret");
        let unknown = exchange(&daemon, &ASK.replace("cat", "dog"), "\r\n\r\n").await;
        assert!(unknown.starts_with("HTTP/1.1 404"), "{unknown}");
        let mut open = UnixStream::connect(daemon.place.path("open.sock")).await.unwrap();
        open.write_all(ASK.as_bytes()).await.unwrap();
        let refused = read_until(&mut open, "\r\n\r\n").await;
        assert!(
            refused.starts_with("HTTP/1.1 404") && !refused.contains("secret"),
            "{refused}"
        );
        daemon.shutdown().await;
    });
}

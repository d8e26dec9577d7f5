//! Another proxy asks auth for each request to an application that knows no login: a real nginx with `auth_request`.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use pistack_e2e::stack::PASSWORD;
use pistack_e2e::{Answer, Stack, clients, command, until};
use serde_json::json;

/// A free port of this machine.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// nginx with an application behind the login at `/app/` and one for Admins at `/ops/`; ended when dropped.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM: it ends its worker as well.
        let _ = command("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn nginx(folder: &Path, front: u16, app: u16, auth: &Path) -> Nginx {
    let auth = auth.display();
    let protected = |place: &str, query: &str| {
        format!(
            "location = /verify-{place} {{ internal; proxy_pass http://auth/api/auth/verify?{query};\n\
             proxy_pass_request_body off; proxy_set_header Content-Length \"\";\n\
             proxy_set_header X-Original-URI $request_uri; proxy_set_header X-Forwarded-For $remote_addr; }}\n\
             location /{place}/ {{ auth_request /verify-{place};\n\
             auth_request_set $user $upstream_http_x_auth_user; auth_request_set $level $upstream_http_x_auth_level;\n\
             auth_request_set $method $upstream_http_x_auth_method; auth_request_set $login $upstream_http_location;\n\
             proxy_set_header X-Auth-User $user; proxy_set_header X-Auth-Level $level;\n\
             proxy_set_header X-Auth-Method $method; error_page 401 = @login; proxy_pass http://127.0.0.1:{app}; }}\n"
        )
    };
    let config = format!(
        "user root; daemon off; master_process off; pid nginx.pid; error_log stderr; worker_processes 1;\nevents {{}}\nhttp {{\n\
         access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;\n\
         scgi_temp_path s;\nupstream auth {{ server unix:{auth}; }}\n\
         server {{ listen 127.0.0.1:{app}; location / {{ return 200 \
         \"$http_x_auth_user $http_x_auth_level $http_x_auth_method\"; }} }}\n\
         server {{ listen 127.0.0.1:{front};\nlocation @login {{ if ($login) {{ return 302 $login; }} return 401; }}\n\
         {}{} }}\n}}\n",
        protected("app", "right=app:wiki:use"),
        protected("ops", "level=Admin"),
    );
    fs::write(folder.join("nginx.conf"), config).unwrap();
    let child = command("nginx")
        .args([
            "-p",
            &folder.display().to_string(),
            "-c",
            "nginx.conf",
            "-e",
            "stderr",
        ])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    Nginx(child)
}

fn request(port: u16, path: &str, headers: &[String]) -> Result<Answer, String> {
    let mut arguments: Vec<String> = headers
        .iter()
        .flat_map(|header| ["-H".to_owned(), header.clone()])
        .collect();
    arguments.push(format!("http://127.0.0.1:{port}{path}"));
    clients::try_curl(&arguments)
}

#[test]
fn nginx_lets_in_whom_auth_knows_and_tells_the_application_who_it_is() {
    let stack = Stack::start();
    let root = stack.root_token();
    let added = stack.post(
        &root,
        "/api/auth/user/add",
        &json!({ "name": "anna", "password": PASSWORD }),
    );
    assert_eq!(added.status, 201, "{}", added.body);
    let anna = stack.login("anna", PASSWORD).json();
    let anna = anna["access_token"].as_str().unwrap().to_owned();
    let make = |scope: &str| {
        let made = stack.post(
            &anna,
            "/api/auth/token/add",
            &json!({ "name": scope, "scope": [scope] }),
        );
        made.json()["token"].as_str().unwrap().to_owned()
    };
    let (fitting, other) = (make("app:wiki:use"), make("info:*"));
    let folder = stack.folder().join("nginx");
    fs::create_dir(&folder).unwrap();
    let (front, app) = (free_port(), free_port());
    let _nginx = nginx(&folder, front, app, &stack.state().join("run/auth_service.sock"));
    let ask = |path: &str, headers: &[String]| request(front, path, headers);
    until("nginx listens", || ask("/app/", &[]).ok());
    let got = |path: &str, headers: &[String]| ask(path, headers).unwrap();
    let bearer = |token: &str| format!("Authorization: Bearer {token}");
    // What the client says of itself never reaches the application.
    let forged = [
        "X-Auth-User: root".to_owned(),
        "X-Auth-Level: root".to_owned(),
        bearer(&anna),
    ];
    let answer = got("/app/page", &forged);
    assert_eq!((answer.status, answer.body.trim()), (200, "anna user session"));
    assert_eq!(
        got("/app/page", &[bearer(&fitting)]).body.trim(),
        "anna user token"
    );
    assert_eq!(got("/app/page", &[bearer(&other)]).status, 403);
    assert_eq!(got("/ops/page", &[bearer(&anna)]).status, 403);
    assert_eq!(
        got("/ops/page", &[bearer(&root)]).body.trim(),
        "root root session"
    );
    assert_eq!(got("/app/page", &[bearer("nonsense")]).status, 401);
    assert_eq!(got("/app/page", &forged[..2]).status, 401);
    let browser = got("/app/page?x=1", &["Accept: text/html".to_owned()]);
    assert_eq!(browser.status, 302);
    let location = browser.header("location").unwrap();
    assert!(
        location.ends_with("/control/login?next=/app/page%3Fx%3D1"),
        "{location}"
    );
    // A token that is revoked is out within a second, also behind nginx.
    let list = stack.get_as(&anna, "/api/auth/token/list").json();
    let id = list
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["name"] == "app:wiki:use")
        .unwrap()["id"]
        .clone();
    let path = format!("/api/auth/token/{}", id.as_str().unwrap());
    assert_eq!(stack.send("DELETE", &anna, &path, &json!({})).status, 200);
    assert_eq!(got("/app/page", &[bearer(&fitting)]).status, 401);
}

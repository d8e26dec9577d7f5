//! nginx and Caddy before the gateway and in its place, with the configuration that `pistack generate` prints: the
//! tests of the contract run again through them. nginx also stands behind the gateway.

use std::fs;
use std::process::Stdio;

use pistack_e2e::{Stack, command, until};

/// What of the contract does not depend on the gateway's own redirects and certificate.
const CONTRACT: [&str; 12] = [
    "auth::a_session_from_login_to_logout",
    "auth::logging_out_ends_the_session_on_every_service",
    "auth::refusals_of_the_contract",
    "auth::users_and_their_rights",
    "control::pages_need_a_login_and_forms_need_our_origin",
    "gateway::every_service_documents_itself",
    "gateway::forwarded_headers_are_the_gateways_own",
    "info::weather_addresses_and_board",
    "io::sets_and_reads_and_never_hides_the_simulation",
    "supervisor::events_arrive_as_they_happen_and_logs_are_read",
    "supervisor::lists_starts_stops_and_restarts",
    "supervisor::rights_and_refusals",
];

/// Runs those tests of this program in a process that puts `front` between them and the stack.
fn contract(front: &str) {
    let output = command(std::env::current_exe().unwrap())
        .args(CONTRACT)
        .args(["--exact", "--test-threads", "1"])
        .env("PISTACK_E2E_FRONT", front)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "through {front}:\n{printed}{complained}");
    let all = format!("{} passed", CONTRACT.len());
    assert!(
        printed.contains(&all),
        "not every test ran through {front}:\n{printed}"
    );
}

#[test]
fn the_contract_holds_through_nginx_before_the_gateway() {
    contract("nginx-before");
}

#[test]
fn the_contract_holds_through_nginx_in_the_gateways_place() {
    contract("nginx-place");
}

#[test]
fn the_contract_holds_through_caddy_before_the_gateway() {
    contract("caddy-before");
}

#[test]
fn the_contract_holds_through_caddy_in_the_gateways_place() {
    contract("caddy-place");
}

#[test]
fn nginx_is_an_application_behind_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let socket = folder.path().join("nginx.sock");
    fs::create_dir(folder.path().join("site")).unwrap();
    let long = "0123456789".repeat(1000);
    fs::write(folder.path().join("site/long.txt"), &long).unwrap();
    let config = format!(
        "daemon off;\nmaster_process off;\nerror_log {place}/log;\npid {place}/pid;\nevents {{}}\nhttp {{\n    \
         access_log off;\n    client_body_temp_path {place}/a;\n    proxy_temp_path {place}/b;\n    \
         fastcgi_temp_path {place}/c;\n    uwsgi_temp_path {place}/d;\n    scgi_temp_path {place}/e;\n    server {{\n        \
         listen unix:{place}/nginx.sock;\n        root {place}/site;\n        location = /who {{\n            return 200 \
         \"$http_x_auth_user $http_x_auth_level $http_x_forwarded_prefix\";\n        }}\n        location = /moved \
         {{\n            absolute_redirect off;\n            return 302 /long.txt;\n        }}\n    }}\n}}\n"
    );
    fs::write(folder.path().join("nginx.conf"), config).unwrap();
    let mut nginx = command("nginx")
        .arg("-c")
        .arg(folder.path().join("nginx.conf"))
        .arg("-e")
        .arg(folder.path().join("log"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let route = format!(
        "[route.web]\npath = \"/web\"\nstrip = true\nto = \"unix:{}\"\n",
        socket.display()
    );
    let stack = Stack::builder().config("pistack.toml", &route).start();
    until("nginx to listen", || socket.exists().then_some(()));
    let token = stack.root_token();
    assert_eq!(stack.get_as(&token, "/web/who").body, "root root /web");
    let whole = stack.get_as(&token, "/web/long.txt");
    assert_eq!((whole.status, whole.body.as_str()), (200, long.as_str()));
    let bearer = format!("Authorization: Bearer {token}");
    let part = stack.request(&["-H", &bearer, "-r", "10-19"], "/web/long.txt");
    assert_eq!((part.status, part.body.as_str()), (206, "0123456789"));
    let moved = stack.get_as(&token, "/web/moved");
    assert_eq!(moved.header("location"), Some("/web/long.txt"));
    pistack_e2e::stack::signal_process("TERM", nginx.id());
    nginx.wait().unwrap();
}

//! The form for nginx.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::{Plan, Shape};

/// One file with everything: upstreams, the redirect and the site.
pub(super) fn write(plan: &Plan) -> String {
    let mut text = String::from(HEAD);
    let _ = writeln!(
        text,
        "#   trusted_proxies = [\"127.0.0.1\"]\n#   http = \"{}\"\n",
        plan.gateway
    );
    text.push_str(MAPS);
    upstream(&mut text, "pistack_gateway", &plan.gateway.to_string());
    for (prefix, address) in &plan.direct {
        upstream(&mut text, &name(prefix), &address.to_string());
        choice(&mut text, &name(prefix));
    }
    let names = plan.names.join(" ");
    if plan.http_port != 0 {
        redirect(&mut text, plan, &names);
    }
    let _ = writeln!(
        text,
        "server {{\n{listen}    server_name {names};\n    ssl_certificate {certificate};\n    ssl_certificate_key \
         {key};\n{SITE}",
        listen = listen(plan, plan.https_port, " ssl http2"),
        certificate = quoted(&plan.certificate.display().to_string()),
        key = quoted(&plan.key.display().to_string()),
    );
    for (prefix, _) in &plan.direct {
        let _ = writeln!(
            text,
            "    location {prefix} {{\n        proxy_set_header X-Forwarded-Prefix {bare};\n{FIELDS}        proxy_pass \
             http://${};\n    }}",
            chosen(&name(prefix)),
            bare = prefix.trim_end_matches('/'),
        );
    }
    let _ = writeln!(
        text,
        "    location / {{\n{FIELDS}        proxy_pass http://pistack_gateway;\n    }}\n}}"
    );
    if plan.shape == Shape::Place {
        text.push_str("\n# The API goes straight to the services; the dashboard, its session and API tokens need the gateway.\n");
    }
    text
}

/// `pistack_auth` of `/api/auth/`.
fn name(prefix: &str) -> String {
    format!(
        "pistack_{}",
        prefix.trim_matches('/').rsplit('/').next().unwrap_or_default()
    )
}

/// The variable that says which upstream a request goes to.
fn chosen(name: &str) -> String {
    format!("to_{name}")
}

fn upstream(text: &mut String, name: &str, address: &str) {
    let _ = writeln!(
        text,
        "upstream {name} {{\n    server {address};\n    keepalive 16;\n}}"
    );
}

/// What brings the dashboard's session or an API token goes through the gateway, which exchanges it.
fn choice(text: &mut String, name: &str) {
    let _ = writeln!(
        text,
        "map \"$http_cookie $http_authorization\" ${} {{\n    \"~__Host-pistack=\" pistack_gateway;\n    \
         \"~pst_\" pistack_gateway;\n    default {name};\n}}",
        chosen(name)
    );
}

fn redirect(text: &mut String, plan: &Plan, names: &str) {
    let port = match plan.https_port {
        443 => String::new(),
        port => format!(":{port}"),
    };
    let _ = writeln!(
        text,
        "server {{\n{listen}    server_name {names};\n    location / {{\n        \
         if ($request_method ~ ^(GET|HEAD)$) {{\n            return 301 https://$host{port}$request_uri;\n        \
         }}\n        return 308 https://$host{port}$request_uri;\n    }}\n}}",
        listen = listen(plan, plan.http_port, ""),
    );
}

/// The `listen` lines of a server.
fn listen(plan: &Plan, port: u16, how: &str) -> String {
    match plan.bind {
        Some(address) => format!("    listen {}{how};\n", SocketAddr::new(address, port)),
        None => format!("    listen {port}{how};\n    listen [::]:{port}{how};\n"),
    }
}

/// A path as nginx reads it.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

const HEAD: &str = "\
# nginx in front of pistack, made by `pistack generate nginx`.
# In pistack.toml the gateway has to leave the ports to this server and to believe its word on the clients:
#   [gateway]
#   https = \"127.0.0.1:8443\"
";

const MAPS: &str = "\
map $http_upgrade $pistack_connection {
    default upgrade;
    \"\" \"\";
}
";

const SITE: &str = "    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:pistack:1m;
    ssl_session_tickets off;
    # Limits are the services' own; nothing of a body is written to the card.
    client_max_body_size 0;
    proxy_request_buffering off;
    proxy_buffering off;
    proxy_max_temp_file_size 0;
    proxy_http_version 1.1;
    proxy_read_timeout 1h;
    proxy_send_timeout 1h;
    proxy_connect_timeout 5s;
    proxy_next_upstream off;
    # Names are checked behind here, too; whatever else is asked for gets no answer.
    if ($host = \"\") {
        return 400;
    }";

const FIELDS: &str = "        proxy_set_header Host $http_host;
        proxy_set_header Connection $pistack_connection;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header X-Real-IP \"\";
        proxy_set_header Forwarded \"\";
        proxy_set_header X-Auth-User \"\";
        proxy_set_header X-Auth-Id \"\";
        proxy_set_header X-Auth-Level \"\";
        proxy_set_header X-Auth-Method \"\";
";

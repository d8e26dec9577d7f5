//! The form for Caddy.

use std::fmt::Write as _;

use super::Plan;

/// A whole Caddyfile.
pub(super) fn write(plan: &Plan) -> String {
    let mut text = String::from(HEAD);
    let _ = writeln!(
        text,
        "#   trusted_proxies = [\"127.0.0.1\"]\n#   http = \"{}\"",
        plan.gateway
    );
    let redirects = if plan.http_port == 0 {
        "auto_https off"
    } else {
        "auto_https disable_certs"
    };
    let _ = writeln!(
        text,
        "{{\n\tadmin off\n\t{redirects}\n\thttps_port {}\n\thttp_port {}\n}}\n",
        plan.https_port,
        if plan.http_port == 0 { 80 } else { plan.http_port },
    );
    let sites: Vec<String> = plan
        .names
        .iter()
        .map(|name| format!("https://{name}:{}", plan.https_port))
        .collect();
    let _ = writeln!(
        text,
        "{} {{\n\ttls {} {}",
        sites.join(", "),
        quoted(&plan.certificate.display().to_string()),
        quoted(&plan.key.display().to_string()),
    );
    if let Some(address) = plan.bind {
        let _ = writeln!(text, "\tbind {address}");
    }
    if !plan.direct.is_empty() {
        text.push_str(SESSION);
    }
    for (prefix, address) in &plan.direct {
        let bare = prefix.trim_end_matches('/');
        let _ = writeln!(
            text,
            "\thandle {prefix}* {{\n\t\treverse_proxy {address} {{\n\t\t\theader_up X-Forwarded-Prefix {bare}\n{FIELDS}\t\t}}\n\t}}"
        );
    }
    let _ = writeln!(
        text,
        "\thandle {{\n\t\treverse_proxy {} {{\n{FIELDS}\t\t}}\n\t}}\n}}",
        plan.gateway
    );
    text.replace("@GATEWAY@", &plan.gateway.to_string())
}

fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

const HEAD: &str = "\
# Caddy in front of pistack, made by `pistack generate caddy`.
# In pistack.toml the gateway has to leave the ports to this server and to believe its word on the clients:
#   [gateway]
#   https = \"127.0.0.1:8443\"
";

/// What brings the dashboard's session or an API token goes through the gateway, which exchanges it.
const SESSION: &str = "\t@session header Cookie *__Host-pistack=*
\t@token header Authorization *pst_*
\thandle @session {
\t\treverse_proxy @GATEWAY@ {
\t\t\theader_up X-Forwarded-Proto https
\t\t\tflush_interval -1
\t\t}
\t}
\thandle @token {
\t\treverse_proxy @GATEWAY@ {
\t\t\theader_up X-Forwarded-Proto https
\t\t\tflush_interval -1
\t\t}
\t}
";

/// Caddy sets `X-Forwarded-For`, `-Host` and `-Proto` by itself and takes what strangers say of them off.
const FIELDS: &str = "\t\t\theader_up X-Forwarded-Proto https
\t\t\theader_up -X-Real-IP
\t\t\theader_up -Forwarded
\t\t\theader_up -X-Auth-*
\t\t\tflush_interval -1
";

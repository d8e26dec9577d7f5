//! Both shapes in both forms.

use super::*;

fn made(shape: Shape) -> Plan {
    Plan {
        shape,
        names: vec!["pi.local".to_owned(), "localhost".to_owned()],
        bind: None,
        https_port: 443,
        http_port: 80,
        certificate: "/var/lib/pistack/tls/leaf.pem".into(),
        key: "/var/lib/pistack/tls/leaf.pem".into(),
        gateway: SocketAddr::from(([127, 0, 0, 1], 8000)),
        direct: match shape {
            Shape::Before => Vec::new(),
            Shape::Place => vec![("/api/auth/".to_owned(), SocketAddr::from(([127, 0, 0, 1], 5002)))],
        },
    }
}

#[test]
fn before_the_gateway_everything_goes_through_it() {
    let text = nginx::write(&made(Shape::Before));
    assert!(text.contains("server_name pi.local localhost;") && text.contains("server 127.0.0.1:8000;"));
    assert!(
        !text.contains("5002") && text.matches("proxy_pass").count() == 1,
        "{text}"
    );
    assert_eq!(text.matches('{').count(), text.matches('}').count());
    let text = caddy::write(&made(Shape::Before));
    assert!(
        text.contains("https://pi.local:443, https://localhost:443 {"),
        "{text}"
    );
    assert_eq!(text.matches("reverse_proxy").count(), 1, "{text}");
}

#[test]
fn in_its_place_sessions_and_api_tokens_still_go_through_it() {
    let text = nginx::write(&made(Shape::Place));
    assert!(
        text.contains("server 127.0.0.1:5002;") && text.contains("proxy_pass http://$to_pistack_auth;"),
        "{text}"
    );
    assert!(text.contains("\"~pst_\" pistack_gateway;"), "{text}");
    let text = caddy::write(&made(Shape::Place));
    assert!(
        text.contains("handle /api/auth/* {") && text.contains("header Authorization *pst_*"),
        "{text}"
    );
    assert!(
        !text.contains('@'.to_string().repeat(2).as_str()) && !text.contains("@GATEWAY@"),
        "{text}"
    );
}

//! The certificates as the gateway tells of them on its own socket, with the page by which devices come to trust the
//! local authority.

use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;
use serde_json::{Value, json};

use crate::config::Config;
use crate::listeners::Addresses;
use crate::qr;
use crate::tls::{Kind, State, state};

/// What is needed to look at them.
#[derive(Debug, Clone)]
pub(crate) struct CertificatesView {
    config: Config,
    paths: StatePaths,
    clock: Clock,
}

impl CertificatesView {
    pub(crate) fn new(config: &Config, paths: &StatePaths, clock: &Clock) -> Self {
        Self {
            config: config.clone(),
            paths: paths.clone(),
            clock: clock.clone(),
        }
    }

    /// Every certificate; where there is a root that clients are shown, the address of its page and that as a QR code.
    pub(crate) fn json(&self) -> Value {
        let found = state(&self.config, &self.paths, &self.clock);
        let page = page(&found, Addresses::read(&self.paths));
        let code = page.as_deref().and_then(qr::svg);
        json!({ "certificates": found.certificates, "page": page, "qr_svg": code })
    }
}

/// Plain HTTP if there is such a port, by an address in numbers: phones often do not find names that end in `.local`.
fn page(found: &State, bound: Option<Addresses>) -> Option<String> {
    let bound = bound?;
    found
        .certificates
        .iter()
        .find(|one| one.kind == Kind::Root && one.shown)?;
    let (scheme, socket, usual) = match bound.http {
        Some(http) => ("http", http, 80),
        None => ("https", bound.https, 443),
    };
    let numbers = found
        .certificates
        .iter()
        .filter(|one| one.shown && one.kind == Kind::Local)
        .flat_map(|one| &one.names)
        .filter_map(|name| name.parse::<std::net::Ipv4Addr>().ok())
        .find(|address| !address.is_loopback() && !address.is_link_local());
    let host = if socket.ip().is_unspecified() {
        numbers.map_or(bound.name, |address| address.to_string())
    } else {
        socket.ip().to_string()
    };
    let port = if socket.port() == usual {
        String::new()
    } else {
        format!(":{}", socket.port())
    };
    Some(format!("{scheme}://{host}{port}/ca/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Certificate;

    fn certificate(kind: Kind, shown: bool, names: &[&str]) -> Certificate {
        Certificate {
            kind,
            path: "/x".into(),
            names: names.iter().map(|&name| name.to_owned()).collect(),
            issuer: String::new(),
            not_before: 0,
            not_after: 0,
            fingerprint: String::new(),
            shown,
            problem: None,
        }
    }

    fn bound(http: Option<&str>) -> Addresses {
        Addresses {
            https: "0.0.0.0:8443".parse().unwrap(),
            http: http.map(|address| address.parse().unwrap()),
            name: "pi.local".into(),
        }
    }

    #[test]
    fn the_page_is_where_a_phone_finds_it() {
        let state = State {
            certificates: vec![
                certificate(Kind::Local, true, &["pi.local", "127.0.0.1", "192.168.1.7"]),
                certificate(Kind::Root, true, &[]),
            ],
        };
        assert_eq!(
            page(&state, Some(bound(Some("0.0.0.0:80")))).as_deref(),
            Some("http://192.168.1.7/ca/")
        );
        assert_eq!(
            page(&state, Some(bound(None))).as_deref(),
            Some("https://192.168.1.7:8443/ca/")
        );
        assert_eq!(
            page(&state, Some(bound(Some("127.0.0.1:8080")))).as_deref(),
            Some("http://127.0.0.1:8080/ca/")
        );
        assert_eq!(page(&state, None), None, "no gateway listens");
    }

    #[test]
    fn where_nobody_needs_the_root_there_is_no_page() {
        let own = State {
            certificates: vec![
                certificate(Kind::Imported, true, &["pi.example"]),
                certificate(Kind::Root, false, &[]),
            ],
        };
        assert_eq!(page(&own, Some(bound(None))), None);
    }
}

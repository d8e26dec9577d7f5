//! Which address leads where: the contract's table on one page.

use http::header::HeaderValue;
use http::uri::PathAndQuery;
use pistack_api::service::Service;

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To a service.
    Service(Target),
    /// Elsewhere on this board: `true` = for good and with the same method (308), else 302.
    Elsewhere(&'static str, bool),
    /// The root certificate, for download.
    Root,
    /// Nowhere.
    Nowhere,
}

/// A service, and how it sees the request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Which.
    pub(crate) service: Service,
    /// The leading part of the path that the service does not see.
    pub(crate) strip: &'static str,
    /// What `X-Forwarded-Prefix` says.
    pub(crate) prefix: &'static str,
    /// Whether people look at it in a browser, signed in or not.
    pub(crate) pages: bool,
}

/// The table.
pub(crate) fn route(path: &str) -> Route {
    match path {
        "/" => return Route::Elsewhere("/control/", false),
        "/control" => return Route::Elsewhere("/control/", true),
        "/ca.pem" | "/pistack-ca.pem" => return Route::Root,
        _ => {}
    }
    if let Some(inner) = path.strip_prefix("/control") {
        // `/internal` is for the stack's own processes, which ask over the unix sockets without the gateway.
        return if inner.starts_with('/') && !is_internal(inner) {
            Route::Service(Target {
                service: Service::Control,
                strip: "/control",
                prefix: "/control",
                pages: true,
            })
        } else {
            Route::Nowhere
        };
    }
    let service = path.strip_prefix("/api/").and_then(|rest| rest.split('/').next());
    match service.and_then(api_prefix) {
        Some((service, prefix)) => Route::Service(Target {
            service,
            strip: "",
            prefix,
            pages: false,
        }),
        None => Route::Nowhere,
    }
}

/// The services below `/api/`, by their short names alone.
fn api_prefix(name: &str) -> Option<(Service, &'static str)> {
    Some(match name {
        "auth" => (Service::Auth, "/api/auth"),
        "supervisor" => (Service::Supervisor, "/api/supervisor"),
        "email" => (Service::Email, "/api/email"),
        "info" => (Service::Info, "/api/info"),
        "io" => (Service::Io, "/api/io"),
        "control" => (Service::Control, "/api/control"),
        _ => return None,
    })
}

fn is_internal(path: &str) -> bool {
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    path.strip_prefix("/internal")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Target {
    /// The address as the service sees it. `None` when what is left is no address.
    pub(crate) fn path(&self, original: &PathAndQuery) -> Option<PathAndQuery> {
        if self.strip.is_empty() {
            return Some(original.clone());
        }
        original.as_str().strip_prefix(self.strip)?.parse().ok()
    }

    /// `X-Forwarded-Prefix`.
    pub(crate) fn prefix(&self) -> HeaderValue {
        HeaderValue::from_static(self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(path: &str) -> Option<(Service, String, &'static str)> {
        let original: PathAndQuery = path.parse().unwrap();
        match route(original.path()) {
            Route::Service(target) => Some((
                target.service,
                target.path(&original).unwrap().to_string(),
                target.prefix,
            )),
            _ => None,
        }
    }

    #[test]
    fn the_contracts_table() {
        for (path, to, seen, prefix) in [
            ("/control/", Service::Control, "/", "/control"),
            (
                "/control/login?next=%2F",
                Service::Control,
                "/login?next=%2F",
                "/control",
            ),
            ("/control/internals", Service::Control, "/internals", "/control"),
            (
                "/api/auth/session/login",
                Service::Auth,
                "/api/auth/session/login",
                "/api/auth",
            ),
            (
                "/api/supervisor/processes/list",
                Service::Supervisor,
                "/api/supervisor/processes/list",
                "/api/supervisor",
            ),
            ("/api/email/send", Service::Email, "/api/email/send", "/api/email"),
            (
                "/api/info/weather?lat=1&lon=2",
                Service::Info,
                "/api/info/weather?lat=1&lon=2",
                "/api/info",
            ),
            (
                "/api/io/gpio/read?pin=1",
                Service::Io,
                "/api/io/gpio/read?pin=1",
                "/api/io",
            ),
            (
                "/api/control/health",
                Service::Control,
                "/api/control/health",
                "/api/control",
            ),
        ] {
            assert_eq!(service(path), Some((to, seen.to_owned(), prefix)), "{path}");
        }
    }

    #[test]
    fn the_front_door_and_the_certificate() {
        assert_eq!(route("/"), Route::Elsewhere("/control/", false));
        assert_eq!(route("/control"), Route::Elsewhere("/control/", true));
        assert_eq!(route("/ca.pem"), Route::Root);
        assert_eq!(route("/pistack-ca.pem"), Route::Root);
    }

    #[test]
    fn the_stacks_own_calls_are_out_of_reach() {
        for path in [
            "/control/internal",
            "/control/internal/x",
            "/control/%69nternal/x",
            "/internal/exchange",
            "/internal",
            "/controls",
            "/api",
            "/api/",
            "/api/auth_service/x",
            "/api/internal/x",
            "/api/Auth/x",
            "/x",
        ] {
            assert_eq!(route(path), Route::Nowhere, "{path}");
        }
    }
}

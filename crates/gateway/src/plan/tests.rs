//! Everything that can be wrong with a route, and where it is told.

use super::*;

fn route(edit: impl FnOnce(&mut Route)) -> Route {
    let mut route = Route {
        path: "/app".to_owned(),
        to: Some("http://127.0.0.1:3000".to_owned()),
        ..Route::default()
    };
    edit(&mut route);
    route
}

fn findings(routes: &[(&str, Route)]) -> Vec<String> {
    let routes: Routes = routes
        .iter()
        .map(|(name, route)| ((*name).to_owned(), route.clone()))
        .collect();
    check_routes(&Config::default(), &routes)
        .into_iter()
        .map(|finding| format!("{}: {}", finding.path.join("."), finding.message))
        .collect()
}

#[test]
fn a_wrong_route_does_not_keep_the_others_away() {
    let routes: Routes = [
        ("good".to_owned(), route(|_| ())),
        ("nowhere".to_owned(), route(|route| route.to = None)),
        ("same".to_owned(), route(|_| ())),
        (
            "unmounted".to_owned(),
            route(|route| {
                route.to = None;
                route.files = Some("/nowhere/at/all".into());
                route.path = "/disk".into();
            }),
        ),
    ]
    .into();
    let names = usable(&Config::default(), &routes)
        .into_iter()
        .map(|plan| plan.name);
    assert_eq!(names.collect::<Vec<_>>(), ["good", "unmounted"]);
    assert!(
        plan(&Config::default(), &routes).is_err(),
        "a reload takes all or nothing"
    );
}

#[test]
fn good_routes_are_quiet() {
    let none: [&str; 0] = [];
    assert_eq!(findings(&[("a", route(|_| ()))]), none);
    assert_eq!(
        findings(&[
            ("a", route(|_| ())),
            ("b", route(|route| route.path = "/app/deeper".into())),
            ("c", route(|route| route.hosts = vec!["cam.home.arpa".into()])),
            ("d", route(|route| route.listen = Some(":8444".into()))),
            (
                "e",
                route(|route| {
                    route.listen = Some(":8444".into());
                    route.path = "/".into();
                })
            ),
            (
                "f",
                route(|route| {
                    route.to = None;
                    route.files = Some("/".into());
                    route.path = "/".into();
                    route.auth = "gpio:relay1:write".into();
                })
            ),
            (
                "g",
                route(|route| {
                    route.listen = Some("127.0.0.1:8555".into());
                    route.tls = false;
                    route.auth = "public".into();
                    route.path = "/api/x".into();
                })
            ),
        ]),
        none
    );
}

#[test]
fn what_is_wrong_is_told_at_its_key() {
    type Edit = fn(&mut Route);
    let cases: [(&str, &str, Edit); 21] = [
        ("route.r.path", "reserved", |route| {
            route.path = "/ca".into();
        }),
        ("route.r.path", "leads nowhere", |route| route.to = None),
        ("route.r.files", "both", |route| route.files = Some("/".into())),
        ("route.r.to", "no address", |route| {
            route.to = Some("https://x".into());
        }),
        ("route.r.path", "no path", |route| route.path = "app".into()),
        ("route.r.path", "no path", |route| route.path = "/a//b".into()),
        ("route.r.path", "no path", |route| route.path = "/a/../b".into()),
        ("route.r.path", "no path", |route| route.path = "/a%2f".into()),
        ("route.r.path", "reserved", |route| {
            route.path = "/api/mine".into();
        }),
        ("route.r.path", "reserved", |route| {
            route.path = "/control/".into();
        }),
        ("route.r.path", "reserved", |route| {
            route.path = "/.pistack/x".into();
            route.listen = Some(":8444".into());
        }),
        ("route.r.auth", "`usr`", |route| route.auth = "usr".into()),
        ("route.r.hosts", "no host name", |route| {
            route.hosts = vec!["a b".into()];
        }),
        ("route.r.hosts", "is an address", |route| {
            route.hosts = vec!["10.0.0.1".into()];
        }),
        ("route.r.hosts", "own name", |route| {
            route.hosts = vec!["localhost".into()];
        }),
        ("route.r.listen", "no port", |route| {
            route.listen = Some("8444".into());
        }),
        ("route.r.listen", "gateway's own", |route| {
            route.listen = Some(":443".into());
        }),
        ("route.r.tls", "do not go together", |route| {
            route.listen = Some(":8444".into());
            route.tls = false;
        }),
        ("route.r.to", "go round", |route| {
            route.listen = Some(":3000".into());
        }),
        ("route.r.files", "no folder", |route| {
            route.to = None;
            route.files = Some("/nowhere/at/all".into());
        }),
        ("route.r.cache", "no header value", |route| {
            route.cache = "a\nb".into();
        }),
    ];
    for (path, words, edit) in cases {
        let found = findings(&[("r", route(edit))]);
        assert!(
            found
                .iter()
                .any(|line| line.starts_with(&format!("{path}: ")) && line.contains(words)),
            "{path} {words}: {found:#?}"
        );
    }
}

#[test]
fn two_routes_that_clash_name_each_other() {
    let twice = findings(&[
        ("a", route(|_| ())),
        ("b", route(|route| route.path = "/app/".into())),
    ]);
    assert_eq!(
        twice,
        ["route.b.path: route `b`: it has the same host and path (`/app/`) as route `a`"]
    );
    let hosts = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        route(|route| route.hosts = names)
    };
    let shared = findings(&[("a", hosts(&["a.lan", "b.lan"])), ("b", hosts(&["b.lan"]))]);
    assert_eq!(shared.len(), 1, "{shared:#?}");
    let doors = findings(&[
        ("a", route(|route| route.listen = Some(":8444".into()))),
        (
            "b",
            route(|route| {
                route.listen = Some("127.0.0.1:8444".into());
                route.path = "/other".into();
            }),
        ),
    ]);
    assert!(doors.len() == 1 && doors[0].contains("same port"), "{doors:#?}");
}

//! The status pages as a browser meets them.

use pistack_e2e::clients::{Answer, curl};
use pistack_e2e::until;

use super::daemon::{Daemon, Whose};

const CONF: &str = "[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/pid\nchildlogdir=%(here)s\n\
    [unix_http_server]\nfile=%(here)s/s.sock\n[inet_http_server]\nport=127.0.0.1:@PORT@\n\
    [program:talker]\ncommand=sh -c \"echo '<script>alert(1)</script> & more'; exec sleep 1000\"\nstartsecs=0\n\
    [program:dog]\ncommand=sleep 1000\nstartsecs=0\n[group:pets&co]\nprograms=dog\n";

fn get(daemon: &Daemon, more: &[&str], path: &str) -> Answer {
    let mut arguments: Vec<String> = more.iter().map(ToString::to_string).collect();
    arguments.push(format!("http://127.0.0.1:{}{path}", daemon.port()));
    curl(&arguments)
}

fn links(html: &str) -> Vec<String> {
    let mut found: Vec<String> = ["href=\"", "src=\""]
        .into_iter()
        .flat_map(|mark| html.split(mark).skip(1))
        .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn the_status_page_works_without_scripts() {
    let daemon = Daemon::start(Whose::Ours, CONF, &[]);
    let state = |wanted: &str| {
        until(&format!("a page with {wanted}"), || {
            let page = get(&daemon, &[], "/");
            assert_eq!(page.status, 200, "{page:?}");
            page.body.contains(wanted).then_some(page.body)
        })
    };
    let html = state("tail.html?processname=talker");
    assert!(html.contains(">pets&amp;co:dog</a>"), "names are escaped: {html}");
    assert!(!html.contains("<script"), "{html}");
    // every link leads somewhere; those that do something or never end are tried apart
    for link in links(&html) {
        if link.contains("action=") || link.contains("logtail") {
            continue;
        }
        assert_eq!(get(&daemon, &[], &format!("/{link}")).status, 200, "{link}");
    }
    let style = get(&daemon, &[], "/pages/style.css");
    assert_eq!(style.header("content-type"), Some("text/css;charset=utf-8"));
    assert!(style.body.contains("prefers-color-scheme: dark"));

    let stop = links(&html)
        .into_iter()
        .find(|link| link.contains("pets%26co%3Adog") && link.ends_with("action=stop"))
        .expect("a running program can be stopped");
    let foreign = get(
        &daemon,
        &["-H", "Sec-Fetch-Site: cross-site"],
        &format!("/{stop}"),
    );
    assert_eq!(foreign.status, 403, "another site's link stops nothing");
    let stopped = get(&daemon, &[], &format!("/{stop}"));
    assert_eq!(stopped.status, 301);
    let location = stopped.header("location").unwrap().to_owned();
    assert_eq!(
        location,
        format!(
            "http://127.0.0.1:{}/?message=Process%20pets%26co%3Adog%20stopped",
            daemon.port()
        )
    );
    assert_eq!(stopped.header("cache-control"), Some("no-store"));
    let after = get(
        &daemon,
        &[],
        location.split_once(&daemon.port().to_string()).unwrap().1,
    );
    assert!(
        after
            .body
            .contains("role=\"status\">Process pets&amp;co:dog stopped</p>"),
        "{after:?}"
    );
    assert!(after.body.contains("<span class=\"state quiet\">stopped</span>"));

    let form = ["-d", "action=restartall"];
    assert!(
        get(&daemon, &form, "/index.html")
            .header("location")
            .unwrap()
            .contains("All%20restarted%20at%20")
    );
    assert!(!state("uptime").contains("quiet"), "everything runs again");
    let told = get(&daemon, &[], "/?message=%3Cimg%20src=x%3E");
    assert!(
        told.body.contains("&lt;img src=x&gt;") && !told.body.contains("<img src=x>"),
        "{told:?}"
    );
}

#[test]
fn the_tail_page_shows_a_log_as_text() {
    let daemon = Daemon::start(Whose::Ours, CONF, &[]);
    let page = until("the program's words", || {
        let page = get(&daemon, &[], "/tail.html?processname=talker&limit=2000");
        page.body.contains("more").then_some(page)
    });
    assert!(
        page.body
            .contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"),
        "{page:?}"
    );
    assert!(!page.body.contains("<script"), "{page:?}");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let unknown = get(&daemon, &[], "/tail.html?processname=%3Cb%3E").body;
    assert!(
        unknown.contains("unexpected rpc fault [10] BAD_NAME: &lt;b&gt;"),
        "{unknown}"
    );
    assert!(
        get(&daemon, &[], "/tail.html")
            .body
            .contains("No process name found")
    );
    let head = get(&daemon, &["-I"], "/");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

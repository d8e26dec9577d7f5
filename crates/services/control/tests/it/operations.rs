//! Logs, events, rules and mail: by level, with hostile texts, with services that are down.

use http::StatusCode;
use pistack_api::service::Service;
use pistack_api::token::Level;

use super::fake::process;
use super::fake_operations::{EVIL, Seen, serve};
use super::{Page, Stack, stack};

/// A dashboard with everything that these pages ask.
pub(crate) fn bench() -> (Stack, Seen) {
    let stack = stack(&[Service::Auth, Service::Supervisor]);
    let seen = serve(&stack.fake, &stack.context, &[Service::Rules, Service::Email]);
    (stack, seen)
}

/// Nothing of what hostile people wrote can do anything.
pub(crate) fn is_inert(page: &Page) {
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(!page.text.contains("<img src=x"), "{}", page.text);
    assert!(!page.text.contains(['\u{1b}', '\u{202e}']), "{}", page.text);
}

pub(crate) fn last(seen: &Seen) -> String {
    seen.lock().unwrap().last().cloned().unwrap_or_default()
}

#[tokio::test]
async fn each_page_opens_to_those_who_may_and_shows_them_what_they_may_do() {
    let (stack, _) = bench();
    stack
        .fake
        .processes
        .lock()
        .unwrap()
        .push(process("camera", "camera", 20));
    for (path, lowest) in [
        ("/logs", Level::Admin),
        ("/events", Level::Admin),
        ("/events.csv", Level::Admin),
        ("/rules", Level::Admin),
        ("/rules/rule/camera-down", Level::Admin),
        ("/rules/new", Level::Root),
        ("/rules/edit/made", Level::Root),
        ("/mail", Level::User),
        ("/mail/new", Level::User),
        ("/mail/message/m1", Level::User),
    ] {
        let nobody = stack.get(path).page().await;
        assert!(nobody.location().starts_with("/login?next="), "{path}");
        for level in [Level::User, Level::Admin, Level::Root] {
            let page = stack.get(path).by(level).page().await;
            let wanted = if level < lowest {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::OK
            };
            assert_eq!(page.status, wanted, "{path} by {level}: {}", page.text);
        }
    }
    let buttons = async |path: &str, level: Level| stack.get(path).by(level).page().await.text;
    assert!(
        buttons("/rules", Level::Root)
            .await
            .contains("/rules/rule/made/set")
    );
    let admin = buttons("/rules", Level::Admin).await;
    assert!(
        !admin.contains("/rules/rule/made/set")
            && !admin.contains("/rules/new")
            && admin.contains("/rules/channel/me/test")
    );
    let rule = buttons("/rules/rule/made", Level::Admin).await;
    assert!(rule.contains("value=\"fire\"") && !rule.contains("/rules/edit/made"));
    assert!(
        buttons("/rules/rule/made", Level::Root)
            .await
            .contains("/rules/edit/made")
    );
    // A rule of the person's own file is never changed here.
    assert!(
        !buttons("/rules/rule/camera-down", Level::Root)
            .await
            .contains("/rules/edit/")
    );
    assert!(
        stack
            .get("/rules/edit/camera-down")
            .by(Level::Root)
            .page()
            .await
            .location()
            .ends_with("/rules/rule/camera%2Ddown")
    );
    assert!(!buttons("/mail", Level::User).await.contains("/mail/test"));
    assert!(buttons("/mail", Level::Admin).await.contains("/mail/resume"));
}

#[tokio::test]
async fn hostile_texts_are_inert_everywhere() {
    let (stack, _) = bench();
    stack.fake.processes.lock().unwrap().push(process("g", EVIL, 20));
    let log = format!("{EVIL}\u{1b}]0;title\u{7}<b>bold</b>\n");
    stack
        .fake
        .logs
        .lock()
        .unwrap()
        .insert(format!("g:{EVIL}/stdout"), log);
    let name = percent_encoding::percent_encode(EVIL.as_bytes(), percent_encoding::NON_ALPHANUMERIC);
    for path in [
        format!("/logs?p=g%3A{name}"),
        format!("/logs?p=g%3A{name}&q=alert"),
        format!("/logs?q=%3Cscript%3Ealert(1)%3C/script%3E&p=g%3A{name}&from=%3Cscript%3Ealert"),
        "/events".to_owned(),
        "/events?q=%3Cscript%3Ealert(1)".to_owned(),
        "/rules".to_owned(),
        "/rules/rule/made".to_owned(),
        "/rules/rule/camera-down".to_owned(),
        "/rules/edit/made".to_owned(),
        "/rules/new".to_owned(),
        "/mail".to_owned(),
        "/mail/message/m1".to_owned(),
        format!("/mail/new?to={name}&subject={name}&text={name}"),
    ] {
        let page = stack.get(&path).by(Level::Root).page().await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        is_inert(&page);
    }
    let shown = stack
        .get(&format!("/logs?p=g%3A{name}"))
        .by(Level::Root)
        .page()
        .await;
    assert!(
        shown.text.contains("&#60;b&#62;bold") || shown.text.contains("&lt;b&gt;bold"),
        "{}",
        shown.text
    );
    assert!(
        shown.text.contains("class=\"f1\""),
        "its colour is there: {}",
        shown.text
    );
    let csv = stack.get("/events.csv").by(Level::Root).page().await;
    assert!(csv.header("content-disposition").starts_with("attachment"));
    assert!(!csv.text.contains('\u{1b}') && csv.text.starts_with("time,kind,subject,text,by\r\n"));
}

/// A log with a time in each line, a second apart.
fn timed(count: i64) -> String {
    let line = |second: i64| {
        let (minute, rest) = (second / 60 % 60, second % 60);
        format!("2023-11-14T22:{minute:02}:{rest:02}Z line {second} of many\n")
    };
    (0..count).map(line).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn a_long_log_comes_in_windows_and_every_line_once() {
    let (stack, _) = bench();
    stack
        .fake
        .processes
        .lock()
        .unwrap()
        .push(process("camera", "camera", 20));
    stack
        .fake
        .logs
        .lock()
        .unwrap()
        .insert("camera:camera/stdout".into(), timed(3000));
    let page = stack.get("/logs?p=camera:camera").by(Level::Admin).page().await;
    assert!(page.text.contains("line 2999 of many") && !page.text.contains("line 0 of many"));
    assert!(page.text.contains("data-stream=\"/logs/follow?"), "{}", page.text);
    let mut address = "/logs?p=camera:camera".to_owned();
    let mut lines: Vec<i64> = Vec::new();
    loop {
        let page = stack.get(&address).by(Level::Admin).page().await;
        let found = page
            .text
            .split("line ")
            .skip(1)
            .filter_map(|part| part.split_once(" of many")?.0.parse().ok());
        let mut window: Vec<i64> = found.collect();
        window.append(&mut lines);
        lines = window;
        let Some((_, rest)) = page.text.split_once("data-older=\"") else {
            break;
        };
        address = rest
            .split('"')
            .next()
            .unwrap()
            .replace("&#38;", "&")
            .replace("&amp;", "&");
    }
    assert_eq!(lines, (0..3000).collect::<Vec<_>>());
}

#[tokio::test]
async fn searching_counts_matches_and_leads_from_one_to_the_next() {
    let (stack, _) = bench();
    stack
        .fake
        .processes
        .lock()
        .unwrap()
        .push(process("camera", "camera", 20));
    stack
        .fake
        .logs
        .lock()
        .unwrap()
        .insert("camera:camera/stdout".into(), timed(2000));
    let page = stack
        .get("/logs?p=camera:camera&q=LINE+1%5Cd%5B05%5D+of")
        .by(Level::Admin)
        .page()
        .await;
    assert!(
        page.text.contains("No line fits"),
        "capitals find only themselves: {}",
        page.text
    );
    let page = stack
        .get("/logs?p=camera:camera&q=line+1%5Cd%5B05%5D+of")
        .by(Level::Admin)
        .page()
        .await;
    assert!(page.text.contains("Match 20 of 20"), "{}", page.text);
    assert!(
        page.text.contains("<div class=\"l current\" id=\"hit\">")
            && page.text.contains("<mark>line 195 of</mark>"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("&#38;m=19#hit") || page.text.contains("&amp;m=19#hit"),
        "{}",
        page.text
    );
    assert!(page.text.contains("data-prev") && !page.text.contains("data-next"));
    let first = stack
        .get("/logs?p=camera:camera&q=line+1%5Cd%5B05%5D+of&m=1")
        .by(Level::Admin)
        .page()
        .await;
    assert!(first.text.contains("<mark>line 100 of</mark>") && first.text.contains("data-next"));
    let wrong = stack
        .get("/logs?p=camera:camera&q=a(")
        .by(Level::Admin)
        .page()
        .await;
    assert!(
        wrong.status == StatusCode::OK
            && wrong.text.contains("aria-invalid")
            && wrong.text.contains("unclosed"),
        "{}",
        wrong.text
    );
    assert!(
        wrong.text.contains("line 1999 of many"),
        "the log is shown all the same"
    );
}

#[tokio::test]
async fn several_programs_stand_in_one_order_and_a_time_range_bounds_them() {
    let (stack, _) = bench();
    {
        let mut processes = stack.fake.processes.lock().unwrap();
        processes.push(process("camera", "camera", 20));
        processes.push(process("feeder", "feeder", 20));
    }
    {
        let mut logs = stack.fake.logs.lock().unwrap();
        logs.insert(
            "camera:camera/stdout".into(),
            "2023-11-14 10:00:01 a\n2023-11-14 10:00:03 c\n".into(),
        );
        logs.insert(
            "feeder:feeder/stdout".into(),
            "2023-11-14 10:00:02 b\n2023-11-14 10:00:04 d\n".into(),
        );
    }
    let both = "/logs?p=camera:camera&p=feeder:feeder";
    let page = stack.get(both).by(Level::Admin).page().await;
    let places: Vec<_> = ["10:00:01 a", "10:00:02 b", "10:00:03 c", "10:00:04 d"]
        .map(|text| {
            page.text
                .find(text)
                .unwrap_or_else(|| panic!("{text}: {}", page.text))
        })
        .to_vec();
    assert!(places.is_sorted(), "{places:?}");
    assert!(
        page.text.contains("<b class=\"p0\">camera</b>") && page.text.contains("<b class=\"p1\">feeder</b>")
    );
    let ranged = format!("{both}&from=2023-11-14T10:00:02&to=2023-11-14T10:00:03");
    let page = stack.get(&ranged).by(Level::Admin).page().await;
    assert!(
        page.text.contains("10:00:02 b") && page.text.contains("10:00:03 c"),
        "{}",
        page.text
    );
    assert!(
        !page.text.contains("10:00:01 a") && !page.text.contains("10:00:04 d"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("data-stream"), "a past time is not followed");
    let file = stack
        .get("/logs/download?p=feeder:feeder&s=stdout&from=2023-11-14T10:00:03")
        .by(Level::Admin)
        .page()
        .await;
    assert_eq!(file.text, "2023-11-14 10:00:04 d\n");
    assert!(
        file.header("content-disposition")
            .contains("feeder-feeder-stdout.log")
    );
    let silent = stack
        .get("/logs?p=feeder:feeder&s=stderr")
        .by(Level::Admin)
        .page()
        .await;
    assert!(
        silent.status == StatusCode::OK && silent.text.contains("has written no log yet"),
        "{}",
        silent.text
    );
    let forbidden = stack
        .get("/logs/download?p=feeder:feeder")
        .by(Level::User)
        .page()
        .await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn events_of_all_services_are_one_line_and_one_that_is_down_is_said() {
    let (stack, _) = bench();
    let page = stack.get("/events").by(Level::Root).page().await;
    assert!(
        page.text.contains("ended unexpectedly") && page.text.contains("Low "),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("refused: login"),
        "auth's record is there: {}",
        page.text
    );
    assert!(
        page.text.contains("camera-down"),
        "and the rules' log: {}",
        page.text
    );
    let only = stack.get("/events?k=power").by(Level::Root).page().await;
    assert!(
        only.text.contains("Low ") && !only.text.contains("ended unexpectedly"),
        "{}",
        only.text
    );
    let none = stack
        .get("/events?q=nothing+like+that")
        .by(Level::Root)
        .page()
        .await;
    assert!(none.text.contains("Nothing like that happened"));
    let json = stack.get("/events.json?k=program").by(Level::Root).page().await;
    let value: serde_json::Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!(value["events"][0]["kind"], "program", "{value}");
    // An Admin may not read the audit record; that is nothing that is missing.
    let admin = stack.get("/events").by(Level::Admin).page().await;
    assert!(!admin.text.contains("refused: login") && admin.text.contains("ended unexpectedly"));

    let alone = super::stack(&[Service::Auth]);
    let page = alone.get("/events").by(Level::Root).page().await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text.contains("are missing here") && page.text.contains("refused: login"),
        "{}",
        page.text
    );
    for path in ["/rules", "/mail", "/logs"] {
        let page = alone.get(path).by(Level::Root).page().await;
        assert!(
            page.status == StatusCode::OK && page.text.contains("not answer just now"),
            "{path}: {}",
            page.text
        );
    }
}

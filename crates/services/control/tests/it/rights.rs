//! A page shows what the person may do and nothing else: from Home every link is followed and every form is sent, by each
//! level, and none of them is refused.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_control::Config;

use super::fake::{Fake, process};
use super::fake_board::Board;
use super::{Page, Stack};

/// A dashboard with everything behind it.
fn everything() -> Stack {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new();
    let context = fake.context(directory.path());
    fake.serve(Service::Auth, &context);
    fake.serve(Service::Supervisor, &context);
    let board = Board::new();
    board.serve(&fake, Service::Io, &context);
    board.serve(&fake, Service::Info, &context);
    Board::serve_gateway(&context);
    super::fake_operations::serve(&fake, &context, &[Service::Rules, Service::Email]);
    fake.processes.lock().unwrap().extend([
        process("camera", "camera", 20),
        process("feeder", "feeder", 100),
        process("RaspberryPiSystem", "gateway", 20),
    ]);
    let router = pistack_kit::service::router(&context, pistack_control::app(&context, Config::default()));
    Stack {
        fake,
        context,
        router,
        _directory: directory,
    }
}

/// The values of an attribute.
fn values(text: &str, attribute: &str) -> Vec<String> {
    text.split(&format!(" {attribute}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|value| value.replace("&#38;", "&").replace("&amp;", "&"))
        .collect()
}

/// Addresses of ours that a page leads to.
fn links(page: &Page) -> Vec<String> {
    let mut links = values(&page.text, "href");
    links.extend(values(&page.text, "hx-get"));
    links
        .into_iter()
        .map(|link| link.split('#').next().unwrap_or_default().to_owned())
        .filter(|link| link.starts_with('/') && !link.starts_with("/api/") && !link.starts_with("/assets/"))
        .collect()
}

/// Places to which the forms of a page post, with their hidden fields.
fn forms(page: &Page) -> Vec<(String, Vec<(String, String)>)> {
    page.text
        .split("<form")
        .skip(1)
        .filter_map(|rest| rest.split("</form>").next())
        .filter(|form| form.contains("method=\"post\""))
        .filter_map(|form| {
            let action = values(form, "action").into_iter().next()?;
            let hidden = form
                .split("<input type=\"hidden\"")
                .skip(1)
                .filter_map(|input| {
                    let name = values(input, "name").into_iter().next()?;
                    Some((
                        name,
                        values(input, "value").into_iter().next().unwrap_or_default(),
                    ))
                })
                .collect();
            Some((action, hidden))
        })
        .collect()
}

/// Everything that somebody of this level comes to: pages by their address, and the forms on them.
async fn walk(stack: &Stack, level: Level) -> (BTreeSet<String>, BTreeMap<String, Vec<(String, String)>>) {
    let (mut seen, mut posts) = (BTreeSet::from(["/".to_owned()]), BTreeMap::new());
    let mut open = vec!["/".to_owned()];
    while let Some(path) = open.pop() {
        assert!(seen.len() < 600, "the walk does not end: {seen:?}");
        let page = stack.get(&path).by(level).page().await;
        let refused = [StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED];
        // An event may name a program that is gone.
        let lost = page.status == StatusCode::NOT_FOUND && !path.starts_with("/programs/");
        assert!(
            !refused.contains(&page.status) && !lost,
            "{level} is shown {path}, which answers {}: {}",
            page.status,
            page.text
        );
        posts.extend(forms(&page));
        for link in links(&page) {
            if seen.insert(link.clone()) {
                open.push(link);
            }
        }
    }
    (seen, posts)
}

#[tokio::test]
async fn nobody_is_shown_a_link_or_a_form_that_is_not_theirs() {
    let mut pages = Vec::new();
    for level in [Level::User, Level::Admin, Level::Root] {
        let stack = everything();
        let (seen, posts) = walk(&stack, level).await;
        for (action, hidden) in &posts {
            let fields: Vec<(&str, &str)> = hidden
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let answer = stack.post(action, &fields).by(level).page().await;
            // Without what the person would fill in or press, a form may well name nothing.
            let refused = [StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED];
            assert!(
                !refused.contains(&answer.status),
                "{level} is shown a form for {action}, which answers {}: {}",
                answer.status,
                answer.text
            );
        }
        pages.push((seen, posts));
    }
    let has = |level: usize, path: &str| pages[level].0.contains(path);
    for path in ["/gpio", "/system", "/mail", "/settings", "/apis", "/account"] {
        assert!(has(0, path), "a User is not shown {path}");
    }
    for path in ["/logs", "/events", "/rules", "/access"] {
        assert!(!has(0, path) && has(1, path), "{path}");
    }
    for path in ["/audit", "/rules/new"] {
        assert!(!has(1, path) && has(2, path), "{path}");
    }
    let acts = |level: usize| pages[level].1.contains_key("/programs/camera%3Acamera/control");
    assert!(!acts(0) && !acts(1) && acts(2), "only Root starts and stops");
    println!(
        "{:?} pages and {:?} forms",
        pages.iter().map(|(seen, _)| seen.len()).collect::<Vec<_>>(),
        pages.iter().map(|(_, posts)| posts.len()).collect::<Vec<_>>()
    );
}

//! The golden list of operations and the rights they need: complete, and true of each operation over HTTP.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use pistack_e2e::stack::PASSWORD;
use pistack_e2e::{Answer, Stack, root};
use serde_json::{Value, json};

/// The services that have a document.
const SERVICES: [&str; 6] = ["auth", "supervisor", "info", "io", "email", "rules"];
/// An id that nothing has.
const NO_ID: &str = "00000000-0000-4000-8000-000000000000";
/// Operations that are not carried out with enough rights: one stops the stack under test, two answer without
/// end.
const ONLY_REFUSED: [&str; 3] = [
    "/api/supervisor/processes/stop_all",
    "/api/supervisor/events",
    "/api/io/events",
];

#[derive(Debug, Clone)]
struct Line {
    method: String,
    path: String,
    level: String,
    rights: Vec<String>,
}

impl Line {
    /// The path with nothing behind its parameters, and whatever the query needs.
    fn url(&self) -> String {
        let path = self
            .path
            .replace("{id}", NO_ID)
            .replace("{sid}", NO_ID)
            .replace("{name}", "nothing")
            .replace("{line}", "17");
        if path.ends_with("/gpio/read") {
            return path + "?pin=17";
        }
        path
    }

    /// The rights as a token's scope may have them, for every object.
    fn patterns(&self) -> Vec<String> {
        let every = |right: &String| {
            let (area, rest) = right.split_once(':').unwrap();
            format!("{area}:*:{}", rest.rsplit_once(':').unwrap().1)
        };
        self.rights
            .iter()
            .filter(|right| right.contains(':'))
            .map(every)
            .collect()
    }

    fn is(&self, word: &str) -> bool {
        self.rights == [word]
    }
}

fn golden() -> Vec<Line> {
    let text = std::fs::read_to_string(root().join("openapi/rights.txt")).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let [method, path, level, rights] = words[..] else {
                panic!("not four words: {line}")
            };
            Line {
                method: method.to_owned(),
                path: path.to_owned(),
                level: level.to_owned(),
                rights: rights.split(',').map(str::to_owned).collect(),
            }
        })
        .collect()
}

#[test]
fn the_list_has_every_operation_of_every_service_and_no_other() {
    let mut described = BTreeMap::new();
    for service in SERVICES {
        let text = std::fs::read_to_string(root().join(format!("openapi/{service}.json"))).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let open = operation["security"].as_array().unwrap().contains(&json!({}));
                described.insert((path.clone(), method.to_uppercase()), open);
            }
        }
    }
    let listed: BTreeMap<_, _> = golden()
        .into_iter()
        .map(|line| ((line.path.clone(), line.method.clone()), line.is("-")))
        .collect();
    let missing: Vec<_> = described
        .keys()
        .filter(|key| !listed.contains_key(*key))
        .collect();
    let gone: Vec<_> = listed
        .keys()
        .filter(|key| !described.contains_key(*key))
        .collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not listed: {missing:#?}; listed and gone: {gone:#?}"
    );
    for (key, open) in described {
        assert_eq!(listed[&key], open, "{key:?}: open to everybody?");
    }
    assert_eq!(golden().len(), listed.len(), "a line is there twice");
}

struct Callers {
    stack: Stack,
    by_level: BTreeMap<&'static str, String>,
    /// A User who is granted everything that can be granted.
    granted: String,
    /// Root's API tokens: limited to a right, and to all others.
    only: BTreeMap<String, String>,
    but: BTreeMap<String, String>,
    /// What is not as the list says.
    faults: RefCell<Vec<String>>,
}

fn logged_in(stack: &Stack, name: &str) -> String {
    let login = stack.login(name, PASSWORD);
    assert_eq!(login.status, 200, "{}", login.body);
    login.json()["access_token"].as_str().unwrap().to_owned()
}

impl Callers {
    fn new(lines: &[Line]) -> Self {
        let stack = Stack::start();
        let root = logged_in(&stack, "root");
        let mut by_level = BTreeMap::from([("Root", root.clone())]);
        let mut granted_id = String::new();
        for (level, name) in [("Admin", "ada"), ("User", "uwe"), ("User", "greta")] {
            let body = json!({ "name": name, "password": PASSWORD, "level": level });
            let added = stack.post(&root, "/api/auth/user/add", &body);
            assert_eq!(added.status, 201, "{}", added.body);
            granted_id = added.json()["id"].as_str().map(str::to_owned).unwrap();
            if name != "greta" {
                by_level.insert(level, logged_in(&stack, name));
            }
        }
        let all: BTreeSet<String> = lines.iter().flat_map(Line::patterns).collect();
        let grants: Vec<_> = all.iter().filter(|right| !right.starts_with("user:")).collect();
        let path = format!("/api/auth/user/{granted_id}/grants");
        let set = stack.send("PUT", &root, &path, &json!({ "grants": grants }));
        assert_eq!(set.status, 200, "{}", set.body);
        let granted = logged_in(&stack, "greta");
        let token = |name: &str, scope: Vec<&String>| {
            let body = json!({ "name": name, "scope": scope });
            let made = stack.post(&root, "/api/auth/token/add", &body);
            assert_eq!(made.status, 201, "{}", made.body);
            made.json()["token"].as_str().unwrap().to_owned()
        };
        let only = all
            .iter()
            .map(|right| (right.clone(), token(right, vec![right])))
            .collect();
        let without = |right| all.iter().filter(|other| *other != right).collect();
        let but = all
            .iter()
            .map(|right| (right.clone(), token(right, without(right))))
            .collect();
        Self {
            stack,
            by_level,
            granted,
            only,
            but,
            faults: RefCell::default(),
        }
    }

    fn call(&self, line: &Line, token: &str) -> Answer {
        match line.method.as_str() {
            "GET" => self.stack.get_as(token, &line.url()),
            method => self.stack.send(method, token, &line.url(), &json!({})),
        }
    }

    fn is_let_in(&self, line: &Line, token: &str, who: &str) {
        if ONLY_REFUSED.contains(&line.path.as_str()) {
            return;
        }
        let got = self.call(line, token);
        self.check(!matches!(got.status, 401 | 403), line, who, &got);
    }

    fn is_refused(&self, line: &Line, token: &str, who: &str) {
        let got = self.call(line, token);
        self.check(got.status == 403, line, who, &got);
        let body = got.json();
        let area_and_action = |right: &str| {
            let (area, rest) = right.split_once(':').unwrap_or_default();
            (
                area.to_owned(),
                rest.rsplit_once(':').unwrap_or_default().1.to_owned(),
            )
        };
        // a fresh login is asked for besides a right that is not given to tokens
        if let Some(required) = body["required_right"].as_str()
            && !line.is("fresh")
        {
            let wanted = area_and_action(required);
            let listed = line.rights.iter().any(|right| area_and_action(right) == wanted);
            self.check(listed, line, who, &got);
        }
        if let Some(level) = body["required_level"].as_str()
            && line.rights.len() == 1
        {
            self.check(line.level.starts_with(level), line, who, &got);
        }
    }

    fn check(&self, holds: bool, line: &Line, who: &str, got: &Answer) {
        if !holds {
            let fault = format!(
                "{} {} by {who}: {} {}",
                line.method, line.path, got.status, got.body
            );
            self.faults.borrow_mut().push(fault);
        }
    }

    fn try_line(&self, line: &Line) {
        if line.is("-") {
            return;
        }
        let got = self.stack.send(&line.method, "", &line.url(), &json!({}));
        self.check(got.status == 401, line, "nobody", &got);
        let level = line.level.split('/').next().unwrap();
        let below = match level {
            "Root" => Some("Admin"),
            "Admin" => Some("User"),
            _ => None,
        };
        if let Some(below) = below {
            self.is_refused(line, &self.by_level[below], below);
        }
        self.is_let_in(line, &self.by_level[level], level);
        let patterns = line.patterns();
        let Some(first) = patterns.first() else {
            let token = &self.only["info:*:read"];
            if line.is("any") {
                self.is_let_in(line, token, "an API token");
            } else {
                self.is_refused(line, token, "an API token");
            }
            return;
        };
        if !first.starts_with("user:") {
            self.is_let_in(line, &self.granted, "a User who is granted it");
        }
        for pattern in &patterns {
            self.is_let_in(line, &self.only[pattern], "a token limited to it");
        }
        if let [one] = &patterns[..] {
            self.is_refused(line, &self.but[one], "a token limited to all others");
        }
    }
}

#[test]
fn each_line_is_true_over_http() {
    let lines = golden();
    let callers = Callers::new(&lines);
    for line in &lines {
        callers.try_line(line);
    }
    let faults = callers.faults.take();
    assert!(faults.is_empty(), "{faults:#?}");
}

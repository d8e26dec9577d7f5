//! Rules in virtual time, the original's five among them.

use super::*;

fn event(name: &str, payload: &str) -> Event {
    let (fields, data) = Event::split_payload(payload);
    Event {
        serial: 0,
        name: name.into(),
        at: 0,
        fields,
        data,
    }
}

fn decider(toml: &str) -> Decider {
    #[derive(serde::Deserialize, schemars::JsonSchema, Default)]
    struct File {
        #[serde(default)]
        rules: crate::config::Config,
        rule: IndexMap<String, Rule>,
    }
    let source = pistack_kit::config::Source {
        name: "test".into(),
        text: toml.into(),
    };
    let file: File = pistack_kit::config::Document::parse(vec![source])
        .unwrap()
        .read()
        .unwrap();
    Decider::new(file.rules.matching, file.rule)
}

fn names(firings: &[Firing]) -> Vec<&str> {
    firings.iter().map(|firing| firing.rule.as_str()).collect()
}

/// The original's rules, as docs/guide/rules.md writes them.
const ORIGINAL: &str = include_str!("../../tests/data/original_rules.toml");

#[test]
fn the_originals_five_rules() {
    let at = Duration::from_secs(5);
    for (name, payload, wanted) in [
        ("SUPERVISOR_STATE_CHANGE_STOPPING", "", vec!["stop-nginx"]),
        (
            "PROCESS_STATE_STOPPING",
            "processname:supervisor_service groupname:RaspberryPiSystem from_state:RUNNING pid:1",
            vec!["supervisor-service-stopping"],
        ),
        (
            "PROCESS_STATE_STOPPED",
            "processname:supervisor_service groupname:RaspberryPiSystem from_state:STOPPING pid:1",
            vec!["supervisor-service-stopped"],
        ),
        (
            "PROCESS_STATE_FATAL",
            "processname:x groupname:x from_state:BACKOFF",
            vec!["any-fatal"],
        ),
        (
            "PROCESS_STATE_EXITED",
            "processname:x groupname:x from_state:RUNNING expected:1 pid:1",
            vec!["any-exited"],
        ),
        (
            "PROCESS_STATE_EXITED",
            "processname:x groupname:x from_state:RUNNING expected:0 pid:1",
            vec![],
        ),
        (
            "PROCESS_STATE_RUNNING",
            "processname:x groupname:x from_state:STARTING pid:1",
            vec![],
        ),
    ] {
        assert_eq!(
            names(&decider(ORIGINAL).decide(at, &event(name, payload))),
            wanted,
            "{name} {payload}"
        );
    }
}

#[test]
fn of_several_the_highest_priority_acts_unless_all_do() {
    let rules = r#"
        [rule.low]
        when = { event = "*" }
        then = [{ log = "low" }]
        [rule.high]
        when = { event = "PROCESS_*" }
        then = [{ log = "high" }]
        priority = 5
        [rule.off]
        when = { event = "*" }
        then = [{ log = "off" }]
        priority = 9
        enabled = false
    "#;
    let exited = event(
        "PROCESS_STATE_EXITED",
        "processname:a groupname:a from_state:RUNNING expected:0 pid:1",
    );
    assert_eq!(names(&decider(rules).decide(Duration::ZERO, &exited)), ["high"]);
    let all = format!("[rules]\nmatching = \"all\"\n{rules}");
    assert_eq!(
        names(&decider(&all).decide(Duration::ZERO, &exited)),
        ["high", "low"]
    );
}

#[test]
fn counts_within_a_window_and_cools_down() {
    let mut rules = decider(
        r#"
        [rule.loop]
        when = { event = "PROCESS_STATE_EXITED", process = "cam", count = 3, within = "10s" }
        then = [{ log = "looping" }]
        cooldown = "60s"
        "#,
    );
    let exited = event(
        "PROCESS_STATE_EXITED",
        "processname:cam groupname:cam from_state:RUNNING expected:0 pid:1",
    );
    let fired: Vec<u64> = [0, 4, 20, 25, 29, 30, 31, 32, 95, 96, 97, 98]
        .into_iter()
        .filter(|second| !rules.decide(Duration::from_secs(*second), &exited).is_empty())
        .collect();
    assert_eq!(fired, [29, 97]);
}

#[test]
fn a_group_qualified_name_fits_only_that_group() {
    let when = When {
        event: "*".into(),
        process: Some("web:a*".into()),
        ..When::default()
    };
    assert!(matches(
        &when,
        &event(
            "PROCESS_STATE_FATAL",
            "processname:api groupname:web from_state:BACKOFF"
        )
    ));
    assert!(!matches(
        &when,
        &event(
            "PROCESS_STATE_FATAL",
            "processname:api groupname:db from_state:BACKOFF"
        )
    ));
    assert!(!matches(&when, &event("TICK_5", "when:5")));
}

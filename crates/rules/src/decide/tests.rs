//! Rules in virtual time, the original's five among them.

mod laws;
mod matters;

use super::*;
use crate::firing::Kind;

pub(super) fn happening(name: &str, payload: &str) -> Event {
    let (fields, data) = Event::split_payload(payload);
    Event {
        serial: 0,
        name: name.into(),
        at: 0,
        fields,
        data,
    }
}

pub(super) fn setup(toml: &str) -> Setup {
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
    Setup {
        matching: file.rules.matching,
        rules: file.rule,
        depends_on: file.rules.depends_on,
    }
}

fn decider(toml: &str) -> Decider {
    Decider::new(&setup(toml))
}

/// Seconds of virtual time; the day begins at zero.
pub(super) fn at(seconds: u64) -> Now {
    Now {
        monotonic: Duration::from_secs(seconds),
        unix: seconds as i64,
        second_of_day: (seconds % 86_400) as u32,
    }
}

fn names(decision: &Decision) -> Vec<&str> {
    decision
        .firings
        .iter()
        .map(|firing| firing.rule.as_str())
        .collect()
}

pub(super) fn exited(program: &str) -> Event {
    happening(
        "PROCESS_STATE_EXITED",
        &format!("processname:{program} groupname:{program} from_state:RUNNING expected:0 pid:1"),
    )
}

/// The original's rules, as docs/guide/rules.md writes them.
const ORIGINAL: &str = include_str!("../../tests/data/original_rules.toml");

#[test]
fn the_originals_five_rules() {
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
        let decision = decider(ORIGINAL).decide(at(5), &happening(name, payload));
        assert_eq!(names(&decision), wanted, "{name} {payload}");
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
    assert_eq!(names(&decider(rules).decide(at(0), &exited("a"))), ["high"]);
    let all = format!("[rules]\nmatching = \"all\"\n{rules}");
    assert_eq!(names(&decider(&all).decide(at(0), &exited("a"))), ["high", "low"]);
    // What is not the supervisor's is no business of a rule for all its events.
    let reading = event::make(event::METRIC, 0, &[("metric", "cpu"), ("value", "1")]);
    assert_eq!(decider(&all).decide(at(0), &reading), Decision::default());
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
    let fired: Vec<u64> = [0, 4, 20, 25, 29, 30, 31, 32, 95, 96, 97, 98]
        .into_iter()
        .filter(|second| !rules.decide(at(*second), &exited("cam")).firings.is_empty())
        .collect();
    assert_eq!(fired, [29, 97]);
}

#[test]
fn every_program_is_counted_by_itself_unless_the_rule_is_one_matter() {
    let rules = r#"
        [rule.r]
        when = { event = "crashed", count = 2 }
        then = [{ log = "x" }]
    "#;
    let mut each = decider(rules);
    let fired =
        |rules: &mut Decider, program: &str| !rules.decide(at(0), &exited(program)).firings.is_empty();
    assert!(
        !fired(&mut each, "a") && !fired(&mut each, "b") && fired(&mut each, "a") && fired(&mut each, "b")
    );
    let mut together = decider(&format!("{rules}\npolicy = {{ group = \"rule\" }}"));
    assert!(!fired(&mut together, "a") && fired(&mut together, "b"));
}

#[test]
fn a_group_qualified_name_fits_only_that_group() {
    let mut rules = decider(
        r#"
        [rule.r]
        when = { event = "*", process = "web:a*" }
        then = [{ log = "x" }]
        "#,
    );
    let fatal = |group: &str| {
        happening(
            "PROCESS_STATE_FATAL",
            &format!("processname:api groupname:{group} from_state:BACKOFF"),
        )
    };
    assert_eq!(rules.decide(at(0), &fatal("web")).firings.len(), 1);
    assert!(rules.decide(at(0), &fatal("db")).firings.is_empty());
    assert!(
        rules
            .decide(at(0), &happening("TICK_5", "when:5"))
            .firings
            .is_empty()
    );
}

#[test]
fn a_rule_that_is_excepted_leaves_the_event_to_the_next() {
    let mut rules = decider(
        r#"
        [rule.high]
        when = { event = "crashed" }
        unless = ["process == 'a'", "rule.night"]
        then = [{ log = "x" }]
        priority = 9
        [rule.low]
        when = { event = "crashed" }
        then = [{ log = "y" }]
        [rule.night]
        when = { webhook = "night", secret_file = "/x" }
        then = [{ gpio = 1, set = true, until = "resolved" }]
        "#,
    );
    assert_eq!(names(&rules.decide(at(0), &exited("a"))), ["low"]);
    assert_eq!(names(&rules.decide(at(0), &exited("b"))), ["high"]);
    let call = event::make(event::WEBHOOK, 0, &[("hook", "night")]);
    assert_eq!(names(&rules.decide(at(1), &call)), ["night"]);
    assert_eq!(names(&rules.decide(at(2), &exited("b"))), ["low"]);
    // Ten minutes later the night is over.
    assert_eq!(rules.next_deadline(), Some(Duration::from_secs(601)));
    let over = rules.due(at(601));
    assert_eq!(
        (names(&over), over.firings[0].kind),
        (vec!["night"], Kind::Resolved)
    );
    assert_eq!(names(&rules.decide(at(602), &exited("b"))), ["high"]);
}

#[test]
fn rules_that_set_each_other_off_are_cut() {
    let mut rules = decider(
        r#"
        [rule.a]
        when = { webhook = "a", secret_file = "/x" }
        then = [{ rule = "b", set = "fire" }]
        [rule.b]
        when = { webhook = "b", secret_file = "/x" }
        then = [{ rule = "a", set = "fire" }, { log = "b" }]
        "#,
    );
    let call = event::make(event::WEBHOOK, 0, &[("hook", "a")]);
    let decision = rules.decide(at(0), &call);
    assert_eq!(names(&decision), ["a", "b", "a", "b"]);
    assert_eq!(decision.firings.last().unwrap().depth, LONGEST_CHAIN - 1);
    assert!(decision.held[0].why.starts_with("cut"), "{:?}", decision.held);
}

#[test]
fn a_program_that_a_rule_restarts_and_that_dies_again_is_cut_until_it_is_quiet() {
    let mut rules = decider(
        r#"
        [rule.again]
        when = { program = "cam", event = "crashed" }
        then = [{ restart = "{process}" }]
        "#,
    );
    let fired: Vec<u64> = (0..20)
        .map(|round| round * 2)
        .filter(|second| !rules.decide(at(*second), &exited("cam")).firings.is_empty())
        .collect();
    assert_eq!(fired, [0, 2, 4, 6, 36, 38]);
    assert_eq!(rules.decide(at(100), &exited("cam")).firings[0].depth, 0);
}

#[test]
fn a_rule_can_be_switched_and_ended() {
    let mut rules = decider(
        r#"
        [rule.r]
        when = { event = "crashed" }
        then = [{ gpio = 17, blink = "2Hz", until = "resolved" }]
        "#,
    );
    let by = event::make(event::RULE, 0, &[]);
    assert!(rules.set_rule(at(0), "nobody", RuleState::On, &by, 0).is_none());
    rules.set_rule(at(0), "r", RuleState::Off, &by, 0).unwrap();
    assert!(rules.decide(at(1), &exited("a")).firings.is_empty());
    rules.set_rule(at(2), "r", RuleState::On, &by, 0).unwrap();
    assert_eq!(rules.decide(at(3), &exited("a")).firings.len(), 1);
    assert_eq!(rules.statuses(at(3))[0].active, ["a"]);
    let over = rules.set_rule(at(4), "r", RuleState::Resolve, &by, 0).unwrap();
    assert_eq!(over.firings[0].kind, Kind::Resolved);
    assert!(rules.statuses(at(4))[0].active.is_empty());
    // Switching off lets go of what lasts.
    rules.decide(at(5), &exited("a"));
    let off = rules.set_rule(at(6), "r", RuleState::Off, &by, 0).unwrap();
    assert_eq!(off.firings[0].kind, Kind::Resolved);
}

#[test]
fn new_rules_keep_what_the_same_ones_remember() {
    let before = r#"
        [rule.same]
        when = { event = "crashed", count = 2 }
        then = [{ log = "x" }]
        [rule.gone]
        when = { event = "crashed" }
        then = [{ gpio = 1, set = true, until = "resolved" }]
    "#;
    let after = r#"
        [rule.same]
        when = { event = "crashed", count = 2 }
        then = [{ log = "another text" }]
    "#;
    let mut rules = decider(&format!("[rules]\nmatching = \"all\"\n{before}"));
    assert_eq!(names(&rules.decide(at(0), &exited("a"))), ["gone"]);
    let decision = rules.adopt(at(1), &setup(after));
    assert_eq!(decision.firings[0].kind, Kind::Resolved);
    assert_eq!(names(&rules.decide(at(2), &exited("a"))), ["same"]);
}

#[test]
fn a_trial_says_what_would_happen_and_why_not() {
    let setup = setup(
        r#"
        [rule.r]
        when = { program = "cam", event = "crashed", count = 3, within = "10m" }
        then = [{ notify = "me", text = "{process} is down" }, { gpio = 17, blink = "2Hz", until = "resolved" }]
        "#,
    );
    let trial = setup.try_rule("r", at(0), &exited("cam")).unwrap();
    assert!(trial.fires, "{trial:?}");
    assert!(trial.why.contains("only the 3th time"), "{}", trial.why);
    assert_eq!(
        trial.actions,
        [
            "notify me: cam is down",
            "blink at 2Hz GPIO line 17 until it is over"
        ]
    );
    let other = setup.try_rule("r", at(0), &exited("dog")).unwrap();
    assert!(!other.fires && other.why.contains("about cam"), "{other:?}");
    assert!(setup.try_rule("x", at(0), &exited("cam")).is_none());
}

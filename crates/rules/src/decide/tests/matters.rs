//! What lasts: one message, one digest, one word at the end.

use super::*;

/// What was said, with when and as what.
fn said(decision: &Decision) -> Vec<(Kind, u64)> {
    decision
        .firings
        .iter()
        .filter(|firing| firing.actions.iter().any(Action::is_message))
        .map(|firing| (firing.kind, firing.count))
        .collect()
}

fn running(program: &str) -> Event {
    happening(
        "PROCESS_STATE_RUNNING",
        &format!("processname:{program} groupname:{program} from_state:STARTING pid:1"),
    )
}

const DOWN: &str = r#"
    [rule.down]
    when = { event = "crashed" }
    then = [{ notify = "me" }, { gpio = 17, blink = "2Hz", until = "resolved" }]
"#;

#[test]
fn a_crash_loop_of_a_thousand_exits_is_one_message_one_digest_and_one_end() {
    let mut rules = decider(DOWN);
    let mut all = Vec::new();
    for second in 0..1000 {
        all.extend(said(&rules.decide(at(second), &exited("cam"))));
        rules.decide(at(second), &running("cam"));
    }
    // 600 s after the message the digest, the next one would come after 2,400 s.
    assert_eq!(all, [(Kind::Fired, 1), (Kind::Digest, 599)]);
    assert!(rules.due(at(1058)).firings.is_empty());
    let over = rules.due(at(1059));
    assert_eq!(said(&over), [(Kind::Resolved, 1000)]);
    assert_eq!(rules.next_deadline(), None);
}

#[test]
fn giving_up_is_told_at_once() {
    let mut rules = decider(DOWN);
    for second in 0..5 {
        rules.decide(at(second), &exited("cam"));
    }
    let fatal = happening(
        "PROCESS_STATE_FATAL",
        "processname:cam groupname:cam from_state:BACKOFF",
    );
    rules.decide(at(6), &fatal);
    assert_eq!(said(&rules.due(at(6))), [(Kind::Digest, 4)]);
    assert!(rules.due(at(10_000)).firings.is_empty());
}

#[test]
fn a_stop_by_hand_ends_it_without_a_word() {
    let mut rules = decider(DOWN);
    rules.decide(at(0), &exited("cam"));
    let stopped = happening(
        "PROCESS_STATE_STOPPED",
        "processname:cam groupname:cam from_state:STOPPING pid:1",
    );
    let decision = rules.decide(at(1), &stopped);
    assert_eq!(
        (decision.firings[0].kind, said(&decision).len()),
        (Kind::Resolved, 0)
    );
}

#[test]
fn dependants_of_a_dead_program_stay_quiet() {
    let toml = format!("[rules]\ndepends_on = {{ cam = [\"relay\"], relay = [\"mqtt\"] }}\n{DOWN}");
    let mut rules = decider(&toml);
    assert_eq!(said(&rules.decide(at(0), &exited("mqtt"))).len(), 1);
    let quiet = rules.decide(at(1), &exited("cam"));
    assert!(said(&quiet).is_empty());
    assert!(
        quiet.firings[0].why.contains("`mqtt`"),
        "{}",
        quiet.firings[0].why
    );
    // Both come back: one word about mqtt, none about cam.
    rules.decide(at(20), &running("mqtt"));
    rules.decide(at(21), &running("cam"));
    let mut words = Vec::new();
    for second in 22..200 {
        words.extend(
            rules
                .due(at(second))
                .firings
                .into_iter()
                .filter(|f| !f.actions.is_empty())
                .map(|f| f.key),
        );
    }
    assert_eq!(words, ["mqtt"]);
}

#[test]
fn a_dependant_that_stays_down_is_told_in_the_end() {
    let toml = format!("[rules]\ndepends_on = {{ cam = [\"mqtt\"] }}\n{DOWN}");
    let mut rules = decider(&toml);
    rules.decide(at(0), &exited("mqtt"));
    rules.decide(at(1), &exited("cam"));
    rules.decide(at(10), &running("mqtt"));
    assert_eq!(said(&rules.due(at(61))), [(Kind::Fired, 1)]);
}

#[test]
fn a_message_that_waits_is_not_sent_if_all_is_well_again() {
    let rules = r#"
        [rule.down]
        when = { event = "crashed" }
        then = [{ notify = "me" }]
        policy = { wait = "10s", resolve_after = "2s" }
    "#;
    let mut calm = decider(rules);
    assert!(calm.decide(at(0), &exited("cam")).firings.is_empty());
    calm.decide(at(3), &running("cam"));
    for second in 4..100 {
        assert_eq!(calm.due(at(second)), Decision::default(), "{second}");
    }
    let mut worse = decider(rules);
    worse.decide(at(0), &exited("cam"));
    worse.decide(at(5), &exited("cam"));
    assert_eq!(said(&worse.due(at(10))), [(Kind::Digest, 2)]);
}

#[test]
fn quiet_hours_hold_messages_back_and_let_actions_and_grave_matters_through() {
    let rules = |severity: &str| {
        decider(&format!(
            r#"
            [rule.r]
            when = {{ webhook = "bell", secret_file = "/x" }}
            then = [{{ notify = "me" }}, {{ log = "rang" }}]
            severity = "{severity}"
            policy = {{ quiet = "22:00-07:00" }}
            "#
        ))
    };
    let call = event::make(event::WEBHOOK, 0, &[("hook", "bell")]);
    let night = 23 * 3600;
    let mut mild = rules("warning");
    for second in 0..3 {
        let decision = mild.decide(at(night + second), &call);
        assert_eq!((decision.firings.len(), said(&decision).len()), (1, 0));
    }
    let mut words = Vec::new();
    while let Some(deadline) = mild.next_deadline() {
        let now = deadline.as_secs().max(night);
        let decision = mild.due(at(now));
        words.extend(said(&decision).into_iter().map(|word| (now, word)));
    }
    assert_eq!(words, [(31 * 3600, (Kind::Digest, 3))]);
    assert_eq!(said(&rules("critical").decide(at(night), &call)).len(), 1);
}

#[test]
fn a_trouble_of_the_night_that_is_over_by_morning_is_told_once() {
    let mut rules = decider(
        r#"
        [rule.down]
        when = { event = "crashed" }
        then = [{ notify = "me" }]
        policy = { quiet = "22:00-07:00" }
        "#,
    );
    let night = 23 * 3600;
    for second in 0..10 {
        rules.decide(at(night + second), &exited("cam"));
    }
    rules.decide(at(night + 60), &running("cam"));
    let mut words = Vec::new();
    while let Some(deadline) = rules.next_deadline() {
        words.extend(said(&rules.due(at(deadline.as_secs()))));
    }
    assert_eq!(words, [(Kind::Digest, 10)]);
}

#[test]
fn readings_above_a_threshold_for_a_time() {
    let mut rules = decider(
        r#"
        [rule.hot]
        when = { metric = "temperature", above = 80, for = "2m", clear = 75 }
        then = [{ notify = "me" }]
        "#,
    );
    let mut words = Vec::new();
    let readings = [
        (0, "81"),
        (60, "82"),
        (90, "79"),
        (100, "85"),
        (219, "85"),
        (220, "85"),
        (230, "99"),
        (300, "78"),
        (310, "75"),
        (320, "81"),
        (330, "nonsense"),
    ];
    for (second, value) in readings {
        let reading = event::make(event::METRIC, 0, &[("metric", "temperature"), ("value", value)]);
        words.extend(
            said(&rules.decide(at(second), &reading))
                .into_iter()
                .map(|(kind, _)| (second, kind)),
        );
    }
    assert_eq!(words, [(220, Kind::Fired), (310, Kind::Resolved)]);
}

#[test]
fn an_edge_is_debounced_and_held() {
    let mut rules = decider(
        r#"
        [rule.button]
        when = { gpio = 27, edge = "falling", debounce = "50ms", hold = "3s" }
        then = [{ restart = "feeder" }]
        "#,
    );
    let mut fired = Vec::new();
    let mut edge = |millis: u64, level: &str| {
        let now = Now {
            monotonic: Duration::from_millis(millis),
            ..Now::default()
        };
        let event = event::make(
            event::GPIO_EDGE,
            0,
            &[("line", "button"), ("pin", "27"), ("level", level)],
        );
        let mut decision = rules.due(now);
        decision.firings.extend(rules.decide(now, &event).firings);
        fired.extend(decision.firings.iter().map(|_| millis));
        rules.next_deadline()
    };
    // Bounces, then released too early.
    assert_eq!(edge(0, "0"), Some(Duration::from_secs(3)));
    edge(5, "1");
    edge(10, "0");
    assert_eq!(edge(2000, "1"), None);
    // Held.
    edge(5000, "0");
    edge(9000, "1");
    // A glitch: low for ten milliseconds.
    edge(20_000, "0");
    edge(20_010, "1");
    edge(30_000, "1");
    assert_eq!(fired, [9000]);
}

#[test]
fn log_lines_are_gathered_and_their_parts_become_fields() {
    let mut rules = decider(
        r#"
        [rule.log]
        when = { program = "cam", log = 'error (?P<code>\d+)', stream = "stderr" }
        then = [{ notify = "me", text = "{code}" }]
        "#,
    );
    let mut line = |second: u64, stream: &str, text: &str| {
        let fields = [
            ("processname", "cam"),
            ("groupname", "cam"),
            ("stream", stream),
            ("line", text),
        ];
        rules.decide(at(second), &event::make(event::LOG_LINE, 0, &fields))
    };
    assert!(line(0, "stdout", "error 7").firings.is_empty());
    let first = line(1, "stderr", "an error 7 came");
    assert_eq!(first.firings[0].event.field("code"), Some("7"));
    assert!(line(2, "stderr", "error 8").firings.is_empty());
    assert!(line(3, "stderr", "fine").firings.is_empty());
    // Quiet for ten minutes: the matter is over, and the next one is told again.
    assert_eq!(line(700, "stderr", "error 9").firings.len(), 1);
}

#[test]
fn a_condition_of_the_stack_begins_and_ends() {
    let mut rules = decider(
        r#"
        [rule.disk]
        when = { stack = "disk.*" }
        then = [{ notify = "me" }]
        "#,
    );
    let disk = |resolved: &str| {
        event::make(
            event::STACK,
            0,
            &[("kind", "disk.low"), ("lasting", "true"), ("resolved", resolved)],
        )
    };
    assert_eq!(said(&rules.decide(at(0), &disk("false"))), [(Kind::Fired, 1)]);
    assert!(said(&rules.decide(at(1), &disk("false"))).is_empty());
    assert_eq!(said(&rules.decide(at(2), &disk("true"))), [(Kind::Resolved, 2)]);
    assert!(said(&rules.decide(at(3), &disk("true"))).is_empty());
}

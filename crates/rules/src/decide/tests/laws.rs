//! What holds for whatever happens, in whatever order.

use proptest::prelude::*;

use super::*;

const RULES: &str = r#"
    [rules]
    matching = "all"
    depends_on = { b = ["a"], c = ["b"] }
    [rule.down]
    when = { event = "PROCESS_STATE_*" }
    unless = "to_state == 'RUNNING'"
    then = [{ notify = "me" }, { gpio = 17, blink = "2Hz", until = "resolved" }]
    policy = { cooldown = "5m", quiet = "22:00-07:00" }
    [rule.grave]
    when = { event = "failed" }
    then = [{ notify = "me" }]
    severity = "critical"
    policy = { quiet = "22:00-07:00" }
    [rule.again]
    when = { event = "crashed" }
    then = [{ restart = "{process}" }, { rule = "chained", set = "fire" }]
    [rule.chained]
    when = { webhook = "x", secret_file = "/x" }
    then = [{ log = "x" }, { rule = "again", set = "fire" }]
    [rule.hot]
    when = { metric = "temperature", above = 80, for = "30s", clear = 70 }
    then = [{ mail = "a@b.c" }]
    policy = { quiet = "12:00-13:00", resolve_after = "20s" }
    [rule.waits]
    when = { event = "crashed", count = 3, within = "2m" }
    then = [{ notify = "me" }]
    policy = { wait = "30s", digest = "1m" }
"#;

#[derive(Debug, Clone)]
enum Step {
    State(&'static str, &'static str),
    Reading(i32),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let program = prop::sample::select(vec!["a", "b", "c"]);
    let state = prop::sample::select(vec![
        "STARTING", "RUNNING", "BACKOFF", "EXITED", "FATAL", "STOPPED", "UNKNOWN",
    ]);
    let step = prop_oneof![
        6 => (program, state).prop_map(|(program, state)| Step::State(program, state)),
        2 => (60..95).prop_map(Step::Reading),
        3 => prop_oneof![1u64..5, 20u64..90, 600u64..30_000].prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..150)
}

/// Plays the steps, deadlines included, and hands every decision out.
fn play(steps: &[Step], mut each: impl FnMut(u64, &Decision)) -> (Decider, u64) {
    let mut rules = decider(RULES);
    let mut second = 0;
    for step in steps {
        let decision = match step {
            Step::State(program, state) => {
                let payload =
                    format!("processname:{program} groupname:{program} from_state:X expected:0 pid:1");
                rules.decide(
                    at(second),
                    &happening(&format!("PROCESS_STATE_{state}"), &payload),
                )
            }
            Step::Reading(value) => {
                let value = value.to_string();
                let fields = [("metric", "temperature"), ("value", value.as_str())];
                rules.decide(at(second), &event::make(event::METRIC, 0, &fields))
            }
            Step::Pass(seconds) => {
                pass(&mut rules, &mut second, *seconds, &mut each);
                continue;
            }
        };
        each(second, &decision);
    }
    (rules, second)
}

/// Lets time pass, stopping at every deadline.
fn pass(rules: &mut Decider, second: &mut u64, seconds: u64, each: &mut impl FnMut(u64, &Decision)) {
    let end = *second + seconds;
    let mut rounds = 0;
    while let Some(deadline) = rules
        .next_deadline()
        .filter(|deadline| *deadline <= Duration::from_secs(end))
    {
        *second = deadline.as_secs().max(*second);
        each(*second, &rules.due(at(*second)));
        rounds += 1;
        assert!(rounds < 10_000, "the deadlines do not move on");
    }
    *second = end;
}

fn quiet(rule: &str, second: u64) -> bool {
    let hour = second % 86_400 / 3600;
    match rule {
        "down" => !(7..22).contains(&hour),
        "hot" => hour == 12,
        _ => false,
    }
}

fn speaks(firing: &Firing) -> bool {
    firing.actions.iter().any(Action::is_message)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_message_in_quiet_hours_unless_critical(steps in steps()) {
        let mut wrong = Vec::new();
        play(&steps, |second, decision| {
            wrong.extend(decision.firings.iter().filter(|f| speaks(f) && quiet(&f.rule, second)).cloned());
        });
        prop_assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn a_matter_is_told_at_most_so_often(steps in steps()) {
        // Beginnings and digests of `down` for one program: with a cooldown of five minutes and digests after ten,
        // at most two in five minutes (a matter may end and the next begin), whatever happens.
        let mut told: Vec<(u64, String, Kind, String)> = Vec::new();
        play(&steps, |second, decision| {
            told.extend(
                decision
                    .firings
                    .iter()
                    .filter(|f| f.rule == "down" && f.kind != Kind::Resolved && speaks(f))
                    .map(|f| (second, f.key.clone(), f.kind, f.why.clone())),
            );
        });
        for (second, key, ..) in &told {
            let near = told.iter().filter(|(other, name, ..)| name == key && other.abs_diff(*second) < 300 && other >= second).count();
            prop_assert!(near <= 2, "{near} words about {key} from {second}: {told:?}");
        }
    }

    #[test]
    fn every_active_rule_resolves_when_all_is_well(steps in steps()) {
        let (mut rules, mut second) = play(&steps, |_, _| {});
        for program in ["a", "b", "c"] {
            let payload = format!("processname:{program} groupname:{program} from_state:STARTING pid:1");
            rules.decide(at(second), &happening("PROCESS_STATE_RUNNING", &payload));
        }
        rules.decide(at(second), &event::make(event::METRIC, 0, &[("metric", "temperature"), ("value", "20")]));
        pass(&mut rules, &mut second, 3 * 86_400, &mut |_, _| {});
        for status in rules.statuses(at(second)) {
            prop_assert!(status.active.is_empty(), "{status:?}");
        }
        prop_assert_eq!(rules.next_deadline(), None);
    }

    #[test]
    fn chains_are_cut(steps in steps()) {
        let mut deepest = 0;
        let mut most = 0;
        play(&steps, |_, decision| {
            deepest = decision.firings.iter().map(|f| f.depth).max().unwrap_or(0).max(deepest);
            most = most.max(decision.firings.len());
        });
        prop_assert!(deepest < LONGEST_CHAIN);
        prop_assert!(most <= 24, "{most} firings of one event");
    }
}

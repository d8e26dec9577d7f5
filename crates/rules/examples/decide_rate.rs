//! How many events a second are decided on one core with fifty rules: `cargo xtask bench rules` runs it optimised.

use std::time::{Duration, Instant};

use indexmap::IndexMap;
use pistack_api::event::Event;
use pistack_rules::Rule;
use pistack_rules::decide::{Decider, Now, Setup};

/// Events that are decided.
const EVENTS: u32 = 200_000;

fn rules() -> IndexMap<String, Rule> {
    (0..50)
        .map(|number| {
            let when = match number % 5 {
                0 => format!("{{ event = \"PROCESS_STATE_*\", process = \"program-{number}\" }}"),
                1 => format!("{{ program = \"*-{number}\", event = \"crashed\", count = 3, within = \"10m\" }}"),
                2 => format!("{{ event = \"PROCESS_*\", group = \"group-{number}\", to_state = \"FATAL\" }}"),
                3 => format!("{{ metric = \"temperature\", above = {number} }}"),
                _ => format!("{{ program = \"program-{number}\", log = '(?i)error \\d+' }}"),
            };
            let text = format!(
                "when = {when}\nthen = [{{ log = \"{{process}} {{time}}\" }}, {{ run = [\"true\", \"{{pid}}\"] }}]\ncooldown = \"1s\"\n"
            );
            let rule = toml::from_str(&text).expect("a right rule");
            (format!("rule-{number}"), rule)
        })
        .collect()
}

fn event(number: u32) -> Event {
    let state = ["STARTING", "RUNNING", "EXITED", "BACKOFF", "FATAL"][number as usize % 5];
    let program = number % 100;
    let payload = format!(
        "processname:program-{program} groupname:group-{program} from_state:X expected:0 pid:{number}"
    );
    let (fields, data) = Event::split_payload(&payload);
    Event {
        serial: number.into(),
        name: format!("PROCESS_STATE_{state}"),
        at: i64::from(number),
        fields,
        data,
    }
}

#[expect(clippy::disallowed_methods, reason = "this measures real time")]
#[expect(clippy::print_stdout, reason = "the result is what it is run for")]
fn main() {
    let mut decider = Decider::new(&Setup {
        matching: pistack_rules::Matching::All,
        rules: rules(),
        depends_on: IndexMap::new(),
    });
    let events: Vec<Event> = (0..EVENTS).map(event).collect();
    let begin = Instant::now();
    let mut firings = 0;
    for (number, event) in (0..).zip(&events) {
        let now = Now {
            monotonic: Duration::from_millis(number),
            unix: 0,
            second_of_day: 0,
        };
        firings += decider.decide(now, event).firings.len();
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{:.0} events/s with 50 rules ({EVENTS} events, {firings} firings, {seconds:.2} s)",
        f64::from(EVENTS) / seconds
    );
}

//! Any rule in TOML, checked, tried and fed with any event: no panic, and its texts stay of bounded length.
#![no_main]

use indexmap::IndexMap;
use libfuzzer_sys::fuzz_target;
use pistack_api::event::Event;
use pistack_rules::decide::{Decider, Now, Setup};
use pistack_rules::{Config, Known, Rule, check, text};

fuzz_target!(|input: (String, String, String)| {
    let (toml, template, payload) = input;
    let (fields, data) = Event::split_payload(&payload);
    let event = Event {
        serial: 0,
        name: "PROCESS_STATE_EXITED".to_owned(),
        at: 0,
        fields,
        data,
    };
    let filled = text::fill(&template, "r", &event);
    assert!(filled.chars().count() <= 16 * 1024 || filled.len() <= template.len());
    let Ok(rule) = toml::from_str::<Rule>(&toml) else {
        return;
    };
    let rules = IndexMap::from([("r".to_owned(), rule)]);
    let config = Config::default();
    let _ = check(&Known {
        config: &config,
        rules: &rules,
        channels: &IndexMap::new(),
        programs: &["cam".to_owned(), "cam:cam".to_owned()],
        lines: &[],
        sensors: &[],
    });
    let setup = Setup {
        rules,
        ..Setup::default()
    };
    let mut decider = Decider::new(&setup);
    let now = Now::default();
    decider.decide(now, &event);
    decider.due(now);
    let _ = setup.try_rule("r", now, &event);
});

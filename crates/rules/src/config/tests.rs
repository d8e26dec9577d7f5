//! What people write, and what becomes of it.

use super::*;

fn rule(toml: &str) -> Result<Rule, String> {
    toml::from_str(toml).map_err(|error| error.message().to_owned())
}

#[test]
fn the_reference_rules_are_read() {
    let camera = rule(
        r#"
        when = { program = "camera", event = "crashed", count = 3, within = "10m" }
        unless = "depends_on.down"
        then = [ { notify = ["me", "phone"], text = "{program} crashed" }, { gpio = 17, blink = "2Hz", until = "resolved" } ]
        policy = { cooldown = "30m", quiet = "22:00-07:00", quiet_lets_through = "critical", on_resolve = ["phone"] }
        "#,
    )
    .unwrap();
    assert_eq!(camera.when.process().map(String::as_str), Some("camera"));
    assert_eq!(camera.when.event_glob(), ("PROCESS_STATE_EXITED", Some(false)));
    assert_eq!(camera.unless.0, ["depends_on.down"]);
    assert_eq!(camera.cooldown(), Some(Span::seconds(1800)));
    assert!(camera.then[0].is_message() && !camera.then[1].is_message());
    let hot = rule(
        r#"
        when = { metric = "temperature", above = 80, for = "2m" }
        then = [ { stop = "@heavy" }, { notify = "phone" } ]
        "#,
    )
    .unwrap();
    assert_eq!(
        (hot.when.subject(), hot.when.above),
        (Subject::Metric, Some(80.0))
    );
    let nightly = rule(
        r#"
        when = { cron = "0 3 * * *" }
        then = [ { run = "backup", timeout = "10m" }, { on_fail = { notify = "me" } } ]
        "#,
    )
    .unwrap();
    assert_eq!(nightly.when.subject(), Subject::Cron);
}

#[test]
fn hours_of_the_day() {
    let night = DailyWindow::try_from("22:00-07:00".to_owned()).unwrap();
    let at = |hour: u32, minute: u32| hour * 3600 + minute * 60;
    for (second, inside) in [
        (at(21, 59), false),
        (at(22, 0), true),
        (at(0, 0), true),
        (at(6, 59), true),
        (at(7, 0), false),
    ] {
        assert_eq!(night.contains(second), inside, "{second}");
    }
    assert_eq!(night.seconds_to_end(at(22, 0)), 9 * 3600);
    assert_eq!(night.seconds_to_end(at(6, 59)), 60);
    let day = DailyWindow::try_from("08:00-08:00".to_owned()).unwrap();
    assert!(day.contains(0) && day.contains(at(8, 0)));
    for wrong in ["", "22-7", "24:00-07:00", "22:60-07:00", "+1:00-07:00", "22:00"] {
        assert!(DailyWindow::try_from(wrong.to_owned()).is_err(), "{wrong}");
    }
    assert_eq!(String::from(night), "22:00-07:00");
}

//! Rows, pins and sensors: words, inertness, who may drive.

use pistack_api::token::Level;
use serde_json::json;

use super::*;
use crate::process::tests::person;
use crate::words::Lang;

fn lines(value: &Value) -> Survey {
    serde_json::from_value(json!({ "lines": value })).unwrap()
}

fn board() -> Board {
    serde_json::from_value(json!({ "model": "x", "header": [
        { "pin": 1, "bcm": null, "name": "3.3 V", "functions": [], "used_by": null },
        { "pin": 2, "bcm": null, "name": "5 V", "functions": [] },
        { "pin": 6, "bcm": null, "name": "GND", "functions": [] },
        { "pin": 3, "bcm": 2, "name": "GPIO2", "functions": ["SDA1"], "used_by": "i2c1" },
        { "pin": 11, "bcm": 17, "name": "GPIO17", "functions": ["SPI1 CE1"] },
        { "pin": 13, "bcm": 27, "name": "GPIO27", "functions": [] }
    ] }))
    .unwrap()
}

fn shown(value: &Value, level: Level) -> Shown {
    Shown::new(&lines(value), &board(), &person(level, Lang::English))
}

#[test]
fn states_are_words_and_icons() {
    let t = Lang::English.words();
    let shown = shown(
        &json!([
            { "name": "relay1", "bcm": 17, "pin": 11, "direction": "output", "value": true, "reserved": true },
            { "name": "door", "bcm": 27, "pin": 13, "direction": "input", "value": 0, "reserved": true },
            { "bcm": 2, "pin": 3, "holder": "i2c1", "reserved": false },
        ]),
        Level::User,
    );
    let looks: Vec<_> = shown
        .rows
        .iter()
        .map(|row| (row.look.word, row.look.class))
        .collect();
    assert_eq!(
        looks,
        [(t.gpio_on, "on"), (t.gpio_low, "low"), (t.gpio_locked, "locked")]
    );
    assert_eq!(shown.rows[2].name, "GPIO2");
    assert!(shown.rows[2].reason.as_deref().unwrap().contains("i2c1"));
    let drivable: Vec<_> = shown.drivable().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(drivable, ["relay1"], "an input and a held line are not driven");
}

#[test]
fn pins_say_what_they_are_and_who_has_them() {
    let shown = shown(
        &json!([{ "name": "relay1", "bcm": 17, "pin": 11, "direction": "output", "value": 0 }]),
        Level::User,
    );
    let classes: Vec<_> = shown
        .pins
        .iter()
        .map(|pin| (pin.number, pin.look.class))
        .collect();
    assert_eq!(
        classes,
        [
            (1, "p3"),
            (2, "p5"),
            (6, "gnd"),
            (3, "locked"),
            (11, "off"),
            (13, "free")
        ]
    );
    let pin = |number| shown.pins.iter().find(|pin| pin.number == number).unwrap();
    assert_eq!(
        (
            pin(3).owner.as_str(),
            pin(3).owner_icon,
            pin(3).functions.as_str()
        ),
        ("i2c1", "lock", "SDA1")
    );
    assert_eq!(
        (pin(11).short.as_str(), pin(11).line.as_deref()),
        ("relay1", Some(shown.rows[0].id.as_str()))
    );
    assert_eq!(
        (pin(11).top(), pin(11).is_left(), pin(2).is_left()),
        (140, true, false)
    );
}

#[test]
fn the_service_says_what_is_allowed_and_without_it_the_rights_do() {
    let line = |extra: &Value| {
        let mut line =
            json!({ "name": "relay1", "bcm": 17, "direction": "output", "value": 0, "reserved": true });
        line.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        json!([line])
    };
    let drives = |extra: Value, level| !shown(&line(&extra), level).drivable().is_empty();
    assert!(drives(json!({ "allowed": ["read", "write"] }), Level::User));
    assert!(!drives(json!({ "allowed": ["read"] }), Level::Root));
    assert!(drives(json!({}), Level::User));
    assert!(!drives(json!({ "reserved": false }), Level::Root));
    let mut limited = person(Level::User, Lang::English);
    limited.claims.scope = Some("gpio:door:read".to_owned());
    assert!(
        Shown::new(&lines(&line(&json!({}))), &board(), &limited)
            .drivable()
            .is_empty()
    );
}

#[test]
fn hostile_names_are_inert_and_stay_out_of_ids() {
    let evil = "</svg><script>\u{1b}[31m\u{202e}";
    let shown = shown(
        &json!([{ "name": evil, "bcm": 17, "direction": "output", "value": 1, "label": evil, "changed_by": evil }]),
        Level::Root,
    );
    let row = &shown.rows[0];
    assert!(
        row.id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    );
    assert!(
        row.address
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'%')
    );
    for text in [&row.name, &row.label, row.changed_by.as_ref().unwrap()] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    }
    let pin = shown.pins.iter().find(|pin| pin.number == 11).unwrap();
    assert!(pin.short.chars().count() <= LABEL_LENGTH && pin.short.ends_with('…'));
}

#[test]
fn pwm_and_actions_are_told_in_the_language() {
    let t = Lang::Polish.words();
    let line: Line = serde_json::from_value(
        json!({ "name": "lamp", "direction": "output", "value": 1, "pwm": { "duty": 0.25, "freq_hz": 1000.0 } }),
    )
    .unwrap();
    assert_eq!(doing(&line, t).unwrap(), "PWM 25%, 1000 Hz");
    let line: Line = serde_json::from_value(json!({ "action": { "id": "1", "do": "blink" } })).unwrap();
    assert_eq!(doing(&line, t).unwrap(), t.gpio_blinks);
}

#[test]
fn sensors_say_how_good_their_value_is() {
    let sensors: Vec<Sensor> = serde_json::from_value(json!([
        { "id": "28-01", "kind": "ds18b20", "quantity": "temperature", "value": 21.44, "unit": "°C", "age_ms": 130_000, "quality": "ok" },
        { "id": "b", "kind": "dht22", "quantity": "humidity", "value": 40, "unit": "%", "quality": "stale" },
        { "id": "c", "kind": "bme280", "quantity": "pressure", "quality": "error" },
    ]))
    .unwrap();
    let rows = sensor_rows(&sensors, Lang::Polish.words());
    assert_eq!((rows[0].value.as_str(), rows[0].look.class), ("21,4 °C", "ok"));
    assert!(rows[0].age.contains("2 min 10 s"));
    assert_eq!([rows[1].look.class, rows[2].look.class], ["busy", "bad"]);
    assert_eq!(rows[2].value, "–");
}

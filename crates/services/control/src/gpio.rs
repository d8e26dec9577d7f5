//! GPIO as the page shows it: a row for each line, the forty pins of the header, sensors. Everything that came from
//! outside is inert; state is an icon, a word and a colour.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pistack_api::right::{Object, Right as _, WriteLine};
use serde_json::Value;

use crate::identity::Person;
use crate::inert;
use crate::upstream::io::{Board, HeaderPin, Line, Sensor, Survey};
use crate::visit::Visit;
use crate::words::{Words, length};

/// Longest text beside a pin of the drawing; the table has all of it.
const LABEL_LENGTH: usize = 17;

/// A state: an icon, a word, and the class that colours both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) icon: &'static str,
    pub(crate) word: &'static str,
    pub(crate) class: &'static str,
}

/// A line's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineRow {
    /// Of the element.
    pub(crate) id: String,
    /// What the io service calls it.
    pub(crate) key: String,
    /// The same as part of an address.
    pub(crate) address: String,
    pub(crate) name: String,
    pub(crate) label: String,
    /// `GPIO17 · pin 11`.
    pub(crate) place: String,
    pub(crate) direction: &'static str,
    pub(crate) look: Look,
    /// PWM, or what the line does by itself.
    pub(crate) doing: Option<String>,
    /// It does something by itself that can be ended; PWM ends by switching.
    pub(crate) can_end: bool,
    /// Why it cannot be used, or who else has it.
    pub(crate) reason: Option<String>,
    pub(crate) changed_by: Option<String>,
    pub(crate) changed_at: Option<String>,
    pub(crate) on: bool,
    pub(crate) can_drive: bool,
}

/// A pin of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PinRow {
    pub(crate) number: u8,
    pub(crate) bcm: Option<u32>,
    pub(crate) name: String,
    pub(crate) functions: String,
    pub(crate) direction: &'static str,
    pub(crate) look: Look,
    pub(crate) owner: String,
    pub(crate) owner_icon: &'static str,
    /// The row of its line.
    pub(crate) line: Option<String>,
    /// What stands beside it in the drawing.
    pub(crate) short: String,
}

impl PinRow {
    /// Odd pins stand on the left.
    pub(crate) const fn is_left(&self) -> bool {
        self.number % 2 == 1
    }

    /// Where its row of the drawing begins.
    pub(crate) const fn top(&self) -> u32 {
        (self.number as u32 - 1) / 2 * 28
    }
}

/// A sensor's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SensorRow {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) age: String,
    pub(crate) look: Look,
}

/// The sensors' table, which replaces itself.
#[derive(Debug, Template)]
#[template(path = "parts/changed_sensors.html")]
pub(crate) struct ChangedSensors<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) sensors: Option<Vec<SensorRow>>,
}

/// Rows and pins that changed, which replace themselves.
#[derive(Debug, Template)]
#[template(path = "parts/changed_gpio.html")]
pub(crate) struct ChangedGpio<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) rows: Vec<&'a LineRow>,
    pub(crate) pins: Vec<&'a PinRow>,
    /// The emergency stop began or ended: everything of it anew.
    pub(crate) stop: Option<&'a Shown>,
    /// The same in words, for screen readers.
    pub(crate) said: String,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "gpio.html")]
pub(crate) struct GpioPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) told: Option<&'static str>,
    pub(crate) problem: Option<String>,
    pub(crate) shown: Option<Shown>,
    pub(crate) sensors: Option<Vec<SensorRow>>,
}

/// The question before all outputs change.
#[derive(Debug, Template)]
#[template(path = "gpio_confirm.html")]
pub(crate) struct GpioConfirmPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) stop: bool,
}

/// Survey and header at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) rows: Vec<LineRow>,
    pub(crate) pins: Vec<PinRow>,
    pub(crate) simulated: bool,
    /// All outputs are held at their safe level.
    pub(crate) stopped: bool,
    /// The person may use the emergency stop, and end it.
    pub(crate) may_stop: bool,
}

impl Shown {
    pub(crate) fn new(lines: &Survey, board: &Board, person: &Person) -> Self {
        let t = person.visit.t;
        Self {
            rows: lines.lines.iter().map(|line| row(line, person)).collect(),
            pins: board.header.iter().map(|pin| pin_row(pin, lines, t)).collect(),
            simulated: lines.warning.is_some(),
            stopped: lines.safe_mode,
            may_stop: person.claims.may(WriteLine::INFO, Object::Every).is_ok(),
        }
    }

    /// The outputs that the person may drive.
    pub(crate) fn drivable(&self) -> Vec<&LineRow> {
        self.rows.iter().filter(|row| row.can_drive).collect()
    }
}

/// What the io service calls a line.
pub(crate) fn key(line: &Line) -> String {
    match (&line.name, line.bcm, &line.chip, line.offset) {
        (Some(name), ..) => name.clone(),
        (None, Some(bcm), ..) => format!("bcm:{bcm}"),
        (None, None, Some(chip), Some(offset)) => format!("chip:{chip}/{offset}"),
        _ => String::new(),
    }
}

/// An id that is safe in an address's fragment and in a selector.
fn element_id(key: &str) -> String {
    key.bytes().fold(String::from("line"), |mut id, byte| {
        id.push('-');
        id.push_str(&format!("{byte:02x}"));
        id
    })
}

fn row(line: &Line, person: &Person) -> LineRow {
    let t = person.visit.t;
    let key = key(line);
    let name = line
        .name
        .clone()
        .unwrap_or_else(|| line.bcm.map_or_else(|| key.clone(), |bcm| format!("GPIO{bcm}")));
    let place = match (line.bcm, line.pin) {
        (Some(bcm), Some(pin)) => t.gpio_place(format!("GPIO{bcm}"), u32::from(pin)),
        (Some(bcm), None) => format!("GPIO{bcm}"),
        _ => inert::line(&key),
    };
    let is_output = line.direction.as_deref() == Some("output");
    let locked = line.holder.is_some() || line.error.is_some();
    LineRow {
        id: element_id(&key),
        address: utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string(),
        name: inert::line(&name),
        label: inert::line(line.label.as_deref().unwrap_or_default()),
        place,
        direction: direction(line.direction.as_deref(), t),
        look: line_look(line, t),
        doing: doing(line, t),
        can_end: line.action.is_some(),
        reason: reason(line, t),
        changed_by: line.changed_by.as_deref().map(inert::line),
        changed_at: line.changed_at.as_deref().map(inert::line),
        on: line.value == Some(true),
        can_drive: is_output && !locked && may_write(line, &key, person),
        key,
    }
}

/// The io service says what is allowed; where it does not, the person's rights say what would be.
fn may_write(line: &Line, key: &str, person: &Person) -> bool {
    match &line.allowed {
        Some(allowed) => allowed.iter().any(|word| word == "write"),
        None => {
            line.reserved != Some(false) && person.claims.may(WriteLine::INFO, Object::Named(key)).is_ok()
        }
    }
}

fn direction(direction: Option<&str>, t: &Words) -> &'static str {
    match direction {
        Some("output") => t.gpio_output,
        Some("input") => t.gpio_input,
        _ => t.gpio_unknown,
    }
}

fn line_look(line: &Line, t: &Words) -> Look {
    let look = |icon, word, class| Look { icon, word, class };
    if line.holder.is_some() {
        return look("lock", t.gpio_locked, "locked");
    }
    if line.error.is_some() {
        return look("triangle-alert", t.gpio_faulty, "bad");
    }
    match (line.direction.as_deref(), line.value) {
        (Some("output"), Some(true)) => look("zap", t.gpio_on, "on"),
        (Some("output"), Some(false)) => look("circle", t.gpio_off, "off"),
        (_, Some(true)) => look("arrow-up", t.gpio_high, "high"),
        (_, Some(false)) => look("arrow-down", t.gpio_low, "low"),
        (_, None) => look("circle-question-mark", t.gpio_unknown, "idle"),
    }
}

fn doing(line: &Line, t: &Words) -> Option<String> {
    if let Some(pwm) = &line.pwm {
        let duty = t.lang().number(pwm.duty * 100.0, 0);
        return Some(t.gpio_pwm_at(duty, t.lang().number(pwm.freq_hz, 0)));
    }
    let action = line.action.as_ref()?;
    Some(match action.what.as_str() {
        "blink" => t.gpio_blinks.to_owned(),
        "pulse" => t.gpio_pulses.to_owned(),
        "timed" => t.gpio_timed.to_owned(),
        "fade" => t.gpio_fades.to_owned(),
        "servo" => t.gpio_servo.to_owned(),
        "follow" => t.gpio_follows.to_owned(),
        other => inert::line(other),
    })
}

fn reason(line: &Line, t: &Words) -> Option<String> {
    match (&line.holder, &line.error) {
        (Some(holder), _) => Some(t.gpio_held_by(inert::line(holder))),
        (None, Some(error)) => Some(inert::line(error)),
        (None, None) => None,
    }
}

/// Who uses a pin, whichever way it is told.
fn user_of(used_by: Option<&Value>) -> Option<String> {
    let text = match used_by? {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => ["name", "line", "consumer", "holder", "function"]
            .iter()
            .find_map(|key| fields.get(*key)?.as_str().map(str::to_owned)),
        _ => None,
    };
    text.filter(|text| !text.is_empty())
        .map(|text| inert::line(&text))
}

fn pin_row(pin: &HeaderPin, lines: &Survey, t: &Words) -> PinRow {
    let line = pin
        .bcm
        .and_then(|bcm| lines.lines.iter().find(|line| line.bcm == Some(bcm)));
    let user = user_of(pin.used_by.as_ref());
    let look = |icon, word, class| Look { icon, word, class };
    let name = inert::line(&pin.name);
    let (look, owner, owner_icon) = match (pin.bcm, line, user) {
        (None, ..) if name.contains('5') => (look("power", t.gpio_supply, "p5"), String::new(), "minus"),
        (None, ..) if name.contains('3') => (look("power", t.gpio_supply, "p3"), String::new(), "minus"),
        (None, ..) => (look("minus", t.gpio_ground, "gnd"), String::new(), "minus"),
        (Some(_), Some(line), _) if line.holder.is_none() => {
            let owner = line.name.clone().unwrap_or_else(|| "pistack".to_owned());
            (line_look(line, t), inert::line(&owner), "layers")
        }
        (Some(_), line, user) => {
            let holder = line
                .and_then(|line| line.holder.as_deref().map(inert::line))
                .or(user);
            match holder {
                Some(holder) => (look("lock", t.gpio_locked, "locked"), holder, "lock"),
                None => (
                    look("circle-dashed", t.gpio_free, "free"),
                    t.gpio_nobody.to_owned(),
                    "minus",
                ),
            }
        }
    };
    let beside = match line {
        Some(Line {
            name: Some(name),
            holder: None,
            ..
        }) => inert::line(name),
        _ if look.class == "locked" => owner.clone(),
        _ => name.clone(),
    };
    PinRow {
        number: pin.pin,
        bcm: pin.bcm,
        direction: match (pin.bcm, line) {
            (Some(_), Some(line)) => direction(line.direction.as_deref(), t),
            _ => "",
        },
        functions: inert::line(&pin.functions.join(", ")),
        line: line.map(|line| element_id(&key(line))),
        short: shortened(&beside),
        name,
        look,
        owner,
        owner_icon,
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LABEL_LENGTH {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LABEL_LENGTH - 1).collect();
    short.push('…');
    short
}

/// The sensors' rows.
pub(crate) fn sensor_rows(sensors: &[Sensor], t: &Words) -> Vec<SensorRow> {
    sensors.iter().map(|sensor| sensor_row(sensor, t)).collect()
}

fn sensor_row(sensor: &Sensor, t: &Words) -> SensorRow {
    let label = sensor.label.as_deref().filter(|label| !label.is_empty());
    let value = sensor.value.map_or_else(
        || "–".to_owned(),
        |value| format!("{} {}", t.lang().number(value, 1), inert::line(&sensor.unit)),
    );
    let (icon, word, class) = match (sensor.quality.as_str(), sensor.value) {
        ("ok", Some(_)) => ("circle-check", t.gpio_sensor_ok, "ok"),
        (_, Some(_)) => ("hourglass", t.gpio_sensor_old, "busy"),
        (_, None) => ("circle-x", t.gpio_sensor_silent, "bad"),
    };
    SensorRow {
        name: inert::line(label.unwrap_or(&sensor.id)),
        kind: inert::line(&format!("{} · {}", sensor.kind, sensor.quantity)),
        value,
        age: sensor
            .age_ms
            .map(|age| t.gpio_ago(length(age / 1000)))
            .unwrap_or_default(),
        look: Look { icon, word, class },
    }
}

#[cfg(test)]
mod tests;

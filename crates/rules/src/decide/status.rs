//! How the rules stand, for lists.

use crate::ask::RuleView;
use crate::config::{Subject, When};
use crate::reason;

use super::{Decider, Now, Remembered};

impl Decider {
    /// How the rules stand, in the order in which they are asked.
    pub fn statuses(&self, now: Now) -> Vec<RuleView> {
        self.rules
            .iter()
            .map(|remembered| remembered.status(now))
            .collect()
    }
}

impl Remembered {
    fn status(&self, now: Now) -> RuleView {
        let cooling = self
            .rule
            .cooldown()
            .zip(self.last_fired)
            .map(|(cooldown, (last, _))| (last + cooldown.0).saturating_sub(now.monotonic).as_secs());
        let mut active: Vec<String> = self
            .matters
            .iter()
            .filter(|(_, matter)| matter.active.is_some())
            .map(|(key, _)| key.clone())
            .collect();
        active.sort();
        RuleView {
            name: self.name.clone(),
            enabled: self.on,
            active,
            fired: self.fired,
            last_fired: self.last_fired.map(|(_, unix)| unix),
            held: self.held,
            last_held: self.last_held.clone(),
            last_held_reasons: self.last_held.as_deref().map(reason::read).unwrap_or_default(),
            next_allowed_in: cooling.filter(|left| *left > 0),
            problem: self.pattern.as_ref().err().cloned(),
            priority: self.rule.priority,
            severity: self.rule.severity,
            when: describe(&self.rule.when),
            actions: self
                .rule
                .then
                .iter()
                .map(|action| action.name().to_owned())
                .collect(),
            definition: serde_json::to_value(&self.rule).unwrap_or_default(),
            file: None,
            line: None,
            editable: false,
        }
    }
}

/// A `when` in words.
pub fn describe(when: &When) -> String {
    let of = when
        .process()
        .or(when.group.as_ref())
        .map_or_else(String::new, |name| format!(" of {name}"));
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let bounds = [("above", when.above), ("below", when.below)]
        .into_iter()
        .filter_map(|(word, value)| Some(format!(" {word} {}", value?)))
        .collect::<String>();
    let mut words = match when.subject() {
        Subject::Event => {
            let event = when
                .event
                .as_deref()
                .unwrap_or(when.to_state.as_deref().unwrap_or("any event"));
            format!("{event}{of}")
        }
        Subject::Log => format!("a line{of} that fits /{}/", text(&when.log)),
        Subject::Metric => format!("{}{bounds}", text(&when.metric)),
        Subject::Sensor => format!("sensor {}{bounds}", text(&when.sensor)),
        Subject::Gpio => {
            let line = when.gpio.as_ref().map_or_else(String::new, ToString::to_string);
            format!("{:?} edge of line {line}", when.edge.unwrap_or_default()).to_lowercase()
        }
        Subject::Cron => format!("schedule {}", text(&when.cron)),
        Subject::Stack => format!("stack event {}", text(&when.stack)),
        Subject::Webhook => format!("call of hook {}", text(&when.webhook)),
    };
    if let Some(lasting) = when.lasting.or(when.hold) {
        words.push_str(&format!(" for {} s", lasting.0.as_secs_f32()));
    }
    if let Some(count) = when.count.filter(|count| *count > 1) {
        words.push_str(&format!(", {count} times"));
        if let Some(within) = when.within {
            words.push_str(&format!(" within {} s", within.0.as_secs()));
        }
    }
    words
}

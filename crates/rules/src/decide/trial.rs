//! What a rule would do with an event, without doing it.

use pistack_api::event::Event;

use super::matching::mismatch;
use super::{Decider, Now, Setup};
use crate::ask::Outcome;
use crate::config::Action;
use crate::reason;
use crate::text;

impl Setup {
    /// Tries one rule with an event, as if nothing had been before; `None` if there is no such rule. A rule that counts
    /// or waits is taken at its last step, and the words say so.
    pub fn try_rule(&self, name: &str, now: Now, event: &Event) -> Option<Outcome> {
        let rule = self.rules.get(name)?;
        let mut alone = self.clone();
        alone.rules.retain(|known, _| known == name);
        let mut notes = Vec::new();
        if let Some(alone) = alone.rules.get_mut(name) {
            if !rule.enabled {
                notes.push("it is switched off".to_owned());
            }
            if let Some(count) = alone.when.count.take().filter(|count| *count > 1) {
                notes.push(format!("only the {count}th time"));
            }
            if let Some(lasting) = alone.when.lasting.take() {
                notes.push(format!("after {} s", lasting.0.as_secs_f32()));
            }
            if let Some(hold) = alone.when.hold.take() {
                notes.push(format!("after {} s at this level", hold.0.as_secs_f32()));
            }
            if let Some(wait) = alone.policy.wait.take() {
                notes.push(format!("its message waits {} s", wait.0.as_secs_f32()));
            }
            alone.enabled = true;
        }
        let mut decider = Decider::new(&alone);
        let remembered = decider.rules.first()?;
        let no = |why: String| {
            Some(Outcome {
                rule: name.to_owned(),
                fires: false,
                reasons: reason::read(&why),
                why,
                actions: Vec::new(),
            })
        };
        let pattern = match &remembered.pattern {
            Ok(pattern) => pattern,
            Err(problem) => return no(problem.clone()),
        };
        if let Some(why) = mismatch(name, &remembered.rule, pattern, event) {
            return no(why);
        }
        let decision = decider.decide(now, event);
        let Some(firing) = decision.firings.first() else {
            let why = decision.held.first().map_or_else(
                || "the reading is within its bounds, or the edge is the other one".to_owned(),
                |held| held.why.clone(),
            );
            return no(why);
        };
        notes.insert(0, firing.why.clone());
        let why = notes.join("; ");
        Some(Outcome {
            rule: name.to_owned(),
            fires: rule.enabled,
            reasons: reason::read(&why),
            why,
            actions: firing
                .actions
                .iter()
                .map(|action| describe(action, name, &firing.event))
                .collect(),
        })
    }
}

/// An action in words.
pub fn describe(action: &Action, rule: &str, event: &Event) -> String {
    let fill = |template: &str| text::fill(template, rule, event);
    match action {
        Action::Log(text) => format!("write to the log: {}", fill(text)),
        Action::Run(run) => format!(
            "run {}{}",
            run.command
                .iter()
                .map(|word| fill(word))
                .collect::<Vec<_>>()
                .join(" "),
            run.user
                .as_ref()
                .map_or_else(String::new, |user| format!(" as {user}"))
        ),
        Action::Start(name) => format!("start {}", fill(name)),
        Action::Stop(name) => format!("stop {}", fill(name)),
        Action::Restart(name) => format!("restart {}", fill(name)),
        Action::Signal(signal) => format!("send {} to {}", signal.signal, fill(&signal.process)),
        Action::Gpio(gpio) => {
            let what = match (gpio.set, gpio.pulse, gpio.blink) {
                (Some(true), ..) => "set high".to_owned(),
                (Some(false), ..) => "set low".to_owned(),
                (_, Some(pulse), _) => format!("pulse for {} s", pulse.0.as_secs_f32()),
                (.., Some(blink)) => format!("blink at {}", String::from(blink)),
                _ => "leave".to_owned(),
            };
            let until = if gpio.until.is_some() {
                " until it is over"
            } else {
                ""
            };
            format!("{what} GPIO line {}{until}", gpio.line)
        }
        Action::Webhook(webhook) => format!("send the event to {}", webhook.url),
        Action::Rule(set) => format!("tell rule {}: {:?}", set.name, set.set).to_lowercase(),
        Action::Shutdown(_) => "shut the supervisor down".to_owned(),
        Action::Mail(mail) => format!(
            "mail {}: {}",
            mail.to,
            mail.text
                .as_deref()
                .or(mail.subject.as_deref())
                .map_or_else(|| text::sentence(event), fill)
        ),
        Action::Notify(notify) => format!(
            "notify {}: {}",
            notify
                .channels
                .join(if notify.fallback { ", else " } else { ", " }),
            notify.text.as_deref().map_or_else(|| text::sentence(event), fill)
        ),
        Action::OnFail(actions) => format!(
            "if that fails: {}",
            actions
                .iter()
                .map(|action| describe(action, rule, event))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

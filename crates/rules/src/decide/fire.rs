//! From a match to a firing: thresholds and edges, counting, conditions, chains, cooldown, and whether it may speak.

use std::time::Duration;

use pistack_api::event::{Event, process_state};

use super::chain::LONGEST_CHAIN;
use super::matching::{key, program};
use super::matter::{Active, Line, Matter};
use super::{Decider, Decision, Now, Remembered};
use crate::config::{Action, Edge, Rule, Severity, Subject, Until, When};
use crate::firing::{Firing, Kind};
use crate::reason;

/// The first digest comes so long after a message unless the policy says otherwise.
const DIGEST: Duration = Duration::from_mins(10);
/// Edges that follow each other within this time are one.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// Quiet hours and dependencies are looked at again after this time at the latest: clocks jump.
pub(super) const LOOK_AGAIN: Duration = Duration::from_hours(1);
/// How soon a dependency that is down is looked at again.
const DEPENDENCY_AGAIN: Duration = Duration::from_mins(1);
/// What has no end of its own is over after this time.
const OVER_AFTER: Duration = Duration::from_mins(10);

/// What a fitting event means for a rule with thresholds or edges.
enum Reading {
    /// It matches.
    Match,
    /// It does not.
    Nothing,
    /// What was out of bounds is back.
    Back,
}

/// May messages go out now?
pub(super) enum Talk {
    Now,
    /// Not now; try again then.
    Later(Duration, String),
    /// Not now, because it is night.
    Quiet(Duration),
}

impl Decider {
    /// An event that fits the rule. True if the rule is in charge of it.
    pub(super) fn consider(
        &mut self,
        index: usize,
        now: Now,
        event: &Event,
        depth: u8,
        decision: &mut Decision,
    ) -> bool {
        let remembered = &mut self.rules[index];
        let Ok(pattern) = &remembered.pattern else {
            return false;
        };
        let subject = pattern.subject;
        let event = &*pattern.with_caught(event);
        let key = key(&remembered.rule, subject, event);
        let key = remembered.room(key, now.monotonic);
        let when = &remembered.rule.when;
        let matter = remembered.matters.entry(key.clone()).or_default();
        let reading = match subject {
            Subject::Metric | Subject::Sensor => matter.reading(when, now.monotonic, event),
            Subject::Gpio => matter.edge(when, now.monotonic, event),
            _ => Reading::Match,
        };
        let matched = match reading {
            Reading::Match => self.conditions(index, &key, now, event, decision),
            Reading::Back => {
                self.over(index, &key, now, event, decision);
                false
            }
            Reading::Nothing => false,
        };
        if matched {
            self.fire_matched(index, &key, now, event, depth, decision);
        }
        self.find_next();
        matched
            || matches!(reading, Reading::Match)
                && !matches!(subject, Subject::Metric | Subject::Sensor)
                && !self.excepted(index, event)
    }

    fn excepted(&self, index: usize, event: &Event) -> bool {
        let pattern = self.rules[index].pattern.as_ref();
        pattern.is_ok_and(|pattern| pattern.unless.iter().any(|unless| unless.holds(event, self)))
    }

    /// `unless` and `count`.
    fn conditions(
        &mut self,
        index: usize,
        key: &str,
        now: Now,
        event: &Event,
        decision: &mut Decision,
    ) -> bool {
        if self.excepted(index, event) {
            let why = format!("unless {}", self.rules[index].rule.unless.0.join(", or unless "));
            self.rules[index].hold(key, why, decision);
            return false;
        }
        let remembered = &mut self.rules[index];
        let wanted = remembered.rule.when.count.unwrap_or(1).max(1) as usize;
        let window = remembered.rule.when.within.map_or(Duration::MAX, |span| span.0);
        let matter = remembered.matters.entry(key.to_owned()).or_default();
        if matter.counts(now.monotonic, wanted, window) {
            return true;
        }
        let why = format!("counting: {} of {wanted}", matter.matches.len());
        remembered.hold(key, why, decision);
        false
    }

    /// A whole match: fires unless a chain or the cooldown forbids it.
    pub(super) fn fire_matched(
        &mut self,
        index: usize,
        key: &str,
        now: Now,
        event: &Event,
        depth: u8,
        decision: &mut Decision,
    ) {
        let missing = self.world.missing_dependency(event);
        let remembered = &mut self.rules[index];
        if !remembered.on {
            remembered.hold(key, "it is switched off".to_owned(), decision);
            return;
        }
        if depth >= LONGEST_CHAIN {
            let why = format!("cut: {LONGEST_CHAIN} rules have set each other off already");
            remembered.hold(key, why, decision);
            return;
        }
        let lasting = lasting(&remembered.rule, event);
        let first_digest = remembered.rule.policy.digest.map_or(DIGEST, |span| span.0);
        let speaks = speaks(&remembered.rule);
        let talk = remembered.talk(key, now, event, lasting, missing);
        let cooling = remembered.cooling(key, now.monotonic);
        let matter = remembered.matters.entry(key.to_owned()).or_default();
        matter.matches.clear();
        if lasting || has_until(&remembered.rule) {
            let active = matter
                .active
                .get_or_insert_with(|| Active::new(event, first_digest));
            active.count += 1;
            active.newest = event.clone();
            active.ends_at = ends_at(&remembered.rule, now.monotonic, event);
            let name = program(event);
            if !name.is_empty() && active.programs.len() < super::MOST_MATTERS {
                active.programs.insert(name, true);
            }
        }
        if let Some(left) = cooling {
            if speaks && matter.active.is_some() {
                matter.add_untold(event, depth, false);
                let next = matter.next_digest(now.monotonic).max(now.monotonic + left);
                matter.speak_at = Some(matter.speak_at.unwrap_or(next));
            }
            remembered.hold(
                key,
                format!("cooling down for {} s more", left.as_secs()),
                decision,
            );
            return;
        }
        matter.last_fired = Some(now.monotonic);
        let told = if speaks {
            matter.told(now.monotonic, &talk, event, depth)
        } else {
            None
        };
        if remembered.emit(key, now, event, depth, told, &talk, decision)
            && let Some(firing) = decision.firings.last()
        {
            self.chain
                .note(now.monotonic, depth, &firing.rule, &firing.event, &firing.actions);
        }
    }
}

impl Remembered {
    /// May the messages of a match go out now?
    fn talk(&mut self, key: &str, now: Now, event: &Event, lasting: bool, missing: Option<String>) -> Talk {
        let policy = &self.rule.policy;
        let wait = policy.wait.map(|span| span.0).filter(|_| lasting);
        let matter = self.matters.entry(key.to_owned()).or_default();
        if lasting && matter.active.is_some() {
            let why = "told already; what follows is gathered into a digest".to_owned();
            return Talk::Later(
                matter
                    .speak_at
                    .unwrap_or_else(|| matter.next_digest(now.monotonic)),
                why,
            );
        }
        if let Some(end) = self.quiet_until(now) {
            return Talk::Quiet(end);
        }
        if let Some(missing) = missing.filter(|_| !self.rule.policy.dependants && is_trouble(event)) {
            let why = format!("`{missing}`, which it depends on, is down: that is told, this is not");
            return Talk::Later(now.monotonic + DEPENDENCY_AGAIN, why);
        }
        match wait {
            Some(wait) => Talk::Later(
                now.monotonic + wait,
                format!("its message waits {} s", wait.as_secs()),
            ),
            None => Talk::Now,
        }
    }

    /// When to look at quiet hours again, if it is quiet now.
    pub(super) fn quiet_until(&self, now: Now) -> Option<Duration> {
        let policy = &self.rule.policy;
        let quiet = policy.quiet.filter(|quiet| quiet.contains(now.second_of_day))?;
        if self.rule.severity >= policy.quiet_lets_through.unwrap_or(Severity::Critical) {
            return None;
        }
        let left = Duration::from_secs(quiet.seconds_to_end(now.second_of_day).into());
        Some(now.monotonic + left.min(LOOK_AGAIN))
    }

    /// How long the cooldown still lasts for this matter.
    fn cooling(&self, key: &str, now: Duration) -> Option<Duration> {
        let cooldown = self.rule.cooldown()?.0;
        let last = self.matters.get(key)?.last_fired?;
        let left = (last + cooldown).saturating_sub(now);
        (left > Duration::ZERO).then_some(left)
    }

    /// Makes the firing of a match, without the messages if they must wait (`told` is `None`). False if nothing is
    /// left of it then.
    #[expect(
        clippy::too_many_arguments,
        reason = "one call, and a structure would only repeat the names"
    )]
    fn emit(
        &mut self,
        key: &str,
        now: Now,
        event: &Event,
        depth: u8,
        told: Option<(u64, i64)>,
        talk: &Talk,
        decision: &mut Decision,
    ) -> bool {
        let actions: Vec<Action> = self
            .rule
            .then
            .iter()
            .filter(|action| told.is_some() || !action.is_message())
            .cloned()
            .collect();
        // What to do on failure is nothing to do by itself.
        if actions.iter().all(|action| matches!(action, Action::OnFail(_))) {
            let why = match talk {
                Talk::Later(_, why) => why.clone(),
                Talk::Quiet(_) => "quiet hours".to_owned(),
                Talk::Now => "it does nothing".to_owned(),
            };
            self.hold(key, why, decision);
            return false;
        }
        self.fired += 1;
        self.last_fired = Some((now.monotonic, now.unix));
        let (count, since) = told.unwrap_or((1, event.at));
        let mut why = why(&self.rule.when, event);
        match talk {
            Talk::Later(_, held) if speaks(&self.rule) => why.push_str(&format!("; no message: {held}")),
            Talk::Quiet(_) if speaks(&self.rule) => why.push_str("; no message: quiet hours"),
            _ => {}
        }
        assert!(
            !cfg!(test) || !reason::read(&why).is_empty(),
            "no sentence of ours: {why}"
        );
        decision.firings.push(Firing {
            rule: self.name.clone(),
            kind: Kind::Fired,
            key: key.to_owned(),
            severity: self.rule.severity,
            event: event.clone(),
            actions,
            count,
            since,
            depth,
            why,
        });
        true
    }
}

impl Matter {
    /// When the next digest is due.
    pub(super) fn next_digest(&self, now: Duration) -> Duration {
        self.active.as_ref().map_or(now + DIGEST, |active| {
            active.told.unwrap_or(now) + active.interval
        })
    }

    /// Notes what a match says or keeps for later. If its messages go out now: how many matches they tell of, with those
    /// that were kept before, and since when.
    fn told(&mut self, now: Duration, talk: &Talk, event: &Event, depth: u8) -> Option<(u64, i64)> {
        match talk {
            Talk::Now => {
                if let Some(active) = &mut self.active {
                    active.told = Some(now);
                }
                let kept = self.untold.take();
                if self.farewell.is_none() {
                    self.speak_at = None;
                }
                Some(kept.map_or((1, event.at), |kept| (kept.count + 1, kept.since)))
            }
            Talk::Later(at, _) => {
                self.add_untold(event, depth, false);
                self.speak_at = Some(self.speak_at.unwrap_or(*at));
                None
            }
            Talk::Quiet(at) => {
                self.add_untold(event, depth, true);
                self.speak_at = Some(self.speak_at.unwrap_or(*at));
                None
            }
        }
    }

    /// A reading against the thresholds.
    fn reading(&mut self, when: &When, now: Duration, event: &Event) -> Reading {
        let Some(value) = event.field("value").and_then(|text| text.parse::<f64>().ok()) else {
            return Reading::Nothing;
        };
        let out =
            when.above.is_some_and(|limit| value > limit) || when.below.is_some_and(|limit| value < limit);
        if self.active.is_some() {
            let back = match (when.clear, when.above) {
                _ if out => false,
                (Some(clear), Some(_)) => value <= clear,
                (Some(clear), None) => value >= clear,
                (None, _) => true,
            };
            self.out_since = None;
            let active_ends = self.active.as_mut().map(|active| &mut active.ends_at);
            if !back && let Some(ends) = active_ends {
                *ends = None;
            }
            return if back { Reading::Back } else { Reading::Nothing };
        }
        if !out {
            self.out_since = None;
            return Reading::Nothing;
        }
        let since = *self.out_since.get_or_insert(now);
        if now.saturating_sub(since) >= when.lasting.map_or(Duration::ZERO, |span| span.0) {
            Reading::Match
        } else {
            Reading::Nothing
        }
    }

    /// An edge of a line.
    fn edge(&mut self, when: &When, now: Duration, event: &Event) -> Reading {
        let level = event.field("level") == Some("1");
        let debounce = when.debounce.map_or(DEBOUNCE, |span| span.0);
        self.line.seen = Some(level);
        if self
            .line
            .last_edge
            .is_some_and(|last| now.saturating_sub(last) < debounce)
        {
            return Reading::Nothing;
        }
        self.line.last_edge = Some(now);
        let wanted = Line::wanted(when, level);
        match (when.hold, wanted) {
            (Some(hold), true) => {
                self.line.pending = Some((now + hold.0, level, event.clone()));
                Reading::Nothing
            }
            (None, true) => Reading::Match,
            (_, false) => {
                self.line.pending = None;
                if self.active.is_some() {
                    Reading::Back
                } else {
                    Reading::Nothing
                }
            }
        }
    }
}

impl Line {
    /// True if the rule is about an edge to this level.
    fn wanted(when: &When, level: bool) -> bool {
        match when.edge.unwrap_or_default() {
            Edge::Rising => level,
            Edge::Falling => !level,
            Edge::Both => true,
        }
    }
}

/// True if the rule has something to say.
pub(super) fn speaks(rule: &Rule) -> bool {
    rule.then.iter().any(Action::is_message)
}

/// True if something that the rule does lasts until it resolves.
pub(super) fn has_until(rule: &Rule) -> bool {
    rule.then
        .iter()
        .any(|action| matches!(action, Action::Gpio(gpio) if gpio.until == Some(Until::Resolved)))
}

/// True if the matter goes on after the event.
fn lasting(rule: &Rule, event: &Event) -> bool {
    match rule.when.subject() {
        _ if event.name == super::event::RULE => false,
        Subject::Event => is_trouble(event),
        Subject::Metric | Subject::Sensor | Subject::Log => true,
        Subject::Stack => event.field("lasting") == Some("true"),
        Subject::Gpio | Subject::Cron | Subject::Webhook => false,
    }
}

/// True if a program is not well.
pub(super) fn is_trouble(event: &Event) -> bool {
    match process_state(&event.name) {
        Some("EXITED") => event.field("expected") != Some("1"),
        Some("BACKOFF" | "FATAL" | "UNKNOWN") => true,
        _ => false,
    }
}

/// When the matter is over if nothing more happens; `None` if something has to happen for that.
fn ends_at(rule: &Rule, now: Duration, event: &Event) -> Option<Duration> {
    let after = rule.policy.resolve_after.map_or(OVER_AFTER, |span| span.0);
    match rule.when.subject() {
        _ if event.name == super::event::RULE => Some(now + after),
        Subject::Event => (!is_trouble(event)).then_some(now + after),
        Subject::Metric | Subject::Sensor => None,
        Subject::Stack => (event.field("lasting") != Some("true")).then_some(now + after),
        Subject::Gpio => (rule.when.edge.unwrap_or_default() == Edge::Both).then_some(now + after),
        Subject::Log | Subject::Cron | Subject::Webhook => Some(now + after),
    }
}

/// Why the rule fires, in one sentence.
fn why(when: &When, event: &Event) -> String {
    let field = |name: &str| event.field(name).unwrap_or_default();
    match event.name.as_str() {
        super::event::METRIC | super::event::SENSOR => {
            let name = when
                .metric
                .as_deref()
                .or(when.sensor.as_deref())
                .unwrap_or_default();
            let bound = match (when.above, when.below) {
                (Some(above), _) if field("value").parse().is_ok_and(|value: f64| value > above) => {
                    format!("above {above}")
                }
                (_, Some(below)) => format!("below {below}"),
                _ => "out of bounds".to_owned(),
            };
            format!("{name} is {}, {bound}", field("value"))
        }
        super::event::LOG_LINE => format!("a line of {} fits", field("processname")),
        super::event::GPIO_EDGE => format!("line {} went to {}", field("line"), field("level")),
        super::event::SCHEDULE => "its time has come".to_owned(),
        super::event::STACK => format!("{} came", field("kind")),
        super::event::WEBHOOK => "its address was called".to_owned(),
        super::event::RULE => "another rule set it off".to_owned(),
        name => match when.count {
            Some(count) if count > 1 => format!("{name} of {}, the {count}th time", program(event)),
            _ if program(event).is_empty() => name.to_owned(),
            _ => format!("{name} of {}", program(event)),
        },
    }
}

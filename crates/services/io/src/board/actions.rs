//! What a line does by itself: begun by a call, carried on by [`Board::tick`], ended by a new write.

use std::sync::Arc;

use super::{Board, Running};
use crate::action::{Plan, Wanted};
use crate::backend::Place;
use crate::config::Direction;
use crate::error::Error;
use crate::event::Kind;
use crate::ring::Said;
use crate::view::PwmSource;

/// A servo's pulses in a second.
const SERVO_HZ: f64 = 50.0;

impl Board {
    /// Begins an action; what the line did before ends.
    pub(crate) fn act(&mut self, line: &str, plan: Plan, by: &str) -> Result<Place, Error> {
        let by: Arc<str> = by.into();
        let level = self.first_level(&plan);
        let index = self.output(line, false)?;
        self.suits(index, &plan)?;
        if level {
            self.may_go_on(index, &[])?;
        }
        let plan = match plan {
            Plan::Fade { to, time, .. } => Plan::Fade {
                from: self.duty(index),
                to,
                time,
            },
            plan => plan,
        };
        self.cancel(index, &by);
        self.begin(index, plan, &by)?;
        Ok(self.lines[index].place)
    }

    /// A plan that follows a line, after asking whether that line tells its changes and does not follow this one.
    pub(crate) fn following(&mut self, line: &str, source: &str, invert: bool) -> Result<Plan, Error> {
        let target = self.find(line)?;
        let place = self.find(source)?;
        if target == place {
            return Err(Error::BadValue("a line cannot follow itself"));
        }
        let mut at = place;
        while let Some(index) = self.by_place.get(&at) {
            let Some(Plan::Follow { source, .. }) = self.lines[*index].action.as_ref().map(|a| &a.plan)
            else {
                break;
            };
            at = self.lines[*source].place;
            if at == target {
                return Err(Error::BadValue("the lines would follow each other in a circle"));
            }
        }
        let source = match self.index(source)? {
            Ok(index) => index,
            Err(place) => {
                let now = self.now();
                self.add(super::Line::open(place, Direction::Input, false, now))
            }
        };
        Ok(Plan::Follow { source, invert })
    }

    /// Ends an action by a call; the level stays.
    pub(crate) fn stop_action(&mut self, line: &str, by: &str) -> Result<(), Error> {
        match self.index(line)? {
            Ok(index) if !self.is_output(index) => Err(self.wrong_direction(index)),
            Ok(index) => {
                self.cancel(index, &by.into());
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    fn first_level(&self, plan: &Plan) -> bool {
        match plan {
            Plan::Timed { level, .. } => *level,
            Plan::Blink { .. } | Plan::Pulse { .. } | Plan::Servo { .. } => true,
            Plan::Fade { to, .. } => *to > 0.0,
            Plan::Follow { source, invert } => self.lines[*source].level != *invert,
        }
    }

    /// What a line with `min_off` cannot do: change so fast that the time off would not be kept.
    fn suits(&self, index: usize, plan: &Plan) -> Result<(), Error> {
        let Some(least) = self.lines[index].limits.min_off else {
            return Ok(());
        };
        match plan {
            Plan::Blink { off, count, .. } if *off < least && *count != Some(1) => Err(Error::NotSupported(
                "the line's min_off is longer than off_ms".into(),
            )),
            Plan::Fade { .. } | Plan::Servo { .. } => {
                Err(Error::NotSupported("a line with min_off does no PWM".into()))
            }
            _ => Ok(()),
        }
    }

    /// Starts a plan on an output that is ours.
    pub(super) fn begin(&mut self, index: usize, plan: Plan, by: &Arc<str>) -> Result<(), Error> {
        let id = self.next_action;
        self.next_action += 1;
        let now = self.now();
        let until_us = plan.length().map(|length| {
            self.wall_us()
                .saturating_add(i64::try_from(length.as_micros()).unwrap_or(i64::MAX))
        });
        let text = format!("{} {id} began", plan.name());
        match &plan {
            Plan::Servo { us } => {
                let duty = f64::from(*us) * SERVO_HZ / 1_000_000.0;
                self.put_duty(index, duty, SERVO_HZ, by)?;
            }
            Plan::Follow { source, invert } => {
                let (source, invert) = (*source, *invert);
                self.watch_index(source)?;
                let level = self.level_of(source)?;
                self.end_pwm(index);
                self.put(index, level != invert, by)?;
            }
            Plan::Blink { .. } | Plan::Pulse { .. } => self.end_pwm(index),
            Plan::Timed { .. } | Plan::Fade { .. } => {}
        }
        self.lines[index].action = Some(Running {
            id,
            next: plan.at(std::time::Duration::ZERO).map(|_| now),
            plan,
            started: now,
            until_us,
        });
        let seq = self.tell(Some(index), Kind::Action, Said::Text(text.into()), by);
        self.mark(index, seq, by);
        if self.lines[index]
            .action
            .as_ref()
            .is_some_and(|action| action.next.is_some())
        {
            self.step(index);
        }
        self.timer.notify_one();
        Ok(())
    }

    fn level_of(&mut self, index: usize) -> Result<bool, Error> {
        self.take(index).map_err(|source| self.failed(index, source))?;
        if self.is_output(index) {
            return Ok(self.lines[index].level);
        }
        let place = self.lines[index].place;
        let level = self
            .backend
            .read(place)
            .map_err(|source| self.failed(index, source))?;
        self.lines[index].level = level;
        Ok(level)
    }

    /// The step that is due.
    pub(super) fn step(&mut self, index: usize) {
        let now = self.now();
        let Some(action) = &self.lines[index].action else {
            return;
        };
        let by: Arc<str> = format!("action:{}", action.id).into();
        let Some(step) = action.plan.at(now.saturating_sub(action.started)) else {
            return;
        };
        let next = step.next.map(|next| action.started + next);
        let outcome = match step.wanted {
            Wanted::Level(level) if level == self.lines[index].level && self.lines[index].pwm.is_none() => {
                Ok(())
            }
            Wanted::Level(level) => self.gated(index, level, &by),
            Wanted::Duty(duty) => self.fade_to(index, duty, next.is_none(), &by),
        };
        match outcome {
            Ok(()) => {
                if let Some(action) = &mut self.lines[index].action {
                    action.next = next;
                }
                if next.is_none() {
                    self.cancel(index, &by);
                }
            }
            Err(error) => {
                let line = self.lines[index].name.clone().unwrap_or_default();
                tracing::warn!(line, %error, "an action cannot go on");
                self.cancel(index, &by);
            }
        }
    }

    fn gated(&mut self, index: usize, level: bool, by: &Arc<str>) -> Result<(), Error> {
        if level {
            self.may_go_on(index, &[])?;
        }
        self.put(index, level, by)
    }

    fn fade_to(&mut self, index: usize, duty: f64, last: bool, by: &Arc<str>) -> Result<(), Error> {
        let freq = self.lines[index]
            .pwm
            .map_or_else(|| self.usual_frequency(index), |pwm| pwm.freq_hz);
        // At its ends a light needs no PWM.
        if last && duty <= 0.0 {
            self.end_pwm(index);
            return self.put(index, false, by);
        }
        if last && duty >= 1.0 && self.lines[index].hardware.is_none() {
            self.end_pwm(index);
            return self.gated(index, true, by);
        }
        if duty > 0.0 && !self.lines[index].level {
            self.may_go_on(index, &[])?;
        }
        self.put_duty(index, duty, freq, by)
    }

    /// A line changed: those that follow it do, too.
    pub(super) fn passed_on(&mut self, source: usize, level: bool) {
        for index in 0..self.lines.len() {
            let follows = match self.lines[index]
                .action
                .as_ref()
                .map(|action| (&action.plan, action.id))
            {
                Some((Plan::Follow { source: of, invert }, id)) if *of == source => Some((*invert, id)),
                _ => None,
            };
            let Some((invert, id)) = follows else { continue };
            let by: Arc<str> = format!("action:{id}").into();
            if let Err(error) = self.gated(index, level != invert, &by) {
                let line = self.lines[index].name.clone().unwrap_or_default();
                tracing::warn!(line, %error, "it cannot follow now");
            }
        }
    }

    /// Gives the source's edges back.
    pub(super) fn unfollow(&mut self, action: &Running) {
        if let Plan::Follow { source, .. } = &action.plan {
            self.unwatch_index(*source);
        }
    }

    /// True if a servo on this line is driven by software.
    pub(crate) fn jitters(&self, place: Place) -> bool {
        self.by_place
            .get(&place)
            .and_then(|index| self.lines[*index].pwm)
            .is_some_and(|pwm| pwm.backend == PwmSource::Soft)
    }
}

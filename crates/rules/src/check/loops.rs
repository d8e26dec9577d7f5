//! Rules that set each other off.
//!
//! Only what is certain counts: starting a program makes it STARTING and RUNNING, stopping it STOPPING and STOPPED,
//! driving a line is an edge of it, `set = "fire"` fires. That a program started by a rule may crash again is not an
//! error here: such chains are cut when they happen.

use super::{Finding, Known};
use crate::config::{Action, LineRef, Rule, RuleState, Subject};
use crate::decide::{names, targets};
use crate::glob::fits;

pub(super) fn check(known: &Known<'_>, all: &mut Vec<Finding>) {
    let names: Vec<&String> = known.rules.keys().collect();
    let leads: Vec<Vec<usize>> = known
        .rules
        .values()
        .map(|from| {
            known
                .rules
                .iter()
                .enumerate()
                .filter(|(_, (name, to))| to.enabled && from.enabled && leads_to(from, name, to, known))
                .map(|(index, _)| index)
                .collect()
        })
        .collect();
    let mut told = vec![false; names.len()];
    for start in 0..names.len() {
        if told[start] {
            continue;
        }
        let Some(cycle) = cycle_from(start, &leads) else {
            continue;
        };
        for member in &cycle {
            told[*member] = true;
        }
        let mut words: Vec<&str> = cycle.iter().map(|index| names[*index].as_str()).collect();
        words.push(names[start]);
        all.push(Finding {
            path: vec!["rule".into(), names[start].clone(), "then".into()],
            message: format!("rules set each other off without an end: {}", words.join(" -> ")),
            help: Some(
                "narrow one `when` (to_state, from_state), or remove the action that closes the circle"
                    .to_owned(),
            ),
        });
    }
}

/// The shortest way from a rule back to itself.
fn cycle_from(start: usize, leads: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut came_from: Vec<Option<usize>> = vec![None; leads.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in &leads[at] {
            if *next == start {
                let mut way = vec![at];
                let mut back = at;
                while let Some(before) = came_from[back].filter(|_| back != start) {
                    way.push(before);
                    back = before;
                }
                way.reverse();
                return Some(way);
            }
            if came_from[*next].is_none() {
                came_from[*next] = Some(at);
                queue.push_back(*next);
            }
        }
    }
    None
}

fn leads_to(from: &Rule, name: &str, to: &Rule, known: &Known<'_>) -> bool {
    from.then.iter().any(|action| match action {
        Action::Rule(set) => set.set == RuleState::Fire && set.name == name,
        Action::Start(target) => reaches(target, &["STARTING", "RUNNING"], from, to, known),
        Action::Stop(target) => reaches(target, &["STOPPING", "STOPPED"], from, to, known),
        Action::Restart(target) => reaches(
            target,
            &["STOPPING", "STOPPED", "STARTING", "RUNNING"],
            from,
            to,
            known,
        ),
        Action::Gpio(gpio) => {
            to.when.subject() == Subject::Gpio && same_line(&gpio.line, to.when.gpio.as_ref(), known)
        }
        _ => false,
    }) && !targets_elsewhere(from)
}

/// An action whose target is a text with placeholders may be about anything: it is not certain.
fn targets_elsewhere(rule: &Rule) -> bool {
    let mut all = rule.then.iter().flat_map(targets).peekable();
    all.peek().is_some()
        && all.all(|target| target.contains('{') && target != "{process}" && target != "{group}:{process}")
}

/// True if one of these states of the target is what `to` waits for.
fn reaches(target: &str, states: &[&str], from: &Rule, to: &Rule, known: &Known<'_>) -> bool {
    if to.when.subject() != Subject::Event || to.when.expected.is_some() {
        return false;
    }
    let (glob, expected) = to.when.event_glob();
    let state_fits = states.iter().any(|state| {
        fits(glob, &format!("PROCESS_STATE_{state}"))
            && to
                .when
                .to_state
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(state))
    });
    if !state_fits || expected.is_some() || to.when.from_state.is_some() {
        return false;
    }
    let own = target == "{process}" || target == "{group}:{process}";
    known
        .programs
        .iter()
        .filter_map(|name| name.split_once(':'))
        .any(|(group, process)| {
            let touched = if own {
                from.when.subject() == Subject::Event && is_about(from, group, process)
            } else {
                names(target, group, process)
            };
            touched && is_about(to, group, process)
        })
}

fn is_about(rule: &Rule, group: &str, process: &str) -> bool {
    let full = format!("{group}:{process}");
    rule.when
        .process()
        .is_none_or(|wanted| fits(wanted, process) || fits(wanted, &full))
        && rule.when.group.as_ref().is_none_or(|wanted| fits(wanted, group))
}

fn same_line(a: &LineRef, b: Option<&LineRef>, known: &Known<'_>) -> bool {
    let number = |line: &LineRef| match line {
        LineRef::Pin(pin) => Some(*pin),
        LineRef::Name(name) => known
            .lines
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, bcm)| *bcm),
    };
    b.is_some_and(|b| a == b || number(a).is_some() && number(a) == number(b))
}

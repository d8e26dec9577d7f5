//! What is wrong with rules, found when the configuration is read: everything at once, each with its place and what to
//! write instead.

mod loops;
mod policy;
mod then;
mod when;

use indexmap::IndexMap;
use pistack_kit::config::suggest;

use crate::config::{Channel, Config, Rule};

pub use when::{EVENTS, METRICS};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Keys from the top: `["rule", "camera-down", "then"]`.
    pub path: Vec<String>,
    /// What.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// What the rules may name.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// `[rules]`.
    pub config: &'a Config,
    /// `[rule.NAME]`.
    pub rules: &'a IndexMap<String, Rule>,
    /// `[channel.NAME]`.
    pub channels: &'a IndexMap<String, Channel>,
    /// All processes, as `name` and as `group:name`.
    pub programs: &'a [String],
    /// `[line.NAME]` with their BCM numbers.
    pub lines: &'a [(String, u32)],
    /// `[sensor.NAME]`.
    pub sensors: &'a [String],
}

/// Findings about one rule.
struct Findings<'a> {
    rule: &'a str,
    all: &'a mut Vec<Finding>,
}

impl Findings<'_> {
    /// Something is wrong at these keys below the rule.
    fn add(&mut self, keys: &[&str], message: impl AsRef<str>, help: impl Into<Option<String>>) {
        let mut path = vec!["rule".to_owned(), self.rule.to_owned()];
        path.extend(keys.iter().map(|key| (*key).to_owned()));
        self.all.push(Finding {
            path,
            message: format!("rule `{}`: {}", self.rule, message.as_ref()),
            help: help.into(),
        });
    }
}

/// Looks at every rule.
pub fn check(known: &Known<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    for (name, rule) in known.rules {
        let mut findings = Findings {
            rule: name,
            all: &mut all,
        };
        when::check(rule, known, &mut findings);
        then::check(rule, known, &mut findings);
        policy::check(name, rule, known, &mut findings);
    }
    check_dependencies(known, &mut all);
    check_disabled(known, &mut all);
    loops::check(known, &mut all);
    all.extend(crate::channel::check::check(known.channels));
    all
}

fn check_dependencies(known: &Known<'_>, all: &mut Vec<Finding>) {
    for (program, needed) in &known.config.depends_on {
        for name in std::iter::once(program).chain(needed) {
            if known.programs.contains(name) {
                continue;
            }
            all.push(Finding {
                path: vec!["rules".into(), "depends_on".into(), program.clone()],
                message: format!("[rules] depends_on: there is no program `{name}`"),
                help: did_you_mean(name, known.programs.iter().map(String::as_str)),
            });
        }
    }
}

fn check_disabled(known: &Known<'_>, all: &mut Vec<Finding>) {
    let unknown = known
        .config
        .disabled
        .iter()
        .filter(|name| !known.rules.contains_key(*name));
    all.extend(unknown.map(|name| {
        Finding {
            path: vec!["rules".into(), "disabled".into()],
            message: format!("[rules] disabled: there is no rule `{name}`"),
            help: did_you_mean(name, known.rules.keys().map(String::as_str))
                .or_else(|| Some("remove it from the list".to_owned())),
        }
    }));
}

/// `` did you mean `x`? `` if something is near enough.
fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    suggest(word, known).map(|near| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests;

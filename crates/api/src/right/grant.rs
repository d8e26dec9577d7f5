//! `area:object:action` with `*` for any: a grant as text and its meaning.

use std::fmt;
use std::str::FromStr;

use super::{ALL, Object, RightInfo};
use crate::token::Level;

/// Longest grant, in characters.
const MAX_LENGTH: usize = 160;

/// A pattern of rights. An object may end in `*` (`cams:*`); area and action are whole words or `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grant<'a> {
    area: &'a str,
    object: &'a str,
    action: &'a str,
}

/// The text grants nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadGrant {
    /// Not of the form.
    #[error(
        "`{0}` is no right; write AREA:OBJECT:ACTION, for example gpio:relay1:write, process:*:read or info:*"
    )]
    Form(String),
    /// There is no such area.
    #[error("`{0}` is no area of rights; the areas are {areas}", areas = areas().join(", "))]
    Area(String),
    /// The area knows no such action.
    #[error("`{area}` has no action `{action}`; it has {known}", known = actions(area).join(", "))]
    Action {
        /// The area.
        area: String,
        /// What was written.
        action: String,
    },
}

fn areas() -> Vec<&'static str> {
    let mut areas: Vec<_> = ALL.iter().map(|right| right.area).collect();
    areas.dedup();
    areas
}

fn actions(area: &str) -> Vec<&'static str> {
    let fits = |right: &&RightInfo| area == "*" || right.area == area;
    let mut actions: Vec<_> = ALL.iter().filter(fits).map(|right| right.action).collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

impl<'a> Grant<'a> {
    /// Reads a grant's form, whether or not its area and action exist.
    fn split(text: &'a str) -> Option<Self> {
        let any = "*";
        let grant = if text == any {
            Self {
                area: any,
                object: any,
                action: any,
            }
        } else if let Some(area) = text.strip_suffix(":*").filter(|area| !area.contains(':')) {
            Self {
                area,
                object: any,
                action: any,
            }
        } else {
            let (area, rest) = text.split_once(':')?;
            let (object, action) = rest.rsplit_once(':')?;
            Self { area, object, action }
        };
        let whole = |word: &str| !word.is_empty() && (word == any || !word.contains('*'));
        let stem = grant.object.strip_suffix('*').unwrap_or(grant.object);
        let fits = text.chars().count() <= MAX_LENGTH
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
            && whole(grant.area)
            && whole(grant.action)
            && !grant.object.is_empty()
            && !stem.contains('*');
        fits.then_some(grant)
    }

    /// Reads a grant and checks that its area and action exist.
    pub fn parse(text: &'a str) -> Result<Self, BadGrant> {
        let shown = || {
            text.chars()
                .take(MAX_LENGTH)
                .filter(|c| !c.is_control())
                .collect()
        };
        let grant = Self::split(text).ok_or_else(|| BadGrant::Form(shown()))?;
        if grant.area != "*" && !areas().contains(&grant.area) {
            return Err(BadGrant::Area(grant.area.to_owned()));
        }
        if grant.action != "*" && !actions(grant.area).contains(&grant.action) {
            return Err(BadGrant::Action {
                area: grant.area.to_owned(),
                action: grant.action.to_owned(),
            });
        }
        Ok(grant)
    }

    /// True if it gives `right` to `object`.
    pub fn covers(&self, right: RightInfo, object: Object<'_>) -> bool {
        let is = |pattern: &str, word: &str| pattern == "*" || pattern == word;
        let object_fits = match object {
            Object::Some => true,
            Object::Every => self.object == "*",
            Object::Named(name) => match self.object.strip_suffix('*') {
                Some(stem) => name.starts_with(stem),
                None => self.object == name,
            },
        };
        is(self.area, right.area) && is(self.action, right.action) && object_fits
    }

    /// The rights that both give, as text; `None` when there are none. `*` meets everything.
    pub fn meet(&self, other: &Self) -> Option<String> {
        let word = |one: &'a str, two: &'a str| match (one, two) {
            ("*", word) | (word, "*") => Some(word),
            (one, two) => (one == two).then_some(one),
        };
        // Of two patterns one of which begins like the other, the longer one is narrower.
        let fits = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
            Some(stem) => text.strip_suffix('*').unwrap_or(text).starts_with(stem),
            None => pattern == text,
        };
        let object = if fits(self.object, other.object) {
            other.object
        } else if fits(other.object, self.object) {
            self.object
        } else {
            return None;
        };
        let (area, action) = (word(self.area, other.area)?, word(self.action, other.action)?);
        Some(format!("{area}:{object}:{action}"))
    }

    /// The level that has everything it gives without a grant: who is below it may not hand it out.
    pub fn level(&self) -> Level {
        ALL.iter()
            .filter(|right| self.covers(**right, Object::Some))
            .map(|right| right.level)
            .max()
            .unwrap_or(Level::Root)
    }

    /// Its area, `*` for any.
    pub fn area(&self) -> &'a str {
        self.area
    }
}

impl fmt::Display for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.area, self.object, self.action)
    }
}

/// The grants of a list as tokens carry it, separated by spaces. What is none gives nothing.
pub fn grants_of(list: &str) -> impl Iterator<Item = Grant<'_>> {
    list.split_ascii_whitespace().filter_map(Grant::split)
}

/// The owned form of a checked grant, in its long spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantText(pub String);

impl FromStr for GrantText {
    type Err = BadGrant;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Grant::parse(text).map(|grant| Self(grant.to_string()))
    }
}

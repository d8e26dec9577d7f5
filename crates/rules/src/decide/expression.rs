//! `unless`: small conditions over the event's fields, the other rules and the dependencies.
//!
//! ```text
//! depends_on.down                 a program that the event's program depends on is down
//! rule.night                      the rule `night` is active
//! tries < 3                       comparison of numbers: < <= > >= == !=
//! process == 'cam'                comparison of texts: == != and ~ (contains)
//! not rule.night and tries < 3    `not` binds strongest, then `and`, then `or`
//! ```

use pistack_api::event::Event;

use crate::text::field;

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A dependency is down.
    DependencyDown,
    /// A rule is active.
    RuleActive(String),
    /// A field compared with a text or a number.
    Compare {
        /// Name of the field.
        field: String,
        /// How.
        operator: Operator,
        /// With what.
        value: String,
    },
    /// None of it.
    Not(Box<Expression>),
    /// All of them.
    And(Vec<Expression>),
    /// Any of them.
    Or(Vec<Expression>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `~`
    Contains,
}

/// What a condition may ask beside the event.
pub trait Surroundings {
    /// True if a program that the event's program depends on is down.
    fn dependency_down(&self, event: &Event) -> bool;
    /// True if the rule is active.
    fn rule_active(&self, name: &str) -> bool;
}

/// Longest condition, in characters; nesting is bounded by it.
const LONGEST: usize = 500;

impl Expression {
    /// Reads a condition. The error says what is wrong, in words for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("a condition may have {LONGEST} characters at most"));
        }
        let alternatives = split(text, "or")?
            .into_iter()
            .map(|part| {
                let all = split(&part, "and")?
                    .iter()
                    .map(|term| Self::term(term))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(one_or(all, Self::And))
            })
            .collect::<Result<Vec<_>, String>>()?;
        Ok(one_or(alternatives, Self::Or))
    }

    fn term(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("not ") {
            return Ok(Self::Not(Box::new(Self::term(rest)?)));
        }
        if text == "depends_on.down" {
            return Ok(Self::DependencyDown);
        }
        if let Some(name) = text.strip_prefix("rule.") {
            let name = name.strip_suffix(".active").unwrap_or(name);
            if !name.is_empty() && !name.contains([' ', '=', '<', '>', '~']) {
                return Ok(Self::RuleActive(name.to_owned()));
            }
        }
        const OPERATORS: [(&str, Operator); 7] = [
            ("==", Operator::Equal),
            ("!=", Operator::Unequal),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("<", Operator::Below),
            (">", Operator::Above),
            ("~", Operator::Contains),
        ];
        let found = OPERATORS
            .into_iter()
            .filter_map(|(sign, operator)| Some((text.find(sign)?, sign, operator)))
            .min_by_key(|(at, sign, _)| (*at, 2 - sign.len()));
        let Some((at, sign, operator)) = found else {
            return Err(format!(
                "`{text}` is no condition; write \"depends_on.down\", \"rule.NAME\", \"tries < 3\" or \"process == 'cam'\""
            ));
        };
        let (name, value) = (text[..at].trim(), unquoted(text[at + sign.len()..].trim()));
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!("`{name}` is no field of an event"));
        }
        let ordered = !matches!(operator, Operator::Equal | Operator::Unequal | Operator::Contains);
        if ordered && value.parse::<f64>().is_err() {
            return Err(format!("`{sign}` compares numbers, and `{value}` is none"));
        }
        Ok(Self::Compare {
            field: name.to_owned(),
            operator,
            value: value.to_owned(),
        })
    }

    /// True if it holds for this event.
    pub fn holds(&self, event: &Event, around: &impl Surroundings) -> bool {
        match self {
            Self::DependencyDown => around.dependency_down(event),
            Self::RuleActive(name) => around.rule_active(name),
            Self::Not(inner) => !inner.holds(event, around),
            Self::And(all) => all.iter().all(|one| one.holds(event, around)),
            Self::Or(any) => any.iter().any(|one| one.holds(event, around)),
            Self::Compare {
                field: name,
                operator,
                value,
            } => field(name, event).is_some_and(|found| compare(&found, *operator, value)),
        }
    }

    /// The rules that it asks for.
    pub fn rules(&self) -> Vec<&str> {
        match self {
            Self::RuleActive(name) => vec![name],
            Self::Not(inner) => inner.rules(),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::rules).collect(),
            Self::DependencyDown | Self::Compare { .. } => Vec::new(),
        }
    }
}

fn one_or(mut parts: Vec<Expression>, several: impl FnOnce(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            several(parts)
        }
        None => several(parts),
    }
}

fn compare(found: &str, operator: Operator, value: &str) -> bool {
    let numbers = found.parse::<f64>().ok().zip(value.parse::<f64>().ok());
    match (operator, numbers) {
        (Operator::Equal, _) => found == value,
        (Operator::Unequal, _) => found != value,
        (Operator::Contains, _) => found.contains(value),
        (Operator::Below, Some((a, b))) => a < b,
        (Operator::AtMost, Some((a, b))) => a <= b,
        (Operator::Above, Some((a, b))) => a > b,
        (Operator::AtLeast, Some((a, b))) => a >= b,
        (_, None) => false,
    }
}

fn unquoted(text: &str) -> &str {
    ['\'', '"']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

/// Splits at a word that stands alone, outside quotes.
fn split(text: &str, word: &str) -> Result<Vec<String>, String> {
    let mut parts: Vec<Vec<&str>> = vec![Vec::new()];
    let mut quote: Option<char> = None;
    for piece in text.split(' ') {
        if quote.is_none() && piece == word {
            parts.push(Vec::new());
            continue;
        }
        for letter in piece.chars().filter(|letter| matches!(letter, '\'' | '"')) {
            match quote {
                None => quote = Some(letter),
                Some(open) if open == letter => quote = None,
                Some(_) => {}
            }
        }
        parts.last_mut().into_iter().for_each(|part| part.push(piece));
    }
    if quote.is_some() {
        return Err(format!("`{text}`: a quote is opened and not closed"));
    }
    let parts: Vec<String> = parts
        .into_iter()
        .map(|part| part.join(" ").trim().to_owned())
        .collect();
    if parts.iter().any(String::is_empty) {
        return Err(format!("`{text}`: something is missing beside `{word}`"));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;
    impl Surroundings for Nothing {
        fn dependency_down(&self, _: &Event) -> bool {
            true
        }
        fn rule_active(&self, name: &str) -> bool {
            name == "night"
        }
    }

    #[test]
    fn conditions() {
        let (fields, data) = Event::split_payload("processname:cam groupname:cam tries:4 note:a");
        let event = Event {
            serial: 1,
            name: "PROCESS_STATE_BACKOFF".into(),
            at: 0,
            fields,
            data,
        };
        for (text, wanted) in [
            ("depends_on.down", true),
            ("rule.night", true),
            ("rule.night.active", true),
            ("rule.day", false),
            ("not rule.day", true),
            ("tries < 3", false),
            ("tries >= 4", true),
            ("tries<=4", true),
            ("process == 'cam'", true),
            ("process != \"cam\"", false),
            ("process ~ 'a'", true),
            ("note == 'x or y'", false),
            ("tries > 9 or not rule.day and process == cam", true),
            ("tries > 9 or rule.day and process == cam", false),
            ("missing == ''", false),
        ] {
            assert_eq!(
                Expression::parse(text).unwrap().holds(&event, &Nothing),
                wanted,
                "{text}"
            );
        }
        for wrong in [
            "",
            "cam",
            "tries < many",
            "a b == 1",
            "x == 'y",
            "rule.",
            "and x == 1",
            "== 3",
        ] {
            assert!(Expression::parse(wrong).is_err(), "{wrong}");
        }
    }
}

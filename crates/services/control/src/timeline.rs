//! One time line of what happened: programs, rules, logins, edges of lines, configuration, clock and power, from the
//! services that remember it. A service that is down leaves a note, and the rest stands.

mod item;

use std::fmt::Write as _;

use pistack_api::right::{ReadAudit, ReadEvents, ReadLine, ReadRule, Right as _};
use serde_json::json;

use crate::error::Failure;
use crate::identity::Person;
use crate::logs::query::{encode, pairs};
use crate::state::Dashboard;
use crate::upstream::rules::Rules;
use crate::upstream::{account, edges};

pub(crate) use item::{Item, Kind};

/// Entries of each source that are looked at for a page, and for an export.
const PAGE: usize = 400;
const EXPORT: usize = 5000;
/// Auth tells so many at once.
const MOST_AUDIT: usize = 1000;
/// And the log of the rules.
const MOST_FIRINGS: usize = 500;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Query {
    /// Only these; all if empty.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) search: String,
    /// As the fields hold them.
    pub(crate) from: String,
    pub(crate) to: String,
    /// Only what happened until this time, in seconds since 1970: for the page of older ones.
    pub(crate) until: Option<i64>,
}

impl Query {
    /// Reads a query; what makes no sense is left out.
    pub(crate) fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in pairs(query) {
            match name.as_str() {
                "k" => read.kinds.extend(Kind::of(&value)),
                "q" => read.search = value.chars().take(200).collect(),
                "from" => read.from = value,
                "to" => read.to = value,
                "until" => read.until = value.parse().ok(),
                _ => {}
            }
        }
        read.kinds.dedup();
        read
    }

    /// The address of the same choice.
    pub(crate) fn plain(&self) -> String {
        let mut parts: Vec<String> = self
            .kinds
            .iter()
            .map(|kind| format!("k={}", kind.code()))
            .collect();
        for (name, value) in [("q", &self.search), ("from", &self.from), ("to", &self.to)] {
            if !value.is_empty() {
                parts.push(format!("{name}={}", encode(value)));
            }
        }
        parts.join("&")
    }

    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    fn wants(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.has(kind)
    }

    /// In seconds since 1970.
    fn range(&self) -> (Option<i64>, Option<i64>) {
        let read = |text: &str| crate::logs::stamp::of_field(text).map(|at| at.div_euclid(1000));
        let to = read(&self.to).map(|at| if self.to.trim().len() == 16 { at + 59 } else { at });
        let to = match (to, self.until) {
            (Some(to), Some(until)) => Some(to.min(until)),
            (to, until) => to.or(until),
        };
        (read(&self.from), to)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    /// Newest first.
    pub(crate) items: Vec<Item>,
    /// Why something is missing.
    pub(crate) missing: Vec<String>,
    /// There may be more before the last one.
    pub(crate) more: bool,
}

/// Asks all that remember, at the same time.
pub(crate) async fn collect(
    dashboard: &Dashboard,
    person: &Person,
    query: &Query,
    export: bool,
) -> Result<Timeline, Failure> {
    let t = person.visit.t;
    let most = if export { EXPORT } else { PAGE };
    let (happened, fired, audited, edges) = tokio::join!(
        happened(dashboard, person, query, most),
        fired(dashboard, person, query, most),
        audited(dashboard, person, query, most),
        changed(dashboard, person, query),
    );
    let mut timeline = Timeline::default();
    for (part, name) in [
        (happened, t.events_of_programs),
        (fired, t.events_of_rules),
        (audited, t.events_of_logins),
        (edges, t.events_of_lines),
    ] {
        match part {
            Ok(items) => {
                timeline.more |= items.len() >= most.min(MOST_FIRINGS);
                timeline.items.extend(items);
            }
            Err(Failure::SignIn) => return Err(Failure::SignIn),
            // What the person may not see is not missing.
            Err(Failure::Forbidden) => {}
            Err(failure) => {
                let said = t.events_missing(name, &failure.words(t).1);
                timeline.missing.push(said);
            }
        }
    }
    let (from, to) = query.range();
    let needle = query.search.to_lowercase();
    timeline.items.retain(|item| {
        query.wants(item.kind)
            && from.is_none_or(|from| item.at >= from)
            && to.is_none_or(|to| item.at <= to)
            && (needle.is_empty() || item.holds(&needle))
    });
    timeline.items.sort_by_key(|item| std::cmp::Reverse(item.at));
    if timeline.items.len() > most {
        timeline.items.truncate(most);
        timeline.more = true;
    }
    Ok(timeline)
}

async fn happened(
    dashboard: &Dashboard,
    person: &Person,
    query: &Query,
    most: usize,
) -> Result<Vec<Item>, Failure> {
    let kinds = [
        Kind::Program,
        Kind::Gpio,
        Kind::Config,
        Kind::Clock,
        Kind::Power,
        Kind::Stack,
        Kind::Login,
    ];
    if !person.may(ReadEvents::INFO) || !kinds.into_iter().any(|kind| query.wants(kind)) {
        return Ok(Vec::new());
    }
    let rules = Rules {
        dashboard,
        token: &person.token,
    };
    let (from, to) = query.range();
    let entries = rules.events("", from, to, most).await?;
    Ok(entries
        .iter()
        .filter_map(|entry| Item::happened(entry, person.visit.t))
        .collect())
}

async fn fired(
    dashboard: &Dashboard,
    person: &Person,
    query: &Query,
    most: usize,
) -> Result<Vec<Item>, Failure> {
    if !person.may(ReadRule::INFO) || !query.wants(Kind::Rule) {
        return Ok(Vec::new());
    }
    let rules = Rules {
        dashboard,
        token: &person.token,
    };
    let firings = rules.log(None, most.min(MOST_FIRINGS)).await?;
    Ok(firings
        .iter()
        .map(|firing| Item::fired(firing, person.visit.t))
        .collect())
}

async fn audited(
    dashboard: &Dashboard,
    person: &Person,
    query: &Query,
    most: usize,
) -> Result<Vec<Item>, Failure> {
    if !person.may(ReadAudit::INFO) || !query.wants(Kind::Login) {
        return Ok(Vec::new());
    }
    let entries = account::audit(dashboard, &person.token, "", None, most.min(MOST_AUDIT)).await?;
    Ok(entries
        .iter()
        .map(|entry| Item::audited(entry, person.visit.t))
        .collect())
}

async fn changed(dashboard: &Dashboard, person: &Person, query: &Query) -> Result<Vec<Item>, Failure> {
    if !person.may(ReadLine::INFO) || !query.wants(Kind::Gpio) {
        return Ok(Vec::new());
    }
    let edges = edges::remembered(dashboard, &person.token).await?;
    Ok(edges
        .iter()
        .filter_map(|edge| Item::changed(edge, person.visit.t))
        .collect())
}

/// RFC 3339 in UTC.
fn written(at: i64) -> String {
    crate::moment::Moment::at(at, crate::words::Lang::English).iso
}

/// As comma-separated values (RFC 4180). A cell that a spreadsheet would take for a formula is quoted as text.
pub(crate) fn csv(items: &[Item]) -> String {
    let cell = |text: &str| {
        let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let text = if risky {
            format!("'{text}")
        } else {
            text.to_owned()
        };
        format!("\"{}\"", text.replace('"', "\"\""))
    };
    let mut csv = String::from("time,kind,subject,text,by\r\n");
    for item in items {
        let _ = write!(
            csv,
            "{},{},{},{},{}\r\n",
            written(item.at),
            item.kind.code(),
            cell(&item.subject),
            cell(&item.text),
            cell(&item.by)
        );
    }
    csv
}

/// As JSON.
pub(crate) fn json(items: &[Item]) -> String {
    let events: Vec<_> = items
        .iter()
        .map(|item| {
            json!({ "at": item.at, "time": written(item.at), "kind": item.kind.code(), "subject": item.subject,
                "text": item.text, "by": item.by })
        })
        .collect();
    json!({ "schema_version": 1, "events": events }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_was_made_of() {
        let query = Query::read(
            "k=program&k=rule&k=nonsense&q=camera+x&from=2023-11-14T22%3A13&to=2023-11-14T22:14&until=1700000000",
        );
        assert_eq!(query.kinds, [Kind::Program, Kind::Rule]);
        assert_eq!(
            Query {
                until: query.until,
                ..Query::read(&query.plain())
            },
            query
        );
        assert_eq!(query.range(), (Some(1_699_999_980), Some(1_700_000_000)));
        assert!(query.wants(Kind::Rule) && !query.wants(Kind::Gpio) && Query::default().wants(Kind::Gpio));
    }

    #[test]
    fn cells_are_no_formulas() {
        let item = Item {
            at: 1_700_000_000,
            kind: Kind::Program,
            icon: "zap",
            class: "",
            subject: "=cmd|x".into(),
            text: "said \"hi\", twice".into(),
            by: String::new(),
            link: None,
        };
        let csv = csv(std::slice::from_ref(&item));
        assert_eq!(
            csv.lines().nth(1).unwrap(),
            "2023-11-14T22:13:20Z,program,\"'=cmd|x\",\"said \"\"hi\"\", twice\",\"\""
        );
        assert!(json(&[item]).contains("\"kind\":\"program\""));
    }
}

//! Which programs the home page shows: by words, by state, by group. In the address, so that it works without
//! scripts and can be kept.

use pistack_api::process::ProcessInfo;
use serde::Deserialize;

use super::{Look, Row};

/// A program changed lately if it began or ended within this many seconds.
const LATELY: i64 = 3600;

/// Which states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Show {
    #[default]
    All,
    /// Those that do not run although somebody would like them to, or that are stopped.
    Down,
    /// Those that began or ended within the last hour.
    Changed,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    pub(crate) show: Show,
    pub(crate) group: String,
    /// Words, all of which a row must have.
    pub(crate) q: String,
}

impl Filter {
    /// Whether a row is to be seen.
    pub(crate) fn takes(&self, info: &ProcessInfo, row: &Row) -> bool {
        let state = match self.show {
            Show::All => true,
            Show::Down => !is_up(&row.look),
            Show::Changed => info.now - info.start.max(info.stop) < LATELY,
        };
        let words = self.q.to_lowercase();
        state
            && (self.group.is_empty() || self.group == row.group)
            && words.split_whitespace().all(|word| row.find.contains(word))
    }

    /// For an address: empty, or `?` and what was chosen.
    pub(crate) fn query(&self) -> String {
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let parts = [
            ("show", self.show_code().to_owned()),
            ("group", encode(&self.group)),
            ("q", encode(&self.q)),
        ];
        let chosen: Vec<_> = parts
            .iter()
            .filter(|(_, value)| !value.is_empty() && value != "all")
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if chosen.is_empty() {
            String::new()
        } else {
            format!("?{}", chosen.join("&"))
        }
    }

    /// The chosen states as the address has them.
    pub(crate) const fn show_code(&self) -> &'static str {
        match self.show {
            Show::All => "all",
            Show::Down => "down",
            Show::Changed => "changed",
        }
    }
}

fn is_up(look: &Look) -> bool {
    matches!(look.class, "ok" | "busy")
}

#[cfg(test)]
mod tests {
    use pistack_api::token::Level;

    use super::*;
    use crate::process::tests::{info, person};
    use crate::words::Lang;

    #[test]
    fn rows_are_chosen_by_state_group_and_words() {
        let person = person(Level::Root, Lang::English);
        let takes = |filter: &Filter, state: i32| {
            let info = info("garden", "pump", state);
            filter.takes(&info, &Row::new(&info, &person, "/"))
        };
        let mut filter = Filter::default();
        assert!(takes(&filter, 20) && takes(&filter, 200));
        filter.show = Show::Down;
        assert!(!takes(&filter, 20) && takes(&filter, 200) && takes(&filter, 0));
        filter.show = Show::Changed;
        assert!(!takes(&filter, 20), "began two hours ago");
        filter = Filter {
            group: "garden".to_owned(),
            q: "PUMP run".to_owned(),
            ..Filter::default()
        };
        assert!(takes(&filter, 20) && !takes(&filter, 0));
        filter.group = "other".to_owned();
        assert!(!takes(&filter, 20));
        assert_eq!(filter.query(), "?group=other&q=PUMP%20run");
        assert_eq!(Filter::default().query(), "");
    }
}

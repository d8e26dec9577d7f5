//! Other people's accounts as pages: the list, one account, and the rights that can be granted.

use askama::Template;
use pistack_api::right::{self, LEVEL_ONLY};
use pistack_api::token::Level;

use crate::account::{SessionLine, TokenLine};
use crate::identity::Person;
use crate::inert;
use crate::upstream::people::Account;
use crate::visit::Visit;
use crate::words::Words;

/// A person's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PersonRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) level: Level,
    pub(crate) email: String,
    pub(crate) disabled: bool,
    pub(crate) must_change: bool,
    pub(crate) second_factor: bool,
    pub(crate) limited: bool,
    pub(crate) grants: usize,
    pub(crate) sessions: usize,
    /// The person who looks.
    pub(crate) is_self: bool,
    pub(crate) manageable: bool,
}

impl PersonRow {
    pub(crate) fn new(account: &Account, person: &Person) -> Self {
        Self {
            id: account.id.clone(),
            name: inert::line(&account.name),
            level: account.level,
            email: inert::line(account.email.as_deref().unwrap_or_default()),
            disabled: account.disabled,
            must_change: account.must_change_password,
            second_factor: account.second_factor,
            limited: account.limited,
            grants: account.grants.len(),
            sessions: account.sessions,
            is_self: account.id == person.claims.sub,
            manageable: account.manageable,
        }
    }
}

/// The list of accounts.
#[derive(Debug, Template)]
#[template(path = "access.html")]
pub(crate) struct AccessPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) told: Option<&'static str>,
    pub(crate) problem: Option<String>,
    pub(crate) people: Vec<PersonRow>,
    /// What was typed before, when it was refused.
    pub(crate) name: String,
    pub(crate) levels: Vec<Level>,
    pub(crate) sees_audit: bool,
}

/// One account.
#[derive(Debug, Template)]
#[template(path = "person.html")]
pub(crate) struct PersonPage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) told: Option<&'static str>,
    pub(crate) problem: Option<String>,
    pub(crate) row: PersonRow,
    pub(crate) levels: Vec<Level>,
    pub(crate) rights: Vec<RightBox>,
    pub(crate) lines: Vec<LineBox>,
    /// Grants that have no box, one a line.
    pub(crate) others: String,
    /// `None`: not for this person's eyes.
    pub(crate) sessions: Option<Vec<SessionLine>>,
    pub(crate) tokens: Vec<TokenLine>,
}

/// The question before an account goes.
#[derive(Debug, Template)]
#[template(path = "person_remove.html")]
pub(crate) struct RemovePage<'a> {
    pub(crate) v: &'a Visit,
    pub(crate) row: PersonRow,
}

/// A right to a whole area, to tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RightBox {
    pub(crate) grant: String,
    pub(crate) text: &'static str,
    pub(crate) ticked: bool,
    /// The person's level gives it already.
    pub(crate) by_level: bool,
}

/// Rights to one line, to tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineBox {
    pub(crate) name: String,
    pub(crate) read: RightBox,
    pub(crate) write: RightBox,
}

/// Levels that the person may give: none above the own.
pub(crate) fn levels(person: &Person) -> Vec<Level> {
    [Level::User, Level::Admin, Level::Root]
        .into_iter()
        .filter(|level| *level <= person.claims.lvl)
        .collect()
}

/// A box for every right that can be granted and that is not above the level of whoever grants.
pub(crate) fn right_boxes(account: &Account, grantor: Level, t: &Words) -> Vec<RightBox> {
    right::ALL
        .iter()
        .filter(|right| !LEVEL_ONLY.contains(&right.area) && right.level <= grantor)
        .filter_map(|right| {
            let grant = right.text("*");
            Some(RightBox {
                text: right_text(right.area, right.action, t)?,
                ticked: account.grants.contains(&grant),
                by_level: account.level >= right.level && !account.limited,
                grant,
            })
        })
        .collect()
}

/// Boxes for reading and driving each line.
pub(crate) fn line_boxes(account: &Account, names: &[String], t: &Words) -> Vec<LineBox> {
    let one = |name: &str, action: &str, text| {
        let grant = format!("gpio:{name}:{action}");
        RightBox {
            text,
            ticked: account.grants.contains(&grant),
            by_level: !account.limited,
            grant,
        }
    };
    names
        .iter()
        // A name with a colon or a space would be another grant.
        .filter(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
        .map(|name| LineBox {
            name: name.clone(),
            read: one(name, "read", t.access_line_read),
            write: one(name, "write", t.access_line_write),
        })
        .collect()
}

/// Grants that none of the boxes stands for.
pub(crate) fn other_grants(account: &Account, rights: &[RightBox], lines: &[LineBox]) -> String {
    let boxed = |grant: &String| {
        rights.iter().any(|right| right.grant == *grant)
            || lines
                .iter()
                .any(|line| line.read.grant == *grant || line.write.grant == *grant)
    };
    let others: Vec<_> = account
        .grants
        .iter()
        .filter(|grant| !boxed(grant))
        .map(|grant| inert::line(grant))
        .collect();
    others.join("\n")
}

/// A right in words.
fn right_text(area: &str, action: &str, t: &Words) -> Option<&'static str> {
    Some(match (area, action) {
        ("process", "read") => t.right_process_read,
        ("process", "log") => t.right_process_log,
        ("process", "start") => t.right_process_start,
        ("process", "stop") => t.right_process_stop,
        ("process", "restart") => t.right_process_restart,
        ("process", "manage") => t.right_process_manage,
        ("event", "read") => t.right_event_read,
        ("gpio", "read") => t.right_gpio_read,
        ("gpio", "write") => t.right_gpio_write,
        ("gpio", "manage") => t.right_gpio_manage,
        ("info", "read") => t.right_info_read,
        ("info", "manage") => t.right_info_manage,
        ("email", "send") => t.right_email_send,
        ("email", "read") => t.right_email_read,
        ("email", "manage") => t.right_email_manage,
        ("rule", "read") => t.right_rule_read,
        ("rule", "run") => t.right_rule_run,
        ("rule", "manage") => t.right_rule_manage,
        ("channel", "read") => t.right_channel_read,
        ("channel", "send") => t.right_channel_send,
        ("channel", "manage") => t.right_channel_manage,
        ("gateway", "read") => t.right_gateway_read,
        ("gateway", "manage") => t.right_gateway_manage,
        ("app", "use") => t.right_app_use,
        ("audit", "read") => t.right_audit_read,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    fn account(level: Level, grants: &[&str], limited: bool) -> Account {
        Account {
            id: "1".into(),
            name: "anna".into(),
            level,
            email: None,
            disabled: false,
            must_change_password: false,
            second_factor: false,
            sessions: 0,
            grants: grants.iter().map(|&grant| grant.to_owned()).collect(),
            limited,
            manageable: true,
        }
    }

    #[test]
    fn every_grantable_right_has_words_in_every_language() {
        for lang in Lang::ALL {
            let boxes = right_boxes(&account(Level::User, &[], false), Level::Root, lang.words());
            let grantable = right::ALL
                .iter()
                .filter(|right| !LEVEL_ONLY.contains(&right.area))
                .count();
            assert_eq!(boxes.len(), grantable, "a right without words");
        }
    }

    #[test]
    fn nobody_is_offered_what_is_above_the_own_level() {
        let t = Lang::English.words();
        let boxes = right_boxes(&account(Level::User, &[], false), Level::Admin, t);
        assert!(boxes.iter().all(|right| right.grant != "process:*:start"));
        assert!(boxes.iter().any(|right| right.grant == "process:*:read"));
    }

    #[test]
    fn grants_without_a_box_are_kept_as_text() {
        let t = Lang::English.words();
        let account = account(
            Level::User,
            &["gpio:relay1:write", "process:camera:restart", "process:*:read"],
            false,
        );
        let rights = right_boxes(&account, Level::Root, t);
        let lines = line_boxes(&account, &["relay1".to_owned(), "a b:c".to_owned()], t);
        assert_eq!(lines.len(), 1, "a name that would be another grant has no box");
        assert!(lines[0].write.ticked && !lines[0].read.ticked);
        assert!(
            rights
                .iter()
                .any(|right| right.ticked && right.grant == "process:*:read")
        );
        assert_eq!(other_grants(&account, &rights, &lines), "process:camera:restart");
    }

    #[test]
    fn a_level_gives_nothing_to_somebody_limited() {
        let t = Lang::English.words();
        let gpio = |limited| {
            let account = account(Level::User, &[], limited);
            let boxes = right_boxes(&account, Level::Root, t);
            boxes
                .into_iter()
                .find(|right| right.grant == "gpio:*:read")
                .unwrap()
                .by_level
        };
        assert_eq!((gpio(false), gpio(true)), (true, false));
    }
}

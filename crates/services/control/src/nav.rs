//! The pages of the dashboard as the menu shows them: to each person those that it may open.

use pistack_api::right::{self, Object, Right as _, RightInfo};
use pistack_api::token::AccessClaims;

use crate::words::Words;

/// One page of the menu.
#[derive(Debug)]
pub(crate) struct Page {
    /// Below the base.
    pub(crate) path: &'static str,
    pub(crate) icon: &'static str,
    /// `g` and this key lead there.
    pub(crate) key: char,
    word: fn(&Words) -> &'static str,
    /// Any of these rights, to anything, opens the page; none opens it to everybody.
    rights: &'static [RightInfo],
}

impl Page {
    pub(crate) fn word(&self, t: &Words) -> &'static str {
        (self.word)(t)
    }

    fn is_open_to(&self, claims: &AccessClaims) -> bool {
        self.rights.is_empty()
            || self
                .rights
                .iter()
                .any(|right| claims.may(*right, Object::Some).is_ok())
    }
}

/// Every page, in the order of the menu.
pub(crate) static PAGES: &[Page] = &[
    page("/", "house", 'h', |t| t.nav_home, &[]),
    page(
        "/logs",
        "scroll-text",
        'l',
        |t| t.nav_logs,
        &[right::ReadProcessLog::INFO],
    ),
    page(
        "/events",
        "history",
        'e',
        |t| t.nav_events,
        &[right::ReadEvents::INFO],
    ),
    page(
        "/rules",
        "workflow",
        'r',
        |t| t.nav_rules,
        &[right::ReadRule::INFO],
    ),
    page(
        "/gpio",
        "circuit-board",
        'i',
        |t| t.nav_gpio,
        &[right::ReadLine::INFO],
    ),
    page(
        "/system",
        "gauge",
        's',
        |t| t.nav_system,
        &[right::ReadBoard::INFO],
    ),
    page(
        "/mail",
        "mail",
        'm',
        |t| t.nav_mail,
        &[right::ReadMail::INFO, right::SendMail::INFO],
    ),
    page(
        "/access",
        "users",
        'u',
        |t| t.nav_access,
        &[right::ReadUser::INFO],
    ),
    page("/settings", "settings", 'o', |t| t.nav_settings, &[]),
    page("/apis", "book-open", 'a', |t| t.nav_api, &[]),
    page("/account", "user", 'c', |t| t.nav_account, &[]),
    page(
        "/audit",
        "shield",
        't',
        |t| t.nav_audit,
        &[right::ReadAudit::INFO],
    ),
];

const fn page(
    path: &'static str,
    icon: &'static str,
    key: char,
    word: fn(&Words) -> &'static str,
    rights: &'static [RightInfo],
) -> Page {
    Page {
        path,
        icon,
        key,
        word,
        rights,
    }
}

/// The pages that somebody may open.
pub(crate) fn open_to(claims: &AccessClaims) -> Vec<&'static Page> {
    PAGES.iter().filter(|page| page.is_open_to(claims)).collect()
}

#[cfg(test)]
mod tests {
    use pistack_api::token::Level;

    use super::*;
    use crate::process::tests::person;
    use crate::words::Lang;

    #[test]
    fn the_menu_shows_what_a_person_may_open() {
        let paths = |level: Level, grants: Option<&str>| {
            let mut claims = person(level, Lang::English).claims;
            claims.grants = grants.map(str::to_owned);
            open_to(&claims).iter().map(|page| page.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(Level::Root, None).len(), PAGES.len());
        let admin = paths(Level::Admin, None);
        assert!(admin.contains(&"/logs") && admin.contains(&"/access") && !admin.contains(&"/audit"));
        let user = ["/", "/gpio", "/system", "/mail", "/settings", "/apis", "/account"];
        assert_eq!(paths(Level::User, None), user);
        assert!(paths(Level::User, Some("process:camera:log")).contains(&"/logs"));
    }

    #[test]
    fn every_page_has_its_own_key_and_word() {
        for lang in Lang::ALL {
            let mut words: Vec<_> = PAGES.iter().map(|page| page.word(lang.words())).collect();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), PAGES.len());
        }
        let mut keys: Vec<_> = PAGES.iter().map(|page| page.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), PAGES.len());
    }
}

//! States in words, and what counts as a change.

use pistack_api::token::{AccessClaims, Level};

use super::filter::Filter;
use super::*;
use crate::upstream::usage::Usage;
use crate::visit::{Theme, Visit};
use crate::words::Lang;

pub(crate) fn person(level: Level, lang: Lang) -> Person {
    let visit = Visit {
        base: "/control".to_owned(),
        lang,
        t: lang.words(),
        theme: Theme::Auto,
        here: "/".to_owned(),
        pieces: true,
        who: None,
    };
    let claims = AccessClaims {
        typ: "access".to_owned(),
        jti: String::new(),
        sub: "1".to_owned(),
        nam: "somebody".to_owned(),
        lvl: level,
        sid: "s".to_owned(),
        ep: 0,
        iss: String::new(),
        aud: Vec::new(),
        iat: 0,
        exp: 0,
        auth_time: None,
        via: pistack_api::token::Via::Session,
        grants: None,
        scope: None,
    };
    Person {
        visit,
        claims,
        token: String::new(),
    }
}

pub(crate) fn info(group: &str, name: &str, state: i32) -> ProcessInfo {
    ProcessInfo {
        name: name.to_owned(),
        group: group.to_owned(),
        start: 1_700_000_000,
        stop: 1_700_003_600,
        now: 1_700_007_200,
        state,
        statename: String::new(),
        spawnerr: String::new(),
        exitstatus: 0,
        logfile: String::new(),
        stdout_logfile: "/var/log/x.log".to_owned(),
        stderr_logfile: String::new(),
        pid: i32::from(state == 20),
        description: "Exited too quickly".to_owned(),
    }
}

#[test]
fn every_state_has_icon_word_and_colour() {
    for lang in Lang::ALL {
        let mut words = Vec::new();
        for state in [0, 10, 20, 30, 40, 100, 200, 1000, -1] {
            let look = Look::of(&info("g", "n", state), lang.words());
            assert!(!look.icon.is_empty() && !look.word.is_empty() && !look.class.is_empty());
            words.push(look.word);
        }
        words.dedup();
        assert_eq!(words.len(), 8, "two states read the same: {words:?}");
    }
    let mut ended = info("g", "n", 100);
    assert_eq!(Look::of(&ended, Lang::English.words()).class, "idle");
    ended.exitstatus = 1;
    assert_eq!(Look::of(&ended, Lang::English.words()).class, "bad");
}

#[test]
fn rows_say_since_when_and_why() {
    let person = person(Level::Root, Lang::English);
    let row = |info: &ProcessInfo| Row::new(info, &person, "/");
    let running = row(&info("g", "n", 20));
    assert_eq!(
        running.since,
        Since::Up {
            start: 1_700_000_000,
            text: "2 h 0 min".to_owned()
        }
    );
    assert_eq!(
        (running.details.as_str(), running.can_start, running.can_stop),
        ("", false, true)
    );
    let mut ended = info("g", "n", 100);
    ended.exitstatus = 127;
    let row_ended = row(&ended);
    assert_eq!(row_ended.details, "exit status 127");
    assert!(matches!(&row_ended.since, Since::At { text, .. } if text == "14 Nov 2023, 23:13 UTC"));
    ended.exitstatus = -1;
    assert_eq!(row(&ended).details, "ended by a signal");
    let fatal = row(&info("g", "n", 200));
    assert_eq!(
        (fatal.details.as_str(), fatal.can_start),
        ("Exited too quickly", true)
    );
    let mut never = info("g", "n", 0);
    (never.start, never.stop) = (0, 0);
    assert_eq!(
        (row(&never).details.as_str(), row(&never).since),
        ("never started", Since::Never)
    );
    let mut absurd = info("g", "n", 0);
    absurd.stop = i64::MAX;
    assert_eq!(row(&absurd).since, Since::Never);
}

#[test]
fn the_clock_alone_is_no_change() {
    let person = person(Level::Admin, Lang::English);
    let old = info("g", "n", 20);
    let mut new = old.clone();
    new.now += 5;
    new.description = "pid 1, uptime 2:00:05".to_owned();
    let row = |info: &ProcessInfo| Row::new(info, &person, "/");
    assert_eq!(row(&old).state_number(), row(&new).state_number());
    new.pid += 1;
    assert_ne!(row(&old).state_number(), row(&new).state_number());
}

#[test]
fn own_programs_come_first_and_the_stack_last() {
    let list = [
        info(GROUP, "auth_service", 20),
        info("cams", "b", 20),
        info("solo", "solo", 0),
        info("cams", "a", 200),
    ];
    let table = Table::new(
        &list,
        &Usage::default(),
        &Filter::default(),
        &person(Level::Admin, Lang::Polish),
    );
    let shown: Vec<_> = table
        .groups
        .iter()
        .map(|group| {
            let names: Vec<_> = group.rows.iter().map(|row| row.name.as_str()).collect();
            format!("{}: {}", group.title, names.join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        ["Programy: solo", "cams: b a", "Usługi pistack: auth_service"]
    );
    assert_eq!(table.summary.text, "Działają 2 z 4 programów");
    assert_eq!(
        (table.summary.class, table.summary.parts.len(), table.may_act),
        ("bad", 2, false)
    );
}

#[test]
fn summaries_of_nothing_and_of_all() {
    let visit = person(Level::Root, Lang::English).visit;
    assert_eq!(Summary::new(&[], &visit).text, "No programs");
    let all = Summary::new(&[info("a", "a", 20)], &visit);
    assert_eq!(
        (all.class, all.text.as_str()),
        ("ok", "The one program is running")
    );
}

#[test]
fn only_what_carries_the_dashboard_is_essential() {
    assert!(is_essential("RaspberryPiSystem:gateway"));
    assert!(is_essential("RaspberryPiSystem:auth_service"));
    assert!(!is_essential("RaspberryPiSystem:io_service"));
    assert!(!is_essential("gateway:gateway"));
}

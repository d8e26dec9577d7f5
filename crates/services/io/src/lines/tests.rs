//! Tests of reservation, direction and names on the simulated backend.

use super::*;
use crate::backend::Simulated;

fn output(bcm: u32) -> LineConfig {
    LineConfig {
        bcm: Some(bcm),
        direction: Direction::Output,
        ..LineConfig::default()
    }
}

fn board(backend: Simulated, config: &Config, lines: &[(&str, LineConfig)]) -> Board {
    let lines = lines
        .iter()
        .map(|(name, line)| ((*name).to_owned(), line.clone()))
        .collect();
    Board::new(Box::new(backend), config, &lines).unwrap()
}

fn free() -> Board {
    board(Simulated::new(), &Config::default(), &[])
}

#[test]
fn drives_and_reads_open_lines() {
    let mut board = free();
    assert!(!board.read("17").unwrap());
    assert!(board.views().is_empty(), "reading must not take a line");
    board.set("17", true).unwrap();
    assert!(board.read("17").unwrap() && board.read("pin:11").unwrap() && board.read("bcm:17").unwrap());
    let view = &board.views()[0];
    assert_eq!(
        (view.bcm, view.pin, view.value, view.direction),
        (17, Some(11), Some(1), Some(Direction::Output))
    );
    board.set("pin:11", false).unwrap();
    assert!(!board.read(" 17 ").unwrap());
    assert_eq!(board.views().len(), 1);
}

#[test]
fn refuses_what_is_no_line() {
    let mut board = free();
    for bad in [
        "",
        "28",
        "-1",
        "+1",
        "1.5",
        "pin:1",
        "pin:41",
        "pin:x",
        "bcm:",
        "relay",
        "99999999999999",
    ] {
        assert!(matches!(board.set(bad, true), Err(Error::BadLine(_))), "{bad}");
        assert!(matches!(board.read(bad), Err(Error::BadLine(_))), "{bad}");
    }
}

#[test]
fn reserved_lines_keep_their_direction() {
    let door = LineConfig {
        pin: Some(13),
        bias: Bias::PullUp,
        ..LineConfig::default()
    };
    let mut board = board(
        Simulated::new(),
        &Config::default(),
        &[("door", door), ("relay1", output(5))],
    );
    assert!(board.read("door").unwrap(), "pulled up");
    assert!(matches!(board.set("door", false), Err(Error::WrongDirection(_))));
    assert!(
        matches!(board.set("27", false), Err(Error::WrongDirection(_))),
        "by its number too"
    );
    board.set("relay1", true).unwrap();
    assert!(board.read("5").unwrap());
    let views = board.views();
    assert_eq!(
        views
            .iter()
            .map(|view| view.name.as_deref().unwrap())
            .collect::<Vec<_>>(),
        ["door", "relay1"]
    );
    assert!(views.iter().all(|view| view.reserved));
}

#[test]
fn outputs_start_as_configured() {
    let on = LineConfig {
        initial: Initial::On,
        ..output(5)
    };
    let keep = LineConfig {
        initial: Initial::Keep,
        ..output(6)
    };
    let low = LineConfig {
        active_low: true,
        bias: Bias::PullUp,
        bcm: Some(7),
        ..LineConfig::default()
    };
    let mut board = board(
        Simulated::new(),
        &Config::default(),
        &[("on", on), ("keep", keep), ("low", low)],
    );
    assert!(board.read("on").unwrap() && !board.read("keep").unwrap());
    assert!(!board.read("low").unwrap(), "high voltage is 0 when active low");
}

#[test]
fn closed_lines_need_a_name() {
    let config = Config {
        open_lines: false,
        ..Config::default()
    };
    let mut board = board(Simulated::new(), &config, &[("relay1", output(5))]);
    board.set("5", true).unwrap();
    assert!(matches!(board.set("6", true), Err(Error::NotReserved(6))));
    assert!(matches!(board.read("6"), Err(Error::NotReserved(6))));
}

#[test]
fn a_busy_line_names_its_holder_and_does_not_keep_the_rest_down() {
    let backend = Simulated::new().held_by(5, "spi0 CS0").held_by(9, "camera");
    let mut board = board(
        backend,
        &Config::default(),
        &[("relay1", output(5)), ("relay2", output(6))],
    );
    board.set("relay2", true).unwrap();
    for outcome in [
        board.set("relay1", true).err(),
        board.read("relay1").err(),
        board.set("9", true).err(),
        board.read("9").err(),
    ] {
        let Some(Error::Backend {
            source: BackendError::Busy { holder },
            ..
        }) = outcome
        else {
            panic!("{outcome:?}")
        };
        assert!(holder == "spi0 CS0" || holder == "camera");
    }
    let views = board.views();
    let holders: Vec<_> = views
        .iter()
        .map(|view| (view.bcm, view.holder.as_deref(), view.value))
        .collect();
    assert_eq!(
        holders,
        [
            (5, Some("spi0 CS0"), None),
            (6, None, Some(1)),
            (9, Some("camera"), None)
        ]
    );
}

#[test]
fn a_broken_configuration_is_refused_with_its_place() {
    let lines = [("a".to_owned(), output(5)), ("b".to_owned(), output(5))]
        .into_iter()
        .collect();
    let error = Board::new(Box::new(Simulated::new()), &Config::default(), &lines)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("line.b.bcm") && error.contains("already the line `a`"),
        "{error}"
    );
}

//! Facts about the board, from the info service. A fact that it does not have has no line.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use pistack_api::service::Service;
use serde::Deserialize;

use super::Call;
use super::together::Together;
use crate::identity::Person;
use crate::inert::line;
use crate::state::Dashboard;
use crate::words::{Lang, Words, length};

/// What of `GET /api/info/board` is shown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Board {
    model: Option<String>,
    os: Option<String>,
    hostname: Option<String>,
    uptime_s: Option<i64>,
    load: Option<[f64; 3]>,
    cpu_temperature: Option<f64>,
    memory: Option<Space>,
    disk: Option<Space>,
}

/// Bytes of memory or disk.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Space {
    total: u64,
    available: u64,
}

/// One line of the card.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Fact {
    pub(crate) icon: &'static str,
    pub(crate) label: &'static str,
    pub(crate) value: String,
    /// How full it is, in percent, where that is the question.
    pub(crate) full: Option<u8>,
}

/// The board's name in the network.
pub(crate) async fn host_name(dashboard: &Dashboard, person: &Person) -> Option<String> {
    let board = ask(dashboard, person).await?;
    Some(line(board.hostname.as_deref()?))
}

/// The card's lines; `None` when the service does not answer.
pub(crate) async fn board(dashboard: &Dashboard, person: &Person) -> Option<Vec<Fact>> {
    let board = ask(dashboard, person).await?;
    Some(facts(&board, person.visit.lang))
}

/// Questions that are under way, by [`Person::session`].
pub(crate) type Boards = Together<Option<Arc<Board>>>;

async fn ask(dashboard: &Dashboard, person: &Person) -> Option<Arc<Board>> {
    let asking = || ask_alone(dashboard, person);
    dashboard.boards.ask(&person.session(), asking).await
}

async fn ask_alone(dashboard: &Dashboard, person: &Person) -> Option<Arc<Board>> {
    let call = Call {
        service: Service::Info,
        client: &dashboard.info,
        method: Method::GET,
        path: "/api/info/board",
        token: Some(&person.token),
        // A card is not worth making the whole page wait.
        deadline: dashboard.config.upstream_timeout.0 / 4,
    };
    let (_, board) = call.read::<Board>(Bytes::new()).await.ok()?;
    Some(Arc::new(board))
}

fn facts(board: &Board, lang: Lang) -> Vec<Fact> {
    let t = lang.words();
    let plain = |icon, label, value: Option<String>| {
        value.map(|value| Fact {
            icon,
            label,
            value: line(&value),
            full: None,
        })
    };
    let space =
        |icon, label, space: Option<Space>| space.map(|space| fill_level(icon, label, space, lang, t));
    let load = board.load.map(|load| {
        let numbers: Vec<_> = load.iter().map(|load| lang.number(*load, 2)).collect();
        numbers.join(" · ")
    });
    let temperature = board.cpu_temperature.map(|degrees| lang.celsius(degrees));
    [
        plain("cpu", t.board_model, board.model.clone()),
        plain("server", t.board_host, board.hostname.clone()),
        plain("layers", t.board_system, board.os.clone()),
        plain("clock", t.board_uptime, board.uptime_s.map(length)),
        plain("thermometer", t.board_temperature, temperature),
        plain("activity", t.board_load, load),
        space("memory-stick", t.board_memory, board.memory),
        space("hard-drive", t.board_disk, board.disk),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn fill_level(icon: &'static str, label: &'static str, space: Space, lang: Lang, t: &Words) -> Fact {
    let used = space.total.saturating_sub(space.available);
    Fact {
        icon,
        label,
        value: t.of_total(lang.bytes(used), lang.bytes(space.total)),
        full: (used * 100).checked_div(space.total).map(|percent| percent as u8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_there_is() {
        let board: Board = serde_json::from_str(
            r#"{"model":"Raspberry Pi 4","os":null,"uptime_s":273600,"load":[0.5,0.25,0.1],"cpu_temperature":52.34,
                "memory":{"total":4000000000,"available":3000000000,"swap_total":0,"swap_free":0},"new":1}"#,
        )
        .unwrap();
        let facts = facts(&board, Lang::Polish);
        let values: Vec<_> = facts.iter().map(|fact| fact.value.as_str()).collect();
        assert_eq!(
            values,
            [
                "Raspberry Pi 4",
                "3 d 4 h",
                "52,3 °C",
                "0,50 · 0,25 · 0,10",
                "1,0 GB z 4,0 GB"
            ]
        );
        assert_eq!(facts[4].full, Some(25));
    }

    #[test]
    fn nothing_known_is_no_line_and_no_division_by_zero() {
        assert_eq!(facts(&Board::default(), Lang::English), []);
        let board = Board {
            disk: Some(Space {
                total: 0,
                available: 0,
            }),
            ..Board::default()
        };
        assert_eq!(facts(&board, Lang::English)[0].full, None);
    }
}

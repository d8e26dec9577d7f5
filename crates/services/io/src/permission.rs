//! Rights to single lines: a grant may name a line by its name, by its BCM number or by chip and offset; and a line may
//! ask for a higher level than others (`read`, `write` of its configuration).

use http::StatusCode;
use pistack_api::right::{Object, ReadLine, Right, RightInfo, WriteLine};
use pistack_api::token::{AccessClaims, Level};
use pistack_kit::guard::MayOn;
use pistack_kit::problem::Problem;

use crate::backend::Place;
use crate::board::Board;
use crate::config::LineConfig;
use crate::state::Gpio;
use crate::view;

impl Gpio {
    /// The caller, if the right extends to the line that is meant by `line`, however it is spelt.
    pub(crate) fn permit<'c, R: Right>(
        &self,
        caller: &'c MayOn<R>,
        line: &str,
    ) -> Result<&'c AccessClaims, Problem> {
        let board = self.board();
        let names = board.names(line);
        let outcome = if names.is_empty() {
            // A text that names no line is covered by no grant of single lines.
            caller.on(line)
        } else {
            let config = board.find(line).ok().and_then(|place| board.config_of(place));
            permitted(caller, &names, config)
        };
        drop(board);
        outcome.map_err(|problem| self.problem(problem))
    }
}

/// The caller, if the right extends to a line that goes by these names.
fn permitted<'c, R: Right>(
    caller: &'c MayOn<R>,
    names: &[String],
    config: Option<&LineConfig>,
) -> Result<&'c AccessClaims, Problem> {
    let texts: Vec<&str> = names.iter().map(String::as_str).collect();
    let claims = caller.on_any(&texts)?;
    let right = asked(R::INFO, config);
    if covers(claims, right, names) {
        return Ok(claims);
    }
    let name = names.first().map_or("*", String::as_str);
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "line_forbidden",
        format!("forbidden: requires {}", right.level),
    )
    .with("required_level", right.level.as_str())
    .with("required_right", right.text(name)))
}

/// The right to a line, with the level that the line asks for.
fn asked(right: RightInfo, config: Option<&LineConfig>) -> RightInfo {
    let level = config.and_then(|config| {
        if right.action == "read" {
            config.read
        } else {
            config.write
        }
    });
    RightInfo {
        level: level.unwrap_or(Level::User).max(right.level),
        ..right
    }
}

fn covers(claims: &AccessClaims, right: RightInfo, names: &[String]) -> bool {
    names
        .iter()
        .any(|name| claims.may(right, Object::Named(name)).is_ok())
}

/// Who the caller is, if it has the right to a place.
pub(crate) fn caller_on<'c, R: Right>(
    board: &Board,
    caller: &'c MayOn<R>,
    place: Place,
) -> Option<&'c AccessClaims> {
    permitted(caller, &board.names_of(place), board.config_of(place)).ok()
}

/// Whether a person may do something with a place, whatever else they asked for.
pub(crate) fn may<R: Right>(board: &Board, claims: &AccessClaims, place: Place) -> bool {
    let right = asked(R::INFO, board.config_of(place));
    covers(claims, right, &board.names_of(place))
}

/// What a person may do with a place.
pub(crate) fn allowed(board: &Board, claims: &AccessClaims, place: Place) -> Vec<&'static str> {
    let mut allowed = Vec::new();
    if may::<ReadLine>(board, claims, place) {
        allowed.push("read");
    }
    if may::<WriteLine>(board, claims, place) {
        allowed.push("write");
    }
    allowed
}

/// The lines that the caller may see, each with what it may do.
pub(crate) fn visible<R: Right>(board: &Board, caller: &MayOn<R>, views: Vec<view::Line>) -> Vec<view::Line> {
    views
        .into_iter()
        .filter_map(|mut view| {
            let place = board.place_of_view(&view);
            let claims = caller_on(board, caller, place)?;
            view.allowed = allowed(board, claims, place);
            Some(view)
        })
        .collect()
}

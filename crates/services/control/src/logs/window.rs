//! Lines of several sources in one order. Sources whose lines carry times are put together by time; the others follow
//! one another.
//!
//! A window is taken from the end of what is read of each source, or from its beginning, and only so far as it is
//! certain that no source has a line in between that was not read: so windows that follow one another hold every line
//! once.

use super::line::Line;
use super::source::{Reader, Source};
use crate::error::Failure;

/// Bytes of a window, of all sources together.
const WINDOW: u64 = 48 * 1024;
/// And of one source at least.
const LEAST: u64 = 8 * 1024;

/// A line of a source, by its number.
pub(crate) type Placed = (usize, Line);

/// Some lines, and where they begin and end in each source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Window {
    pub(crate) lines: Vec<Placed>,
    /// The first byte in each source.
    pub(crate) first: Vec<u64>,
    /// The byte after the last.
    pub(crate) last: Vec<u64>,
}

/// Which way from the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Back,
    On,
}

/// Bytes to read of each of so many sources.
fn share(sources: usize) -> u64 {
    (WINDOW / sources.max(1) as u64).max(LEAST)
}

/// Reads a window that ends (or begins) at these places.
pub(crate) async fn read(
    reader: Reader<'_>,
    sources: &[Source],
    places: &[u64],
    way: Way,
) -> Result<Window, Failure> {
    let mut pieces = Vec::with_capacity(sources.len());
    for (number, source) in sources.iter().enumerate() {
        let place = places.get(number).copied().unwrap_or(match way {
            Way::Back => source.to,
            Way::On => source.from,
        });
        let place = place.clamp(source.from, source.to);
        let mut share = share(sources.len());
        let piece = loop {
            let (start, end) = match way {
                Way::Back => (place.saturating_sub(share).max(source.from), place),
                Way::On => (place, (place + share).min(source.to)),
            };
            let lines = source.read(reader, start, end).await?;
            let reached = match way {
                Way::Back => start == source.from,
                Way::On => end == source.to,
            };
            // A line longer than the window: read more, as far as one question goes.
            if !lines.is_empty() || reached || share >= 512 * 1024 {
                let skipped = lines.is_empty() && !reached;
                break Piece {
                    place: if skipped {
                        if way == Way::Back { start } else { end }
                    } else {
                        place
                    },
                    more: !reached,
                    lines,
                };
            }
            share *= 8;
        };
        pieces.push(piece);
    }
    Ok(join(pieces, way))
}

/// What was read of one source.
#[derive(Debug, Clone)]
struct Piece {
    place: u64,
    /// There is more beyond.
    more: bool,
    lines: Vec<Line>,
}

/// Puts pieces together.
fn join(pieces: Vec<Piece>, way: Way) -> Window {
    let timed: Vec<bool> = pieces
        .iter()
        .map(|piece| piece.lines.iter().any(|line| line.time.is_some()))
        .collect();
    let keys: Vec<Vec<i64>> = pieces.iter().map(|piece| times(&piece.lines)).collect();
    // Beyond this time some source may have lines that were not read. Alone, or without times, a source knows no bound.
    let several = timed.iter().filter(|timed| **timed).count() > 1;
    let edges = pieces
        .iter()
        .zip(&keys)
        .zip(&timed)
        .filter(|((piece, _), timed)| **timed && piece.more);
    let bound = match way {
        _ if !several => None,
        Way::Back => edges.filter_map(|((_, keys), _)| keys.first().copied()).max(),
        Way::On => edges.filter_map(|((_, keys), _)| keys.last().copied()).min(),
    };
    let kept = |number: usize, key: i64| match (timed[number], bound, way) {
        (false, ..) | (_, None, _) => true,
        (true, Some(bound), Way::Back) => key >= bound,
        (true, Some(bound), Way::On) => key <= bound,
    };
    let mut window = Window::default();
    let mut merged: Vec<(i64, usize, usize, Line)> = Vec::new();
    for (number, piece) in pieces.into_iter().enumerate() {
        let kept: Vec<(usize, Line)> = piece
            .lines
            .into_iter()
            .enumerate()
            .filter(|(index, _)| kept(number, keys[number][*index]))
            .collect();
        window
            .first
            .push(kept.first().map_or(piece.place, |(_, line)| line.start));
        window
            .last
            .push(kept.last().map_or(piece.place, |(_, line)| line.end));
        for (index, line) in kept {
            if timed[number] {
                merged.push((keys[number][index], number, index, line));
            } else {
                window.lines.push((number, line));
            }
        }
    }
    merged.sort_by_key(|(key, number, index, _)| (*key, *number, *index));
    window
        .lines
        .extend(merged.into_iter().map(|(_, number, _, line)| (number, line)));
    window
}

/// A time for each line that never goes back: its own, or that of the line before it.
fn times(lines: &[Line]) -> Vec<i64> {
    let first = lines.iter().find_map(|line| line.time).unwrap_or_default();
    let mut now = first;
    lines
        .iter()
        .map(|line| {
            now = now.max(line.time.unwrap_or(now));
            now
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(start: u64, time: Option<i64>) -> Line {
        Line {
            start,
            end: start + 10,
            text: format!("{start}"),
            time,
        }
    }

    fn piece(lines: Vec<Line>, more: bool) -> Piece {
        Piece {
            place: lines.last().map_or(0, |line| line.end),
            more,
            lines,
        }
    }

    #[test]
    fn lines_with_times_are_put_together_and_others_follow_one_another() {
        let a = piece(vec![line(0, Some(5)), line(10, None), line(20, Some(9))], false);
        let b = piece(vec![line(0, Some(6)), line(10, Some(10))], false);
        let c = piece(vec![line(0, None)], false);
        let window = join(vec![a, b, c], Way::Back);
        let seen: Vec<_> = window
            .lines
            .iter()
            .map(|(source, line)| (*source, line.start))
            .collect();
        assert_eq!(seen, [(2, 0), (0, 0), (0, 10), (1, 0), (0, 20), (1, 10)]);
    }

    #[test]
    fn what_may_have_unread_neighbours_waits_for_the_next_window() {
        // b goes back only to 50: a's lines before that are left for the next window.
        let a = piece(vec![line(0, Some(1)), line(10, Some(60))], false);
        let b = piece(vec![line(100, Some(50)), line(110, Some(70))], true);
        let window = join(vec![a, b], Way::Back);
        assert_eq!((window.first, window.last), (vec![10, 100], vec![20, 120]));
    }

    proptest! {
        /// Windows taken one after the other from the end hold every line once and in order.
        #[test]
        fn no_line_is_lost_or_told_twice(steps in prop::collection::vec((0usize..3, 0i64..4), 1..60), size in 1usize..7) {
            let mut logs: Vec<Vec<Line>> = vec![Vec::new(); 3];
            let mut now = 0;
            for (source, step) in &steps {
                now += step;
                let start = logs[*source].len() as u64 * 10;
                logs[*source].push(line(start, Some(now)));
            }
            let mut places: Vec<u64> = logs.iter().map(|log| log.len() as u64 * 10).collect();
            let mut all: Vec<(usize, u64, i64)> = Vec::new();
            for _ in 0..200 {
                let pieces = logs.iter().zip(&places).map(|(log, place)| {
                    let end = (*place / 10) as usize;
                    let start = end.saturating_sub(size);
                    Piece { place: *place, more: start > 0, lines: log[start..end].to_vec() }
                }).collect();
                let window = join(pieces, Way::Back);
                let mut seen: Vec<_> = window.lines.iter().map(|(source, line)| (*source, line.start, line.time.unwrap())).collect();
                seen.append(&mut all);
                all = seen;
                places = window.first;
                if places.iter().all(|place| *place == 0) {
                    break;
                }
            }
            prop_assert_eq!(all.len(), steps.len());
            prop_assert!(all.windows(2).all(|pair| pair[0].2 <= pair[1].2));
        }
    }
}

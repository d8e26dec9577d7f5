//! Warnings in words, empty answers, ranges.

use super::figures::warnings;
use super::*;
use crate::upstream::system::{BoardFacts, Mount, Now, Storage, Throttling};
use crate::words::Lang;

#[test]
fn the_firmware_s_bits_are_words_now_and_since_the_start() {
    let t = Lang::English.words();
    let bits = Throttling {
        bits: Some(0x5_0005),
        under_voltage: true,
        throttled: true,
        ..Throttling::default()
    };
    let said: Vec<_> = warnings(&bits, t)
        .into_iter()
        .map(|(look, text)| (look.word, text))
        .collect();
    assert_eq!(
        said,
        [
            (t.sys_is_now, t.sys_under_voltage),
            (t.sys_is_now, t.sys_throttled)
        ]
    );
    let past = Throttling {
        bits: Some(0x8_0000),
        ..Throttling::default()
    };
    let said = warnings(&past, t);
    assert_eq!(
        (said.len(), said[0].0.word, said[0].1),
        (1, t.sys_was_since, t.sys_soft_limit)
    );
    assert!(
        warnings(
            &Throttling {
                bits: Some(0),
                ..Throttling::default()
            },
            t
        )
        .is_empty()
    );
}

#[test]
fn an_empty_sample_has_no_tiles_and_breaks_nothing() {
    let t = Lang::Polish.words();
    let card = now(&Now::default(), t);
    assert!(card.tiles.is_empty() && card.warnings.is_none());
    assert!(charts(&History::default(), t).is_empty());
    assert!(board(&BoardFacts::default(), t).is_empty());
    let card = storage(
        &Storage {
            mounts: vec![Mount::default()],
            ..Storage::default()
        },
        t,
    );
    assert_eq!((card.mounts[0].used.as_str(), card.mounts[0].full), ("–", None));
}

#[test]
fn ranges_have_codes_and_nonsense_is_an_hour() {
    for range in Range::ALL {
        assert_eq!(Range::of(range.code()), range);
    }
    assert_eq!(Range::of("../../etc"), Range::Hour);
}

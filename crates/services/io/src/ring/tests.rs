//! The ring beside a list that forgets nothing.

use proptest::prelude::*;

use super::*;

fn entry(number: u32) -> Entry {
    Entry {
        seq: 0,
        line: None,
        kind: Kind::Value,
        value: Said::Level(true),
        wall_us: 0,
        mono_ns: 0,
        line_seqno: number,
        lost: 0,
        by: "test".into(),
    }
}

#[test]
fn readers_come_back_with_what_they_have_seen() {
    let mut ring = Ring::new(3);
    assert_eq!(
        ring.read(0, 10),
        Read {
            gone: 0,
            entries: vec![],
            next: 0
        }
    );
    for number in 1..=5 {
        assert_eq!(ring.push(entry(number)), u64::from(number));
    }
    assert_eq!(ring.last(), 5);
    for (seen, gone, first, count) in [(0, 2, 3, 3), (1, 1, 3, 3), (2, 0, 3, 3), (4, 0, 5, 1)] {
        let read = ring.read(seen, 10);
        assert_eq!(
            (read.gone, read.entries[0].seq, read.entries.len(), read.next),
            (gone, first, count, 5),
            "{seen}"
        );
    }
    let read = ring.read(5, 10);
    assert_eq!((read.gone, read.entries.len(), read.next), (0, 0, 5));
    // A number of another run, beyond all: what is kept.
    assert_eq!(ring.read(99, 10).entries.len(), 3);
    assert_eq!(ring.read(2, 2).next, 4);
}

#[test]
fn an_entry_is_small_enough_for_ten_thousand() {
    assert!(size_of::<Entry>() <= 88, "{}", size_of::<Entry>());
}

proptest! {
    #[test]
    fn nothing_is_lost_untold_and_nothing_comes_twice(
        capacity in 1_usize..20,
        steps in proptest::collection::vec((0_u32..15, 1_usize..6), 1..60),
    ) {
        let mut ring = Ring::new(capacity);
        let (mut pushed, mut seen, mut accounted) = (0_u32, 0, 0_u64);
        for (pushes, most) in steps {
            for _ in 0..pushes {
                pushed += 1;
                ring.push(entry(pushed));
            }
            let read = ring.read(seen, most);
            accounted += read.gone;
            for (entry, wanted) in read.entries.iter().zip(accounted + 1..) {
                prop_assert_eq!(entry.seq, wanted);
                prop_assert_eq!(u64::from(entry.line_seqno), wanted);
            }
            accounted += read.entries.len() as u64;
            prop_assert_eq!(read.next, accounted);
            seen = read.next;
        }
        loop {
            let read = ring.read(seen, 3);
            accounted += read.gone + read.entries.len() as u64;
            if read.entries.is_empty() {
                break;
            }
            seen = read.next;
        }
        prop_assert_eq!(accounted, u64::from(pushed));
    }
}

//! Any bytes from a listener: nothing breaks, and nobody gets an event that did not say READY for it.

use proptest::prelude::*;

use pistack_engine::io::Input;

use super::listeners::{listening, send};
use super::world::Kind;

/// Pieces of the protocol, nearly right ones, and noise.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "READY\n",
        "READY",
        "\n",
        "RESULT 2\nOK",
        "RESULT 4\nFAIL",
        "RESULT ",
        "RESULT 0\n",
        "RESULT -1\n",
        "RESULT 99999999999999999999\n",
        "RESULT 1_0\n",
        "OK",
    ]);
    prop_oneof![
        6 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..80),
    ]
}

proptest! {
    #[test]
    fn an_event_for_each_ready_at_most(pieces in prop::collection::vec(piece(), 0..40)) {
        let mut world = listening(None);
        send(&mut world, &["one", "two", "three", "four"]);
        let ready = pieces.concat().windows(6).filter(|window| *window == b"READY\n").count();
        for bytes in pieces {
            let process = world.id("ears");
            world.input(Input::ListenerOutput { process, bytes });
        }
        let sent = world.take(&[Kind::Stdin]).len();
        prop_assert!(sent <= ready, "{} events for {} READY", sent, ready);
    }
}

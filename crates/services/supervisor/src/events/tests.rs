//! Tests of the ring, the replay and the broadcast.

use super::*;

fn event(serial: u64, name: &str) -> Event {
    Event {
        serial,
        name: name.into(),
        at: 0,
        fields: serde_json::Map::new(),
        data: String::new(),
    }
}

fn serials(events: &[Arc<Published>]) -> Vec<u64> {
    events.iter().map(|kept| kept.event.serial).collect()
}

#[test]
fn replays_what_came_after() {
    let hub = Hub::new();
    for serial in 5..10 {
        hub.publish(event(serial, "TICK_5"));
    }
    assert_eq!(serials(&hub.subscribe(None).replay), Vec::<u64>::new());
    assert_eq!(serials(&hub.subscribe(Some(7)).replay), [8, 9]);
    assert_eq!(hub.subscribe(Some(7)).lost, 0);
    assert_eq!(serials(&hub.subscribe(Some(9)).replay), Vec::<u64>::new());
    let old = hub.subscribe(Some(1));
    assert_eq!((serials(&old.replay), old.lost), (vec![5, 6, 7, 8, 9], 3));
}

#[test]
fn a_serial_of_an_earlier_run_gets_all() {
    let hub = Hub::new();
    hub.publish(event(0, "TICK_5"));
    hub.publish(event(1, "TICK_5"));
    let subscription = hub.subscribe(Some(4000));
    assert_eq!(
        (serials(&subscription.replay), subscription.lost),
        (vec![0, 1], 0)
    );
}

#[test]
fn a_new_run_resets() {
    let hub = Hub::new();
    hub.publish(event(41, "TICK_5"));
    let mut live = hub.subscribe(None).live;
    hub.publish(event(0, "SUPERVISOR_STATE_CHANGE_RUNNING"));
    assert!(matches!(live.try_recv(), Ok(Notice::Reset)));
    assert!(matches!(live.try_recv(), Ok(Notice::Event(_))));
    assert_eq!(serials(&hub.subscribe(Some(99)).replay), [0]);
}

#[test]
fn the_ring_is_bounded_in_number_and_size() {
    let hub = Hub::new();
    for serial in 0..(RING_EVENTS as u64 + 500) {
        hub.publish(event(serial, "TICK_5"));
    }
    assert_eq!(hub.state().ring.len(), RING_EVENTS);
    for serial in 5000..5010 {
        let mut large = event(serial, "PROCESS_LOG_STDOUT");
        large.data = "x".repeat(100_000);
        hub.publish(large);
    }
    let state = hub.state();
    assert!(
        state.bytes <= RING_BYTES && state.ring.len() == 2,
        "{} bytes in {}",
        state.bytes,
        state.ring.len()
    );
    assert_eq!(
        state.bytes,
        state.ring.iter().map(|kept| kept.json.len()).sum::<usize>()
    );
}

#[test]
fn only_process_events_change_the_list_and_only_while_connected() {
    let hub = Hub::new();
    assert_eq!(hub.generation(), None);
    hub.set_connected(true);
    let before = hub.generation().unwrap();
    hub.publish(event(1, "TICK_5"));
    hub.publish(event(2, "PROCESS_LOG_STDOUT"));
    assert_eq!(hub.generation(), Some(before));
    hub.publish(event(3, "PROCESS_STATE_EXITED"));
    hub.publish(event(4, "PROCESS_GROUP_ADDED"));
    assert_eq!(hub.generation(), Some(before + 2));
    hub.changed();
    assert_eq!(hub.generation(), Some(before + 3));
    hub.set_connected(false);
    assert_eq!(hub.generation(), None);
}

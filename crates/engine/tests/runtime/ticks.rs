//! TICK events: only for subscribers, at multiples of wall time, by monotonic deadlines.

use pistack_engine::io::Command;

use super::world::{EPOCH, Kind, World, group, model, pool, program};

fn ticking(events: &[&str]) -> World {
    let mut world = World::new(model(vec![pool("ears", events, None)]), vec![]);
    world.take(&[]);
    world
}

fn ticks(world: &mut World) -> Vec<String> {
    let lines = world.take(&[Kind::Event]);
    let since_epoch = |line: String| {
        let (head, when) = line.split_once(" \"when:").expect("a tick");
        let when: u64 = when.trim_end_matches('"').parse().expect("a number");
        format!("{head} {}", when - EPOCH)
    };
    lines.into_iter().map(since_epoch).collect()
}

#[test]
fn every_five_seconds_of_wall_time() {
    let mut world = ticking(&["TICK_5"]);
    world.run(17.0);
    assert_eq!(ticks(&mut world), ["5 TICK_5 5", "10 TICK_5 10", "15 TICK_5 15"]);
    assert_eq!(world.wakeups, 3);
}

#[test]
fn only_the_periods_that_somebody_wants() {
    let mut world = ticking(&["TICK_60", "TICK_3600"]);
    world.run(3601.0);
    let seen = ticks(&mut world);
    assert_eq!(seen.len(), 61);
    assert_eq!(seen[0], "60 TICK_60 60");
    assert_eq!(seen[59..], ["3600 TICK_60 3600", "3600 TICK_3600 3600"]);
}

#[test]
fn none_and_no_wake_up_without_a_subscriber() {
    let mut world = ticking(&["PROCESS_STATE"]);
    assert_eq!(world.engine.next_deadline(), None);
    world.run(10_000.0);
    assert_eq!(world.wakeups, 0);
    assert_eq!(ticks(&mut world), [""; 0]);
}

#[test]
fn an_outside_subscriber_can_have_them() {
    let mut world = ticking(&["PROCESS_STATE"]);
    world.run(3.0);
    world.engine.set_tick_subscribers(world.now, true);
    world.run(8.0);
    assert_eq!(ticks(&mut world), ["5 TICK_5 5", "10 TICK_5 10"]);
    world.engine.set_tick_subscribers(world.now, false);
    assert_eq!(world.engine.next_deadline(), None);
    world.run(100.0);
    assert_eq!(ticks(&mut world), [""; 0]);
}

#[test]
fn they_come_and_go_with_the_pool() {
    let mut world = ticking(&["TICK_5"]);
    world
        .call(Command::Stop {
            name: "ears".into(),
            wait: false,
        })
        .unwrap();
    world.run(1.0);
    world.call(Command::RemoveGroup { name: "ears".into() }).unwrap();
    assert_eq!(world.engine.next_deadline(), None);
    world.run(10.0);
    world.take(&[]);
    world.call(Command::AddGroup { name: "ears".into() }).unwrap();
    world.take(&[]);
    world.run(5.0);
    assert_eq!(ticks(&mut world), ["15 TICK_5 15"]);
}

#[test]
fn a_step_of_the_wall_clock_brings_no_burst_and_no_gap() {
    let mut world = ticking(&["TICK_5"]);
    world.run(6.0);
    world.take(&[]);
    world.step_wall(3600 + 2);
    world.run(10.0);
    assert_eq!(
        ticks(&mut world),
        ["10 TICK_5 3610", "13 TICK_5 3615"],
        "wall time 3612 at 10 s, 3618 at 16 s"
    );
    world.step_wall(-3602);
    world.run(11.0);
    assert_eq!(
        ticks(&mut world),
        ["18 TICK_5 15", "20 TICK_5 20", "25 TICK_5 25"]
    );
}

#[test]
fn a_clock_that_is_slewed_does_not_announce_a_multiple_twice() {
    let mut world = ticking(&["TICK_5"]);
    world.run(1.0);
    world.step_wall(-1);
    world.run(11.0);
    assert_eq!(ticks(&mut world), ["6 TICK_5 5", "11 TICK_5 10"]);
}

#[test]
fn a_program_does_not_change_them() {
    let groups = vec![
        pool("ears", &["TICK_5"], None),
        group("cat", 999, vec![program("cat", |spec| spec.startsecs = 7)]),
    ];
    let mut world = World::new(model(groups), vec![]);
    world.take(&[]);
    world.run(11.0);
    assert_eq!(ticks(&mut world), ["5 TICK_5 5", "10 TICK_5 10"]);
}

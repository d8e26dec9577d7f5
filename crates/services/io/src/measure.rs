//! How fast lines are on a real chip. `cargo xtask bench io` runs this in its virtual machine, beside gpiozero with the
//! same hand on the same chip; `PISTACK_TEST_CHIP` and `PISTACK_TEST_SIM` are as in `tests/it/hand.rs`.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use pistack_api::service::Service;
use pistack_kit::clock::Clock;
use pistack_kit::testing::{self, TestAuth};
use serde_json::json;

use crate::backend::{self, Mode, Place, Settings};
use crate::config::{BackendChoice, Bias, Config, Drive, EdgeChoice, Lines};
use crate::state::Gpio;

/// Levels that are written, and read.
const TIMES: u32 = 200_000;
/// Edges that are timed.
const EDGES: usize = 500;
/// The output, and the input.
const OUTPUT: u32 = 17;
const INPUT: u32 = 27;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn config() -> Config {
    Config {
        chip: variable("PISTACK_TEST_CHIP"),
        backend: BackendChoice::Chardev,
        ..Config::default()
    }
}

fn lines() -> Lines {
    let lines = json!({
        "relay": { "bcm": OUTPUT, "direction": "output" },
        "door": { "bcm": INPUT, "edge": "both" },
    });
    serde_json::from_value(lines).unwrap()
}

/// Calls a second.
fn rate(clock: &Clock, mut call: impl FnMut(bool)) -> f64 {
    let began = clock.monotonic();
    for time in 0..TIMES {
        call(time % 2 == 0);
    }
    f64::from(TIMES) / clock.monotonic().saturating_sub(began).as_secs_f64()
}

/// From the pull to the moment at which the event is in the ring and its readers wake, microseconds, in order.
async fn edges(gpio: &Gpio, clock: &Clock) -> Vec<f64> {
    let path = format!("{}/sim_gpio{INPUT}/pull", variable("PISTACK_TEST_SIM"));
    let pull = File::options().write(true).open(path).unwrap();
    let mut news = gpio.board().news();
    let mut times = Vec::new();
    for time in 0..EDGES {
        let way: &[u8] = if time % 2 == 0 { b"pull-up" } else { b"pull-down" };
        news.mark_unchanged();
        let began = clock.monotonic();
        pull.write_at(way, 0).unwrap();
        tokio::time::timeout(Duration::from_secs(5), news.changed())
            .await
            .expect("an edge")
            .unwrap();
        times.push(clock.monotonic().saturating_sub(began).as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    times
}

#[tokio::test]
#[ignore = "a measurement: cargo xtask bench io"]
async fn lines_of_a_real_chip() {
    let clock = Clock::system();
    let directory = tempfile::tempdir().unwrap();
    let mut context = testing::context(Service::Io, directory.path(), &TestAuth::new());
    context.clock = clock.clone();
    context.paths.create().unwrap();
    let gpio = Gpio::open(&context, &config(), &lines()).unwrap();
    let edges = edges(&gpio, &clock).await;
    let sets = rate(&clock, |level| {
        gpio.board().set("relay", level, None, "measure").unwrap();
    });
    drop(gpio);
    context.lifecycle.stop();
    assert!(context.lifecycle.finish(Duration::from_secs(10)).await);

    let lines: Lines = lines().into_iter().filter(|(name, _)| name == "relay").collect();
    let chip = backend::open(&config(), &lines, None, &clock).unwrap();
    let place = Place {
        chip: 0,
        offset: OUTPUT,
    };
    let settings = Settings {
        consumer: "pistack:measure".to_owned(),
        mode: Mode::Output(false),
        active_low: false,
        bias: Bias::default(),
        drive: Drive::default(),
        edge: EdgeChoice::None,
        debounce: Duration::ZERO,
        alone: false,
    };
    chip.take(&[(place, settings)]).remove(0).unwrap();
    let toggles = rate(&clock, |level| chip.write(&[(place, level)]).unwrap());
    let reads = rate(&clock, |_| assert!(chip.read(place).is_ok()));
    let figures = json!({
        "pistack_toggles": toggles,
        "pistack_reads": reads,
        "pistack_sets": sets,
        "pistack_edge_p50_us": edges[EDGES / 2],
        "pistack_edge_p95_us": edges[EDGES * 95 / 100],
    });
    println!("figure: {figures}");
}

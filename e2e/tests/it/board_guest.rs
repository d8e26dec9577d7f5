//! Run in the virtual machine of `e2e/board/sim.sh` by `board_sim.rs`: the whole stack on a real GPIO chip whose other
//! side these tests hold. `SIM`/`SPARE` are the simulator's directories (`e2e/board/guest/chip.sh`).
//!
//! One stack serves all tests, because a start takes long in an emulated machine; each test has lines of its own.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pistack_e2e::stack::signal_process;
use pistack_e2e::{Answer, Stack, command, until};
use serde_json::{Value, json};

const CONFIG: &str = r#"
[io]
backend = "chardev"
[line.heater]
bcm = 17
direction = "output"
initial = "on"
on_crash = "off"
[line.siren]
bcm = 22
direction = "output"
active_low = true
on_crash = "on"
[line.valve]
bcm = 23
direction = "output"
on_crash = "hold"
[line.pump]
bcm = 16
direction = "output"
on_stop = "on"
on_link_loss = { after = "1s", to = "off" }
[line.lamp]
bcm = 26
direction = "output"
[line.beacon]
bcm = 20
direction = "output"
[line.door]
bcm = 27
bias = "pull_up"
edge = "both"
[line.button]
bcm = 6
edge = "both"
debounce = "20ms"
[line.tool]
bcm = 12
reconfigurable = true
[line.extra]
chip = "spare"
offset = 3
direction = "output"
[sensor.probe]
source = "lm75-temp1"
offset = -0.5
every = "1s"
[rule.door]
when = { gpio = "door", edge = "falling" }
then = [{ gpio = "lamp", set = true }]
[rule.warm]
when = { sensor = "probe", above = 20 }
then = [{ gpio = "beacon", set = true }]
"#;

/// The stack, and the other side of its lines.
struct Board {
    stack: Stack,
    token: String,
    sim: PathBuf,
    spare: PathBuf,
}

fn board() -> &'static Board {
    static BOARD: OnceLock<Board> = OnceLock::new();
    BOARD.get_or_init(|| {
        let directory =
            |name| PathBuf::from(std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set")));
        // A link that can be lost.
        for arguments in [
            "link add net0 type dummy",
            "addr add 192.0.2.2/24 dev net0",
            "link set net0 up",
            "route add default via 192.0.2.1",
        ] {
            let done = command("busybox").arg("ip").args(arguments.split(' ')).status();
            assert!(done.unwrap().success(), "ip {arguments}");
        }
        let stack = Stack::builder().config("pistack.toml", CONFIG).start();
        let token = stack.root_token();
        Board {
            stack,
            token,
            sim: directory("SIM"),
            spare: directory("SPARE"),
        }
    })
}

impl Board {
    /// The voltage of a line, seen from outside.
    fn level(&self, line: u32) -> u8 {
        let text = fs::read_to_string(self.sim.join(format!("sim_gpio{line}/value"))).unwrap();
        text.trim().parse().unwrap()
    }

    fn pull(&self, line: u32, up: bool) {
        let pull = if up { "pull-up" } else { "pull-down" };
        fs::write(self.sim.join(format!("sim_gpio{line}/pull")), pull).unwrap();
    }

    fn put(&self, line: &str, value: bool) -> Answer {
        let path = format!("/api/io/lines/{line}/value");
        self.stack
            .send("PUT", &self.token, &path, &json!({ "value": value }))
    }

    fn get(&self, path: &str) -> Value {
        self.stack.get_as(&self.token, path).json()
    }

    fn wait_level(&self, line: u32, level: u8) {
        until(&format!("line {line} at {level}"), || {
            (self.level(line) == level).then_some(())
        });
    }

    fn io_pid(&self) -> u32 {
        let pid = self.stack.wait_state("io_service", "RUNNING")["pid"].as_u64();
        u32::try_from(pid.unwrap()).unwrap()
    }

    fn write_config(&self, text: &str) {
        fs::write(self.stack.folder().join("pistack.toml"), text).unwrap();
    }

    /// The rule switches the lamp on when the door falls.
    fn rule_acts_on_the_door(&self) {
        assert_eq!(self.put("lamp", false).status, 200);
        until("the rule", || {
            // Again and again: an edge before the rules watch the line is none of theirs.
            self.pull(27, true);
            std::thread::sleep(Duration::from_millis(100));
            self.pull(27, false);
            std::thread::sleep(Duration::from_millis(300));
            (self.level(26) == 1).then_some(())
        });
        self.pull(27, true);
    }

    fn wait_answering(&self) {
        until("io_service", || {
            let health = self.stack.try_get("/api/io/health")?;
            (health.status == 200).then_some(())
        });
    }
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn a_outputs_are_seen_from_outside_and_inputs_feel_pulls() {
    let board = board();
    let chips = board.get("/api/io/board")["chips"].clone();
    assert!(
        chips
            .as_array()
            .unwrap()
            .iter()
            .any(|chip| chip["label"] == "pinctrl-bcm2711"),
        "{chips}"
    );
    assert_eq!(
        (board.level(17), board.level(22)),
        (1, 1),
        "initial on; off is high for active_low"
    );
    for value in [false, true, false] {
        let answer = board.put("heater", value);
        assert_eq!(
            (answer.status, &answer.json()["value"]),
            (200, &json!(value)),
            "{answer:?}"
        );
        assert_eq!(board.level(17), u8::from(value));
    }
    for up in [false, true, false] {
        board.pull(27, up);
        assert_eq!(board.get("/api/io/lines/door")["value"], up);
    }
    let wrong = board.put("door", true);
    assert_eq!(
        (wrong.status, &wrong.json()["code"]),
        (409, &json!("wrong_direction")),
        "{wrong:?}"
    );
    let many = board.stack.post(
        &board.token,
        "/api/io/lines/set",
        &json!({ "set": { "heater": true, "valve": true } }),
    );
    assert_eq!(many.status, 200, "{many:?}");
    assert_eq!((board.level(17), board.level(23)), (1, 1));
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn b_edges_arrive_in_order_and_bouncing_counts_once() {
    let board = board();
    board.pull(27, true);
    let stream = board
        .stack
        .stream(&board.token, "/api/io/events?line=door,button");
    // Edges that come before the stream is open are not its business.
    let mut up = true;
    until("the stream", || {
        up = !up;
        board.pull(27, up);
        stream.line_within(Duration::from_millis(500), |line| line.starts_with("data:"))
    });
    while stream
        .line_within(Duration::from_secs(1), |line| line.starts_with("data:"))
        .is_some()
    {}
    if !up {
        board.pull(27, true);
        stream.line(|line| line.starts_with("data:")).unwrap();
    }
    let mut last = 0;
    for round in 0..20 {
        let (up, kind) = if round % 2 == 0 {
            (false, "falling")
        } else {
            (true, "rising")
        };
        board.pull(27, up);
        let line = stream.line(|line| line.starts_with("data:")).unwrap();
        let event: Value = serde_json::from_str(line.trim_start_matches("data:").trim()).unwrap();
        assert_eq!(
            (&event["kind"], &event["line"], &event["lost"]),
            (&json!(kind), &json!("door"), &json!(0))
        );
        let seqno = event["line_seqno"].as_u64().unwrap();
        assert!(last == 0 || seqno == last + 1, "{event}");
        last = seqno;
    }
    // A bounce of some milliseconds: one edge once it is over.
    for _ in 0..5 {
        board.pull(6, true);
        board.pull(6, false);
    }
    board.pull(6, true);
    let line = stream.line(|line| line.starts_with("data:")).unwrap();
    assert!(
        line.contains("\"button\"") && line.contains("\"rising\""),
        "{line}"
    );
    board.pull(27, false);
    let next = stream.line(|line| line.starts_with("data:")).unwrap();
    assert!(next.contains("\"door\""), "only one edge of the button: {next}");
    board.pull(27, true);
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn c_a_line_that_somebody_holds_is_refused_with_the_holders_name() {
    let board = board();
    for answer in [
        board.put("bcm:5", true),
        board
            .stack
            .post(&board.token, "/api/io/gpio/set", &json!({ "pin": 5, "value": 1 })),
    ] {
        assert_eq!(answer.status, 409, "{answer:?}");
        assert_eq!(
            (&answer.json()["code"], &answer.json()["holder"]),
            (&json!("line_busy"), &json!("fan-control"))
        );
    }
    assert_eq!(board.put("heater", true).status, 200, "the others go on");
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn d_a_line_is_reconfigured_in_place() {
    let board = board();
    board.pull(12, true);
    let patch = |body: Value| {
        board
            .stack
            .send("PATCH", &board.token, "/api/io/lines/tool", &body)
    };
    assert_eq!(board.get("/api/io/lines/tool")["direction"], "input");
    let answer = patch(json!({ "direction": "output" }));
    assert_eq!(
        (answer.status, &answer.json()["direction"]),
        (200, &json!("output")),
        "{answer:?}"
    );
    assert_eq!(board.level(12), 1, "it keeps the level that it had");
    assert_eq!(board.put("tool", false).status, 200);
    assert_eq!(board.level(12), 0);
    let answer = patch(json!({ "direction": "input", "bias": "pull_up" }));
    assert_eq!(
        (answer.status, &answer.json()["bias"]),
        (200, &json!("pull_up")),
        "{answer:?}"
    );
    let refused = board.stack.send(
        "PATCH",
        &board.token,
        "/api/io/lines/heater",
        &json!({ "direction": "input" }),
    );
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (409, &json!("line_not_reconfigurable")),
        "{refused:?}"
    );
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn e_a_rule_acts_on_an_edge_and_on_a_sensor() {
    let board = board();
    // The sensor was above the bound from the start.
    board.wait_level(20, 1);
    board.rule_acts_on_the_door();
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn f_whatever_kills_io_service_outputs_go_to_their_safe_levels() {
    let board = board();
    // What is let go of takes the level of its pull here: only who drives the line brings it down.
    for line in [17, 22, 23] {
        board.pull(line, true);
    }
    let mut times = Vec::new();
    for round in 0..5 {
        let pid = board.io_pid();
        board.wait_answering();
        assert_eq!(board.put("heater", true).status, 200);
        assert_eq!(board.put("siren", false).status, 200);
        assert_eq!(board.put("valve", true).status, 200);
        assert_eq!((board.level(17), board.level(22)), (1, 1));
        // A configuration that is broken meanwhile: the next io_service cannot start, and the levels stay to be seen.
        board.write_config(&format!("{CONFIG}\nbroken"));
        let signal = if round == 4 { "ABRT" } else { "KILL" };
        times.push(safe_after(board, signal, pid));
        until("a start that fails", || {
            let process = board.stack.process("io_service")?;
            (process["statename"] == "BACKOFF").then_some(())
        });
        assert_eq!(
            (board.level(17), board.level(22)),
            (0, 0),
            "they are held, on and on"
        );
        assert_eq!(board.level(23), 1, "on_crash = hold");
        // The next io_service takes over, and begins as it is configured: on.
        board.write_config(CONFIG);
        board.wait_level(17, 1);
        board.wait_level(22, 1);
        board.wait_answering();
        assert_ne!(board.io_pid(), pid);
        assert_eq!(
            board.put("heater", false).status,
            200,
            "the lines are its own again"
        );
    }
    times.sort();
    let millis: Vec<u128> = times.iter().map(Duration::as_millis).collect();
    // The bound is 100 ms of a machine that is not emulated.
    let outside: u128 = std::env::var("PISTACK_TEST_START_US").unwrap().parse().unwrap();
    let slower = (median_start().as_micros() / outside).max(1);
    let median = times[2].as_micros() / slower;
    println!(
        "figure: end of io_service to safe level, ms, five times: {millis:?}; starting a program takes {slower} times as \
         long as outside, so outside it were {median} us"
    );
    assert!(median < 100_000, "{millis:?}, {slower} times as slow");
    // Without anything broken it is back by itself, and the rules watch its lines again.
    let pid = board.io_pid();
    signal_process("KILL", pid);
    until("a new process", || {
        Some(board.io_pid()).filter(|next| *next != pid)
    });
    board.wait_answering();
    board.wait_level(17, 1);
    board.rule_acts_on_the_door();
}

/// How long a start of the program takes: the middle one of fifteen.
#[expect(clippy::disallowed_methods, reason = "it measures")]
pub(crate) fn median_start() -> Duration {
    let mut times: Vec<Duration> = (0..15)
        .map(|_| {
            let began = Instant::now();
            let output = command(pistack_e2e::binary()).arg("--version").output().unwrap();
            assert!(output.status.success(), "{output:?}");
            began.elapsed()
        })
        .collect();
    times.sort();
    times[7]
}

/// Ends the process and gives the time from its end to the safe levels of both lines.
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn safe_after(board: &Board, signal: &str, pid: u32) -> Duration {
    let stat = format!("/proc/{pid}/stat");
    signal_process(signal, pid);
    let began = Instant::now();
    let mut ended = None;
    loop {
        let gone = fs::read_to_string(&stat).map_or(true, |text| text.contains(") Z "));
        if gone && ended.is_none() {
            ended = Some(Instant::now());
        }
        if board.level(17) == 0 && board.level(22) == 0 {
            return ended.unwrap_or(began).elapsed();
        }
        std::thread::sleep(Duration::from_millis(1));
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "the outputs never went to their safe levels:\n{}",
            board.stack.complained()
        );
    }
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn g_the_emergency_stop_holds_until_the_release() {
    let board = board();
    assert_eq!(board.put("heater", true).status, 200);
    let stop = board
        .stack
        .post(&board.token, "/api/io/stop", &json!({ "reason": "smoke" }));
    assert_eq!(
        (stop.status, &stop.json()["safe_mode"]),
        (200, &json!(true)),
        "{stop:?}"
    );
    assert_eq!((board.level(17), board.level(22)), (0, 0));
    let refused = board.put("heater", true);
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (423, &json!("safe_mode")),
        "{refused:?}"
    );
    assert_eq!(board.level(17), 0);
    assert_eq!(board.get("/api/io/lines/door")["name"], "door", "reading goes on");
    let release = board.stack.post(&board.token, "/api/io/release", &json!({}));
    assert_eq!(
        (release.status, &release.json()["safe_mode"]),
        (200, &json!(false))
    );
    assert_eq!(board.put("heater", true).status, 200);
    assert_eq!(board.level(17), 1);
    assert_eq!(board.put("siren", false).status, 200);
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn h_the_link_is_lost_and_comes_back() {
    let board = board();
    let link = |state: &str| {
        let done = command("busybox")
            .args(["ip", "link", "set", "net0", state])
            .status();
        assert!(done.unwrap().success());
    };
    assert_eq!(board.put("pump", true).status, 200);
    link("down");
    board.wait_level(16, 0);
    assert_eq!(board.put("pump", true).status, 423);
    assert_eq!(
        board.put("heater", true).status,
        200,
        "lines without on_link_loss do not care"
    );
    link("up");
    let done = command("busybox")
        .args(["ip", "route", "add", "default", "via", "192.0.2.1"])
        .status();
    assert!(done.unwrap().success());
    board.wait_level(16, 1);
    until("writing again", || {
        (board.put("pump", false).status == 200).then_some(())
    });
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn i_a_thermometer_is_read_through_its_driver() {
    let board = board();
    let fresh = board.get("/api/io/sensors/probe?fresh=1");
    assert_eq!(
        (&fresh["value"], &fresh["unit"], &fresh["kind"], &fresh["quality"]),
        (&json!(23.0), &json!("°C"), &json!("lm75"), &json!("ok")),
        "{fresh}"
    );
    let all = board.get("/api/io/sensors")["sensors"].clone();
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .any(|sensor| sensor["source"] == "lm75-temp1"),
        "{all}"
    );
    let unknown = board.stack.get_as(&board.token, "/api/io/sensors/cellar");
    assert_eq!(
        (unknown.status, &unknown.json()["code"]),
        (404, &json!("sensor_unknown"))
    );
}

#[test]
#[ignore = "runs in the virtual machine of e2e/board/sim.sh"]
fn j_an_orderly_stop_and_a_chip_that_goes_away() {
    let board = board();
    assert_eq!(board.put("extra", true).status, 200);
    let seen = fs::read_to_string(board.spare.join("sim_gpio3/value")).unwrap();
    assert_eq!(seen.trim(), "1");
    board.stack.cli(&["stop", "io_service"]);
    board.stack.wait_state("io_service", "STOPPED");
    // Nothing is held: the lines follow their pulls.
    until("the end of pistack io safe", || (!holder_lives()).then_some(()));
    for up in [true, false] {
        board.pull(17, up);
        assert_eq!(board.level(17), u8::from(up));
    }
    board.stack.cli(&["start", "io_service"]);
    board.io_pid();
    board.wait_answering();
    // The chip is pulled out while its line is held.
    let live = std::env::var("SPARE_LIVE").unwrap();
    fs::write(&live, "0").unwrap();
    let gone = board.put("extra", true);
    assert_eq!(
        (gone.status, &gone.json()["code"]),
        (503, &json!("chip_gone")),
        "{gone:?}"
    );
    let health = board.stack.get("/api/io/health");
    assert_eq!(
        (health.status, &health.json()["gone"]),
        (503, &json!(["spare"])),
        "{health:?}"
    );
    // The other lines go on, in both directions.
    assert_eq!(board.put("heater", true).status, 200);
    assert_eq!(board.level(17), 1);
    let seq = board.get("/api/io/lines/door")["seq"].as_u64();
    board.pull(27, false);
    until("an edge", || {
        let door = board.get("/api/io/lines/door");
        (door["value"] == false && door["seq"].as_u64() > seq).then_some(())
    });
    // It is back, under the same label: its line is driven at the next use.
    fs::write(&live, "1").unwrap();
    until("the chip", || {
        (board.put("extra", true).status == 200).then_some(())
    });
    assert_eq!(board.stack.get("/api/io/health").status, 200);
    let name = fs::read_to_string(std::env::var("SPARE_NAME").unwrap()).unwrap();
    let line = board
        .spare
        .parent()
        .unwrap()
        .join(name.trim())
        .join("sim_gpio3/value");
    assert_eq!(fs::read_to_string(line).unwrap().trim(), "1");
}

/// Whether some `pistack io safe` runs.
fn holder_lives() -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        fs::read_to_string(entry.path().join("cmdline")).is_ok_and(|line| line.contains("\0io\0safe"))
    })
}

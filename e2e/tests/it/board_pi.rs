//! The arm64 build of the whole stack on an emulated Raspberry Pi 3B with 1 GB: started as an installed one is, reached
//! through TLS from outside, with the board's real GPIO chip, PWM and thermometer read back where nobody can pretend.
//!
//! The board has no clock of its own, so it begins in 1970, and the time comes later, as from a time server.
//! `PISTACK_ARM64` names another program than the quick build, such as the one that is given away.

#![expect(
    clippy::print_stdout,
    reason = "the figures that the test takes are for people"
)]

mod machine;

use std::path::PathBuf;
use std::time::Instant;

use machine::Machine;
use pistack_e2e::stack::PASSWORD;
use pistack_e2e::{command, root};
use serde_json::{Value, json};

const SERVICES: [&str; 5] = ["auth", "supervisor", "email", "info", "io"];
/// Most memory that the whole stack may take of its own, kB: heap, stacks and changed data, whose amount hardly depends
/// on how the program was compiled.
const OWN_KB: u64 = 48 * 1024;
/// Most memory of all, kB of Pss. The quick build is not optimised, so its code is several times that of the release.
const MEMORY_KB: u64 = 96 * 1024;

/// The arm64 program: built here unless `PISTACK_ARM64` names one.
fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("PISTACK_ARM64") {
        return path.into();
    }
    let target = "aarch64-unknown-linux-gnu";
    let output = command("cargo")
        .current_dir(root())
        .args(["xtask", "dist", "--target", target, "--quick", "--fetch"])
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "the arm64 build failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().last().expect("it prints the path").into()
}

/// A machine without the emulator is told what to install.
#[test]
fn a_missing_emulator_is_a_failure_that_names_the_package() {
    let folder = tempfile::tempdir().unwrap();
    let dirname = ["/usr/bin/dirname", "/bin/dirname"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
        .expect("dirname is part of coreutils");
    std::os::unix::fs::symlink(dirname, folder.path().join("dirname")).unwrap();
    let output = command("/bin/sh")
        .arg(root().join("e2e/board/pi.sh"))
        .arg("--build")
        .env("PATH", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr).trim(),
        "board-pi: qemu-system-aarch64 is missing: apt-get install qemu-system-arm"
    );
}

#[test]
fn the_whole_stack_on_an_emulated_raspberry_pi() {
    let mut pi = Machine::boot(&program());
    let booted = pi.until("the boot", |pi| pi.said("BOARD_UP"));
    println!("booted after {booted}");
    comes_up_in_1970(&mut pi);
    learns_the_time(&mut pi);
    let token = login(&mut pi);
    drives_real_outputs(&mut pi, &token);
    reads_real_inputs(&mut pi, &token);
    drives_hardware_pwm(&mut pi, &token);
    knows_the_board(&mut pi, &token);
    falls_to_safe_levels(&mut pi, &token);
    measures_memory(&mut pi);
    stops(&mut pi);
}

/// Every health endpoint answers through TLS.
fn comes_up_in_1970(pi: &mut Machine) {
    for name in SERVICES {
        let path = format!("/api/{name}/health");
        pi.until(&path, |pi| {
            pi.try_request_trusting_all(&path)
                .ok()
                .filter(|answer| answer.status == 200)
        });
    }
    let began: f64 = pi.said("BOARD_STACK_FROM").unwrap().parse().unwrap();
    let now: f64 = pi.shell("cut -d' ' -f1 /proc/uptime").parse().unwrap();
    println!(
        "from `pistack up` to the last health answer: {:.1} s",
        now - began
    );
    assert!(pi.shell("date +%Y").starts_with("1970"), "the board has a clock");
}

/// A time server's answer moves the clock by half a century, and the certificate becomes one that a device accepts.
fn learns_the_time(pi: &mut Machine) {
    let now = command("date").arg("+%s").output().unwrap();
    let now = String::from_utf8(now.stdout).unwrap();
    pi.shell(&format!("date -s @{}", now.trim()));
    let mut last = String::new();
    let began = uptime(pi);
    for name in SERVICES {
        let path = format!("/api/{name}/health");
        pi.until(&format!("{path} with a certificate of today"), |pi| {
            // The root certificate may have been made anew with the leaf.
            pi.learn_root();
            match pi.try_request(&[], &path) {
                Ok(answer) => Some(answer).filter(|answer| answer.status == 200),
                Err(error) => {
                    if error != last {
                        println!("{error}");
                        last = error;
                    }
                    None
                }
            }
        });
    }
    println!("certificates of today after {:.1} s", uptime(pi) - began);
}

fn uptime(pi: &mut Machine) -> f64 {
    pi.shell("cut -d' ' -f1 /proc/uptime").parse().unwrap()
}

fn login(pi: &mut Machine) -> String {
    let body = json!({ "name": "root", "password": PASSWORD });
    let answer = pi.send("POST", "", "/api/auth/session/login", Some(&body));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

/// The answer of a call that must succeed.
fn done(pi: &Machine, method: &str, token: &str, path: &str, body: &Value) -> Value {
    let answer = pi.send(method, token, path, Some(body));
    assert!(
        (200..300).contains(&answer.status),
        "{method} {path} {body}: {answer:?}"
    );
    answer.json()
}

fn read(pi: &Machine, token: &str, path: &str) -> Value {
    let answer = pi.send("GET", token, path, None);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// What the API says of an output is what the chip's registers say.
fn drives_real_outputs(pi: &mut Machine, token: &str) {
    assert_eq!(
        (pi.function(17), pi.level(17)),
        (1, false),
        "relay: an output, and off as configured"
    );
    assert_eq!(
        (pi.function(22), pi.level(22)),
        (1, true),
        "pump: an output, and on as configured"
    );
    for value in [true, false, true] {
        let line = done(
            pi,
            "PUT",
            token,
            "/api/io/lines/relay/value",
            &json!({ "value": value }),
        );
        assert_eq!(
            (&line["value"], &line["chip"], &line["bcm"]),
            (&json!(value), &json!("pinctrl-bcm2835"), &json!(17)),
            "{line}"
        );
        assert_eq!(pi.level(17), value, "seen from outside");
    }
    let both = json!({ "set": { "relay": false, "pump": false } });
    done(pi, "POST", token, "/api/io/lines/set", &both);
    assert_eq!((pi.level(17), pi.level(22)), (false, false));
    let set = done(
        pi,
        "POST",
        token,
        "/api/io/gpio/set",
        &json!({ "pin": 17, "value": 1 }),
    );
    assert_eq!(set.get("warning"), None, "nothing is simulated here: {set}");
    assert!(pi.level(17), "the original's own call");
    assert_eq!(read(pi, token, "/api/io/gpio/read?pin=17")["value"], 1);
    assert_eq!(pi.function(17), 1, "reading leaves an output what it is");
}

/// A voltage from outside is what the API reads.
fn reads_real_inputs(pi: &mut Machine, token: &str) {
    assert_eq!(pi.function(24), 0, "door: an input");
    for value in [true, false, true] {
        pi.drive(24, value);
        let line = read(pi, token, "/api/io/lines/door");
        assert_eq!(line["value"], value, "{line}");
    }
    let refused = pi.send(
        "PUT",
        token,
        "/api/io/lines/door/value",
        Some(&json!({ "value": false })),
    );
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(pi.level(24));
}

/// A servo's signal: 50 Hz, 1.5 ms. The driver's own files tell what it was told.
fn drives_hardware_pwm(pi: &mut Machine, token: &str) {
    let line = done(
        pi,
        "PUT",
        token,
        "/api/io/lines/servo/pwm",
        &json!({ "duty": 0.075, "freq_hz": 50 }),
    );
    assert_eq!(line["mode"], "pwm", "{line}");
    let files = "cd /sys/class/pwm/pwmchip0/pwm0 && cat period duty_cycle enable";
    assert_eq!(
        pi.shell(files).split_whitespace().collect::<Vec<_>>(),
        ["20000000", "1500000", "1"]
    );
    done(
        pi,
        "PUT",
        token,
        "/api/io/lines/servo/pwm",
        &json!({ "duty": 0.5, "freq_hz": 1000 }),
    );
    assert_eq!(
        pi.shell(files).split_whitespace().collect::<Vec<_>>(),
        ["1000000", "500000", "1"]
    );
}

/// Model, processor, thermometer, memory: the board's own.
fn knows_the_board(pi: &mut Machine, token: &str) {
    let board = read(pi, token, "/api/info/board");
    assert_eq!(
        (&board["model"], &board["architecture"], &board["cpus"]),
        (&json!("Raspberry Pi 3 Model B"), &json!("aarch64"), &json!(4)),
        "{board}"
    );
    let memory = board["memory"]["total"].as_u64().unwrap();
    assert!((800_000_000..1_000_000_000).contains(&memory), "{board}");
    let celsius: f64 = pi
        .shell("cat /sys/class/thermal/thermal_zone0/temp")
        .parse::<f64>()
        .unwrap()
        / 1000.0;
    // Told to a tenth.
    let near = |value: &Value| value.as_f64().is_some_and(|told| (told - celsius).abs() < 0.2);
    assert!(near(&board["cpu_temperature"]), "{celsius}: {board}");
    let now = pi.until("the sampler's first round", |pi| {
        Some(read(pi, token, "/api/info/now")).filter(|now| now["cpu_percent"].is_number())
    });
    assert!(near(&now["cpu_temperature"]), "{celsius}: {now}");
    assert_eq!(now["cores"].as_array().map(Vec::len), Some(4), "{now}");
    let io = read(pi, token, "/api/io/board");
    assert_eq!(io["model"], "Raspberry Pi 3 Model B", "{io}");
    assert_eq!(io["header"].as_array().map(Vec::len), Some(40), "{io}");
    let network = read(pi, token, "/api/info/network");
    assert!(network.to_string().contains("10.0.2.15"), "{network}");
}

/// A killed GPIO service: the voltage itself falls.
fn falls_to_safe_levels(pi: &mut Machine, token: &str) {
    done(
        pi,
        "PUT",
        token,
        "/api/io/lines/relay/value",
        &json!({ "value": true }),
    );
    assert!(pi.level(17));
    let before = pi.shell("pistack --state-dir /var/lib/pistack status io_service --json");
    let before: Value = serde_json::from_str(&before).unwrap_or_else(|error| panic!("{error}: {before}"));
    let pid = before["processes"][0]["pid"].as_u64().expect("it runs");
    pi.shell(&format!("kill -9 {pid}"));
    let began = instant();
    pi.until("the relay to be off", |pi| (!pi.level(17)).then_some(()));
    println!(
        "from the end of the shell that killed io_service to the safe level: {:?} at most",
        began.elapsed()
    );
    let path = "/api/io/lines/relay";
    pi.until("io_service to be back", |pi| {
        let answer = pi.send("GET", token, path, None);
        (answer.status == 200 && answer.json()["value"] == false).then_some(())
    });
    assert!(!pi.level(17), "it does not come back by itself");
}

#[expect(clippy::disallowed_methods, reason = "a test measures real time")]
fn instant() -> Instant {
    Instant::now()
}

/// The share of memory of every process of the stack, and what of it is the process's own.
fn measures_memory(pi: &mut Machine) {
    let table = pi.shell(
        "for process in /proc/[0-9]*; do\n\
         [ \"$(readlink $process/exe)\" = /usr/bin/pistack ] || continue\n\
         set -- $(sed -n 's/^Pss\\(_Anon\\)\\?: *\\([0-9]*\\) kB/\\2/p' $process/smaps_rollup)\n\
         [ -z \"$2\" ] || echo \"$1 $2 $(tr '\\0' ' ' < $process/cmdline)\"\n\
         done",
    );
    println!("Pss and own memory, kB:\n{table}");
    let column = |at: usize| -> Vec<u64> {
        table
            .lines()
            .filter_map(|line| line.split_whitespace().nth(at)?.parse().ok())
            .collect()
    };
    let (shares, own) = (column(0), column(1));
    assert!(shares.len() >= 8, "a process is missing:\n{table}");
    assert_eq!(shares.len(), own.len(), "{table}");
    let (all, own) = (shares.iter().sum::<u64>(), own.iter().sum::<u64>());
    println!(
        "Pss of the whole stack, {} processes: {:.1} MB, of which its own: {:.1} MB",
        shares.len(),
        all as f64 * 1024.0 / 1e6,
        own as f64 * 1024.0 / 1e6
    );
    assert!(
        all < MEMORY_KB && own < OWN_KB,
        "{all} kB, own {own} kB:\n{table}"
    );
}

/// `pistack down` ends it in order.
fn stops(pi: &mut Machine) {
    pi.shell("pistack --state-dir /var/lib/pistack down");
    let code = pi.until("the end of the stack", |pi| pi.said("BOARD_STACK_ENDED"));
    assert_eq!(code, "0");
}

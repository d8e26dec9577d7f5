//! What the board tells of itself, on a copy of a file tree.

use axum::body::Body;
use http::Request;
use pistack_api::token::Level;
use pistack_info::Config;
use serde_json::{Value, json};

use crate::Bench;

/// A little board: a model, two processors, a network, a card.
fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("proc/device-tree/model", "Raspberry Pi 3 Model B Rev 1.2\0"),
        (
            "proc/stat",
            "cpu  10 0 0 90 0 0 0 0\ncpu0 5 0 0 45 0 0 0 0\ncpu1 5 0 0 45 0 0 0 0\nbtime 1699990000\n",
        ),
        ("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n"),
        ("proc/uptime", "10000.0 1\n"),
        ("proc/net/dev", "h\nh\n eth0: 5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0\n"),
        ("proc/diskstats", " 179 0 mmcblk0 1 0 2 0 3 0 4 0 0 5 0\n"),
        (
            "proc/self/mountinfo",
            "22 1 179:2 / / rw - ext4 /dev/mmcblk0p2 ro\n",
        ),
        (
            "proc/7/stat",
            "7 (cam) S 1 0 0 0 -1 0 0 0 0 0 5 0 0 0 20 0 1 0 500 0 30 0",
        ),
        ("proc/7/status", "Uid:\t1000\t1000\t1000\t1000\n"),
        ("sys/block/mmcblk0/device/type", "SD\n"),
        ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
        ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
        ("etc/passwd", "pi:x:1000:1000:Pi:/home/pi:/bin/bash\n"),
        ("etc/resolv.conf", "nameserver 192.168.1.1\n"),
        ("run/reboot-required", ""),
    ] {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn bench() -> (tempfile::TempDir, Bench) {
    let root = tree();
    let bench = Bench::new(Config {
        sysroot: root.path().into(),
        ..Config::default()
    });
    (root, bench)
}

#[tokio::test]
async fn the_board_is_for_those_signed_in() {
    let root = tempfile::tempdir().unwrap();
    let proc = root.path().join("proc/sys/kernel");
    std::fs::create_dir_all(&proc).unwrap();
    std::fs::write(proc.join("hostname"), "pi4\n").unwrap();
    let bench = Bench::new(Config {
        sysroot: root.path().into(),
        ..Config::default()
    });
    let (status, body) = bench.get("/board").await;
    assert_eq!(
        (status.as_u16(), &body["message"]),
        (401, &json!("invalid or expired token"))
    );
    let token = bench.auth.token("anna", Level::User, bench.context.clock.unix());
    let request = Request::get("/api/info/board").header("authorization", format!("Bearer {token}"));
    let (status, body) = bench.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (status.as_u16(), &body["hostname"], &body["model"]),
        (200, &json!("pi4"), &Value::Null)
    );
    assert_eq!(body["disk"]["path"], bench.directory.path().to_str().unwrap());
}

#[tokio::test]
async fn every_new_answer_takes_a_token_and_has_its_shape() {
    let (_root, bench) = bench();
    for (path, key) in [
        ("/now", "cores"),
        ("/network", "interfaces"),
        ("/storage", "mounts"),
        ("/users", "users"),
        ("/processes?sort=memory&limit=5", "processes"),
        ("/reachability", "gateway"),
        ("/history?metric=cpu,net_rx&range=24h", "series"),
    ] {
        assert_eq!(bench.get(path).await.0, 401, "{path}");
        let (status, body) = bench.get_as_user(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert!(body.get(key).is_some(), "{path}: {body}");
    }
    let (status, body) = bench.get_as_user("/programs").await;
    assert_eq!((status.as_u16(), body["message"].is_string()), (503, true));
}

#[tokio::test]
async fn the_boards_figures() {
    let (_root, bench) = bench();
    let (_, board) = bench.get_as_user("/board").await;
    assert_eq!(board["model"], "Raspberry Pi 3 Model B Rev 1.2");
    assert_eq!(
        (&board["boot_time"], &board["cpus"]),
        (&json!(1_699_990_000), &json!(2))
    );
    assert_eq!(
        (&board["reboot_required"], &board["cpu_temperature"]),
        (&json!(true), &json!(48.312))
    );
    let (_, storage) = bench.get_as_user("/storage").await;
    assert_eq!(
        (&storage["root_read_only"], &storage["disks"][0]["kind"]),
        (&json!(true), &json!("sd"))
    );
    let (_, users) = bench.get_as_user("/users").await;
    assert_eq!(users["users"][0]["name"], "pi");
    let (_, processes) = bench.get_as_user("/processes").await;
    assert_eq!(
        (
            &processes["processes"][0]["name"],
            &processes["processes"][0]["user"]
        ),
        (&json!("cam"), &json!("pi"))
    );
    let (_, network) = bench.get_as_user("/network").await;
    assert_eq!(
        (&network["source"], &network["dns"]["servers"][0]),
        (&json!("sysfs"), &json!("192.168.1.1"))
    );
}

#[tokio::test]
async fn bad_questions_are_400() {
    let (_root, bench) = bench();
    for path in [
        "/history?metric=cpu,nonsense",
        "/history?range=2h",
        "/processes?limit=0",
        "/processes?limit=1001",
        "/processes?sort=name",
    ] {
        let (status, body) = bench.get_as_user(path).await;
        assert_eq!(status, 400, "{path}: {body}");
        assert!(body["message"].is_string(), "{path}: {body}");
    }
}

#[tokio::test]
async fn metrics_are_text_and_say_who_is_missing() {
    let (_root, bench) = bench();
    let token = bench.auth.token("anna", Level::User, bench.context.clock.unix());
    let request = Request::get("/api/info/metrics").header("authorization", format!("Bearer {token}"));
    let (head, text) = bench.text(request.body(Body::empty()).unwrap()).await;
    assert_eq!(head.status, 200);
    assert_eq!(
        head.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    for line in [
        "pistack_cpu_seconds_total{cpu=\"1\",mode=\"user\"} 0.05",
        "pistack_memory_available_bytes 256000",
        "pistack_network_receive_bytes_total{interface=\"eth0\"} 5",
        "pistack_disk_written_bytes_total{disk=\"mmcblk0\"} 2048",
        "pistack_filesystem_read_only{mountpoint=\"/\"} 1",
        "pistack_temperature_celsius{sensor=\"cpu-thermal\"} 48.312",
        "pistack_source_up{source=\"gateway\"} 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }
}

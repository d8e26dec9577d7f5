//! Samples of copies of three boards: a Raspberry Pi 3B, a PC, and one whose files are broken.

use super::*;

struct Board {
    tree: Tree,
    clock: Clock,
    _root: tempfile::TempDir,
}

impl Board {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let board = Self {
            tree: Tree::new(root.path()),
            clock: Clock::manual(1_700_000_000),
            _root: root,
        };
        for (path, text) in files {
            board.put(path, text);
        }
        board
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.tree.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn sampler(&self) -> Sampler {
        Sampler::new(&self.tree, self.tree.path("/"), &self.clock)
    }
}

const NET: &str = "h\nh\n lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n eth0: 1000 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n\
                   docker0: 7 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n";

fn pi_3b() -> Board {
    Board::new(&[
        (
            "proc/stat",
            "cpu  100 0 0 900 0 0 0 0\ncpu0 50 0 0 450 0 0 0 0\ncpu1 50 0 0 450 0 0 0 0\nbtime 1\n",
        ),
        ("proc/loadavg", "0.5 0.4 0.3 1/200 999\n"),
        ("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n"),
        ("proc/uptime", "3600.50 7000.00\n"),
        (
            "proc/pressure/cpu",
            "some avg10=1.00 avg60=0.00 avg300=0.00 total=5\n",
        ),
        ("proc/net/dev", NET),
        (
            "proc/diskstats",
            " 179 0 mmcblk0 10 0 100 5 10 0 100 5 0 100 10\n 7 0 loop0 1 0 1 1 1 0 1 1 0 1 1\n",
        ),
        ("sys/block/mmcblk0/device/type", "SD\n"),
        ("sys/class/net/eth0/device/vendor", "x"),
        ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
        ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
        ("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n"),
    ])
}

#[test]
fn rates_are_those_of_two_samples() {
    let board = pi_3b();
    let sampler = board.sampler();
    assert_eq!(sampler.latest().now.cpu_percent, None, "one sample has no rates");
    board.clock.advance(EVERY);
    board.put(
        "proc/stat",
        "cpu  150 0 0 950 0 0 0 0\ncpu0 100 0 0 450 0 0 0 0\ncpu1 50 0 0 500 0 0 0 0\n",
    );
    board.put(
        "proc/net/dev",
        &NET.replace("eth0: 1000", "eth0: 3000")
            .replace("docker0: 7", "docker0: 9007"),
    );
    board.put(
        "proc/diskstats",
        " 179 0 mmcblk0 10 0 100 5 10 0 4196 5 0 1100 10\n",
    );
    sampler.sample();
    let sample = sampler.latest();
    let now = &sample.now;
    assert_eq!(
        (now.cpu_percent, &*now.cores),
        (Some(50.0), &[Some(100.0), Some(0.0)][..])
    );
    assert_eq!((now.uptime_s, now.load), (Some(3600), Some([0.5, 0.4, 0.3])));
    assert_eq!(
        (now.cpu_temperature, now.throttling.as_ref().unwrap().bits),
        (Some(48.312), Some(0x50005))
    );
    assert_eq!(now.psi.cpu.map(|cpu| cpu.some.avg10), Some(1.0));
    assert_eq!(now.psi.memory, None);
    let names: Vec<_> = now.net.iter().map(|net| &*net.name).collect();
    assert_eq!(names, ["docker0", "eth0"]);
    assert_eq!(now.net[1].rx_bytes_s, Some(1000.0));
    assert_eq!(
        now.totals(),
        (Some(1000.0), Some(0.0)),
        "bridges are not counted twice"
    );
    let [disk] = &*now.disk_io else {
        panic!("{:?}", now.disk_io)
    };
    assert_eq!(
        (disk.write_bytes_s, disk.busy_percent),
        (Some(4096.0 * 512.0 / 2.0), Some(50.0))
    );
    let (_, cpu) = sampler.hour(Metric::Cpu);
    assert_eq!(cpu, [Some(50.0)]);
    let figures = serde_json::to_value(crate::figures::of(&sample)).unwrap();
    assert_eq!(figures["cpu_ticks"], serde_json::json!([150, 1100]));
    assert_eq!(
        (&figures["memory"], &figures["throttled"]),
        (&75.0.into(), &0x50005.into())
    );
}

#[test]
fn a_counter_that_began_anew_gives_null_and_never_a_negative_rate() {
    let board = pi_3b();
    let sampler = board.sampler();
    board.clock.advance(EVERY);
    board.put("proc/net/dev", &NET.replace("eth0: 1000", "eth0: 10"));
    board.put("proc/stat", "cpu  1 0 0 9 0 0 0 0\n");
    sampler.sample();
    let now = sampler.latest().now.clone();
    assert_eq!((now.net[1].rx_bytes_s, now.net[1].tx_bytes_s), (None, Some(0.0)));
    assert_eq!((now.cpu_percent, now.totals().0), (None, None));
}

#[test]
fn a_sample_is_shared_until_it_is_stale() {
    let board = pi_3b();
    let sampler = board.sampler();
    let first = sampler.latest();
    board.clock.advance(Duration::from_secs(5));
    assert!(Arc::ptr_eq(&first, &sampler.latest()));
    board.clock.advance(Duration::from_secs(1));
    board.put("proc/uptime", "3606.5 1\n");
    assert_eq!(sampler.latest().now.uptime_s, Some(3606), "the board slept");
}

#[test]
fn sensors_that_come_later_are_found() {
    let board = pi_3b();
    let sampler = board.sampler();
    board.put("sys/class/hwmon/hwmon9/name", "w1_slave_temp\n");
    board.put("sys/class/hwmon/hwmon9/temp1_input", "21000\n");
    board.clock.advance(Duration::from_mins(1));
    sampler.sample();
    let names: Vec<_> = sampler
        .latest()
        .now
        .temperatures
        .iter()
        .map(|one| one.name.clone())
        .collect();
    assert_eq!(names, ["cpu-thermal", "w1_slave_temp temp1"]);
}

#[test]
fn a_pc_without_anything_and_one_with_broken_files_still_give_an_answer() {
    let empty = Board::new(&[]);
    let broken = Board::new(&[
        ("proc/stat", "cpu x\n"),
        ("proc/loadavg", "\u{0}\u{1}"),
        ("proc/meminfo", "MemTotal:\n"),
        ("proc/uptime", "-5 inf"),
        ("proc/net/dev", ":::\n eth0: x\n"),
        ("proc/diskstats", "1 2\n"),
        ("sys/class/thermal/thermal_zone0/type", "cpu\n"),
        ("sys/class/thermal/thermal_zone0/temp", "hot\n"),
    ]);
    for board in [empty, broken] {
        let sampler = board.sampler();
        board.clock.advance(EVERY);
        sampler.sample();
        let sample = sampler.latest();
        assert_eq!(
            (sample.now.cpu_percent, sample.now.load, sample.now.memory),
            (None, None, None)
        );
        assert_eq!((sample.uptime, sample.cpu_celsius), (None, None));
        assert!(sample.now.net.is_empty() && sample.now.throttling.is_none());
        let values = sample.values();
        assert!(values[Metric::Cpu as usize].is_nan() && values[Metric::Disk as usize].is_finite());
    }
}

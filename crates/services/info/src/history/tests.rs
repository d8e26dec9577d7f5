//! The history on virtual time: minutes, clocks that begin in 1970 and jump, restarts, power cuts, full disks.

#![expect(clippy::float_cmp, reason = "what comes out is exactly what went in")]

use std::path::Path;

use super::*;

/// Late enough to be believed.
const NOW: i64 = 1_780_000_000;

struct Bench {
    root: tempfile::TempDir,
    tree: Tree,
    clock: Clock,
    sampler: Sampler,
    history: History,
    uptime: u64,
}

impl Bench {
    fn new(unix: i64, uptime: u64) -> Self {
        Self::on(tempfile::tempdir().unwrap(), unix, uptime)
    }

    /// A run of the service on what an earlier one has left.
    fn on(root: tempfile::TempDir, unix: i64, uptime: u64) -> Self {
        let tree = Tree::new(root.path());
        let clock = Clock::manual(unix);
        put(&tree, "proc/sys/kernel/random/boot_id", "one\n");
        put(&tree, "proc/uptime", &format!("{uptime}.00 1\n"));
        put(&tree, "sys/block/sda/device/model", "x\n");
        Self {
            sampler: Sampler::new(&tree, root.path().into(), &clock),
            history: History::new(root.path().join("db/info.sqlite3"), &clock, &tree),
            root,
            tree,
            clock,
            uptime,
        }
    }

    /// Time goes by in samples, each of one load; completed minutes are stored as the service does.
    async fn pass(&mut self, seconds: u64, load: f64) {
        self.pass_in(20, seconds, load).await;
    }

    async fn pass_in(&mut self, step: u64, seconds: u64, load: f64) {
        put(&self.tree, "proc/loadavg", &format!("{load} 0 0 1/1 1\n"));
        for _ in 0..seconds / step {
            self.uptime += step;
            self.clock.advance(Duration::from_secs(step));
            put(&self.tree, "proc/uptime", &format!("{}.00 1\n", self.uptime));
            let sectors = self.uptime;
            put(
                &self.tree,
                "proc/diskstats",
                &format!("8 0 sda 0 0 0 0 0 0 {sectors} 0 0 0 0\n"),
            );
            if self.sampler.sample() {
                self.history.store(&self.sampler).await;
            }
        }
    }

    async fn load(&self, range: Range) -> Vec<Option<f64>> {
        let series = self.history.series(range, &[Metric::Load], &self.sampler).await;
        series.values["load"]
            .as_array()
            .unwrap()
            .iter()
            .map(serde_json::Value::as_f64)
            .collect()
    }

    /// Known values only.
    async fn known(&self, range: Range) -> Vec<f64> {
        self.load(range).await.into_iter().flatten().collect()
    }

    async fn stop(self) -> tempfile::TempDir {
        self.sampler.finish_minute();
        self.history.store(&self.sampler).await;
        self.history.close().await;
        self.root
    }
}

fn put(tree: &Tree, path: &str, text: &str) {
    let path = tree.path(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn minutes_hours_and_days() {
    let mut bench = Bench::new(NOW, 600);
    bench.pass(3600, 1.0).await;
    bench.pass_in(2, 3600, 3.0).await;
    let hour = bench.load(Range::Hour).await;
    assert_eq!((hour.len(), hour[0], hour[1799]), (1800, Some(3.0), Some(3.0)));
    let day = bench.load(Range::Day).await;
    assert_eq!(day.len(), 1440);
    let known: Vec<_> = day.iter().flatten().copied().collect();
    assert!((119..=121).contains(&known.len()), "{}", known.len());
    assert!(known.iter().all(|load| (1.0..=3.0).contains(load)) && known.is_sorted());
    assert!(day[1438].is_some() && day[0].is_none());
    let week = bench.load(Range::Week).await;
    assert_eq!((week.len(), week.iter().flatten().count() >= 12), (1008, true));
    let month = bench
        .history
        .series(Range::Month, &Metric::ALL, &bench.sampler)
        .await;
    assert_eq!((month.step_s, month.values.len()), (3600, 7));
    assert_eq!(month.values["cpu"].as_array().unwrap().len(), 720);
    assert_eq!((month.from % 3600, (NOW + 7200 - month.from) / 3600), (0, 719));
    let written = bench.history.written(&bench.sampler).await;
    let stored: u64 = written.iter().map(|day| day.bytes).sum();
    let waiting: u64 = bench.sampler.take_minutes().written.values().sum();
    // A sector a second, but for the first sample: what came before it is not known to be of this run.
    assert_eq!(stored + waiting, (7200 - 20) * 512);
    assert_eq!((&*written[0].disk, &*written[0].day), ("sda", "2026-05-28"));
}

#[tokio::test]
async fn a_clock_that_began_in_1970_takes_its_past_along() {
    let mut bench = Bench::new(100, 90);
    bench.pass(600, 1.0).await;
    bench.clock.set_wall(NOW);
    assert!(bench.known(Range::Day).await.is_empty(), "still in 1970");
    bench.pass(120, 2.0).await;
    let day = bench.known(Range::Day).await;
    assert_eq!(day.iter().filter(|load| **load == 1.0).count(), 10, "{day:?}");
    assert_eq!(day.iter().filter(|load| **load > 1.0).count(), 2, "{day:?}");
    // Back to nonsense: what is known to be right is not given up for it.
    bench.clock.set_wall(500);
    bench.pass(120, 4.0).await;
    bench.clock.set_wall(NOW + 840);
    let after = bench.known(Range::Day).await;
    assert_eq!(after.len(), day.len() + 2, "{after:?}");
}

#[tokio::test]
async fn a_jump_of_the_clock_neither_loses_nor_doubles() {
    let mut bench = Bench::new(NOW, 600);
    bench.pass(600, 1.0).await;
    let before = bench.known(Range::Day).await.len();
    for offset in [7200, -3600, 0] {
        bench.clock.set_wall(NOW + bench.uptime as i64 - 600 + offset);
        bench.pass(120, 1.0).await;
    }
    let day = bench.load(Range::Day).await;
    assert_eq!(day.iter().flatten().count(), before + 6);
    let first = day.iter().position(Option::is_some).unwrap();
    assert!(
        day[first..first + before + 6].iter().all(Option::is_some),
        "one piece"
    );
}

#[tokio::test]
async fn a_restart_within_a_minute_joins_its_halves() {
    let mut bench = Bench::new(NOW, 600);
    bench.pass_in(10, 90, 1.0).await;
    let (unix, uptime) = (bench.clock.unix(), bench.uptime);
    let root = bench.stop().await;
    let mut bench = Bench::on(root, unix, uptime);
    bench.pass_in(10, 90, 3.0).await;
    let known = bench.known(Range::Day).await;
    assert_eq!(known.len(), 3, "{known:?}");
    assert_eq!((known[0], known[2]), (1.0, 3.0));
    assert_eq!(known[1], 1.67, "four samples of 1 and two of 3");
}

#[tokio::test]
async fn a_container_that_starts_anew_is_another_start() {
    let mut bench = Bench::new(NOW, 600);
    bench.pass(300, 1.0).await;
    let unix = bench.clock.unix();
    let root = bench.stop().await;
    let mut bench = Bench::on(root, unix + 600, 0);
    bench.pass(300, 2.0).await;
    let known = bench.known(Range::Day).await;
    assert!(
        known.iter().filter(|load| **load == 1.0).count() >= 5,
        "{known:?}"
    );
    assert!(
        known.iter().filter(|load| **load == 2.0).count() >= 4,
        "{known:?}"
    );
}

#[tokio::test]
async fn what_a_power_cut_leaves_is_sound() {
    let mut bench = Bench::new(NOW, 600);
    bench.pass(1200, 1.0).await;
    let left = tempfile::tempdir().unwrap();
    copy(&bench.root.path().join("db"), &left.path().join("db"));
    let again = Bench::on(left, bench.clock.unix() + 60, 30);
    assert!(again.known(Range::Day).await.len() >= 19);
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside() {
    let mut bench = Bench::new(NOW, 600);
    let folder = bench.root.path().join("db");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("info.sqlite3"), "no database ".repeat(1000)).unwrap();
    bench.pass(180, 1.0).await;
    assert!(bench.known(Range::Day).await.len() >= 2);
    let aside = std::fs::read(folder.join("info.sqlite3.damaged")).unwrap();
    assert!(aside.starts_with(b"no database"));
}

#[tokio::test]
async fn what_cannot_be_stored_waits_and_is_shown() {
    let mut bench = Bench::new(NOW, 600);
    // A file where the directory should be: nothing can be made in it.
    std::fs::write(bench.root.path().join("db"), "").unwrap();
    bench.pass(300, 1.0).await;
    assert_eq!(bench.sampler.pending_minutes().len(), 5);
    assert_eq!(bench.known(Range::Day).await.len(), 5, "from memory");
    std::fs::remove_file(bench.root.path().join("db")).unwrap();
    bench.pass(60, 1.0).await;
    assert!(bench.sampler.pending_minutes().is_empty());
    assert_eq!(bench.known(Range::Day).await.len(), 6);
}

#[tokio::test]
async fn a_full_disk_costs_nothing_once_there_is_room() {
    let mut bench = Bench::new(NOW, 600);
    bench.pass(120, 1.0).await;
    let opened = bench.history.opened(&bench.sampler).await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(&opened.pool)
        .await
        .unwrap();
    let limit = |pages: i64| sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(limit(pages)).fetch_one(&opened.pool).await.unwrap();
    let mut minutes = 2;
    while bench.sampler.pending_minutes().is_empty() {
        bench.pass(60, 2.0).await;
        minutes += 1;
        assert!(minutes < 500, "SQLITE_FULL never came");
    }
    // The connection that met the full disk is replaced, and the new one has room.
    bench.pass(60, 2.0).await;
    assert!(bench.sampler.pending_minutes().is_empty());
    assert_eq!(bench.known(Range::Day).await.len(), minutes + 1);
}

#[tokio::test]
async fn thirty_days_are_kept_and_no_more() {
    let mut bench = Bench::new(NOW, 60 * 60_000);
    bench.pass(120, 1.0).await;
    let opened = bench.history.opened(&bench.sampler).await.unwrap();
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59990)
         INSERT OR IGNORE INTO minutes (boot, minute, samples, load) SELECT 1, i, 30, 5.0 FROM n",
    )
    .execute(&opened.pool)
    .await
    .unwrap();
    let count = || async {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM minutes")
            .fetch_one(&opened.pool)
            .await
            .unwrap();
        count
    };
    assert!(count().await > 59_000);
    bench.pass(3660, 1.0).await;
    assert!((44_640..=44_700).contains(&count().await), "{}", count().await);
    let month = bench.load(Range::Month).await;
    assert!(month.iter().all(Option::is_some), "{month:?}");
}

//! Sensors on a copy of `/sys`: files put there by the tests.

use std::path::Path;

use pistack_kit::testing::eventually;

use super::*;

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn pool(root: &Path, configs: Configs) -> (Pool, Arc<Mutex<Vec<Reading>>>) {
    let heard: Arc<Mutex<Vec<Reading>>> = Arc::default();
    let sink = Arc::clone(&heard);
    let tell: Tell = Arc::new(move |reading| sink.lock().unwrap().push(reading));
    (Pool::new(root.to_owned(), configs, Clock::system(), tell), heard)
}

const WIRE: &str = "sys/bus/w1/devices/28-1/temperature";

#[tokio::test]
async fn a_fresh_value_is_read_at_once_and_told() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), WIRE, "21437\n");
    let mut configs = Configs::default();
    configs.insert(
        "kitchen".into(),
        SensorConfig {
            source: "28-1".into(),
            offset: -0.437,
            label: Some("by the window".into()),
            ..SensorConfig::default()
        },
    );
    let (pool, heard) = pool(root.path(), configs);
    assert_eq!(pool.list()[0].quality, Quality::Bad, "not read yet");
    let view = pool.fresh("kitchen").await.unwrap();
    assert_eq!(
        (view.id.as_str(), view.source.as_str(), view.value, view.quality),
        ("kitchen", "28-1", Some(21.0), Quality::Ok)
    );
    assert_eq!(pool.get("28-1").unwrap().value, Some(21.0), "by its own id too");
    put(root.path(), WIRE, "85000\n");
    let view = pool.fresh("kitchen").await.unwrap();
    assert_eq!((view.value, view.quality), (Some(21.0), Quality::Stale));
    assert!(view.error.unwrap().contains("85 °C"));
    let told: Vec<_> = heard
        .lock()
        .unwrap()
        .iter()
        .map(|reading| (reading.id.clone(), reading.value, reading.quality))
        .collect();
    assert_eq!(
        told,
        [
            ("kitchen".to_owned(), Some(21.0), Quality::Ok),
            ("kitchen".to_owned(), Some(21.0), Quality::Stale)
        ]
    );
    assert_eq!(pool.fresh("cellar").await, Err(Unread::Unknown));
}

#[tokio::test]
async fn one_that_hangs_holds_up_nobody_else() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "sys/class/hwmon/hwmon0/name", "lm75");
    put(root.path(), "sys/class/hwmon/hwmon0/temp1_input", "23500");
    put(root.path(), "sys/bus/w1/devices/28-1/name", "");
    let hanging = root.path().join(WIRE);
    // A pipe without a writer: the read waits, as that of a broken bus does.
    rustix::fs::mkfifoat(rustix::fs::CWD, &hanging, rustix::fs::Mode::RWXU).unwrap();
    let (pool, _) = pool(root.path(), Configs::default());
    assert_eq!(pool.fresh("28-1").await, Err(Unread::Timeout));
    assert_eq!(pool.fresh("28-1").await, Err(Unread::Timeout), "no second thread");
    assert_eq!(pool.fresh("lm75-temp1").await.unwrap().value, Some(23.5));
    // It answers at last.
    let late = hanging.clone();
    std::thread::spawn(move || std::fs::write(late, "20000\n").unwrap());
    eventually("the late value", || async {
        pool.get("28-1").filter(|view| view.value == Some(20.0))
    })
    .await;
}

#[tokio::test]
async fn sensors_come_and_go_and_are_read_now_and_then() {
    let root = tempfile::tempdir().unwrap();
    let mut configs = Configs::default();
    configs.insert(
        "cellar".into(),
        SensorConfig {
            source: "28-1".into(),
            every: pistack_kit::config::Span::seconds(1),
            ..SensorConfig::default()
        },
    );
    put(root.path(), WIRE, "20000\n");
    let (pool, _) = pool(root.path(), configs);
    let lifecycle = Lifecycle::new();
    lifecycle.spawn(pool.clone().run(lifecycle.clone()));
    eventually("the first value", || async {
        pool.get("cellar").filter(|view| view.value == Some(20.0))
    })
    .await;
    put(root.path(), WIRE, "20500\n");
    eventually("the next value", || async {
        pool.get("cellar").filter(|view| view.value == Some(20.5))
    })
    .await;
    std::fs::remove_dir_all(root.path().join("sys")).unwrap();
    let gone = eventually("its end", || async {
        pool.list();
        pool.get("cellar").filter(|view| view.quality == Quality::Bad)
    })
    .await;
    assert_eq!(gone.error.as_deref(), Some("there is no sensor 28-1"));
    put(root.path(), "sys/class/hwmon/hwmon0/name", "lm75");
    put(root.path(), "sys/class/hwmon/hwmon0/temp1_input", "23500");
    eventually("a new one", || async {
        pool.list().into_iter().find(|view| view.value == Some(23.5))
    })
    .await;
    lifecycle.stop();
    assert!(lifecycle.finish(Duration::from_secs(5)).await);
}

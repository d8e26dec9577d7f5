//! What runs when a process has ended: at once, before it starts again, however it ended.

use pistack_engine::config::model::{AutoRestart, ProcessSpec};

use crate::harness::{Daemon, Place, Test, block_on, lives, shell, start_at};

pub(crate) const TESTS: &[Test] = &[
    (
        "it_runs_before_the_process_comes_back_and_hands_over",
        it_runs_before_the_process_comes_back_and_hands_over,
    ),
    (
        "an_end_that_a_leaving_command_missed_gets_one_of_its_own",
        an_end_that_a_leaving_command_missed_gets_one_of_its_own,
    ),
    (
        "a_shutdown_lets_it_do_its_work_and_leaves_nothing_behind",
        a_shutdown_lets_it_do_its_work_and_leaves_nothing_behind,
    ),
    (
        "one_that_cannot_be_run_is_told_and_the_process_comes_back",
        one_that_cannot_be_run_is_told_and_the_process_comes_back,
    ),
];

/// A process that notes the command it may take over from, and then sleeps.
fn device(place: &Place, on_exit: &str) -> ProcessSpec {
    let log = place.path("log");
    let script = format!(
        "echo \"start after ${{PISTACK_ON_EXIT_PID:-nobody}}\" >> {}; exec sleep 1000",
        log.display()
    );
    let mut spec = shell("device", &script);
    spec.autorestart = AutoRestart::Always;
    spec.on_exit = Some(on_exit.replace("LOG", &log.display().to_string()));
    spec
}

async fn kill(daemon: &Daemon) -> i32 {
    let pid = daemon.state("device", "RUNNING").await.pid;
    daemon
        .call("signalProcess", vec!["device".into(), "KILL".into()])
        .await;
    pid
}

fn it_runs_before_the_process_comes_back_and_hands_over() {
    block_on(async {
        let place = Place::new();
        let spec = device(&place, "/bin/sh -c 'echo \"safe $$\" >> LOG; exec cat'");
        let model = place.model(vec![spec]);
        let daemon = start_at(place, model).await;
        daemon.file_has("log", "start after nobody\n").await;
        kill(&daemon).await;
        let log = daemon.file_has("log", "safe ").await;
        let holder = log
            .split("safe ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned();
        daemon.file_has("log", &format!("start after {holder}\n")).await;
        // Another end while it still holds: no second one.
        kill(&daemon).await;
        let taken_over = format!("start after {holder}\n");
        let twice = pistack_kit::testing::eventually("the third start", || async {
            let log = daemon.place.read("log");
            (log.matches(&taken_over).count() == 2).then_some(log)
        })
        .await;
        assert_eq!(twice.matches("safe ").count(), 1, "{twice}");
        daemon.shutdown().await;
        assert!(!lives(holder.parse().unwrap()));
    });
}

fn an_end_that_a_leaving_command_missed_gets_one_of_its_own() {
    block_on(async {
        let place = Place::new();
        let mut spec = device(
            &place,
            "/bin/sh -c 'echo safe >> LOG; read go < FIFO; echo left >> LOG'",
        );
        let fifo = place.path("fifo");
        assert!(
            crate::harness::run_to_end("mkfifo", &[fifo.to_str().unwrap()]),
            "mkfifo"
        );
        spec.on_exit = spec
            .on_exit
            .map(|text| text.replace("FIFO", fifo.to_str().unwrap()));
        spec.autorestart = AutoRestart::Never;
        let model = place.model(vec![spec]);
        let daemon = start_at(place, model).await;
        kill(&daemon).await;
        daemon.file_has("log", "safe\n").await;
        daemon.state("device", "EXITED").await;
        daemon.call("startProcess", vec!["device".into()]).await;
        kill(&daemon).await;
        daemon.state("device", "EXITED").await;
        // The first one leaves only now: nobody is there for the second end.
        std::fs::write(&fifo, "go\n").unwrap();
        daemon.file_has("log", "left\nsafe\n").await;
        std::fs::write(&fifo, "go\n").unwrap();
        daemon.file_has("log", "left\nsafe\nleft\n").await;
        let place = daemon.shutdown().await;
        assert_eq!(place.read("log").matches("safe").count(), 2);
    });
}

fn a_shutdown_lets_it_do_its_work_and_leaves_nothing_behind() {
    block_on(async {
        let place = Place::new();
        let script = "/bin/sh -c 'read gone; sleep 0.2; echo done >> LOG'";
        let spec = device(&place, script);
        let model = place.model(vec![spec]);
        let daemon = start_at(place, model).await;
        daemon.state("device", "RUNNING").await;
        let place = daemon.shutdown().await;
        let log = place.read("log");
        assert!(log.ends_with("done\n"), "{log}");
    });
}

fn one_that_cannot_be_run_is_told_and_the_process_comes_back() {
    block_on(async {
        let place = Place::new();
        let spec = device(&place, "/no/such/command");
        let model = place.model(vec![spec]);
        let daemon = start_at(place, model).await;
        let before = kill(&daemon).await;
        daemon
            .file_has(
                "main.log",
                "CRIT 'device' ended, and its on_exit command cannot be run",
            )
            .await;
        let after = pistack_kit::testing::eventually("the next start", || async {
            let info = daemon.info("device").await;
            (info.statename == "RUNNING" && info.pid != before).then_some(info)
        })
        .await;
        assert!(after.pid > 0);
        daemon.shutdown().await;
    });
}

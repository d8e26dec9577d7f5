//! Child logs and the daemon's own: rotation, reading, tailing, clearing, reopening, vanished directories.

use pistack_api::xmlrpc::Value;
use pistack_engine::config::model::{LogTarget, ProcessSpec};

use crate::harness::{Place, Test, block_on, file_has, shell, start, start_at};

pub(crate) const TESTS: &[Test] = &[
    ("logs_rotate_by_size", logs_rotate_by_size),
    ("logs_are_read_and_tailed", logs_are_read_and_tailed),
    ("logs_are_cleared", logs_are_cleared),
    ("sigusr2_reopens", sigusr2_reopens),
    ("errors_go_where_they_are_sent", errors_go_where_they_are_sent),
    (
        "a_vanished_log_directory_harms_nobody",
        a_vanished_log_directory_harms_nobody,
    ),
    (
        "generated_logs_are_removed_at_the_next_start",
        generated_logs_are_removed_at_the_next_start,
    ),
    ("large_output_arrives_whole", large_output_arrives_whole),
];

fn logs_rotate_by_size() {
    block_on(async {
        let place = Place::new();
        // ten blocks of 1000 bytes, each after the one before has been seen in the log
        let mut writer = shell("writer", "while read word; do printf '%01000d' 0; done");
        writer.stdout.logfile = LogTarget::File(place.path("w.log"));
        writer.stdout.maxbytes = 2000;
        writer.stdout.backups = 2;
        let model = place.model(vec![writer]);
        let daemon = start_at(place, model).await;
        let total = || ["w.log", "w.log.1", "w.log.2"].map(|name| daemon.place.read(name).len());
        for (round, wanted) in [
            [1000, 0, 0],
            [0, 2000, 0],
            [1000, 2000, 0],
            [0, 2000, 2000],
            [1000, 2000, 2000],
            [0, 2000, 2000],
        ]
        .into_iter()
        .enumerate()
        {
            daemon
                .call("sendProcessStdin", vec!["writer".into(), "go\n".into()])
                .await;
            pistack_kit::testing::eventually(&format!("round {round} gives {wanted:?}"), || async {
                (total() == wanted).then_some(())
            })
            .await;
        }
        assert!(!daemon.place.path("w.log.3").exists());
        daemon.shutdown().await;
    });
}

fn logs_are_read_and_tailed() {
    block_on(async {
        let daemon = start(vec![shell(
            "talker",
            "printf 'one\\ntwo\\n\\033[1m\\377three\\000\\n'; exec cat",
        )])
        .await;
        let info = daemon.info("talker").await;
        file_has(info.stdout_logfile.as_ref(), "three").await;
        let read = |offset, length| vec![Value::from("talker"), Value::Int(offset), Value::Int(length)];
        let all = "one\ntwo\n[1m\u{fffd}three\n";
        assert_eq!(
            daemon.call("readProcessStdoutLog", read(0, 0)).await.as_str(),
            Some(all)
        );
        assert_eq!(
            daemon.call("readProcessLog", read(4, 3)).await.as_str(),
            Some("two")
        );
        assert_eq!(
            daemon.call("readProcessLog", read(-7, 0)).await.as_str(),
            Some("three\n")
        );
        assert_eq!(
            daemon.call("readProcessStderrLog", read(0, 0)).await.as_str(),
            Some("")
        );
        let tail = daemon.call("tailProcessStdoutLog", read(0, 7)).await;
        assert_eq!(
            tail,
            Value::Array(vec!["three\n".into(), Value::Int(20), Value::Bool(true)])
        );
        let main = daemon
            .call("readLog", vec![Value::Int(-200), Value::Int(0)])
            .await;
        assert!(main.as_str().unwrap().contains("talker"), "{main:?}");
        daemon.shutdown().await;
    });
}

fn logs_are_cleared() {
    block_on(async {
        let daemon = start(vec![ProcessSpec::new("cat", "cat")]).await;
        let info = daemon.info("cat").await;
        daemon
            .call("sendProcessStdin", vec!["cat".into(), "one\n".into()])
            .await;
        file_has(info.stdout_logfile.as_ref(), "one").await;
        daemon.call("clearProcessLogs", vec!["cat".into()]).await;
        daemon
            .call("sendProcessStdin", vec!["cat".into(), "two\n".into()])
            .await;
        assert_eq!(file_has(info.stdout_logfile.as_ref(), "two").await, "two\n");
        let rows = daemon.call("clearAllProcessLogs", vec![]).await;
        assert_eq!(
            rows.as_array().unwrap()[0].get("status").unwrap().as_int(),
            Some(80)
        );
        assert_eq!(std::fs::read_to_string(&info.stdout_logfile).unwrap(), "");
        // a stopped program's log is not open: clearing leaves it alone
        daemon
            .call("sendProcessStdin", vec!["cat".into(), "three\n".into()])
            .await;
        file_has(info.stdout_logfile.as_ref(), "three").await;
        daemon.call("stopProcess", vec!["cat".into()]).await;
        daemon.call("clearProcessLogs", vec!["cat".into()]).await;
        assert_eq!(std::fs::read_to_string(&info.stdout_logfile).unwrap(), "three\n");
        daemon.call("clearLog", vec![]).await;
        let main = daemon.place.read("main.log");
        assert!(
            main.lines().count() == 1 && main.ends_with("INFO reopening log file\n"),
            "{main}"
        );
        daemon.shutdown().await;
    });
}

fn sigusr2_reopens() {
    block_on(async {
        let place = Place::new();
        let mut cat = ProcessSpec::new("cat", "cat");
        cat.stdout.logfile = LogTarget::File(place.path("cat.log"));
        let mut rotator = shell("rotator", "kill -USR2 $PPID");
        rotator.autostart = false;
        let model = place.model(vec![cat, rotator]);
        let daemon = start_at(place, model).await;
        let say = |text: &str| vec![Value::from("cat"), Value::from(text)];
        daemon.call("sendProcessStdin", say("one\n")).await;
        daemon.file_has("cat.log", "one").await;
        std::fs::rename(daemon.place.path("cat.log"), daemon.place.path("moved.log")).unwrap();
        std::fs::rename(daemon.place.path("main.log"), daemon.place.path("moved-main.log")).unwrap();
        daemon.call("sendProcessStdin", say("two\n")).await;
        daemon.file_has("moved.log", "two").await;
        daemon.call("startProcess", vec!["rotator".into()]).await;
        daemon
            .file_has("moved-main.log", "received SIGUSR2 indicating log reopen request")
            .await;
        daemon.call("sendProcessStdin", say("three\n")).await;
        assert_eq!(daemon.file_has("cat.log", "three").await, "three\n");
        assert_eq!(daemon.place.read("moved.log"), "one\ntwo\n");
        daemon.file_has("main.log", "exited: rotator").await;
        daemon.shutdown().await;
    });
}

fn errors_go_where_they_are_sent() {
    block_on(async {
        let mut both = shell("both", "echo out; echo err >&2; exec cat");
        both.redirect_stderr = true;
        let daemon = start(vec![both, shell("apart", "echo out; echo err >&2; exec cat")]).await;
        let info = daemon.info("both").await;
        assert_eq!(file_has(info.stdout_logfile.as_ref(), "err").await, "out\nerr\n");
        assert_eq!(info.stderr_logfile, "");
        let info = daemon.info("apart").await;
        assert_eq!(file_has(info.stdout_logfile.as_ref(), "out").await, "out\n");
        assert_eq!(file_has(info.stderr_logfile.as_ref(), "err").await, "err\n");
        daemon.shutdown().await;
    });
}

fn a_vanished_log_directory_harms_nobody() {
    block_on(async {
        let place = Place::new();
        let dir = place.path("logs");
        std::fs::create_dir(&dir).unwrap();
        let mut cat = ProcessSpec::new("cat", "cat");
        cat.stdout.logfile = LogTarget::File(dir.join("cat.log"));
        let model = place.model(vec![cat]);
        let daemon = start_at(place, model).await;
        let pid = daemon.state("cat", "RUNNING").await.pid;
        let say = |text: &str| vec![Value::from("cat"), Value::from(text)];
        std::fs::remove_dir_all(&dir).unwrap();
        daemon.call("sendProcessStdin", say("lost\n")).await;
        daemon
            .file_has("main.log", "output is lost until it can be")
            .await;
        daemon.call("sendProcessStdin", say("lost again\n")).await;
        std::fs::create_dir(&dir).unwrap();
        pistack_kit::testing::eventually("logging resumes", || async {
            daemon.call("sendProcessStdin", say("found\n")).await;
            daemon.place.read("logs/cat.log").contains("found").then_some(())
        })
        .await;
        let log = daemon.file_has("main.log", "cat.log resumed").await;
        assert_eq!(log.matches("output is lost").count(), 1, "{log}");
        assert_eq!(daemon.info("cat").await.pid, pid);
        daemon.shutdown().await;
    });
}

fn generated_logs_are_removed_at_the_next_start() {
    block_on(async {
        let daemon = start(vec![ProcessSpec::new("cat", "cat")]).await;
        let old = daemon.info("cat").await.stdout_logfile;
        let place = daemon.shutdown().await;
        assert!(std::path::Path::new(&old).exists());
        let model = place.model(vec![ProcessSpec::new("cat", "cat")]);
        let daemon = start_at(place, model).await;
        assert!(!std::path::Path::new(&old).exists());
        assert_ne!(daemon.info("cat").await.stdout_logfile, old);
        daemon.shutdown().await;
    });
}

fn large_output_arrives_whole() {
    block_on(async {
        // the program ends right after it wrote: its last words must not be lost
        let daemon = start(vec![shell(
            "flood",
            "i=0; while [ $i -lt 200 ]; do printf '%05000d\\n' $i; i=$((i+1)); done",
        )])
        .await;
        let info = daemon.state("flood", "EXITED").await;
        let log = std::fs::read_to_string(&info.stdout_logfile).unwrap();
        assert_eq!(log.len(), 200 * 5001);
        for (number, line) in log.lines().enumerate() {
            assert_eq!(line.trim_start_matches('0').parse::<usize>().unwrap_or(0), number);
        }
        daemon.shutdown().await;
    });
}

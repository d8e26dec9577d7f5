//! The life of programs: start, stop, crash, failure, what they inherit.

use std::time::Duration;

use pistack_engine::config::model::{AutoRestart, GroupKind, ProcessSpec};

use crate::harness::{Place, Test, block_on, group, lives, now, shell, start, start_at};

pub(crate) const TESTS: &[Test] = &[
    ("start_stop_restart", start_stop_restart),
    (
        "a_killed_program_comes_back_at_once",
        a_killed_program_comes_back_at_once,
    ),
    (
        "a_program_that_cannot_run_becomes_fatal",
        a_program_that_cannot_run_becomes_fatal,
    ),
    (
        "a_stop_right_after_a_start_never_waits",
        a_stop_right_after_a_start_never_waits,
    ),
    (
        "a_stubborn_program_is_killed_with_its_group",
        a_stubborn_program_is_killed_with_its_group,
    ),
    (
        "what_cannot_be_executed_is_told_in_the_error_log",
        what_cannot_be_executed_is_told_in_the_error_log,
    ),
    ("children_have_their_environment", children_have_their_environment),
];

fn start_stop_restart() {
    block_on(async {
        let mut cat = ProcessSpec::new("cat", "cat");
        cat.autostart = false;
        cat.startsecs = 1;
        let daemon = start(vec![cat]).await;
        let info = daemon.info("cat").await;
        assert_eq!(
            (info.statename.as_str(), info.description.as_str(), info.pid),
            ("STOPPED", "Not started", 0)
        );

        let begun = now();
        assert_eq!(
            daemon.call("startProcess", vec!["cat".into()]).await.as_bool(),
            Some(true)
        );
        assert!(begun.elapsed() >= Duration::from_secs(1), "waits for startsecs");
        let first = daemon.info("cat").await;
        assert_eq!(first.statename, "RUNNING");
        assert!(
            first
                .description
                .starts_with(&format!("pid {}, uptime 0:00:0", first.pid)),
            "{}",
            first.description
        );
        assert_eq!(
            daemon.fault("startProcess", vec!["cat".into()]).await.text,
            "ALREADY_STARTED: cat"
        );

        daemon.call("stopProcess", vec!["cat".into()]).await;
        let stopped = daemon.info("cat").await;
        assert_eq!((stopped.statename.as_str(), stopped.pid), ("STOPPED", 0));
        assert!(!lives(first.pid));
        assert_eq!(
            daemon.fault("stopProcess", vec!["cat".into()]).await.text,
            "NOT_RUNNING: cat"
        );

        daemon
            .call("startProcess", vec!["cat".into(), false.into()])
            .await;
        assert_eq!(daemon.info("cat").await.statename, "STARTING");
        let second = daemon.state("cat", "RUNNING").await;
        assert_ne!(first.pid, second.pid);
        let log = daemon
            .file_has("main.log", "success: cat entered RUNNING state")
            .await;
        assert!(
            log.contains(&format!("INFO spawned: 'cat' with pid {}", second.pid)),
            "{log}"
        );
        assert!(log.contains(" stopped: cat (terminated by SIGTERM)"), "{log}");
        daemon.shutdown().await;
    });
}

fn a_killed_program_comes_back_at_once() {
    block_on(async {
        let mut cat = ProcessSpec::new("cat", "cat");
        cat.startsecs = 0;
        cat.autorestart = AutoRestart::Always;
        let daemon = start(vec![cat]).await;
        let mut pid = daemon.state("cat", "RUNNING").await.pid;
        for _ in 0..5 {
            let begun = now();
            daemon
                .call("signalProcess", vec!["cat".into(), "KILL".into()])
                .await;
            let back = pistack_kit::testing::eventually("it is back", || async {
                let info = daemon.info("cat").await;
                (info.pid != 0 && info.pid != pid).then_some(info)
            })
            .await;
            assert!(
                begun.elapsed() < Duration::from_millis(800),
                "took {:?}",
                begun.elapsed()
            );
            assert!(!lives(pid));
            pid = back.pid;
            daemon.state("cat", "RUNNING").await;
        }
        daemon.shutdown().await;
    });
}

fn a_program_that_cannot_run_becomes_fatal() {
    block_on(async {
        let mut quick = shell("quick", "exit 3");
        quick.startsecs = 1;
        quick.startretries = 0;
        let mut missing = ProcessSpec::new("missing", "/no/such/program --flag");
        missing.startretries = 0;
        let mut folder = ProcessSpec::new("folder", "/tmp");
        folder.autostart = false;
        let daemon = start(vec![quick, missing, folder]).await;
        let info = daemon.state("quick", "FATAL").await;
        assert_eq!(
            info.description,
            "Exited too quickly (process log may have details)"
        );
        let info = daemon.state("missing", "FATAL").await;
        assert_eq!(info.spawnerr, "can't find command '/no/such/program'");
        daemon
            .file_has(
                "main.log",
                "gave up: quick entered FATAL state, too many start retries too quickly",
            )
            .await;

        let fault = daemon.fault("startProcess", vec!["missing".into()]).await;
        assert_eq!(
            (fault.code, fault.text.as_str()),
            (20, "NO_FILE: can't find command '/no/such/program'")
        );
        let fault = daemon.fault("startProcess", vec!["folder".into()]).await;
        assert_eq!(
            (fault.code, fault.text.as_str()),
            (21, "NOT_EXECUTABLE: command at '/tmp' is a directory")
        );
        let rows = daemon.call("startProcessGroup", vec!["folder".into()]).await;
        assert_eq!(
            rows.as_array().unwrap()[0].get("status").unwrap().as_int(),
            Some(21)
        );
        daemon.shutdown().await;
    });
}

fn a_stop_right_after_a_start_never_waits() {
    block_on(async {
        let mut cat = ProcessSpec::new("cat", "cat");
        cat.startsecs = 0;
        cat.autostart = false;
        let daemon = start(vec![cat]).await;
        let begun = now();
        for round in 0..100 {
            daemon
                .call("startProcess", vec!["cat".into(), false.into()])
                .await;
            let one = now();
            daemon.call("stopProcess", vec!["cat".into()]).await;
            assert!(
                one.elapsed() < Duration::from_secs(5),
                "round {round} took {:?}",
                one.elapsed()
            );
        }
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "took {:?}",
            begun.elapsed()
        );
        assert!(!daemon.place.read("main.log").contains("SIGKILL"));
        daemon.shutdown().await;
    });
}

fn a_stubborn_program_is_killed_with_its_group() {
    block_on(async {
        let mut stubborn = shell("stubborn", "trap '' TERM; sleep 300 & echo $!; wait; wait");
        stubborn.stopwaitsecs = 1;
        stubborn.stopasgroup = true;
        stubborn.killasgroup = true;
        let daemon = start(vec![stubborn]).await;
        let info = daemon.state("stubborn", "RUNNING").await;
        let log = crate::harness::file_has(info.stdout_logfile.as_ref(), "\n").await;
        let grandchild: i32 = log.trim().parse().unwrap();
        daemon.call("stopProcess", vec!["stubborn".into()]).await;
        daemon
            .file_has(
                "main.log",
                &format!("killing 'stubborn' ({}) with SIGKILL", info.pid),
            )
            .await;
        pistack_kit::testing::eventually("the grandchild is gone", || async {
            (!lives(grandchild)).then_some(())
        })
        .await;
        daemon.shutdown().await;
    });
}

fn what_cannot_be_executed_is_told_in_the_error_log() {
    block_on(async {
        let place = Place::new();
        let script = place.path("script");
        std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).unwrap();
        let mut broken = ProcessSpec::new("broken", script.display().to_string());
        broken.startretries = 0;
        let mut lost = ProcessSpec::new("lost", "cat");
        lost.directory = Some("/no/such/directory".into());
        lost.startretries = 0;
        let model = place.model(vec![broken, lost]);
        let daemon = start_at(place, model).await;
        for (name, reason) in [
            (
                "broken",
                format!("supervisor: couldn't exec {}: ENOENT\n", script.display()),
            ),
            (
                "lost",
                "supervisor: couldn't chdir to /no/such/directory: ENOENT\n".to_owned(),
            ),
        ] {
            let info = daemon.state(name, "FATAL").await;
            let log = std::fs::read_to_string(&info.stderr_logfile).unwrap();
            assert_eq!(
                log,
                format!("{reason}supervisor: child process was not spawned\n")
            );
        }
        daemon
            .file_has("main.log", "exited: lost (exit status 127; not expected)")
            .await;
        daemon.shutdown().await;
    });
}

fn children_have_their_environment() {
    block_on(async {
        let place = Place::new();
        let mut show = shell("show", "env; pwd; umask; exec cat");
        show.environment.insert("OWN".into(), "program".into());
        show.directory = Some("/".into());
        show.umask = Some(0o077);
        let mut model = place.model(vec![]);
        let pets = group("pets", GroupKind::Programs, vec![show]);
        model.groups.insert("pets".into(), pets);
        model
            .settings
            .environment
            .insert("SHARED".into(), "settings".into());
        let daemon = start_at(place, model).await;
        let info = daemon.state("pets:show", "RUNNING").await;
        let log = crate::harness::file_has(info.stdout_logfile.as_ref(), "\n0077\n").await;
        for line in [
            "OWN=program".to_owned(),
            "SHARED=settings".to_owned(),
            "SUPERVISOR_ENABLED=1".to_owned(),
            "SUPERVISOR_PROCESS_NAME=show".to_owned(),
            "SUPERVISOR_GROUP_NAME=pets".to_owned(),
            format!(
                "SUPERVISOR_SERVER_URL=unix://{}",
                daemon.place.path("d.sock").display()
            ),
            "/".to_owned(),
        ] {
            assert!(log.lines().any(|other| other == line), "{line} in {log}");
        }
        daemon.shutdown().await;
    });
}

//! The life of the daemon: many programs at once, idleness, the end, and what is left of it.

use std::time::Duration;

use pistack_daemon::{DaemonError, Options, run};
use pistack_engine::config::model::{GroupKind, ProcessSpec};

use crate::harness::{Place, Test, block_on, group, lives, now, shell, start, start_at};

pub(crate) const TESTS: &[Test] = &[
    ("shutdown_leaves_nothing_behind", shutdown_leaves_nothing_behind),
    ("sigterm_shuts_down", sigterm_shuts_down),
    ("an_idle_daemon_is_not_woken", an_idle_daemon_is_not_woken),
    ("a_second_daemon_is_refused", a_second_daemon_is_refused),
    (
        "a_hundred_programs_start_together",
        a_hundred_programs_start_together,
    ),
    ("fastcgi_children_get_the_socket", fastcgi_children_get_the_socket),
];

fn shutdown_leaves_nothing_behind() {
    block_on(async {
        let slow: Vec<ProcessSpec> = (0..10)
            .map(|number| {
                let script = "trap 'sleep 0.3; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
                shell(&format!("slow{number}"), script)
            })
            .collect();
        let daemon = start(slow).await;
        let mut pids = Vec::new();
        for number in 0..10 {
            let info = daemon.state(&format!("slow{number}"), "RUNNING").await;
            crate::harness::file_has(info.stdout_logfile.as_ref(), "ready").await;
            pids.push(info.pid);
        }
        assert_eq!(daemon.place.read("d.pid").trim(), std::process::id().to_string());
        let begun = now();
        let place = daemon.shutdown().await;
        // one after the other would be 3 s
        assert!(
            begun.elapsed() < Duration::from_millis(1500),
            "took {:?}",
            begun.elapsed()
        );
        assert!(pids.into_iter().all(|pid| !lives(pid)));
        assert!(!place.path("d.sock").exists());
        assert!(!place.path("d.pid").exists());
    });
}

fn sigterm_shuts_down() {
    block_on(async {
        let mut killer = shell("killer", "kill -TERM $PPID");
        killer.autostart = false;
        let daemon = start(vec![ProcessSpec::new("cat", "cat"), killer]).await;
        let pid = daemon.info("cat").await.pid;
        daemon
            .call("startProcess", vec!["killer".into(), false.into()])
            .await;
        let (place, result) = daemon.ended().await;
        result.unwrap();
        assert!(!lives(pid));
        assert!(!place.path("d.sock").exists());
        assert!(
            place
                .read("main.log")
                .contains("WARN received SIGTERM indicating exit request")
        );
    });
}

fn an_idle_daemon_is_not_woken() {
    block_on(async {
        let daemon = start(vec![
            ProcessSpec::new("cat", "cat"),
            ProcessSpec::new("dog", "cat"),
        ])
        .await;
        daemon.state("cat", "RUNNING").await;
        daemon.state("dog", "RUNNING").await;
        // the connection of the last call goes idle first
        tokio::time::sleep(Duration::from_millis(300)).await;
        let status = std::fs::read_link("/proc/thread-self").unwrap();
        let (done, woken) = tokio::sync::oneshot::channel();
        // measured from another thread: a timer of this one would wake it by itself
        std::thread::spawn(move || {
            let switches = || {
                let status = std::fs::read_to_string(format!("/proc/{}/status", status.display())).unwrap();
                let line = status
                    .lines()
                    .find(|line| line.starts_with("voluntary_ctxt_switches"))
                    .unwrap();
                line.split_whitespace().last().unwrap().parse::<u64>().unwrap()
            };
            // until the test's thread has gone to sleep
            std::thread::sleep(Duration::from_millis(100));
            let before = switches();
            std::thread::sleep(Duration::from_secs(3)); // that nothing happens can only be waited for
            done.send(switches() - before).unwrap();
        });
        assert_eq!(woken.await.unwrap(), 0, "wake-ups in 3 idle seconds");
        daemon.shutdown().await;
    });
}

fn a_second_daemon_is_refused() {
    block_on(async {
        let daemon = start(vec![]).await;
        let model = daemon.place.model(vec![ProcessSpec::new("cat", "cat")]);
        let error = run(model, Options::new(Box::new(|| Err(String::new()))))
            .await
            .unwrap_err();
        assert!(matches!(error, DaemonError::Bind(_)));
        let text = error.to_string();
        assert!(
            text.contains("d.sock: Another program is already listening"),
            "{text}"
        );
        // the first one is not harmed
        assert_eq!(daemon.call("getAPIVersion", vec![]).await.as_str(), Some("3.0"));
        daemon.shutdown().await;
    });
}

fn a_hundred_programs_start_together() {
    block_on(async {
        let programs = (0..100)
            .map(|number| {
                let mut cat = ProcessSpec::new(format!("cat{number:03}"), "cat");
                cat.startsecs = 0;
                cat
            })
            .collect();
        let begun = now();
        let daemon = start(programs).await;
        let all = daemon.call("getAllProcessInfo", vec![]).await;
        let all = all.as_array().unwrap();
        assert_eq!(all.len(), 100);
        assert!(
            all.iter()
                .all(|info| info.get("statename").unwrap().as_str() == Some("RUNNING"))
        );
        assert_eq!(all[7].get("name").unwrap().as_str(), Some("cat007"));
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "took {:?}",
            begun.elapsed()
        );
        daemon.shutdown().await;
    });
}

fn fastcgi_children_get_the_socket() {
    block_on(async {
        let place = Place::new();
        let socket = place.path("web.sock");
        let kind = GroupKind::FastCgi {
            socket: format!("unix://{}", socket.display()),
            owner: None,
            mode: 0o700,
            backlog: None,
        };
        let members = (0..2).map(|number| {
            shell(
                &format!("web{number}"),
                "readlink /proc/self/fd/0; exec sleep 300",
            )
        });
        let mut model = place.model(vec![]);
        model
            .groups
            .insert("web".into(), group("web", kind, members.collect()));
        let daemon = start_at(place, model).await;
        for name in ["web:web0", "web:web1"] {
            let info = daemon.state(name, "RUNNING").await;
            let log = crate::harness::file_has(info.stdout_logfile.as_ref(), "\n").await;
            assert!(log.starts_with("socket:"), "{log}");
        }
        assert!(std::os::unix::net::UnixStream::connect(&socket).is_ok());
        daemon.call("stopProcess", vec!["web:web0".into()]).await;
        assert!(socket.exists());
        daemon.call("stopProcess", vec!["web:web1".into()]).await;
        assert!(!socket.exists());
        daemon.shutdown().await;
    });
}

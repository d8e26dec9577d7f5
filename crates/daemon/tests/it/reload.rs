//! SIGHUP, `restart` and `reloadConfig`: two phases, same pid, sockets kept or moved.

use std::time::Duration;

use pistack_api::xmlrpc::Value;
use pistack_engine::config::model::{ProcessSpec, ServerAddress};
use pistack_kit::client::Client;
use pistack_kit::rpc::Rpc;
use pistack_kit::testing::eventually;

use crate::harness::{Daemon, Test, block_on, lives, shell, start};

pub(crate) const TESTS: &[Test] = &[
    (
        "a_broken_configuration_changes_nothing",
        a_broken_configuration_changes_nothing,
    ),
    (
        "sighup_begins_anew_with_the_same_pid",
        sighup_begins_anew_with_the_same_pid,
    ),
    ("restart_moves_the_socket", restart_moves_the_socket),
    (
        "a_restart_onto_a_taken_address_changes_nothing",
        a_restart_onto_a_taken_address_changes_nothing,
    ),
    ("groups_are_added_and_removed", groups_are_added_and_removed),
];

fn hup() -> ProcessSpec {
    let mut hup = shell("hup", "kill -HUP $PPID");
    hup.autostart = false;
    hup
}

fn cat(name: &str) -> ProcessSpec {
    let mut cat = ProcessSpec::new(name, "cat");
    cat.startsecs = 0;
    cat
}

async fn names(daemon: &Daemon) -> Vec<String> {
    let all = daemon.call("getAllProcessInfo", vec![]).await;
    all.as_array()
        .unwrap()
        .iter()
        .map(|info| info.get("name").unwrap().as_str().unwrap().to_owned())
        .collect()
}

fn a_broken_configuration_changes_nothing() {
    block_on(async {
        let daemon = start(vec![cat("cat"), hup()]).await;
        let pid = daemon.state("cat", "RUNNING").await.pid;
        daemon
            .reloads
            .borrow_mut()
            .push_back(Err("x.conf:7: nonsense".into()));
        daemon
            .call("startProcess", vec!["hup".into(), false.into()])
            .await;
        let log = daemon.file_has("main.log", "x.conf:7: nonsense").await;
        assert!(
            log.contains("WARN received SIGHUP indicating restart request"),
            "{log}"
        );
        let info = daemon.info("cat").await;
        assert_eq!((info.pid, info.statename.as_str()), (pid, "RUNNING"));
        daemon
            .reloads
            .borrow_mut()
            .push_back(Err("y.conf:8: more nonsense".into()));
        let fault = daemon.fault("reloadConfig", vec![]).await;
        assert_eq!(
            (fault.code, fault.text.as_str()),
            (92, "CANT_REREAD: y.conf:8: more nonsense")
        );
        assert!(lives(pid));
        daemon.shutdown().await;
    });
}

fn sighup_begins_anew_with_the_same_pid() {
    block_on(async {
        let daemon = start(vec![cat("old"), hup()]).await;
        let old = daemon.state("old", "RUNNING").await.pid;
        let mut next = daemon.place.model(vec![cat("new"), hup()]);
        next.settings.identifier = "second".into();
        daemon.reloads.borrow_mut().push_back(Ok(next));
        daemon
            .call("startProcess", vec!["hup".into(), false.into()])
            .await;
        eventually("the new program runs", || async {
            let answer = daemon
                .rpc
                .call("supervisor.getProcessInfo", vec!["new".into()])
                .await
                .ok()?;
            (answer.get("statename")?.as_str() == Some("RUNNING")).then_some(())
        })
        .await;
        assert!(!lives(old));
        assert_eq!(names(&daemon).await, ["hup", "new"]);
        assert_eq!(
            daemon.call("getIdentification", vec![]).await.as_str(),
            Some("second")
        );
        assert_eq!(
            daemon.call("getPID", vec![]).await.as_int(),
            Some(i64::from(std::process::id()))
        );
        assert_eq!(
            daemon
                .call("getState", vec![])
                .await
                .get("statename")
                .unwrap()
                .as_str(),
            Some("RUNNING")
        );
        assert_eq!(daemon.place.read("d.pid").trim(), std::process::id().to_string());
        daemon.shutdown().await;
    });
}

fn restart_moves_the_socket() {
    block_on(async {
        let mut daemon = start(vec![cat("old")]).await;
        let mut next = daemon.place.model(vec![cat("new")]);
        let moved = daemon.place.path("moved.sock");
        next.servers[0].address = ServerAddress::Unix {
            path: moved.clone(),
            mode: 0o700,
            owner: None,
        };
        daemon.reloads.borrow_mut().push_back(Ok(next));
        assert_eq!(daemon.call("restart", vec![]).await, Value::Bool(true));
        eventually("the old socket is gone", || async {
            (!daemon.place.path("d.sock").exists()).then_some(())
        })
        .await;
        daemon.rpc = Rpc::new(Client::unix(moved.clone()), Duration::from_secs(20));
        daemon.state("new", "RUNNING").await;
        let place = daemon.shutdown().await;
        assert!(!moved.exists());
        assert!(!place.path("d.pid").exists());
    });
}

fn a_restart_onto_a_taken_address_changes_nothing() {
    block_on(async {
        let daemon = start(vec![cat("cat")]).await;
        let pid = daemon.state("cat", "RUNNING").await.pid;
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let mut next = daemon.place.model(vec![]);
        next.servers[0].address = ServerAddress::Inet {
            host: "127.0.0.1".into(),
            port,
        };
        daemon.reloads.borrow_mut().push_back(Ok(next));
        let fault = daemon.fault("restart", vec![]).await;
        assert!(
            fault.code == 92 && fault.text.contains("already listening"),
            "{fault}"
        );
        assert_eq!(daemon.info("cat").await.pid, pid);
        daemon.shutdown().await;
    });
}

fn groups_are_added_and_removed() {
    block_on(async {
        let daemon = start(vec![cat("stays"), cat("goes")]).await;
        daemon.state("goes", "RUNNING").await;
        let next = daemon.place.model(vec![cat("stays"), cat("comes")]);
        daemon.reloads.borrow_mut().push_back(Ok(next));
        let changes = daemon.call("reloadConfig", vec![]).await;
        let list = |names: &[&str]| Value::Array(names.iter().map(|name| Value::from(*name)).collect());
        let wanted = Value::Array(vec![Value::Array(vec![
            list(&["comes"]),
            list(&[]),
            list(&["goes"]),
        ])]);
        assert_eq!(changes, wanted);
        assert_eq!(names(&daemon).await, ["goes", "stays"]);
        daemon.call("stopProcess", vec!["goes".into()]).await;
        daemon.call("removeProcessGroup", vec!["goes".into()]).await;
        daemon.call("addProcessGroup", vec!["comes".into()]).await;
        let info = daemon.state("comes", "RUNNING").await;
        assert!(std::path::Path::new(&info.stdout_logfile).exists());
        assert_eq!(names(&daemon).await, ["comes", "stays"]);
        daemon.shutdown().await;
    });
}

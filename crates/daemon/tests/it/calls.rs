//! XML-RPC: what each kind of call answers, and what it refuses.

use pistack_api::xmlrpc::Value;
use pistack_engine::config::model::{GroupKind, ProcessSpec};

use crate::harness::{Place, Test, block_on, group, shell, start, start_at};

pub(crate) const TESTS: &[Test] = &[
    ("the_supervisor_tells_of_itself", the_supervisor_tells_of_itself),
    ("faults_have_supervisords_codes", faults_have_supervisords_codes),
    ("groups_are_started_and_stopped", groups_are_started_and_stopped),
    ("stdin_reaches_the_program", stdin_reaches_the_program),
    ("config_info_lists_all", config_info_lists_all),
    ("every_method_is_answered", every_method_is_answered),
    (
        "without_rpc_interface_there_is_no_namespace",
        without_rpc_interface_there_is_no_namespace,
    ),
    ("several_calls_in_one", several_calls_in_one),
];

fn the_supervisor_tells_of_itself() {
    block_on(async {
        let daemon = start(vec![]).await;
        assert_eq!(daemon.call("getAPIVersion", vec![]).await.as_str(), Some("3.0"));
        assert_eq!(
            daemon.call("getSupervisorVersion", vec![]).await.as_str(),
            Some("4.3.0")
        );
        assert_eq!(
            daemon.call("getIdentification", vec![]).await.as_str(),
            Some("supervisor")
        );
        assert_eq!(
            daemon.call("getPID", vec![]).await.as_int(),
            Some(i64::from(std::process::id()))
        );
        let state = daemon.call("getState", vec![]).await;
        assert_eq!(state.get("statename").unwrap().as_str(), Some("RUNNING"));
        assert_eq!(state.get("statecode").unwrap().as_int(), Some(1));
        daemon.shutdown().await;
    });
}

fn faults_have_supervisords_codes() {
    block_on(async {
        let mut off = ProcessSpec::new("off", "cat");
        off.autostart = false;
        let daemon = start(vec![off, ProcessSpec::new("cat", "cat")]).await;
        daemon.state("cat", "RUNNING").await;
        let text = |text: &str| Value::from(text);
        let int = Value::Int;
        for (method, params, code, wanted) in [
            ("noSuchMethod", vec![], 1, "UNKNOWN_METHOD"),
            ("_update", vec![text("x")], 1, "UNKNOWN_METHOD"),
            ("getState", vec![int(1)], 2, "INCORRECT_PARAMETERS"),
            ("startProcess", vec![], 2, "INCORRECT_PARAMETERS"),
            ("startProcess", vec![int(1)], 2, "INCORRECT_PARAMETERS"),
            (
                "startProcess",
                vec![text("cat"), text("x")],
                2,
                "INCORRECT_PARAMETERS",
            ),
            ("startProcess", vec![text("nope")], 10, "BAD_NAME: nope"),
            ("startProcess", vec![text("cat")], 60, "ALREADY_STARTED: cat"),
            ("stopProcess", vec![text("off")], 70, "NOT_RUNNING: off"),
            ("stopProcess", vec![text("cat:nope")], 10, "BAD_NAME: cat:nope"),
            (
                "signalProcess",
                vec![text("cat"), text("NOSIGNAL")],
                11,
                "BAD_SIGNAL: NOSIGNAL",
            ),
            (
                "signalProcess",
                vec![text("off"), text("HUP")],
                70,
                "NOT_RUNNING: off",
            ),
            ("getProcessInfo", vec![text("cat:*")], 10, "BAD_NAME: cat:*"),
            (
                "readProcessStdoutLog",
                vec![text("cat"), int(0), int(-1)],
                3,
                "BAD_ARGUMENTS",
            ),
            (
                "readProcessStdoutLog",
                vec![text("nope"), int(0), int(0)],
                10,
                "BAD_NAME: nope",
            ),
            (
                "sendProcessStdin",
                vec![text("off"), text("x")],
                70,
                "NOT_RUNNING: off",
            ),
            (
                "sendProcessStdin",
                vec![text("cat"), int(5)],
                2,
                "INCORRECT_PARAMETERS: 5",
            ),
            ("addProcessGroup", vec![text("cat")], 90, "ALREADY_ADDED: cat"),
            ("addProcessGroup", vec![text("nope")], 10, "BAD_NAME: nope"),
            ("removeProcessGroup", vec![text("cat")], 91, "STILL_RUNNING: cat"),
            ("restart", vec![], 92, "CANT_REREAD: nothing to read"),
        ] {
            let fault = daemon.fault(method, params).await;
            assert_eq!((fault.code, fault.text.as_str()), (code, wanted), "{method}");
        }
        daemon.shutdown().await;
    });
}

fn groups_are_started_and_stopped() {
    block_on(async {
        let place = Place::new();
        let mut model = place.model(vec![ProcessSpec::new("single", "cat")]);
        let members = (0..3)
            .map(|number| {
                let mut spec = ProcessSpec::new(format!("m{number}"), "cat");
                spec.autostart = false;
                spec.startsecs = 0;
                spec
            })
            .collect();
        model
            .groups
            .insert("team".into(), group("team", GroupKind::Programs, members));
        let daemon = start_at(place, model).await;
        let rows = daemon.call("startProcess", vec!["team:*".into()]).await;
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), 3);
        for row in rows {
            assert_eq!(row.get("group").unwrap().as_str(), Some("team"));
            assert_eq!(row.get("status").unwrap().as_int(), Some(80));
            assert_eq!(row.get("description").unwrap().as_str(), Some("OK"));
        }
        // members that run already are left out
        daemon.call("stopProcess", vec!["team:m1".into()]).await;
        let rows = daemon.call("startProcessGroup", vec!["team".into()]).await;
        assert_eq!(rows.as_array().unwrap().len(), 1);
        let rows = daemon
            .call("signalProcessGroup", vec!["team".into(), "CONT".into()])
            .await;
        assert_eq!(rows.as_array().unwrap().len(), 3);
        let rows = daemon.call("stopAllProcesses", vec![]).await;
        assert_eq!(rows.as_array().unwrap().len(), 4);
        assert_eq!(daemon.info("single").await.statename, "STOPPED");
        daemon.shutdown().await;
    });
}

fn stdin_reaches_the_program() {
    block_on(async {
        let daemon = start(vec![
            ProcessSpec::new("cat", "cat"),
            shell("deaf", "exec 0<&-; echo deaf; exec sleep 300"),
        ])
        .await;
        let info = daemon.state("cat", "RUNNING").await;
        daemon
            .call("sendProcessStdin", vec!["cat".into(), "zażółć\n".into()])
            .await;
        let long = "x".repeat(300_000) + "end\n";
        daemon
            .call("sendProcessStdin", vec!["cat".into(), long.clone().into()])
            .await;
        let log = crate::harness::file_has(info.stdout_logfile.as_ref(), "end\n").await;
        assert_eq!(log, format!("zażółć\n{long}"));

        let info = daemon.info("deaf").await;
        crate::harness::file_has(info.stdout_logfile.as_ref(), "deaf").await;
        let fault = daemon
            .fault("sendProcessStdin", vec!["deaf".into(), "x".into()])
            .await;
        assert_eq!((fault.code, fault.text.as_str()), (20, "NO_FILE: deaf"));
        daemon.shutdown().await;
    });
}

fn config_info_lists_all() {
    block_on(async {
        let daemon = start(vec![
            ProcessSpec::new("zebra", "cat"),
            ProcessSpec::new("ant", "cat -u"),
        ])
        .await;
        let all = daemon.call("getAllConfigInfo", vec![]).await;
        let names: Vec<_> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|info| info.get("name").unwrap().as_str().unwrap())
            .collect();
        assert_eq!(names, ["ant", "zebra"]);
        let ant = &all.as_array().unwrap()[0];
        assert_eq!(ant.get("command").unwrap().as_str(), Some("cat -u"));
        assert_eq!(ant.get("inuse").unwrap().as_bool(), Some(true));
        // supervisord tells the names that it made up, until the configuration is read again
        let stdout = ant.get("stdout_logfile").unwrap().as_str().unwrap();
        assert!(stdout.contains("/ant-stdout---supervisor-"), "{stdout}");
        daemon
            .reloads
            .borrow_mut()
            .push_back(Ok(daemon.place.model(vec![ProcessSpec::new("ant", "cat -u")])));
        daemon.call("reloadConfig", vec![]).await;
        let all = daemon.call("getAllConfigInfo", vec![]).await;
        let ant = &all.as_array().unwrap()[0];
        assert_eq!(ant.get("stdout_logfile").unwrap().as_str(), Some("auto"));
        daemon.shutdown().await;
    });
}

fn every_method_is_answered() {
    block_on(async {
        let daemon = start(vec![]).await;
        let names = daemon.rpc.call("system.listMethods", vec![]).await.unwrap();
        let names: Vec<String> = names
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names.len(), 41);
        for name in names.iter().filter(|name| !name.ends_with(".shutdown")) {
            let help = daemon
                .rpc
                .call("system.methodHelp", vec![name.as_str().into()])
                .await
                .unwrap();
            assert!(help.as_str().unwrap().contains("@return"), "{name}");
            let signature = daemon
                .rpc
                .call("system.methodSignature", vec![name.as_str().into()])
                .await
                .unwrap();
            let params: Vec<Value> = signature.as_array().unwrap()[1..]
                .iter()
                .map(|kind| match kind.as_str().unwrap() {
                    "string" => Value::from("supervisor.getState"),
                    "int" => Value::Int(0),
                    "boolean" => Value::Bool(false),
                    "array" => Value::Array(vec![]),
                    other => panic!("{name} has a parameter of type {other}"),
                })
                .collect();
            if let Err(pistack_kit::rpc::RpcError::Fault(fault)) = daemon.rpc.call(name, params).await {
                assert!(![1, 2].contains(&fault.code), "{name}: {fault}");
            }
        }
        daemon.shutdown().await;
    });
}

fn without_rpc_interface_there_is_no_namespace() {
    block_on(async {
        let place = Place::new();
        let mut killer = shell("killer", "sleep 0.5; kill -INT $PPID");
        killer.autostart = true;
        let mut model = place.model(vec![killer]);
        model.rpc_enabled = false;
        let daemon = start_at(place, model).await;
        assert_eq!(daemon.fault("getState", vec![]).await.code, 1);
        let names = daemon.rpc.call("system.listMethods", vec![]).await.unwrap();
        assert_eq!(names.as_array().unwrap().len(), 4);
        let (place, result) = daemon.ended().await;
        result.unwrap();
        assert!(
            place
                .read("main.log")
                .contains("received SIGINT indicating exit request")
        );
    });
}

fn several_calls_in_one() {
    block_on(async {
        let mut cat = ProcessSpec::new("cat", "cat");
        cat.autostart = false;
        let daemon = start(vec![cat]).await;
        let one = |method: &str, params: Vec<Value>| {
            Value::Struct(vec![
                ("methodName".into(), method.into()),
                ("params".into(), Value::Array(params)),
            ])
        };
        let calls = vec![
            one("supervisor.startProcess", vec!["cat".into()]),
            one("supervisor.getProcessInfo", vec!["cat".into()]),
            one("supervisor.startProcess", vec!["cat".into()]),
        ];
        let results = daemon
            .rpc
            .call("system.multicall", vec![Value::Array(calls)])
            .await
            .unwrap();
        let results = results.as_array().unwrap();
        assert_eq!(results[0], Value::Bool(true));
        assert_eq!(results[1].get("statename").unwrap().as_str(), Some("RUNNING"));
        assert_eq!(results[2].get("faultCode").unwrap().as_int(), Some(60));
        daemon.shutdown().await;
    });
}

//! Every part may die alone and comes back; the others answer meanwhile.

use pistack_e2e::stack::signal_process;
use pistack_e2e::{Stack, until};

#[test]
fn every_service_killed_comes_back_while_the_others_answer() {
    let stack = Stack::start();
    let services = ["auth", "supervisor", "email", "info", "io"];
    for name in services {
        let program = format!("{name}_service");
        let before = stack.wait_state(&program, "RUNNING")["pid"].as_u64().unwrap();
        signal_process("KILL", u32::try_from(before).unwrap());
        for other in services.iter().filter(|other| **other != name) {
            assert_eq!(
                stack.get(&format!("/api/{other}/health")).status,
                200,
                "{other} while {name} is dead"
            );
        }
        // The gateway holds the request until the service is back: no error at all for a GET.
        assert_eq!(
            stack.get(&format!("/api/{name}/health")).status,
            200,
            "{name} is back"
        );
        let after = until("a new process", || {
            stack
                .process(&program)
                .and_then(|process| process["pid"].as_u64())
                .filter(|pid| *pid != 0 && *pid != before)
        });
        assert_ne!(before, after);
    }
}

#[test]
fn the_gateway_the_dashboard_and_the_listener_come_back() {
    let stack = Stack::start();
    let address = stack.https().to_owned();
    for program in ["control_service", "event_listener"] {
        let before = stack.wait_state(program, "RUNNING")["pid"].as_u64().unwrap();
        signal_process("KILL", u32::try_from(before).unwrap());
        until("a new process", || {
            stack
                .process(program)
                .filter(|process| process["statename"] == "RUNNING")
                .and_then(|process| process["pid"].as_u64())
                .filter(|pid| *pid != 0 && *pid != before)
        });
    }
    assert_eq!(stack.request(&["-L"], "/control/").status, 200);
    assert!(!address.is_empty());
}

#[test]
fn programs_of_the_users_are_kept_alive() {
    let config = "[program.cat]\ncommand = \"cat\"\nautorestart = true\nstartsecs = 0\n";
    let stack = Stack::builder().config("pistack.toml", config).start();
    let before = stack.wait_state("cat", "RUNNING")["pid"].as_u64().unwrap();
    signal_process("KILL", u32::try_from(before).unwrap());
    until("the new cat", || {
        let process = stack.process("cat")?;
        (process["statename"] == "RUNNING" && process["pid"] != before).then_some(())
    });
}

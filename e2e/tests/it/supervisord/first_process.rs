//! As the first process of a container: a pid namespace of its own.

use std::fs;

use pistack_e2e::stack::signal_process;
use pistack_e2e::{command, until};

use super::Place;

const UNSHARE: [&str; 3] = ["--pid", "--fork", "--mount-proc"];

#[test]
fn reaps_what_it_did_not_start_and_passes_the_end_on() {
    let permitted = command("unshare").args(UNSHARE).arg("true").output();
    if !permitted.is_ok_and(|output| output.status.success()) {
        return; // no namespaces for this user
    }
    let place = Place::new();
    place.write(
        "p.sh",
        "trap 'echo stopped > end; exit 0' TERM\n(sleep 0.1 &)\necho up\nwhile :; do sleep 0.05; done\n",
    );
    place.write(
        "supervisord.conf",
        "[supervisord]\n[program:p]\ncommand=sh p.sh\nstartsecs=0\nstdout_logfile=out\n",
    );
    let supervisord = place.path("bin/supervisord");
    let mut outer = place
        .here("unshare".as_ref())
        .args(UNSHARE)
        .arg(supervisord)
        .args(["-n", "-s", "-c", "supervisord.conf"])
        .spawn()
        .unwrap();
    let log = until("an orphan's end in the log", || {
        Some(place.read("supervisord.log")).filter(|log| log.contains("reaped unknown pid "))
    });
    assert!(log.contains("INFO supervisord started with pid 1\n"), "{log}");
    until("the program", || place.read("out").contains("up").then_some(()));
    let children = format!("/proc/{0}/task/{0}/children", outer.id());
    let first: u32 = fs::read_to_string(children).unwrap().trim().parse().unwrap();
    signal_process("TERM", first);
    let ended = until("the end of the container", || outer.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0), "{}", place.read("supervisord.log"));
    assert_eq!(place.read("end"), "stopped\n");
    assert!(
        place
            .read("supervisord.log")
            .contains("stopped: p (exit status 0)")
    );
}

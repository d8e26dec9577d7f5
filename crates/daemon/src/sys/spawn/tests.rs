//! Real children: what they inherit, and what they say when they cannot become a program.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;

use super::*;

/// Starts `argv`, waits for its end, gives what it wrote and its wait status.
fn outcome(argv: &[&str], change: impl FnOnce(&mut Launch<'_>)) -> (String, libc::c_int) {
    outcome_by(&mut Spawner::new(), argv, change)
}

fn outcome_by(
    spawner: &mut Spawner,
    argv: &[&str],
    change: impl FnOnce(&mut Launch<'_>),
) -> (String, libc::c_int) {
    let argv: Vec<String> = argv.iter().map(|text| (*text).to_owned()).collect();
    let (mut read, write) = io::pipe().unwrap();
    let stdin = File::open("/dev/null").unwrap();
    let environment = [(OsString::from("GREETING"), OsString::from("hello there"))];
    let mut launch = Launch {
        program: Path::new(&argv[0]),
        argv: &argv,
        environment: &environment,
        directory: None,
        umask: None,
        run_as: RunAs::Same,
        stdin: stdin.as_fd(),
        stdout: write.as_fd(),
        stderr: write.as_fd(),
    };
    change(&mut launch);
    let pid = spawner.spawn(&launch).unwrap();
    drop(launch);
    drop(write);
    let mut text = String::new();
    read.read_to_string(&mut text).unwrap();
    let mut status = 0;
    // SAFETY: `status` is a valid place to write to; the child is ours.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    (text, status)
}

#[test]
fn the_child_gets_its_environment_directory_mask_and_group() {
    let script = "echo $GREETING; pwd; umask; test $$ = $(ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat) && echo leader";
    let (text, status) = outcome(&["/bin/sh", "-c", script], |launch| {
        launch.directory = Some(Path::new("/"));
        launch.umask = Some(0o027);
    });
    assert_eq!(text, "hello there\n/\n0027\nleader\n");
    assert_eq!(status, 0);
}

#[test]
fn the_child_has_three_descriptors_and_no_signal_is_blocked_or_ignored() {
    let (text, _) = outcome(&["/bin/ls", "/proc/self/fd"], |_| {});
    assert_eq!(text, "0\n1\n2\n3\n"); // the last one is ls's own, of the directory
    let (text, _) = outcome(&["/bin/cat", "/proc/self/status"], |_| {});
    let set = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    assert_eq!(set("SigBlk:"), 0);
    // 32 and 33 belong to the C library, which does not let anybody touch them
    assert_eq!(set("SigIgn:") & !(0b11 << 31), 0);
}

#[test]
fn what_cannot_be_executed_says_so_and_exits_with_127() {
    let (text, status) = outcome(&["/no/such/program"], |_| {});
    assert_eq!(
        text,
        "supervisor: couldn't exec /no/such/program: ENOENT\nsupervisor: child process was not spawned\n"
    );
    assert_eq!(libc::WEXITSTATUS(status), 127);

    let (text, _) = outcome(&["/bin/true"], |launch| {
        launch.directory = Some(Path::new("/no/such/dir"));
    });
    assert!(
        text.starts_with("supervisor: couldn't chdir to /no/such/dir: ENOENT\n"),
        "{text}"
    );

    let (text, status) = outcome(&["/bin/true"], |launch| {
        launch.run_as = RunAs::Refused("couldn't setuid to bob: Can't drop privilege as nonroot user".into());
    });
    assert!(
        text.starts_with("supervisor: couldn't setuid to bob: Can't drop"),
        "{text}"
    );
    assert_eq!(libc::WEXITSTATUS(status), 127);
}

#[test]
fn a_stop_right_after_the_start_is_never_lost() {
    for _ in 0..50 {
        let argv = ["/bin/sleep".to_owned(), "30".to_owned()];
        let null = File::open("/dev/null").unwrap();
        let launch = Launch {
            program: Path::new("/bin/sleep"),
            argv: &argv,
            environment: &[],
            directory: None,
            umask: None,
            run_as: RunAs::Same,
            stdin: null.as_fd(),
            stdout: null.as_fd(),
            stderr: null.as_fd(),
        };
        let pid = Spawner::new().spawn(&launch).unwrap();
        signals::send(pid, libc::SIGTERM, true).unwrap(); // the group exists already
        let mut status = 0;
        // SAFETY: `status` is a valid place to write to; the child is ours.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        assert_eq!(libc::WTERMSIG(status), libc::SIGTERM);
    }
}

#[test]
fn a_nul_byte_is_an_error_before_the_fork() {
    let argv = ["/bin/true".to_owned(), "a\0b".to_owned()];
    let null = File::open("/dev/null").unwrap();
    let launch = Launch {
        program: Path::new("/bin/true"),
        argv: &argv,
        environment: &[],
        directory: None,
        umask: None,
        run_as: RunAs::Same,
        stdin: null.as_fd(),
        stdout: null.as_fd(),
        stderr: null.as_fd(),
    };
    assert_eq!(
        Spawner::new().spawn(&launch).unwrap_err().raw_os_error(),
        Some(libc::EINVAL)
    );
}

#[test]
fn another_user_gets_its_own_groups() {
    if super::super::identity::current_uid() != 0 {
        return; // only root may become somebody else
    }
    let account = super::super::identity::account("nobody").unwrap();
    let wanted = format!("{}:{}\n", account.uid, account.gid);
    let (text, _) = outcome(&["/bin/sh", "-c", "echo $(id -u):$(id -g)"], |launch| {
        launch.run_as = RunAs::User(account);
    });
    assert_eq!(text, wanted);
}

#[test]
fn an_old_kernels_way_gives_the_same_child() {
    let mut old = Spawner::new();
    old.slots = None;
    let (text, status) = outcome_by(&mut old, &["/bin/ls", "/proc/self/fd"], |_| {});
    assert_eq!(text, "0\n1\n2\n3\n"); // the last one is ls's own, of the directory
    assert_eq!(status, 0);
    let (text, status) = outcome_by(&mut old, &["/no/such/program"], |_| {});
    assert!(
        text.starts_with("supervisor: couldn't exec /no/such/program: ENOENT\n"),
        "{text}"
    );
    assert_eq!(libc::WEXITSTATUS(status), 127);
}

#[test]
fn the_child_leaves_this_process_as_it_was() {
    // many descriptors above the slots, of which the child must take none, and one below that must stay open here
    let many: Vec<File> = (0..300).map(|_| File::open("/dev/null").unwrap()).collect();
    let mut spawner = Spawner::new();
    let mask = || {
        let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        text.lines()
            .filter(|line| line.starts_with("Sig"))
            .filter(|line| !line.starts_with("SigQ") && !line.starts_with("SigPnd"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let before = (mask(), std::env::current_dir().unwrap());
    let (text, _) = outcome_by(&mut spawner, &["/bin/ls", "/proc/self/fd"], |launch| {
        launch.directory = Some(Path::new("/"));
        launch.umask = Some(0o777);
    });
    assert_eq!(text, "0\n1\n2\n3\n");
    assert_eq!(before, (mask(), std::env::current_dir().unwrap()));
    assert!(many.iter().all(|file| file.metadata().is_ok()));
    // a slot left open would keep the pipe's other end from seeing its end; and nothing is inherited later
    for slot in spawner.slots.as_ref().unwrap().numbers() {
        let path = std::fs::read_link(format!("/proc/self/fd/{slot}")).unwrap();
        assert_eq!(path, Path::new("/dev/null"));
        // SAFETY: F_GETFD takes an open descriptor.
        let flags = unsafe { libc::fcntl(slot, libc::F_GETFD) };
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    }
}

#[test]
fn the_stack_is_ample() {
    let mut spawner = Spawner::new();
    for byte in &mut spawner.stack {
        byte.write(0xA5);
    }
    outcome_by(&mut spawner, &["/no/such/program"], |_| {});
    outcome_by(&mut spawner, &["/bin/true"], |_| {});
    // SAFETY: all of it was written above.
    let untouched = spawner
        .stack
        .iter()
        .take_while(|byte| unsafe { byte.assume_init() } == 0xA5)
        .count();
    assert!(untouched < STACK, "the child ran somewhere else");
    assert!(untouched > STACK / 2, "{} bytes were used", STACK - untouched);
}

#[test]
fn the_child_has_the_nice_value_that_the_supervisor_was_started_with() {
    let nice = || {
        // SAFETY: it takes integers.
        unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
    };
    let before = nice();
    let mut spawner = Spawner::new();
    let (text, _) = outcome_by(&mut spawner, &["/usr/bin/nice"], |_| {});
    assert_eq!(text, format!("{before}\n"));
    // only root may go first; SAFETY: geteuid takes nothing
    if unsafe { libc::geteuid() } == 0 && before > -15 {
        assert_eq!(nice(), before - 5);
    }
    drop(spawner);
    assert_eq!(nice(), before);
}

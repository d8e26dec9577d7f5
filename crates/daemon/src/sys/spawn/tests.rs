//! Real children: what they inherit, and what they say when they cannot become a program.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;

use super::*;

/// Starts `argv`, waits for its end, gives what it wrote and its wait status.
fn outcome(argv: &[&str], change: impl FnOnce(&mut Launch<'_>)) -> (String, libc::c_int) {
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
    let pid = spawn(&launch).unwrap();
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
        let pid = spawn(&launch).unwrap();
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
    assert_eq!(spawn(&launch).unwrap_err().raw_os_error(), Some(libc::EINVAL));
}

#[test]
fn numbers_are_written_without_allocating() {
    let mut buffer = [0; 12];
    assert_eq!(decimal(0, &mut buffer), b"0");
    assert_eq!(decimal(1234, &mut buffer), b"1234");
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

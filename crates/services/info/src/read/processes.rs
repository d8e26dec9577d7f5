//! Processes of the system: `/proc/PID/stat`, `status` and `smaps_rollup` (proc(5)).

use super::files::Tree;

/// One line of `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessStat {
    /// The program's name, 15 bytes at most.
    pub(crate) name: String,
    /// `R`, `S`, `D`, `Z`, `T`, `I`.
    pub(crate) state: char,
    /// The parent.
    pub(crate) parent: u32,
    /// CPU time of its own, in ticks.
    pub(crate) ticks: u64,
    /// CPU time of children that have ended and were waited for, in ticks.
    pub(crate) childrens_ticks: u64,
    /// Threads.
    pub(crate) threads: u32,
    /// When it began, in ticks since the start of the kernel: with the pid, it names one process for good.
    pub(crate) began: u64,
    /// Memory in use, in pages.
    pub(crate) pages: u64,
}

/// Reads a line of `/proc/PID/stat`. The name stands in parentheses and may hold anything, parentheses too.
pub(crate) fn stat(text: &str) -> Option<ProcessStat> {
    let (before, after) = text.rsplit_once(") ")?;
    let (_, name) = before.split_once(" (")?;
    let mut fields = after.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let mut number = |skip: usize| -> Option<u64> { fields.nth(skip)?.parse().ok() };
    let ticks = number(9)?.checked_add(number(0)?)?;
    // Children's times are signed in the kernel's documentation; they never are negative.
    let childrens_ticks = number(0)?.checked_add(number(0)?)?;
    let threads = u32::try_from(number(2)?).ok()?;
    let began = number(1)?;
    let pages = number(1)?;
    Some(ProcessStat {
        name: name.to_owned(),
        state,
        parent,
        ticks,
        childrens_ticks,
        threads,
        began,
        pages,
    })
}

/// Every pid there is, in order.
pub(crate) fn pids(tree: &Tree) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(tree.path("proc")) else {
        return Vec::new();
    };
    let mut pids: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    pids
}

/// The process's line, read again each time: a process that ended has none.
pub(crate) fn read(tree: &Tree, pid: u32) -> Option<ProcessStat> {
    stat(&tree.text(&format!("proc/{pid}/stat"))?)
}

/// The children of all threads of a process, from `/proc/PID/task/*/children`; `None` where the kernel does not
/// offer that (`CONFIG_PROC_CHILDREN`).
pub(crate) fn children(tree: &Tree, pid: u32) -> Option<Vec<u32>> {
    let mut children = Vec::new();
    let mut offered = false;
    for thread in tree.names(&format!("proc/{pid}/task")) {
        if let Some(text) = tree.text(&format!("proc/{pid}/task/{thread}/children")) {
            offered = true;
            children.extend(
                text.split_ascii_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
        }
    }
    offered.then_some(children)
}

/// The process's fair share of memory (Pss), bytes. Only its owner and root may know.
pub(crate) fn fair_share(tree: &Tree, pid: u32) -> Option<u64> {
    kib(&tree.text(&format!("proc/{pid}/smaps_rollup"))?, "Pss")
}

/// The user that a process runs as (the effective one).
pub(crate) fn user_id(tree: &Tree, pid: u32) -> Option<u32> {
    uid(&tree.text(&format!("proc/{pid}/status"))?)
}

/// Reads the second number of `Uid:` in `/proc/PID/status`.
pub(crate) fn uid(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Reads `KEY:  N kB`, in bytes.
fn kib(text: &str, key: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        "42 (a (b) c) S 1 42 42 0 -1 4194304 100 200 0 0 30 12 5 7 20 0 3 0 9000 10000000 512 184";

    #[test]
    fn a_process_with_parentheses_in_its_name() {
        let process = stat(LINE).unwrap();
        assert_eq!(
            (&*process.name, process.state, process.parent),
            ("a (b) c", 'S', 1)
        );
        assert_eq!((process.ticks, process.childrens_ticks), (42, 12));
        assert_eq!((process.threads, process.began, process.pages), (3, 9000, 512));
    }

    #[test]
    fn what_is_no_process_is_absent() {
        for text in [
            "",
            "1 (",
            "1 (x) S",
            "1 (x) S 0 0 0 0 -1 0 0 0 0 0 x 0",
            ") ",
            "x) S 1",
        ] {
            assert_eq!(stat(text), None, "{text:?}");
        }
        assert_eq!(uid("Name:\tx\nUid:\t1000\t1001\t0\t0\n"), Some(1001));
        assert_eq!(
            kib("Rss: 1 kB\nPss:  20 kB\nPss_Dirty: 3 kB\n", "Pss"),
            Some(20_480)
        );
        assert_eq!((uid(""), kib("Pss: x", "Pss")), (None, None));
    }

    #[test]
    fn this_process_is_among_them() {
        let tree = Tree::new("/");
        let own = std::process::id();
        assert!(pids(&tree).contains(&own));
        assert!(read(&tree, own).is_some_and(|process| process.pages > 0 && process.threads > 0));
        assert!(user_id(&tree, own).is_some());
    }
}

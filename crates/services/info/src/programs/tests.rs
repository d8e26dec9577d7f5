//! Trees of processes on a copy of `/proc`, with the kernel's list of children and without.

use super::*;

struct Bench {
    tree: Tree,
    clock: Clock,
    programs: Programs,
    _root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        let clock = Clock::manual(1_700_000_000);
        Self {
            programs: Programs::new(&tree, &clock),
            tree,
            clock,
            _root: root,
        }
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.tree.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A process with CPU ticks of its own and of children that ended.
    fn process(&self, pid: u32, parent: u32, ticks: u64, ended: u64) {
        let line = format!("{pid} (x) S {parent} 0 0 0 -1 0 0 0 0 0 {ticks} 0 {ended} 0 20 0 1 0 77 0 10 0");
        self.put(&format!("proc/{pid}/stat"), &line);
    }

    fn run(&self, names: &[(&str, u32)]) {
        let running = names.iter().map(|(name, pid)| Running {
            name: (*name).to_owned(),
            pid: *pid,
        });
        self.programs.set_running(running.collect());
    }

    fn step(&self) -> Vec<ProgramView> {
        self.programs.sample();
        self.clock.advance(EVERY);
        self.programs.view().unwrap().programs
    }
}

#[test]
fn a_tree_is_counted_whole_and_a_child_that_ended_is_not_lost() {
    let bench = Bench::new();
    assert!(
        bench.programs.view().is_none(),
        "the supervisor was never reached"
    );
    bench.process(10, 1, 100, 0);
    bench.process(11, 10, 50, 0);
    bench.process(12, 11, 50, 0);
    bench.process(99, 1, 5000, 0);
    bench.run(&[("cam", 10)]);
    let first = bench.step();
    assert_eq!((first[0].processes, first[0].cpu_percent), (3, None));
    // The grandchild ends and is waited for; its time lives on in its parent's.
    std::fs::remove_dir_all(bench.tree.path("proc/12")).unwrap();
    bench.process(11, 10, 50, 150);
    let second = bench.step();
    assert_eq!((second[0].processes, second[0].cpu_percent), (2, Some(10.0)));
    let page = rustix::param::page_size() as u64;
    assert_eq!(second[0].memory_bytes, Some(2 * 10 * page));
    assert_eq!(second[0].cpu, [None, Some(10.0)]);
    assert_eq!(bench.programs.totals()[0].cpu_seconds, Some(3.0));
}

#[test]
fn the_kernels_list_of_children_is_used_where_there_is_one() {
    let bench = Bench::new();
    bench.process(10, 1, 1, 0);
    bench.process(11, 10, 1, 0);
    bench.process(12, 10, 1, 0);
    bench.put("proc/10/task/10/children", "11 ");
    bench.put("proc/11/task/11/children", "");
    bench.put("proc/11/smaps_rollup", "Pss: 8 kB\n");
    bench.run(&[("cam", 10)]);
    let seen = bench.step();
    let page = rustix::param::page_size() as u64;
    assert_eq!(
        (seen[0].processes, seen[0].memory_bytes),
        (2, Some(10 * page + 8192))
    );
}

#[test]
fn a_restart_begins_anew_and_sixty_points_are_kept() {
    let bench = Bench::new();
    bench.process(10, 1, 0, 0);
    bench.run(&[("cam", 10)]);
    for tick in 1..=70 {
        bench.process(10, 1, tick * 10, 0);
        bench.step();
    }
    let seen = bench.step();
    assert_eq!((seen[0].cpu.len(), seen[0].memory.len()), (60, 60));
    assert_eq!(seen[0].cpu[0], Some(1.0));
    bench.process(20, 1, 0, 0);
    bench.run(&[("cam", 20), ("gone", 4_000_000)]);
    let seen = bench.step();
    assert_eq!((seen[0].cpu.len(), seen[0].cpu_percent), (1, None));
    assert_eq!((seen[1].processes, seen[1].memory_bytes), (0, None));
    bench.run(&[]);
    assert!(bench.step().is_empty() && bench.programs.totals().is_empty());
}

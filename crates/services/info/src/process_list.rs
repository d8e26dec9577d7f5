//! The system's processes and its users, read when they are asked for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pistack_kit::clock::Clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::read::accounts::{self, Login, SystemUser};
use crate::read::cpu::TICKS_PER_SECOND;
use crate::read::files::Tree;
use crate::read::processes::{self, ProcessStat};

/// Between the two looks that CPU shares need, when there was none lately.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// An earlier look is good for shares from so old …
const YOUNGEST: Duration = Duration::from_millis(400);
/// … to so old.
const OLDEST: Duration = Duration::from_mins(1);

/// A process of the system. Its arguments are not shown: they may hold secrets.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ProcessView {
    /// Its number.
    #[schema(example = 812)]
    pub(crate) pid: u32,
    /// Its parent's number.
    #[schema(example = 1)]
    pub(crate) parent: u32,
    /// The program's name, 15 bytes at most.
    #[schema(example = "python3")]
    pub(crate) name: String,
    /// The user it runs as, or the number of one without a name.
    #[schema(example = "pi")]
    pub(crate) user: Option<String>,
    /// `R` running, `S` sleeping, `D` waiting for a disk, `Z` ended but not collected, `T` stopped, `I` idle.
    #[schema(example = "S")]
    pub(crate) state: char,
    /// Threads.
    pub(crate) threads: u32,
    /// Share of one processor, per cent, since the last look; `null` for a process that began since.
    #[schema(example = 1.5)]
    pub(crate) cpu_percent: Option<f64>,
    /// Memory in use (resident), bytes.
    #[schema(example = 31_457_280)]
    pub(crate) memory_bytes: u64,
    /// Seconds since it began.
    pub(crate) age_s: Option<u64>,
}

/// What the list is ordered by, largest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// CPU share.
    #[default]
    Cpu,
    /// Memory.
    Memory,
}

/// Users of the operating system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Users {
    /// Accounts, as `/etc/passwd` lists them.
    pub(crate) users: Vec<SystemUser>,
    /// Who is logged in now.
    pub(crate) logged_in: Vec<Login>,
}

/// Reads the users.
pub(crate) fn users(tree: &Tree) -> Users {
    Users {
        users: tree
            .text("etc/passwd")
            .map(|text| accounts::passwd(&text))
            .unwrap_or_default(),
        logged_in: accounts::logins(tree),
    }
}

/// CPU ticks of each process at a look: by pid and start.
#[derive(Debug, Clone, Default)]
struct Look {
    at: Duration,
    ticks: HashMap<(u32, u64), u64>,
}

/// Remembers the last look, for shares since then.
#[derive(Debug)]
pub(crate) struct ProcessList {
    tree: Tree,
    last: Mutex<Look>,
}

impl ProcessList {
    /// No look was taken yet.
    pub(crate) fn new(tree: &Tree) -> Self {
        Self {
            tree: tree.clone(),
            last: Mutex::default(),
        }
    }

    /// The `limit` largest processes. Takes half a second when nobody asked within the last minute.
    pub(crate) async fn get(
        &self,
        order: Order,
        limit: usize,
        uptime: Option<Duration>,
        clock: &Clock,
    ) -> Vec<ProcessView> {
        let mut before = self.last();
        let age = clock.monotonic().saturating_sub(before.at);
        if before.ticks.is_empty() || age > OLDEST {
            before = self.look(clock).0;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let (now, all) = self.look(clock);
        let seconds = now.at.saturating_sub(before.at).as_secs_f64();
        let share = |pid: u32, process: &ProcessStat| {
            let earlier = before.ticks.get(&(pid, process.began))?;
            let ticks = process.ticks.checked_sub(*earlier)?;
            (seconds > 0.0).then(|| ticks as f64 / TICKS_PER_SECOND / seconds * 100.0)
        };
        let mut rows: Vec<_> = all
            .into_iter()
            .map(|(pid, process)| (share(pid, &process), pid, process))
            .collect();
        rows.sort_by(|(a_share, a_pid, a), (b_share, b_pid, b)| {
            let by_cpu = || b_share.unwrap_or(-1.0).total_cmp(&a_share.unwrap_or(-1.0));
            let by_memory = || b.pages.cmp(&a.pages);
            match order {
                Order::Cpu => by_cpu().then_with(by_memory),
                Order::Memory => by_memory().then_with(by_cpu),
            }
            .then(a_pid.cmp(b_pid))
        });
        rows.truncate(limit);
        // Two looks close to each other would give shares of nothing but chance.
        if now.at.saturating_sub(self.last().at) >= YOUNGEST {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
        self.views(rows, uptime)
    }

    fn last(&self) -> Look {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn look(&self, clock: &Clock) -> (Look, Vec<(u32, ProcessStat)>) {
        let all: Vec<_> = processes::pids(&self.tree)
            .into_iter()
            .filter_map(|pid| Some((pid, processes::read(&self.tree, pid)?)))
            .collect();
        let look = Look {
            at: clock.monotonic(),
            ticks: all
                .iter()
                .map(|(pid, process)| ((*pid, process.began), process.ticks))
                .collect(),
        };
        (look, all)
    }

    fn views(
        &self,
        rows: Vec<(Option<f64>, u32, ProcessStat)>,
        uptime: Option<Duration>,
    ) -> Vec<ProcessView> {
        let names: HashMap<u32, String> = users(&self.tree)
            .users
            .into_iter()
            .map(|user| (user.uid, user.name))
            .collect();
        let page = rustix::param::page_size() as u64;
        let view = |(cpu_percent, pid, process): (Option<f64>, u32, ProcessStat)| {
            let began = Duration::from_secs_f64(process.began as f64 / TICKS_PER_SECOND);
            ProcessView {
                pid,
                parent: process.parent,
                name: process.name,
                user: processes::user_id(&self.tree, pid)
                    .map(|uid| names.get(&uid).cloned().unwrap_or_else(|| uid.to_string())),
                state: process.state,
                threads: process.threads,
                cpu_percent,
                memory_bytes: process.pages.saturating_mul(page),
                age_s: uptime.map(|uptime| uptime.saturating_sub(began).as_secs()),
            }
        };
        rows.into_iter().map(view).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shares_are_those_since_the_last_look() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        let put = |pid: u32, ticks: u32, pages: u32| {
            std::fs::create_dir_all(tree.path(&format!("proc/{pid}"))).unwrap();
            let line =
                format!("{pid} (p{pid}) S 1 0 0 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 500 0 {pages} 0");
            std::fs::write(tree.path(&format!("proc/{pid}/stat")), line).unwrap();
            std::fs::write(
                tree.path(&format!("proc/{pid}/status")),
                "Uid:\t1000\t1000\t0\t0\n",
            )
            .unwrap();
        };
        std::fs::create_dir_all(tree.path("etc")).unwrap();
        std::fs::write(tree.path("etc/passwd"), "pi:x:1000:1000::/home/pi:/bin/sh\n").unwrap();
        put(7, 100, 900);
        put(8, 100, 10);
        let list = ProcessList::new(&tree);
        let clock = Clock::manual(1_700_000_000);
        let up = Some(Duration::from_secs(65));
        list.get(Order::Cpu, 10, up, &clock).await;
        clock.advance(Duration::from_secs(10));
        put(8, 600, 10);
        put(9, 600, 5);
        let rows = list.get(Order::Cpu, 10, up, &clock).await;
        let shares: Vec<_> = rows.iter().map(|row| (row.pid, row.cpu_percent)).collect();
        assert_eq!(shares, [(8, Some(50.0)), (7, Some(0.0)), (9, None)]);
        assert_eq!((rows[0].user.as_deref(), rows[0].age_s), (Some("pi"), Some(60)));
        clock.advance(Duration::from_secs(1));
        let largest = list.get(Order::Memory, 1, up, &clock).await;
        assert_eq!((largest.len(), largest[0].pid), (1, 7));
    }
}

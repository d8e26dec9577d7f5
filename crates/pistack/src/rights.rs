//! Rights: a service that was started by root goes on as an unprivileged user, and can then write nowhere but in the
//! state directory.
//!
//! Every service drops its rights itself, after the configuration is read and the gateway's ports are bound. So a
//! restart needs nobody's help: the supervisor starts it as root again. What stays as it is, and why:
//!
//! - the supervisor, which starts your programs as whichever user they name;
//! - the rules listener, whose actions are commands of the operator's;
//! - the GPIO service where the user may not open the GPIO devices.

use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus,
};
use pistack_kit::paths::StatePaths;
use rustix::process::{Gid, Uid};

/// The user that the stack's services become where the configuration names none.
pub(crate) const DEFAULT_USER: &str = "pistack";
/// Where the kernel's rules of Landlock are taken from; older kernels keep to what they know.
const LANDLOCK: ABI = ABI::V5;

/// Why a service cannot give up its rights.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RightsError {
    /// The configured user does not exist.
    #[error(
        "[services] user: there is no user `{0}`. Make it with `useradd --system --home-dir /var/lib/pistack {0}`, or \
         name another"
    )]
    NoUser(String),
    /// Something is already running beside the main thread, and would keep its rights.
    #[error("rights can only be given up before there is a second thread")]
    Threads,
    /// The kernel refused.
    #[error("cannot become the user `{user}`: {source}")]
    Refused {
        /// Who.
        user: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the state directory could not be handed over.
    #[error("{}: cannot be given to the user `{user}`: {source}", path.display())]
    Give {
        /// Which.
        path: PathBuf,
        /// To whom.
        user: String,
        /// Why.
        source: std::io::Error,
    },
    /// Landlock is there and refused.
    #[error("the rights to write could not be narrowed: {0}")]
    Landlock(#[from] landlock::RulesetError),
}

/// Who a service becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    name: String,
    uid: u32,
    gid: u32,
    /// Further groups.
    groups: Vec<u32>,
}

/// What is to be done about rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Go on as this user.
    Become(Account),
    /// Nothing; says why, for the log.
    Stay(String),
}

/// Decides by the running user and `[services] user`.
pub(crate) fn decide(wanted: Option<&str>, paths: &StatePaths) -> Result<Rights, RightsError> {
    let database = Database::read();
    let root = rustix::process::getuid().is_root();
    decide_with(wanted, root, &database, |account| account.reaches(paths.root()))
}

fn decide_with(
    wanted: Option<&str>,
    root: bool,
    database: &Database,
    reaches: impl Fn(&Account) -> Result<(), PathBuf>,
) -> Result<Rights, RightsError> {
    let stay = |reason: String| Ok(Rights::Stay(reason));
    let found = database.account(wanted.unwrap_or(DEFAULT_USER));
    let account = match (found, wanted) {
        (Some(account), _) => account,
        (None, Some(name)) => return Err(RightsError::NoUser(name.to_owned())),
        (None, None) => {
            return stay(format!(
                "there is no user `{DEFAULT_USER}`. Make one (`useradd --system {DEFAULT_USER}`) and start again, or \
                 name one with `[services] user`"
            ));
        }
    };
    if !root {
        return stay("it was not started by root".to_owned());
    }
    if account.uid == 0 {
        return stay("`[services] user` says so".to_owned());
    }
    match reaches(&account) {
        Ok(()) => Ok(Rights::Become(account)),
        Err(blocked) => stay(format!(
            "the user `{}` may not enter {}, where the state directory is. Move the state directory, or let others \
             enter (chmod o+x)",
            account.name,
            blocked.display()
        )),
    }
}

impl Account {
    /// The user's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the directories above `path` may be entered; `Err` names the first that may not.
    fn reaches(&self, path: &Path) -> Result<(), PathBuf> {
        let above: Vec<&Path> = path.ancestors().skip(1).collect();
        above
            .into_iter()
            .rev()
            .filter(|directory| !directory.as_os_str().is_empty())
            .find(|directory| !self.may(directory, 0o1))
            .map_or(Ok(()), |directory| Err(directory.to_owned()))
    }

    /// Whether the permission bits grant `bits` (4 read, 2 write, 1 enter). A file that is not there grants all.
    pub(crate) fn may(&self, path: &Path, bits: u32) -> bool {
        let Ok(metadata) = std::fs::metadata(path) else {
            return true;
        };
        let shift = if metadata.uid() == self.uid {
            6
        } else if metadata.gid() == self.gid || self.groups.contains(&metadata.gid()) {
            3
        } else {
            0
        };
        metadata.mode() >> shift & bits == bits
    }

    /// Hands the state directory over: what services write belongs to the user, the directory itself and the logs
    /// (which the supervisor writes) stay root's.
    pub(crate) fn give(&self, paths: &StatePaths) -> Result<(), RightsError> {
        let failed = |path: &Path, source| RightsError::Give {
            path: path.to_owned(),
            user: self.name.clone(),
            source,
        };
        // The user enters by its group.
        lchown(paths.root(), None, Some(self.gid)).map_err(|source| failed(paths.root(), source))?;
        for entry in std::fs::read_dir(paths.root()).into_iter().flatten().flatten() {
            let path = entry.path();
            if path != paths.logs() && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.give_all(&path, &paths.lock())
                    .map_err(|(path, source)| failed(&path, source))?;
            }
        }
        Ok(())
    }

    /// `lchown` never follows a link that the user may have planted; directories that are the user's already are not
    /// entered, because it may exchange what lies in them.
    fn give_all(&self, directory: &Path, except: &Path) -> Result<(), (PathBuf, std::io::Error)> {
        let at = |source| (directory.to_owned(), source);
        for entry in std::fs::read_dir(directory).map_err(at)?.flatten() {
            let path = entry.path();
            let Ok(metadata) = std::fs::symlink_metadata(&path) else {
                continue;
            };
            if path == except || metadata.uid() == self.uid {
                continue;
            }
            if metadata.is_dir() && metadata.uid() == 0 {
                self.give_all(&path, except)?;
            } else if metadata.nlink() == 1 {
                match lchown(&path, Some(self.uid), Some(self.gid)) {
                    // Somebody else's temporary file: gone already.
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err((path, error)),
                    _ => {}
                }
            }
        }
        lchown(directory, Some(self.uid), Some(self.gid)).map_err(at)
    }

    /// Becomes the user for good. From then on nothing can be written but below `writable`, and no program that is
    /// started from here can win rights back.
    pub(crate) fn become_it(&self, writable: &[PathBuf]) -> Result<(), RightsError> {
        // The kernel's calls act on one thread.
        let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
        if threads != 1 {
            return Err(RightsError::Threads);
        }
        self.change_ids().map_err(|errno| RightsError::Refused {
            user: self.name.clone(),
            source: errno.into(),
        })?;
        let enforced = confine(writable)?;
        tracing::info!(
            user = self.name,
            landlock = enforced,
            "gave up the rights of root"
        );
        Ok(())
    }

    fn change_ids(&self) -> rustix::io::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let mut groups: Vec<Gid> = self.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
        groups.push(gid);
        // A change of user clears the signal that the supervisor's death sends.
        let at_the_end = rustix::process::parent_process_death_signal()?;
        rustix::thread::set_thread_groups(&groups)?;
        rustix::thread::set_thread_res_gid(gid, gid, gid)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid)?;
        rustix::process::set_parent_process_death_signal(at_the_end)?;
        rustix::thread::set_no_new_privs(true)
    }
}

/// Landlock: writing below these alone. Says whether the kernel enforces it.
fn confine(writable: &[PathBuf]) -> Result<&'static str, RightsError> {
    let write = AccessFs::from_write(LANDLOCK);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(write)?
        .create()?;
    for path in writable {
        if let Ok(opened) = PathFd::new(path) {
            let directory = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir());
            let access = if directory {
                write
            } else {
                write & AccessFs::from_file(LANDLOCK)
            };
            rules = rules.add_rule(PathBeneath::new(opened, access))?;
        }
    }
    Ok(match rules.restrict_self()?.ruleset {
        RulesetStatus::FullyEnforced => "enforced",
        RulesetStatus::PartiallyEnforced => "enforced as far as this kernel can",
        RulesetStatus::NotEnforced => "not in this kernel",
    })
}

/// The system's users and groups, from the files that a board has (passwd(5), group(5)).
#[derive(Debug, Default)]
struct Database {
    passwd: String,
    group: String,
}

impl Database {
    fn read() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            passwd: read("/etc/passwd"),
            group: read("/etc/group"),
        }
    }

    /// A user by name or number. A number needs no entry.
    fn account(&self, wanted: &str) -> Option<Account> {
        let number = wanted.parse::<u32>().ok();
        let entry = self.passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid: u32 = fields.nth(1)?.parse().ok()?;
            let gid: u32 = fields.next()?.parse().ok()?;
            (name == wanted || number == Some(uid)).then(|| (name.to_owned(), uid, gid))
        });
        let (name, uid, gid) = entry.or_else(|| number.map(|number| (wanted.to_owned(), number, number)))?;
        let groups = self.group.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let gid: u32 = fields.nth(2)?.parse().ok()?;
            fields
                .next()?
                .split(',')
                .any(|member| member == name)
                .then_some(gid)
        });
        Some(Account {
            groups: groups.filter(|group| *group != gid).collect(),
            name,
            uid,
            gid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Database {
        Database {
            passwd: "root:x:0:0:root:/root:/bin/sh\npistack:x:990:980::/var/lib/pistack:/sbin/nologin\n\
                     web:x:33:33::/:/sbin/nologin\nbroken\n"
                .to_owned(),
            group: "root:x:0:\ngpio:x:997:pi,pistack\nvideo:x:44:pistack\npistack:x:980:\nbroken:x\n"
                .to_owned(),
        }
    }

    fn pistack() -> Account {
        Account {
            name: "pistack".to_owned(),
            uid: 990,
            gid: 980,
            groups: vec![997, 44],
        }
    }

    fn decided(wanted: Option<&str>, root: bool, database: &Database) -> Result<Rights, String> {
        decide_with(wanted, root, database, |_| Ok(())).map_err(|error| error.to_string())
    }

    #[test]
    fn users_are_found_by_name_and_number_with_their_groups() {
        assert_eq!(database().account("pistack"), Some(pistack()));
        assert_eq!(database().account("990"), Some(pistack()));
        assert_eq!(database().account("nobody"), None);
        let number = database().account("65534").unwrap();
        assert_eq!((number.uid, number.gid, number.groups.len()), (65534, 65534, 0));
    }

    #[test]
    fn root_becomes_the_user_and_says_so_when_it_does_not() {
        assert_eq!(decided(None, true, &database()), Ok(Rights::Become(pistack())));
        let web = decided(Some("web"), true, &database()).unwrap();
        assert!(matches!(web, Rights::Become(account) if account.uid == 33));
        let stays = |wanted, root, database: &Database| match decided(wanted, root, database).unwrap() {
            Rights::Stay(reason) => reason,
            Rights::Become(account) => panic!("{account:?}"),
        };
        assert!(stays(None, true, &Database::default()).contains("useradd"));
        assert!(stays(None, false, &database()).contains("not started by root"));
        assert!(stays(Some("root"), true, &database()).contains("[services] user"));
        let unknown = decided(Some("nosuch"), true, &database()).unwrap_err();
        assert!(
            unknown.contains("nosuch") && unknown.contains("useradd"),
            "{unknown}"
        );
        let blocked = decide_with(None, true, &database(), |_| Err("/root".into())).unwrap();
        assert!(matches!(blocked, Rights::Stay(reason) if reason.contains("/root")));
    }

    #[test]
    fn a_directory_that_cannot_be_entered_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let stranger = Account {
            uid: 4_000_000,
            gid: 4_000_000,
            ..pistack()
        };
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(stranger.reaches(&state), Err(folder.path().to_owned()));
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        assert_eq!(stranger.reaches(&state), Ok(()));
    }

    /// In a thread of its own: what is given up is gone for good.
    #[test]
    fn where_the_kernel_has_landlock_nothing_is_written_elsewhere() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [own, other] = folders.each_ref().map(|folder| folder.path().to_owned());
        let confined = std::thread::spawn(move || {
            let enforced = confine(std::slice::from_ref(&own)).unwrap();
            if enforced == "not in this kernel" {
                println!("not run: Landlock is {enforced}");
                return;
            }
            std::fs::write(own.join("file"), "mine").unwrap();
            let refused = std::fs::write(other.join("file"), "not mine").unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
            assert!(std::fs::read_dir(&other).is_ok(), "reading is no matter of this");
        });
        confined.join().unwrap();
    }
}

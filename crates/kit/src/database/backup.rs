//! Copies of a SQLite file: a numbered one now and then, and the newest good one put in place of a file that is
//! damaged or gone.
//!
//! Copies lie in a directory beside the file, `backup/NAME.000042.sqlite3`, mode 0600. They are numbered rather than
//! dated because a board without a clock of its own may begin in 1970.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions as _, Connection as _};

use super::{DatabaseError, check, classify, plain};
use crate::paths::make_directory;

/// Copies kept.
pub const KEPT: usize = 7;

/// A copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Its number; a later one is greater.
    pub number: u64,
    /// The file.
    pub path: PathBuf,
}

/// All copies of the file `path`, newest first.
pub fn copies(path: &Path) -> Vec<Copy> {
    let (directory, stem) = place(path);
    let prefix = format!("{stem}.");
    let mut found: Vec<Copy> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name.strip_prefix(&prefix)?.strip_suffix(".sqlite3")?;
            Some(Copy {
                number: number.parse().ok()?,
                path: entry.path(),
            })
        })
        .collect();
    found.sort_by_key(|copy| std::cmp::Reverse(copy.number));
    found
}

/// When the newest copy was made, in seconds since 1970, as its file says.
pub fn newest_at(path: &Path) -> Option<i64> {
    let modified = fs::metadata(&copies(path).first()?.path).ok()?.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.as_secs() as i64)
}

/// Copies the file `path` while others use it, checks the copy, and forgets all but the [`KEPT`] newest. A failure
/// leaves the earlier copies as they were.
pub async fn make(path: &Path) -> Result<Copy, DatabaseError> {
    let fault = |error: sqlx::Error| classify(path, error);
    let (directory, stem) = place(path);
    make_directory(&directory, 0o700).map_err(|error| fault(error.source.into()))?;
    let older = copies(path);
    let number = older.first().map_or(1, |newest| newest.number + 1);
    let copy = Copy {
        number,
        path: directory.join(format!("{stem}.{number:06}.sqlite3")),
    };
    let temporary = directory.join(format!(".{stem}.copying"));
    remove(&temporary).map_err(|error| fault(error.into()))?;
    let made = async {
        let mut source = plain(path).read_only(true).connect().await?;
        // The path is a parameter, so no quoting is needed. Nobody else can enter the directory meanwhile.
        let target = temporary
            .to_str()
            .ok_or_else(|| sqlx::Error::Configuration("the path is not UTF-8".into()));
        let done = sqlx::query("VACUUM INTO $1")
            .bind(target?)
            .execute(&mut source)
            .await;
        source.close().await?;
        done?;
        seal(&temporary)?;
        Ok::<_, sqlx::Error>(())
    };
    if let Err(error) = made.await {
        let _ = remove(&temporary);
        return Err(fault(error));
    }
    is_good(&temporary).await?;
    fs::rename(&temporary, &copy.path)
        .and_then(|()| fs::File::open(&directory)?.sync_all())
        .map_err(|error| fault(error.into()))?;
    for old in older.iter().skip(KEPT - 1) {
        let _ = fs::remove_file(&old.path);
    }
    Ok(copy)
}

/// Sets the file `path` aside (where there is one) and puts the newest good copy in its place. `None` when there is no
/// good copy: then nothing was touched.
pub async fn restore(path: &Path) -> Result<Option<(Copy, Option<PathBuf>)>, DatabaseError> {
    let fault = |error: io::Error| classify(path, error.into());
    for copy in copies(path) {
        if let Err(error) = is_good(&copy.path).await {
            tracing::error!(%error, "this copy of the database is damaged too; trying an older one");
            continue;
        }
        let temporary = path.with_extension("restoring");
        let _ = remove(&temporary);
        fs::copy(&copy.path, &temporary).map_err(fault)?;
        seal(&temporary).map_err(fault)?;
        let aside = set_aside(path).map_err(fault)?;
        fs::rename(&temporary, path).map_err(fault)?;
        if let Some(directory) = path.parent() {
            fs::File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(fault)?;
        }
        return Ok(Some((copy, aside)));
    }
    Ok(None)
}

/// Renames a damaged file with what belongs to it: a write-ahead log must never meet another file. What is set aside
/// is kept, so that a person can still look for what the copy lacks.
fn set_aside(path: &Path) -> io::Result<Option<PathBuf>> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let free = (1..1000)
        .map(|number| format!("{name}.damaged-{number}"))
        .find(|free| !path.with_file_name(free).exists())
        .ok_or(io::ErrorKind::AlreadyExists)?;
    let aside = path.with_file_name(&free);
    for suffix in ["-wal", "-shm"] {
        let from = path.with_file_name(format!("{name}{suffix}"));
        match fs::rename(&from, path.with_file_name(format!("{free}{suffix}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    match fs::rename(path, &aside) {
        Ok(()) => Ok(Some(aside)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn is_good(path: &Path) -> Result<(), DatabaseError> {
    let fault = |error: sqlx::Error| classify(path, error);
    // `immutable`: a look must not leave a write-ahead log beside a copy.
    let mut connection = plain(path)
        .read_only(true)
        .immutable(true)
        .connect()
        .await
        .map_err(fault)?;
    let checked = check(&mut connection, path).await;
    connection.close().await.map_err(fault)?;
    checked
}

/// Closes a file to others and brings it to the disk.
fn seal(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = fs::File::open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The directory of copies, and how their names begin.
fn place(path: &Path) -> (PathBuf, String) {
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    (path.with_file_name("backup"), stem)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::portable::Database;
    use super::super::{Durability, Migration};
    use super::*;

    const SCHEMA: &[Migration] = &[Migration {
        version: 1,
        name: "a",
        sql: "CREATE TABLE a (id BIGINT);",
    }];

    async fn open(path: &Path) -> Result<Database, DatabaseError> {
        Database::open_file(path, Durability::Full, SCHEMA).await
    }

    async fn add(database: &Database, id: i64) {
        let mut tx = database.begin().await.unwrap();
        sqlx::query("INSERT INTO a VALUES ($1)")
            .bind(id)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn sum(database: &Database) -> i64 {
        sqlx::query_scalar("SELECT COALESCE(SUM(id), 0) FROM a")
            .fetch_one(&mut *database.acquire().await.unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn copies_are_made_beside_writers_numbered_private_and_bounded() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("auth.sqlite3");
        let database = open(&path).await.unwrap();
        for id in 1..=9 {
            add(&database, id).await;
            assert_eq!(make(&path).await.unwrap().number, id as u64);
        }
        let numbers: Vec<_> = copies(&path).iter().map(|copy| copy.number).collect();
        assert_eq!(numbers, [9, 8, 7, 6, 5, 4, 3]);
        let newest = copies(&path).swap_remove(0).path;
        assert_eq!(fs::metadata(&newest).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(newest_at(&path).is_some());
        let names = fs::read_dir(home.path().join("backup")).unwrap().count();
        assert_eq!(names, KEPT, "nothing else lies there");
    }

    #[tokio::test]
    async fn the_newest_good_copy_comes_back_and_the_damaged_file_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("auth.sqlite3");
        assert_eq!(restore(&path).await.unwrap(), None, "nothing to restore");
        let database = open(&path).await.unwrap();
        for id in [1, 2, 4] {
            add(&database, id).await;
            make(&path).await.unwrap();
        }
        database.close().await;
        fs::write(&path, "no database ".repeat(500)).unwrap();
        fs::write(home.path().join("auth.sqlite3-wal"), "old log").unwrap();
        fs::write(&copies(&path)[0].path, "no database ".repeat(500)).unwrap();
        assert!(matches!(open(&path).await, Err(DatabaseError::Corrupt { .. })));
        let (copy, aside) = restore(&path).await.unwrap().unwrap();
        assert_eq!(copy.number, 2);
        assert!(fs::read(aside.unwrap()).unwrap().starts_with(b"no database"));
        assert!(!home.path().join("auth.sqlite3-wal").exists());
        assert_eq!(sum(&open(&path).await.unwrap()).await, 3);
    }

    #[tokio::test]
    async fn a_lost_file_comes_back_too() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("auth.sqlite3");
        let database = open(&path).await.unwrap();
        add(&database, 5).await;
        make(&path).await.unwrap();
        database.close().await;
        fs::remove_file(&path).unwrap();
        assert_eq!(restore(&path).await.unwrap().unwrap().1, None);
        assert_eq!(sum(&open(&path).await.unwrap()).await, 5);
    }

    #[tokio::test]
    async fn a_copy_that_fails_leaves_the_others() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("auth.sqlite3");
        open(&path).await.unwrap().close().await;
        make(&path).await.unwrap();
        fs::write(&path, "no database ".repeat(500)).unwrap();
        assert!(make(&path).await.is_err());
        assert_eq!(copies(&path).len(), 1);
        assert_eq!(fs::read_dir(home.path().join("backup")).unwrap().count(), 1);
    }
}

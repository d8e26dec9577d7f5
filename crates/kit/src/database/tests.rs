//! Tests of opening, checking and bringing up to date.

use super::*;

const FIRST: Migration = Migration {
    version: 1,
    name: "users",
    sql: "CREATE TABLE user (id TEXT PRIMARY KEY); CREATE INDEX i ON user(id);",
};
const SECOND: Migration = Migration {
    version: 2,
    name: "names",
    sql: "ALTER TABLE user ADD COLUMN name TEXT;",
};
const BROKEN: Migration = Migration {
    version: 2,
    name: "broken",
    sql: "CREATE TABLE half (id INTEGER); CREATE TABLE nonsense (;",
};

async fn open_at(path: &Path, migrations: &[Migration]) -> Result<Pool, DatabaseError> {
    open(path, Durability::Full, 2, migrations).await
}

/// SQLite ends a transaction itself when its commit finds the disk full; the roll-back that sqlx sends then fails,
/// and sqlx goes on believing that the connection is inside of a transaction.
#[tokio::test]
async fn a_connection_that_lost_its_transaction_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("a.sqlite3");
    let pool = open(&path, Durability::Full, 1, &[FIRST]).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
    drop(tx);
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("INSERT INTO user VALUES ('anna')")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn makes_a_private_file_and_brings_it_up_to_date_step_by_step() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("db/auth.sqlite3");
    let pool = open_at(&path, &[FIRST]).await.unwrap();
    sqlx::query("INSERT INTO user (id) VALUES ('anna')")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let pool = open_at(&path, &[FIRST, SECOND]).await.unwrap();
    let id: String = sqlx::query_scalar("SELECT id FROM user WHERE name IS NULL")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(id, "anna");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    for (pragma, expected) in [
        ("PRAGMA synchronous", 2_i64),
        ("PRAGMA foreign_keys", 1),
        ("PRAGMA user_version", 2),
    ] {
        let value: i64 = sqlx::query_scalar(pragma).fetch_one(&pool).await.unwrap();
        assert_eq!(value, expected, "{pragma}");
    }
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(journal, "wal");
    assert!(matches!(
        open_at(&path, &[FIRST]).await,
        Err(DatabaseError::TooNew {
            found: 2,
            known: 1,
            ..
        })
    ));
}

#[tokio::test]
async fn a_failed_step_leaves_nothing_of_itself() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("auth.sqlite3");
    assert!(matches!(
        open_at(&path, &[FIRST, BROKEN]).await,
        Err(DatabaseError::Other { .. })
    ));
    let pool = open_at(&path, &[FIRST, SECOND]).await.unwrap();
    let half: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'half'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(half, 0);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_untouched() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("auth.sqlite3");
    std::fs::write(
        &path,
        "a letter, not a database, and long enough to have a header of 100 bytes".repeat(4),
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = open_at(&path, &[FIRST]).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("auth.sqlite3"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_page_is_found_at_open() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("auth.sqlite3");
    let pool = open_at(&path, &[FIRST]).await.unwrap();
    for number in 0..500 {
        sqlx::query("INSERT INTO user (id) VALUES (?)")
            .bind(format!("user-{number:040}"))
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(&path, &bytes).unwrap();
    let error = open_at(&path, &[FIRST]).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Corrupt { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

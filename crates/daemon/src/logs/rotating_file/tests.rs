//! Rotation, clearing, reopening, and directories that come and go.

use super::*;

fn log(dir: &Path, maxbytes: u64, backups: u32) -> RotatingFile {
    RotatingFile::new(dir.join("x.log"), maxbytes, backups)
}

fn read(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap_or_else(|_| "<none>".into())
}

#[test]
fn the_newest_backup_is_number_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = log(dir.path(), 4, 2);
    for text in ["aaaa", "bbbb", "cccc", "dd"] {
        assert_eq!(file.write(text.as_bytes()), None);
    }
    let names = ["x.log", "x.log.1", "x.log.2", "x.log.3"];
    assert_eq!(
        names.map(|name| read(dir.path(), name)),
        ["dd", "cccc", "bbbb", "<none>"]
    );
}

#[test]
fn the_check_comes_after_the_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = log(dir.path(), 4, 1);
    file.write(b"abc");
    assert_eq!(read(dir.path(), "x.log.1"), "<none>");
    file.write(b"defgh");
    assert_eq!(read(dir.path(), "x.log.1"), "abcdefgh");
    assert_eq!(read(dir.path(), "x.log"), "");
}

#[test]
fn no_backups_truncates_and_no_limit_grows() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = log(dir.path(), 4, 0);
    file.write(b"abcd");
    assert_eq!(read(dir.path(), "x.log"), "");
    file.write(b"e");
    assert_eq!(read(dir.path(), "x.log"), "e");

    let mut file = RotatingFile::new(dir.path().join("y.log"), 0, 3);
    file.write(&[b'x'; 10_000]);
    assert_eq!(read(dir.path(), "y.log").len(), 10_000);
    assert_eq!(read(dir.path(), "y.log.1"), "<none>");
}

#[test]
fn an_old_file_is_appended_to_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("x.log"), "old").unwrap();
    let mut file = log(dir.path(), 5, 1);
    file.write(b"new");
    assert_eq!(read(dir.path(), "x.log.1"), "oldnew");
}

#[test]
fn a_vanished_directory_loses_lines_and_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("logs");
    std::fs::create_dir(&inner).unwrap();
    let mut file = log(&inner, 0, 0);
    assert_eq!(file.write(b"one\n"), None);
    std::fs::remove_dir_all(&inner).unwrap();
    assert!(matches!(file.write(b"two\n"), Some(Notice::Losing(_))));
    assert_eq!(file.write(b"three\n"), None);
    std::fs::create_dir(&inner).unwrap();
    assert!(matches!(file.write(b"four\n"), Some(Notice::Resumed(_))));
    assert_eq!(read(&inner, "x.log"), "four\n");
}

#[test]
fn a_removed_file_is_made_anew_without_loss() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = log(dir.path(), 0, 0);
    file.write(b"one\n");
    std::fs::remove_file(dir.path().join("x.log")).unwrap();
    assert_eq!(file.write(b"two\n"), None);
    assert_eq!(read(dir.path(), "x.log"), "two\n");
}

#[test]
fn clear_and_reopen_touch_open_files_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = log(dir.path(), 0, 0);
    std::fs::write(dir.path().join("x.log"), "old").unwrap();
    file.clear().unwrap();
    file.reopen().unwrap();
    assert_eq!(read(dir.path(), "x.log"), "old");

    file.write(b"+");
    std::fs::rename(dir.path().join("x.log"), dir.path().join("moved")).unwrap();
    file.write(b"still to the moved one");
    file.reopen().unwrap();
    file.write(b"new");
    assert_eq!(read(dir.path(), "moved"), "old+still to the moved one");
    assert_eq!(read(dir.path(), "x.log"), "new");
    file.clear().unwrap();
    assert_eq!(read(dir.path(), "x.log"), "");
}

#[test]
fn a_full_disk_is_told_once_and_nothing_breaks() {
    // /dev/full gives ENOSPC to every write
    let mut file = RotatingFile::new("/dev/full".into(), 0, 0);
    assert!(matches!(file.write(b"x"), Some(Notice::Losing(text)) if text.contains("No space left")));
    assert_eq!(file.write(b"x"), None);
}

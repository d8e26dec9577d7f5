//! File systems, disks, wear, and what is written to them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::read::files::Tree;
use crate::read::memory::share;
use crate::read::mounts::{self, Mount};
use crate::read::wear::{self, Disk};

/// Where the board keeps its data.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Storage {
    /// Mounted file systems that hold data.
    pub(crate) mounts: Vec<MountView>,
    /// The root file system may not be written: on a card, a sign that it is dying. Not raised where the root is meant
    /// to be so (an overlay, a live system).
    pub(crate) root_read_only: bool,
    /// Physical disks and their wear.
    pub(crate) disks: Vec<Disk>,
    /// Bytes written, by disk and day, of the last 30 days that are known.
    pub(crate) written: Vec<WrittenDay>,
}

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct MountView {
    /// Where.
    #[schema(example = "/")]
    pub(crate) point: String,
    /// What.
    #[schema(example = "/dev/mmcblk0p2")]
    pub(crate) source: String,
    /// Kind of file system.
    #[schema(example = "ext4")]
    pub(crate) kind: String,
    /// May not be written.
    pub(crate) read_only: bool,
    /// On another machine, or offered by a program: its size is not asked for, as that could hang.
    pub(crate) is_remote: bool,
    /// Size, bytes.
    pub(crate) total: Option<u64>,
    /// What may still be written without being root, bytes.
    pub(crate) available: Option<u64>,
    /// In use, per cent of what may be written without being root.
    pub(crate) used_percent: Option<f64>,
    /// Files that it may hold; `null` where the file system sets no number.
    pub(crate) inodes: Option<u64>,
    /// Files that it may still take.
    pub(crate) inodes_free: Option<u64>,
}

/// What was written to a disk on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct WrittenDay {
    /// The disk.
    #[schema(example = "mmcblk0")]
    pub(crate) disk: String,
    /// The day, UTC.
    #[schema(example = "2026-11-23")]
    pub(crate) day: String,
    /// Bytes.
    #[schema(example = 1_500_000_000)]
    pub(crate) bytes: u64,
}

/// Everything but the history of writing.
pub(crate) fn read(tree: &Tree, written: Vec<WrittenDay>) -> Storage {
    let text = tree.text("proc/self/mountinfo").unwrap_or_default();
    let mounts = mounts::mountinfo(&text);
    let root_read_only = mounts
        .iter()
        .any(|mount| mount.point == "/" && mount.read_only && is_meant_to_be_written(mount));
    Storage {
        root_read_only,
        mounts: mounts
            .iter()
            .filter(|mount| mount.is_data())
            .map(|mount| view(tree, mount))
            .collect(),
        disks: wear::disks(tree),
        written,
    }
}

/// Read-only by nature: images of live systems.
fn is_meant_to_be_written(mount: &Mount) -> bool {
    !matches!(&*mount.kind, "squashfs" | "erofs" | "iso9660" | "overlay")
}

fn view(tree: &Tree, mount: &Mount) -> MountView {
    let is_remote = mount.is_remote();
    let stat = (!is_remote)
        .then(|| rustix::fs::statvfs(tree.path(&mount.point)).ok())
        .flatten();
    let bytes = |blocks: u64, size: u64| blocks.saturating_mul(size);
    let total = stat.as_ref().map(|stat| bytes(stat.f_blocks, stat.f_frsize));
    let available = stat.as_ref().map(|stat| bytes(stat.f_bavail, stat.f_frsize));
    MountView {
        point: mount.point.clone(),
        source: mount.source.clone(),
        kind: mount.kind.clone(),
        read_only: mount.read_only,
        is_remote,
        total,
        available,
        used_percent: total
            .zip(available)
            .and_then(|(total, available)| share(total.saturating_sub(available), total)),
        inodes: stat.as_ref().map(|stat| stat.f_files).filter(|files| *files > 0),
        inodes_free: stat
            .as_ref()
            .filter(|stat| stat.f_files > 0)
            .map(|stat| stat.f_favail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(mountinfo: &str) -> (tempfile::TempDir, Tree) {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        std::fs::create_dir_all(tree.path("proc/self")).unwrap();
        std::fs::write(tree.path("proc/self/mountinfo"), mountinfo).unwrap();
        (root, tree)
    }

    #[test]
    fn a_root_that_turned_read_only_is_an_alarm() {
        let (_root, dying) = tree(
            "22 1 179:2 / / rw,noatime - ext4 /dev/mmcblk0p2 ro,errors=remount-ro\n\
             30 22 0:5 / /proc rw - proc proc rw\n\
             31 22 0:9 / /mnt/nas rw - nfs4 nas:/x rw\n",
        );
        let storage = read(&dying, Vec::new());
        assert!(storage.root_read_only);
        let points: Vec<_> = storage.mounts.iter().map(|mount| &*mount.point).collect();
        assert_eq!(points, ["/", "/mnt/nas"]);
        assert!(storage.mounts[0].total.is_some_and(|total| total > 0));
        assert!(storage.mounts[1].is_remote && storage.mounts[1].total.is_none());

        let (_root, live) = tree("22 1 7:0 / / ro - squashfs /dev/loop0 ro\n");
        assert!(!read(&live, Vec::new()).root_read_only);
        let nothing = read(&Tree::new("/nowhere"), Vec::new());
        assert!(nothing.mounts.is_empty() && nothing.disks.is_empty() && !nothing.root_read_only);
    }
}

//! Mounted file systems: `/proc/self/mountinfo` (proc(5)).

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Major and minor number of the device, as text.
    pub(crate) device: String,
    /// Where it is mounted.
    pub(crate) point: String,
    /// `ext4`, `vfat`, ...
    pub(crate) kind: String,
    /// What is mounted: `/dev/mmcblk0p2`, `server:/export`.
    pub(crate) source: String,
    /// Mounted, or the file system itself is, read-only.
    pub(crate) read_only: bool,
}

/// Kinds that hold no data of anyone: the kernel's own trees.
const KERNELS: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tracefs",
    "nfsd",
];

/// Kinds whose server may be gone: asking for their size may then hang.
const REMOTE: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "9p",
    "ceph",
    "glusterfs",
    "afs",
    "ncpfs",
    "davfs",
];

impl Mount {
    /// Holds data of programs or people.
    pub(crate) fn is_data(&self) -> bool {
        !KERNELS.contains(&&*self.kind)
    }

    /// Lies on another machine, or in a program.
    pub(crate) fn is_remote(&self) -> bool {
        REMOTE.contains(&&*self.kind) || self.kind.starts_with("fuse.")
    }
}

/// Reads `/proc/self/mountinfo`; a later mount hides an earlier one at the same place.
pub(crate) fn mountinfo(text: &str) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    for mount in text.lines().filter_map(line) {
        mounts.retain(|earlier| earlier.point != mount.point);
        mounts.push(mount);
    }
    mounts
}

/// `36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/root rw,errors=continue`
fn line(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ');
    let device = before.nth(2)?.to_owned();
    let point = unescape(before.nth(1)?);
    let options = before.next()?;
    let mut after = after.split(' ');
    let kind = after.next().filter(|kind| !kind.is_empty())?.to_owned();
    let source = unescape(after.next()?);
    let read_only = |options: &str| options.split(',').any(|option| option == "ro");
    Some(Mount {
        device,
        point,
        kind,
        source,
        read_only: read_only(options) || after.next().is_some_and(read_only),
    })
}

/// Space, tab, newline and backslash stand there as `\040` and so on.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'\\')
            .then(|| std::str::from_utf8(tail.get(..3)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(code) = code {
            bytes.push(code);
            rest = tail.get(3..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_with_spaces_and_hidden_ones() {
        let text = "22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 ro,errors=remount-ro\n\
                    30 22 0:5 / /proc rw - proc proc rw\n\
                    31 22 8:1 / /media/usb\\040stick rw - vfat /dev/sda1 rw\n\
                    32 22 0:40 / /media/usb\\040stick rw - nfs4 server:/x rw\n\
                    nonsense\n";
        let mounts = mountinfo(text);
        assert_eq!(mounts.len(), 3);
        assert!(mounts[0].read_only && mounts[0].is_data() && !mounts[0].is_remote());
        assert!(!mounts[1].is_data());
        assert_eq!(mounts[2].point, "/media/usb stick");
        assert!(mounts[2].is_remote() && !mounts[2].read_only);
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        assert_eq!(unescape("a\\04"), "a\\04");
        assert_eq!(unescape("a\\999b\\134"), "a\\999b\\");
    }
}

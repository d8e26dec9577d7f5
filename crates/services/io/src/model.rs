//! Which board this is, as its device tree says.

use std::fs;
use std::path::Path;

/// The model's name.
pub(crate) fn model(sysroot: &Path) -> Option<String> {
    let text = fs::read(sysroot.join("proc/device-tree/model")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_end_matches('\0').trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The revision code: from the firmware's node of the device tree, else as `/proc/cpuinfo` says it.
pub(crate) fn revision(sysroot: &Path) -> Option<String> {
    let node = fs::read(sysroot.join("proc/device-tree/system/linux,revision")).ok();
    if let Some(bytes) = node.and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()) {
        return Some(format!("{:x}", u32::from_be_bytes(bytes)));
    }
    let text = fs::read_to_string(sysroot.join("proc/cpuinfo")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("Revision")?.split_once(':'))
        .map(|(_, code)| code.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pi_says_what_it_is_and_a_pc_says_nothing() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!((model(root.path()), revision(root.path())), (None, None));
        let tree = root.path().join("proc/device-tree/system");
        fs::create_dir_all(&tree).unwrap();
        fs::write(
            root.path().join("proc/device-tree/model"),
            "Raspberry Pi 5 Model B Rev 1.0\0",
        )
        .unwrap();
        fs::write(
            root.path().join("proc/cpuinfo"),
            "processor\t: 0\nRevision\t: a02082\n",
        )
        .unwrap();
        assert_eq!(model(root.path()).unwrap(), "Raspberry Pi 5 Model B Rev 1.0");
        assert_eq!(revision(root.path()).unwrap(), "a02082");
        fs::write(tree.join("linux,revision"), [0x00, 0xc0, 0x41, 0x70]).unwrap();
        assert_eq!(revision(root.path()).unwrap(), "c04170");
    }
}

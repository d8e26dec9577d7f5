//! Disks and how worn they are. eMMC chips say (JEDEC eMMC 5.0, the kernel's mmc-dev-attrs.rst); SD cards do not.

use serde::Serialize;
use utoipa::ToSchema;

use super::files::Tree;

/// A disk as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Disk {
    /// The kernel's name for it.
    #[schema(example = "mmcblk0")]
    pub(crate) name: String,
    /// The maker's name for it.
    #[schema(example = "SC32G")]
    pub(crate) model: Option<String>,
    /// `sd`, `emmc` or `disk`.
    #[schema(example = "sd")]
    pub(crate) kind: &'static str,
    /// Size in bytes.
    pub(crate) bytes: Option<u64>,
    /// Wear, where the chip tells of it.
    pub(crate) wear: Option<Wear>,
}

/// What an eMMC chip says of its wear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Wear {
    /// Used up of what it is made for, per cent, the worse of its two kinds of memory: 0, 10, ... 100; 110 means
    /// beyond it.
    #[schema(example = 10)]
    pub(crate) used_percent: Option<u8>,
    /// `normal`, `warning` (80 % of the spare blocks used) or `urgent` (90 %).
    #[schema(example = "normal")]
    pub(crate) spare: Option<&'static str>,
}

/// The physical disks of the board: those that hang on a device.
pub(crate) fn disks(tree: &Tree) -> Vec<Disk> {
    let disk = |name: &String| {
        let folder = format!("sys/block/{name}");
        if !is_physical(tree, name) {
            return None;
        }
        let line = |file: &str| tree.line(&format!("{folder}/device/{file}"));
        let kind = match line("type").as_deref() {
            Some("SD") => "sd",
            Some("MMC") => "emmc",
            _ => "disk",
        };
        Some(Disk {
            model: line("name").or_else(|| line("model")),
            kind,
            bytes: tree
                .number::<u64>(&format!("{folder}/size"))
                .and_then(|sectors| sectors.checked_mul(512)),
            wear: wear(line("life_time").as_deref(), line("pre_eol_info").as_deref()),
            name: name.clone(),
        })
    };
    tree.names("sys/block").iter().filter_map(disk).collect()
}

/// A disk of its own: no loop, RAM or mapped one, and no boot area of an eMMC chip.
pub(crate) fn is_physical(tree: &Tree, name: &str) -> bool {
    let is_part_of_chip = name.starts_with("mmcblk") && name.contains("boot");
    !is_part_of_chip && !name.contains('/') && tree.has(&format!("sys/block/{name}/device"))
}

/// `life_time` is two numbers, steps of 10 % for each kind of memory; 0x0B is beyond.
fn wear(life_time: Option<&str>, pre_eol: Option<&str>) -> Option<Wear> {
    let number = |text: &str| u8::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let steps = life_time.and_then(|text| {
        text.split_ascii_whitespace()
            .filter_map(number)
            .filter(|step| (1..=11).contains(step))
            .max()
    });
    let used_percent = steps.map(|step| if step == 11 { 110 } else { (step - 1) * 10 });
    let spare = match pre_eol.and_then(number) {
        Some(1) => Some("normal"),
        Some(2) => Some("warning"),
        Some(3) => Some("urgent"),
        _ => None,
    };
    (used_percent.is_some() || spare.is_some()).then_some(Wear { used_percent, spare })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wear_in_words() {
        assert_eq!(
            wear(Some("0x02 0x01"), Some("0x01")),
            Some(Wear {
                used_percent: Some(10),
                spare: Some("normal")
            })
        );
        assert_eq!(wear(Some("0x01 0x0b"), None).unwrap().used_percent, Some(110));
        assert_eq!(wear(None, Some("0x03")).unwrap().spare, Some("urgent"));
        assert_eq!(
            (wear(None, None), wear(Some("0x00 0x00"), Some("0x00"))),
            (None, None)
        );
        assert_eq!(wear(Some("broken"), Some("")), None);
    }

    #[test]
    fn a_card_an_emmc_and_what_is_no_disk() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::new(root.path());
        for (path, text) in [
            ("sys/block/mmcblk0/device/type", "SD\n"),
            ("sys/block/mmcblk0/device/name", "SC32G\n"),
            ("sys/block/mmcblk0/size", "62333952\n"),
            ("sys/block/mmcblk1/device/type", "MMC\n"),
            ("sys/block/mmcblk1/device/life_time", "0x01 0x02\n"),
            ("sys/block/mmcblk1boot0/device/type", "MMC\n"),
            ("sys/block/loop0/size", "8\n"),
        ] {
            let path = tree.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let disks = disks(&tree);
        let kinds: Vec<_> = disks.iter().map(|disk| (&*disk.name, disk.kind)).collect();
        assert_eq!(kinds, [("mmcblk0", "sd"), ("mmcblk1", "emmc")]);
        assert_eq!(disks[0].bytes, Some(31_914_983_424));
        assert_eq!((disks[0].wear.as_ref(), disks[1].wear.is_some()), (None, true));
    }
}

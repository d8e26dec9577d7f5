//! The licences of everything that is compiled into the program, as their texts ask for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::run;

/// Beginnings of the names of files that are licences.
const NAMES: [&str; 6] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];

/// One text: each package with its licence, then each licence text once with the packages it belongs to.
pub(super) fn text(triple: &str) -> Result<String> {
    let metadata = MetadataCommand::new()
        .manifest_path(run::root().join("Cargo.toml"))
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            triple.to_owned(),
        ])
        .exec()
        .context("cargo metadata")?;
    let mut packages = shipped(&metadata)?;
    packages.sort_by_key(|package| (package.name.to_string(), package.version.clone()));
    let mut text = "What is compiled into pistack, and under which licences.\n\n".to_owned();
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in &packages {
        let name = format!("{} {}", package.name, package.version);
        let licence = package.license.as_deref().unwrap_or("see its text below");
        writeln!(text, "{name}: {licence}")?;
        let folder = package
            .manifest_path
            .parent()
            .context("a manifest has a folder")?;
        for found in files(folder.as_std_path()) {
            texts.entry(found).or_default().insert(name.clone());
        }
    }
    for (licence, names) in texts {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        write!(text, "\n{}\n{names}\n\n{}\n", "-".repeat(78), licence.trim_end())?;
    }
    Ok(text)
}

/// The foreign packages that the program is linked from.
fn shipped(metadata: &Metadata) -> Result<Vec<&Package>> {
    let resolve = metadata.resolve.as_ref().context("cargo resolved nothing")?;
    let nodes: HashMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let start = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "pistack")
        .context("there is a package pistack")?;
    let mut open = vec![&start.id];
    let mut seen: BTreeSet<&PackageId> = open.iter().copied().collect();
    while let Some(id) = open.pop() {
        for dependency in &nodes[id].deps {
            let linked = dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal);
            if linked && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    Ok(metadata
        .packages
        .iter()
        .filter(|package| seen.contains(&package.id) && package.source.is_some())
        .collect())
}

/// The licence texts of a package, and of the foreign sources that it carries one folder further down.
fn files(folder: &Path) -> Vec<String> {
    let mut folders = vec![folder.to_owned()];
    folders.extend(
        entries(folder)
            .into_iter()
            .map(|name| folder.join(name))
            .filter(|path| path.is_dir()),
    );
    let mut found = Vec::new();
    for folder in folders {
        for name in entries(&folder) {
            let upper = name.to_uppercase();
            if !NAMES.iter().any(|known| upper.starts_with(known)) {
                continue;
            }
            if let Ok(text) = fs::read_to_string(folder.join(&name)) {
                found.push(text);
            }
        }
    }
    found
}

/// Names in a folder, in order.
fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn names_what_is_linked_and_nothing_of_the_workspace() {
        let text = text("aarch64-unknown-linux-gnu").unwrap();
        assert!(text.contains("\ntokio 1."), "a dependency is missing");
        assert!(text.contains("\nring 0."), "a C dependency is missing");
        assert!(
            text.contains("Permission is hereby granted"),
            "no licence text was found"
        );
        assert!(
            !text.contains("\npistack-kit "),
            "the workspace's own crate is listed"
        );
        assert!(!text.contains("\ncc 1."), "a build dependency is listed");
    }
}

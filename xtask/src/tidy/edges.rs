//! Which crate may use which: compared with what `cargo metadata` says.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// The dependency rule of ARCHITECTURE.md, crate by crate.
const ALLOWED: [(&str, &[&str]); 15] = [
    ("pistack-engine", &[]),
    ("pistack-api", &[]),
    ("pistack-kit", &["pistack-api"]),
    (
        "pistack-daemon",
        &["pistack-engine", "pistack-api", "pistack-kit"],
    ),
    ("pistack-gateway", &["pistack-api", "pistack-kit"]),
    ("pistack-rules", &["pistack-api", "pistack-kit"]),
    ("pistack-supervisor", &["pistack-api", "pistack-kit"]),
    ("pistack-auth", &["pistack-api", "pistack-kit"]),
    ("pistack-email", &["pistack-api", "pistack-kit"]),
    ("pistack-info", &["pistack-api", "pistack-kit"]),
    ("pistack-io", &["pistack-api", "pistack-kit"]),
    ("pistack-control", &["pistack-api", "pistack-kit"]),
    (
        "pistack",
        &[
            "pistack-engine",
            "pistack-api",
            "pistack-kit",
            "pistack-daemon",
            "pistack-gateway",
            "pistack-rules",
            "pistack-supervisor",
            "pistack-auth",
            "pistack-email",
            "pistack-info",
            "pistack-io",
            "pistack-control",
        ],
    ),
    ("pistack-e2e", &["pistack-api"]),
    ("xtask", &[]),
];

/// What the engine must not be able to reach, however deep: runtimes, clocks, system calls.
const IMPURE: [&str; 8] = [
    "tokio",
    "mio",
    "libc",
    "rustix",
    "nix",
    "time",
    "chrono",
    "getrandom",
];

/// Names that say nothing about what is inside.
const VAGUE: [&str; 6] = ["common", "utils", "util", "core", "types", "helpers"];

/// Adds a line per forbidden edge.
pub(crate) fn check(breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let metadata = MetadataCommand::new()
        .other_options(["--locked".to_owned()])
        .exec()?;
    let members: BTreeSet<&str> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let table: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    for package in metadata.workspace_packages() {
        let Some(allowed) = table.get(package.name.as_str()) else {
            breaches.push(format!(
                "{}: a crate that the table in xtask/src/tidy/edges.rs lacks",
                package.name
            ));
            continue;
        };
        if VAGUE
            .iter()
            .any(|vague| package.name.as_str().trim_start_matches("pistack-") == *vague)
        {
            breaches.push(format!(
                "{}: the name says nothing about what is inside",
                package.name
            ));
        }
        let used = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal);
        for dependency in used.filter(|dependency| members.contains(dependency.name.as_str())) {
            if !allowed.contains(&dependency.name.as_str()) {
                breaches.push(format!(
                    "{} uses {}, which it must not know",
                    package.name, dependency.name
                ));
            }
        }
    }
    engine_is_pure(&metadata, breaches)
}

fn engine_is_pure(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let resolve = metadata
        .resolve
        .as_ref()
        .context("cargo metadata gives no dependency graph")?;
    let edges: BTreeMap<&PackageId, Vec<&PackageId>> = resolve
        .nodes
        .iter()
        .map(|node| {
            let normal = node.deps.iter().filter(|dependency| {
                dependency
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind == DependencyKind::Normal)
            });
            (&node.id, normal.map(|dependency| &dependency.pkg).collect())
        })
        .collect();
    let engine = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "pistack-engine")
        .context("there is no pistack-engine")?;
    let (mut seen, mut queue) = (BTreeSet::new(), vec![&engine.id]);
    while let Some(id) = queue.pop() {
        if seen.insert(id) {
            queue.extend(edges.get(id).into_iter().flatten());
        }
    }
    for package in metadata
        .packages
        .iter()
        .filter(|package| seen.contains(&package.id))
    {
        if IMPURE.contains(&package.name.as_str()) {
            breaches.push(format!(
                "pistack-engine reaches {}: the engine does no I/O and knows no clock",
                package.name
            ));
        }
    }
    Ok(())
}

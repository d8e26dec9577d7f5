//! `pistack import`: what another system left.

use pistack_auth::ImportReport;
use pistack_kit::clock::Clock;
use serde_json::json;

use crate::cli::{ImportCommand, Place};
use crate::commands::peer::block_on;
use crate::config::load::load_file;
use crate::exit::{Code, Failure};
use crate::{output, state};

/// Imports users. Exit status 0 when every entry of the file is an account now.
pub(crate) fn import(place: &Place, command: &ImportCommand) -> Result<Code, Failure> {
    let ImportCommand::Users { file, dry_run, json } = command;
    let paths = state::paths(place)?;
    let config = load_file(place.config.as_deref())?.auth;
    let clock = Clock::kept(&paths.clock_record());
    let report = block_on(async {
        pistack_auth::import_users(&paths, &config, &clock, file, *dry_run)
            .await
            .map_err(|error| Failure::new(error.to_string()))
    })?;
    if *json {
        output::json(&as_json(&report, *dry_run));
    } else {
        tell(&report, *dry_run);
    }
    if report.skipped.is_empty() {
        Ok(Code::Ok)
    } else {
        Ok(Code::Failed)
    }
}

fn as_json(report: &ImportReport, dry_run: bool) -> serde_json::Value {
    json!({
        "schema_version": 1,
        "dry_run": dry_run,
        "imported": report.imported,
        "unchanged": report.unchanged,
        "renamed": report.renamed,
        "without_password": report.without_password,
        "must_change": report.must_change,
        "skipped": report.skipped,
    })
}

fn tell(report: &ImportReport, dry_run: bool) {
    let verb = if dry_run { "would be imported" } else { "imported" };
    println!(
        "{} {verb}, {} there already.",
        report.imported.len(),
        report.unchanged.len()
    );
    for (old, new) in &report.renamed {
        println!("  {old} is called {new} here: names differ in more than case.");
    }
    for name in &report.must_change {
        println!(
            "  {name} still has the password that everybody knows: it has to be changed at the first login."
        );
    }
    for (name, why) in &report.without_password {
        println!("  {name} needs a new password: {why}. `pistack user passwd {name}` sets one.");
    }
    for (name, why) in &report.skipped {
        println!("  {name} was left out: {why}.");
    }
}

//! `pistack io safe`: outputs at safe levels while nobody drives them. Run by the supervisor whenever io_service has
//! ended, and by a person who wants the same.

use pistack_io::safe::{Ended, Held, Plan, hold, plan_path};
use pistack_kit::clock::Clock;
use pistack_kit::paths::StatePaths;

use crate::cli::{IoCommand, Place};
use crate::config::load::load_file;
use crate::exit::{Code, Failure};
use crate::serve::{become_owner_of_run, configured};
use crate::state;

/// `pistack io ...`.
pub(crate) fn io(place: &Place, command: IoCommand) -> Result<Code, Failure> {
    match command {
        IoCommand::Safe => safe(place),
    }
}

/// Every step between the crash and the levels costs time in which a heater heats: so the plan that the service left is
/// used, and the configuration is read only where there is none.
fn safe(place: &Place) -> Result<Code, Failure> {
    let paths = state::paths(place)?;
    let plan = plan(place, &paths)?;
    if plan.outputs.is_empty() {
        // After an orderly stop, with a simulated chip, or without any output.
        return Ok(Code::Ok);
    }
    become_owner_of_run(&paths).map_err(|error| Failure::new(error.to_string()))?;
    let held = hold(&plan, &paths, &Clock::system()).map_err(|error| Failure::new(error.to_string()))?;
    tell(&held);
    let all = held.failed.is_empty();
    if held.safe.is_empty() {
        return Ok(Code::Failed);
    }
    match held.wait(std::io::stdin()) {
        Ended::TakenOver => eprintln!("pistack io safe: io_service takes over"),
        Ended::Alone => {}
    }
    Ok(if all { Code::Ok } else { Code::Failed })
}

fn plan(place: &Place, paths: &StatePaths) -> Result<Plan, Failure> {
    match Plan::read(&plan_path(paths)) {
        Ok(Some(plan)) => return Ok(plan),
        Ok(None) => {}
        Err(error) => eprintln!("pistack io safe: {error}; the configuration is used instead"),
    }
    let file = load_file(configured(place).as_deref())?;
    Ok(Plan::of_config(&file.io, &file.line))
}

fn tell(held: &Held) {
    let took = held.took.as_secs_f64() * 1000.0;
    if !held.safe.is_empty() {
        eprintln!(
            "pistack io safe: at their safe levels after {took:.1} ms: {}",
            held.safe.join(", ")
        );
    }
    for (name, reason) in &held.failed {
        eprintln!("pistack io safe: {name} is NOT at its safe level: {reason}");
    }
}

//! `pistack config`, and the documents that the developers' tools keep.

use indexmap::IndexMap;
use pistack_api::service::Service;

use crate::cli::Place;
use crate::config::{self, file::File};
use crate::exit::{Code, Failure};
use crate::state;

/// Reads the configuration as `up` would; prints warnings, or every error.
pub(crate) fn config_check(place: &Place) -> Result<Code, Failure> {
    let loaded = config::load(place.config.as_deref(), &state::paths(place)?, &IndexMap::new())?;
    for warning in &loaded.model.warnings {
        println!(
            "warning: {}:{}: {}",
            warning.origin.file.display(),
            warning.origin.line,
            warning.message
        );
    }
    config::check_start(place.config.as_deref(), &state::paths(place)?)?;
    let programs: usize = loaded
        .model
        .groups
        .values()
        .map(|group| group.processes.len())
        .sum();
    let from = if loaded.files.is_empty() {
        "built-in defaults".to_owned()
    } else {
        loaded.files.join(", ")
    };
    println!(
        "{from}: no errors; {programs} programs in {} groups",
        loaded.model.groups.len()
    );
    Ok(Code::Ok)
}

/// Prints the JSON Schema of `pistack.toml`.
pub(crate) fn config_schema() -> Result<Code, Failure> {
    let schema =
        serde_json::to_value(schemars::schema_for!(File)).map_err(|error| Failure::new(error.to_string()))?;
    crate::output::json(&schema);
    Ok(Code::Ok)
}

/// Prints which files are read.
pub(crate) fn config_path(place: &Place) -> Result<Code, Failure> {
    let found = config::find::find(place.config.as_deref())?;
    let files: Vec<&str> = found
        .ini
        .iter()
        .chain(&found.tables)
        .map(|source| source.name.as_str())
        .collect();
    if files.is_empty() {
        println!("built-in defaults (no pistack.toml in the working directory or in /etc/pistack)");
    }
    for file in files {
        println!("{file}");
    }
    Ok(Code::Ok)
}

/// Prints a service's OpenAPI document.
pub(crate) fn openapi(name: &str) -> Result<Code, Failure> {
    let service: Service = name
        .parse()
        .map_err(|error: pistack_api::service::UnknownService| Failure::new(error.to_string()))?;
    let spec = match service {
        Service::Auth => pistack_auth::spec(),
        Service::Supervisor => pistack_supervisor::spec(),
        Service::Info => pistack_info::spec(),
        Service::Io => pistack_io::spec(),
        Service::Email => pistack_email::spec(),
        Service::Rules => pistack_rules::spec(),
        Service::Control => return Err(Failure::new("the dashboard has pages, no API of its own")),
    };
    let document = serde_json::to_value(spec).map_err(|error| Failure::new(error.to_string()))?;
    crate::output::json(&document);
    Ok(Code::Ok)
}

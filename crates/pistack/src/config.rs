//! The configuration as a whole: which files, both front ends, the environment, one result.

pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod find;
pub(crate) mod load;
mod start;

pub(crate) use find::find;
pub(crate) use load::{Loaded, load};
use pistack_kit::config::ConfigErrors;
pub(crate) use start::check_start;

/// All errors as one text, for a log and for the callers of a reload.
pub(crate) fn in_one_line(errors: &ConfigErrors) -> String {
    let lines = errors
        .0
        .iter()
        .map(|error| format!("{}:{}: {}", error.file, error.line, error.message));
    lines.collect::<Vec<_>>().join("; ")
}
